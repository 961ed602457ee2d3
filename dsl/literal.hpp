// The values of literals and back: what tokens stand for, and how the printer writes them. Reading what was
// written gives the same value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::dsl {

/// A value, or what is wrong with the text at bytes [begin, end).
template <typename T>
struct Read {
  T value{};
  std::string problem;  // empty: none
  std::string hint;
  std::size_t begin = 0;
  std::size_t end = std::string_view::npos;
};

/// Digits with single `_` between them; `negative` negates, so that the least int64 can be written.
Read<std::int64_t> read_integer(std::string_view text, bool negative = false);
/// As 1_000.5e-3. A value beyond the range of a double is a problem.
Read<double> read_floating(std::string_view text, bool negative = false);
/// As 1h30m, in ns: units from large to small, each once.
Read<std::int64_t> read_duration(std::string_view text, bool negative = false);
/// As @2026-01-31 or @2026-01-31T12:00:00.5+02:00, in ns since the epoch.
Read<std::int64_t> read_time(std::string_view text);
/// The text between the quotes, with its escapes resolved.
Read<std::string> read_text(std::string_view quoted);

std::string write_floating(double value);
std::string write_duration(std::int64_t ns);
std::string write_time(std::int64_t ns);
std::string write_text(std::string_view text);

/// Where the first byte that is not UTF-8 stands.
std::optional<std::size_t> invalid_utf8(std::string_view text);

/// Bytes of the UTF-8 sequence at the start of `text`, or 0 where it is none.
std::size_t utf8_length(std::string_view text);

}  // namespace tocsin::dsl
