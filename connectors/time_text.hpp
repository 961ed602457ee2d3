// Times and durations as text: RFC 3339 for the one, `1h30m` as in rule files for the other. Both ways, with
// every range checked; neither allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin::connectors {

/// `2026-01-31T12:00:00.25+01:00` → ns since the epoch. `t` or a space may stand for `T`, `z` for `Z`; a
/// time without an offset is taken as UTC. Fraction digits beyond the ninth are cut off. A leap second
/// (`:60`) counts as the second after it. Nothing where the text is no such time or lies outside of
/// 1677-09-21 … 2262-04-11.
std::optional<std::int64_t> parse_time(std::string_view text);

/// `1h30m`, `500us`, `-2d`: whole numbers with units of d h m s ms us ns, the largest first, each once.
/// Nothing where the text is no duration or beyond 64 bits of ns.
std::optional<std::int64_t> parse_duration(std::string_view text);

/// The longest that the functions below write.
inline constexpr std::size_t time_text_size = 40;
inline constexpr std::size_t duration_text_size = 48;

/// Writes RFC 3339 in UTC, with as many fraction digits as needed and none for whole seconds. Returns the
/// end.
char* write_time(char* to, std::int64_t ns);

/// Writes the largest units first and leaves zeros out: `1h30m`, `0s`, `-250ms`. Returns the end.
char* write_duration(char* to, std::int64_t ns);

}  // namespace tocsin::connectors
