#include "connectors/time_text.hpp"

#include <chrono>
#include <cstring>
#include <fmt/compile.h>
#include <fmt/format.h>
#include <iterator>

namespace tocsin::connectors {

namespace {

constexpr std::int64_t ns_per_second = 1'000'000'000;
constexpr std::int64_t seconds_per_day = 86'400;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The text not yet read. Every take either succeeds or leaves the cursor of no further use.
struct Cursor {
  const char* at;
  const char* end;

  bool done() const { return at == end; }
  bool take(char wanted) {
    if (done() || *at != wanted) return false;
    ++at;
    return true;
  }
  bool take_digits(int count, int& value) {
    if (end - at < count) return false;
    value = 0;
    for (; count > 0; --count, ++at) {
      if (!is_digit(*at)) return false;
      value = 10 * value + (*at - '0');
    }
    return true;
  }
};

/// `.25` → 250,000,000. No point: 0.
bool take_fraction(Cursor& cursor, std::int64_t& ns) {
  ns = 0;
  if (!cursor.take('.')) return true;
  if (cursor.done() || !is_digit(*cursor.at)) return false;
  for (std::int64_t weight = ns_per_second / 10; !cursor.done() && is_digit(*cursor.at); ++cursor.at) {
    ns += weight * (*cursor.at - '0');
    weight /= 10;
  }
  return true;
}

/// `Z`, `+01:00` or nothing → seconds east of UTC.
bool take_offset(Cursor& cursor, std::int64_t& seconds) {
  seconds = 0;
  if (cursor.done()) return true;
  if (cursor.take('Z') || cursor.take('z')) return true;
  const bool west = cursor.take('-');
  if (!west && !cursor.take('+')) return false;
  int hours;
  int minutes;
  if (!cursor.take_digits(2, hours) || !cursor.take(':') || !cursor.take_digits(2, minutes)) return false;
  if (hours > 23 || minutes > 59) return false;
  seconds = (hours * 60 + minutes) * 60;
  if (west) seconds = -seconds;
  return true;
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
  Cursor cursor{text.data(), text.data() + text.size()};
  int year, month, day, hour, minute, second;
  if (!cursor.take_digits(4, year) || !cursor.take('-') || !cursor.take_digits(2, month) ||
      !cursor.take('-') || !cursor.take_digits(2, day)) {
    return std::nullopt;
  }
  if (!cursor.take('T') && !cursor.take('t') && !cursor.take(' ')) return std::nullopt;
  if (!cursor.take_digits(2, hour) || !cursor.take(':') || !cursor.take_digits(2, minute) ||
      !cursor.take(':') || !cursor.take_digits(2, second)) {
    return std::nullopt;
  }
  std::int64_t fraction;
  std::int64_t offset;
  if (!take_fraction(cursor, fraction) || !take_offset(cursor, offset) || !cursor.done()) return std::nullopt;

  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  const bool leap_second = second == 60 && minute == 59;
  if (!date.ok() || hour > 23 || minute > 59 || (second > 59 && !leap_second)) return std::nullopt;

  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  std::int64_t seconds = days * seconds_per_day + (hour * 60 + minute) * 60 + second - offset;
  // Before the epoch the seconds are counted towards zero, as the least instant is no whole second.
  if (seconds < 0 && fraction > 0) {
    ++seconds;
    fraction -= ns_per_second;
  }
  std::int64_t ns;
  if (__builtin_mul_overflow(seconds, ns_per_second, &ns) || __builtin_add_overflow(ns, fraction, &ns)) {
    return std::nullopt;
  }
  return ns;
}

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t ns;
};

constexpr Unit units[] = {{"d", 86'400'000'000'000},
                          {"h", 3'600'000'000'000},
                          {"m", 60'000'000'000},
                          {"s", 1'000'000'000},
                          {"ms", 1'000'000},
                          {"us", 1'000},
                          {"ns", 1}};

/// Exactly `digits` digits, with leading zeros.
char* write_digits(char* to, std::int64_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10)
    to[i] = static_cast<char>('0' + value % 10);
  return to + digits;
}

}  // namespace

std::optional<std::int64_t> parse_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;

  std::uint64_t total = 0;
  const Unit* next_unit = std::begin(units);
  while (!text.empty()) {
    std::uint64_t number = 0;
    std::size_t digits = 0;
    for (; digits < text.size() && is_digit(text[digits]); ++digits) {
      if (__builtin_mul_overflow(number, 10, &number) ||
          __builtin_add_overflow(number, static_cast<std::uint64_t>(text[digits] - '0'), &number)) {
        return std::nullopt;
      }
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
    std::size_t letters = 0;
    while (letters < text.size() && !is_digit(text[letters]))
      ++letters;
    const std::string_view name = text.substr(0, letters);
    text.remove_prefix(letters);

    while (next_unit != std::end(units) && next_unit->name != name)
      ++next_unit;
    if (next_unit == std::end(units)) return std::nullopt;
    if (__builtin_mul_overflow(number, next_unit->ns, &number) ||
        __builtin_add_overflow(total, number, &total)) {
      return std::nullopt;
    }
    ++next_unit;
  }
  constexpr std::uint64_t most = INT64_MAX;
  if (total > most + (negative ? 1 : 0)) return std::nullopt;
  return static_cast<std::int64_t>(negative ? 0 - total : total);
}

char* write_time(char* to, std::int64_t ns) {
  std::int64_t seconds = ns / ns_per_second;
  std::int64_t fraction = ns % ns_per_second;
  if (fraction < 0) {
    fraction += ns_per_second;
    --seconds;
  }
  std::int64_t days = seconds / seconds_per_day;
  std::int64_t of_day = seconds % seconds_per_day;
  if (of_day < 0) {
    of_day += seconds_per_day;
    --days;
  }
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  const auto part = [&to](char before, std::int64_t value, int digits) {
    *to++ = before;
    to = write_digits(to, value, digits);
  };
  to = write_digits(to, static_cast<int>(date.year()), 4);
  part('-', static_cast<unsigned>(date.month()), 2);
  part('-', static_cast<unsigned>(date.day()), 2);
  part('T', of_day / 3600, 2);
  part(':', of_day / 60 % 60, 2);
  part(':', of_day % 60, 2);
  if (fraction != 0) {
    part('.', fraction, 9);
    while (to[-1] == '0')
      --to;
  }
  *to++ = 'Z';
  return to;
}

char* write_duration(char* to, std::int64_t ns) {
  if (ns == 0) {
    std::memcpy(to, "0s", 2);
    return to + 2;
  }
  auto rest = static_cast<std::uint64_t>(ns);
  if (ns < 0) {
    *to++ = '-';
    rest = 0 - rest;
  }
  for (const auto& unit : units) {
    if (rest >= unit.ns) to = fmt::format_to(to, FMT_COMPILE("{}{}"), rest / unit.ns, unit.name);
    rest %= unit.ns;
  }
  return to;
}

}  // namespace tocsin::connectors
