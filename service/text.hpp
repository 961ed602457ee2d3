// Numbers, durations and sentences for people, and what the terminal can show of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::service {

/// 1234567 → `1,234,567`.
std::string show_number(std::uint64_t number);

/// `1 event`, `2,000 events`; `plural` where an s is not enough.
std::string count_of(std::uint64_t number, std::string_view noun, std::string_view plural = {});

/// A duration, not negative, rounded up to a tenth of its largest unit: `3.2s`. parse_duration reads it.
std::string show_duration(std::int64_t nanoseconds);

/// True where stderr is a terminal that takes control sequences.
bool stderr_is_terminal();

/// True where what goes to stderr should have colour: a terminal, and NO_COLOR is not set (no-color.org).
bool stderr_has_color();

/// The same for stdout.
bool stdout_has_color();

/// Writes `tocsin: ` and the sentence to stderr.
void say(std::string_view sentence);

}  // namespace tocsin::service
