#include "bench/measure/assertion.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <stdexcept>

namespace tocsin::measure {
namespace {

/// Takes a number off the beginning of `text`; nothing where there is none. Underscores group its digits.
std::optional<double> take_number(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789._"), text.size());
  std::string digits(text.substr(0, end));
  std::erase(digits, '_');
  double value = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || rest != digits.data() + digits.size()) return std::nullopt;
  text.remove_prefix(end);
  return value;
}

}  // namespace

std::int64_t parse_duration(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  double unit = 0;
  if (rest == "ns") unit = 1;
  if (rest == "us" || rest == "µs") unit = 1e3;
  if (rest == "ms") unit = 1e6;
  if (rest == "s") unit = 1e9;
  if (rest == "m") unit = 60e9;
  if (!number || unit == 0)
    throw std::invalid_argument(fmt::format("'{}' is no duration; write 500ns, 20us, 1.5ms or 2s", text));
  const double ns = std::round(*number * unit);
  if (ns > 86'400e9) throw std::invalid_argument(fmt::format("'{}' is more than a day", text));
  return static_cast<std::int64_t>(ns);
}

double parse_rate(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  double unit = 0;
  if (rest.empty()) unit = 1;
  if (rest == "k" || rest == "K") unit = 1e3;
  if (rest == "M") unit = 1e6;
  if (!number || unit == 0)
    throw std::invalid_argument(
        fmt::format("'{}' is no rate; write events a second, such as 50_000, 250k or 1M", text));
  const double rate = *number * unit;
  if (rate < 1 || rate > 1e9)
    throw std::invalid_argument(fmt::format("the rate {} is not between 1 and 1000M events a second", text));
  return rate;
}

Assertion parse_assertion(std::string_view text) {
  const auto wrong = [&](const std::string& why) {
    return std::invalid_argument(fmt::format("'{}': {}; write for example p99<20us or max<1ms", text, why));
  };
  std::string squeezed(text);
  std::erase(squeezed, ' ');
  const std::string_view all = squeezed;
  const std::size_t sign = all.find('<');
  if (sign == std::string_view::npos) throw wrong("there is no '<'");
  Assertion assertion;
  assertion.text = std::string(text);
  std::string_view what = all.substr(0, sign);
  std::string_view limit = all.substr(sign + 1);
  if (what != "max") {
    if (!what.starts_with("p")) throw wrong(fmt::format("'{}' is no percentile", what));
    std::string_view rest = what.substr(1);
    const auto percent = take_number(rest);
    if (!percent || !rest.empty()) throw wrong(fmt::format("'{}' is no percentile", what));
    if (*percent <= 0 || *percent > 100) throw wrong("a percentile is above 0 and at most 100");
    assertion.percent = *percent;
  }
  if (limit.starts_with("=")) {
    assertion.or_equal = true;
    limit.remove_prefix(1);
  }
  try {
    assertion.limit_ns = static_cast<std::uint64_t>(parse_duration(limit));
  } catch (const std::invalid_argument&) {
    throw wrong(fmt::format("'{}' is no duration", limit));
  }
  return assertion;
}

}  // namespace tocsin::measure
