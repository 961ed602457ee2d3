// See values.hpp. Numbers are read digit by digit, so that an overflow is an error and not a surprise.
#include "service/values.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace tocsin::service {
namespace {

constexpr auto largest_ns = std::numeric_limits<std::int64_t>::max();

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr std::array<Unit, 8> units{{
    {"ns", 1},
    {"us", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
    {"d", 86'400'000'000'000},
    {"w", 604'800'000'000'000},
}};

struct Size {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array<Size, 4> sizes{{
    {"", 1},
    {"KiB", std::uint64_t{1} << 10},
    {"MiB", std::uint64_t{1} << 20},
    {"GiB", std::uint64_t{1} << 30},
}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes digits from the front of `text`. Returns -1 where there are none or the number is too large.
std::int64_t take_digits(std::string_view& text) {
  std::int64_t number = 0;
  bool any = false;
  while (!text.empty() && (is_digit(text.front()) || (any && text.front() == '_'))) {
    if (text.front() != '_') {
      if (__builtin_mul_overflow(number, 10, &number) ||
          __builtin_add_overflow(number, text.front() - '0', &number)) {
        return -1;
      }
    }
    any = true;
    text.remove_prefix(1);
  }
  return any ? number : -1;
}

// Takes `.25` from the front of `text` as a fraction of `unit_ns`, which follows only later: returns the
// digits as a share of 1e9.
std::int64_t take_billionths(std::string_view& text) {
  if (text.size() < 2 || text[0] != '.' || !is_digit(text[1])) return 0;
  text.remove_prefix(1);
  std::int64_t share = 0;
  for (std::int64_t weight = 100'000'000; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    share += (text.front() - '0') * weight;
    weight /= 10;
  }
  return share;
}

const Unit* take_unit(std::string_view& text) {
  const std::size_t length = std::min(text.find_first_of("0123456789"), text.size());
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [&](const Unit& u) { return u.name == text.substr(0, length); });
  if (unit == units.end()) return nullptr;
  text.remove_prefix(length);
  return unit;
}

}  // namespace

std::uint64_t parse_number(const std::string& text, std::uint64_t least, std::uint64_t most) {
  std::string_view rest = text;
  const std::int64_t number = take_digits(rest);
  if (number < 0 || !rest.empty() || static_cast<std::uint64_t>(number) < least ||
      static_cast<std::uint64_t>(number) > most) {
    const auto range = most == std::numeric_limits<std::uint64_t>::max()
                           ? fmt::format("from {} up", least)
                           : fmt::format("from {} to {}", least, most);
    throw BadValue(fmt::format("'{}' is no whole number {}", text, range));
  }
  return static_cast<std::uint64_t>(number);
}

std::int64_t parse_duration(const std::string& text) {
  const BadValue wrong(fmt::format("'{}' is no duration, such as 500ms, 5s or 1m30s", text));
  if (text == "0") return 0;
  if (text.empty()) throw wrong;
  std::int64_t total = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::int64_t whole = take_digits(rest);
    const std::int64_t billionths = take_billionths(rest);
    const Unit* unit = take_unit(rest);
    if (whole < 0 || unit == nullptr || whole > (largest_ns - total) / unit->nanoseconds) throw wrong;
    total += whole * unit->nanoseconds;
    const auto part =
        static_cast<std::int64_t>(static_cast<__int128>(billionths) * unit->nanoseconds / 1'000'000'000);
    if (part > largest_ns - total) throw wrong;
    total += part;
  }
  return total;
}

std::uint64_t parse_size(const std::string& text, std::uint64_t least, std::uint64_t most) {
  std::string_view rest = text;
  const std::int64_t number = take_digits(rest);
  const auto unit = std::find_if(sizes.begin(), sizes.end(), [&](const Size& s) { return s.name == rest; });
  if (number < 0 || unit == sizes.end()) {
    throw BadValue(fmt::format("'{}' is no number of bytes, such as 4096, 64KiB or 8MiB", text));
  }
  std::uint64_t bytes;
  if (__builtin_mul_overflow(static_cast<std::uint64_t>(number), unit->bytes, &bytes) || bytes < least ||
      bytes > most) {
    throw BadValue(fmt::format("'{}' is not from {} to {}", text, show_size(least), show_size(most)));
  }
  return bytes;
}

std::string show_size(std::uint64_t bytes) {
  for (auto unit = sizes.rbegin(); unit != sizes.rend(); ++unit) {
    if (bytes >= unit->bytes && bytes % unit->bytes == 0)
      return fmt::format("{}{}", bytes / unit->bytes, unit->name);
  }
  return "0";
}

bool parse_bool(const std::string& text) {
  return choose<bool>(text, {{"true", true}, {"false", false}});
}

std::pair<std::string, std::string> parse_assignment(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) {
    throw BadValue(fmt::format("'{}' is not of the form name=value", text));
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::vector<std::string> parse_list(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    if (begin == end) throw BadValue(fmt::format("'{}' is no list of the form a,b,c", text));
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace tocsin::service
