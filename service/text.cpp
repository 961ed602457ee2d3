#include "service/text.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

namespace tocsin::service {

std::string show_number(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t from_end = 3; from_end < digits.size(); from_end += 4) {
    digits.insert(digits.size() - from_end, ",");
  }
  return digits;
}

std::string count_of(std::uint64_t number, std::string_view noun, std::string_view plural) {
  if (number == 1) return fmt::format("1 {}", noun);
  if (!plural.empty()) return fmt::format("{} {}", show_number(number), plural);
  return fmt::format("{} {}s", show_number(number), noun);
}

std::string show_duration(std::int64_t nanoseconds) {
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 7> units{{
      {86'400'000'000'000, "d"},
      {3'600'000'000'000, "h"},
      {60'000'000'000, "m"},
      {1'000'000'000, "s"},
      {1'000'000, "ms"},
      {1'000, "us"},
      {1, "ns"},
  }};
  for (const auto& [unit, name] : units) {
    if (nanoseconds < unit) continue;
    const std::int64_t whole = nanoseconds / unit;
    const std::int64_t tenths = (nanoseconds % unit * 10 + unit - 1) / unit;
    if (tenths == 0) return fmt::format("{}{}", whole, name);
    if (tenths == 10) return fmt::format("{}{}", whole + 1, name);
    return fmt::format("{}.{}{}", whole, tenths, name);
  }
  return "0";
}

namespace {

bool is_terminal(int descriptor) {
  const char* term = std::getenv("TERM");
  return isatty(descriptor) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

bool has_color(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  return is_terminal(descriptor) && (no_color == nullptr || *no_color == '\0');
}

}  // namespace

bool stderr_is_terminal() {
  return is_terminal(STDERR_FILENO);
}

bool stderr_has_color() {
  return has_color(STDERR_FILENO);
}

bool stdout_has_color() {
  return has_color(STDOUT_FILENO);
}

void say(std::string_view sentence) {
  fmt::print(stderr, "tocsin: {}\n", sentence);
}

}  // namespace tocsin::service
