// See literal.hpp. Tested by tests/dsl/parse_literal_test.cpp.
#include "dsl/literal.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>

namespace tocsin::dsl {
namespace {

constexpr std::int64_t second = 1'000'000'000;

struct Unit {
  std::string_view name;
  std::int64_t ns;
};

constexpr std::array<Unit, 7> units{{{"d", 86'400 * second},
                                     {"h", 3'600 * second},
                                     {"m", 60 * second},
                                     {"s", second},
                                     {"ms", 1'000'000},
                                     {"us", 1'000},
                                     {"ns", 1}}};

bool digit(char c) {
  return c >= '0' && c <= '9';
}

std::string without_underscores(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != '_') out += c;
  }
  return out;
}

/// Negates while reading: the negative range is the larger one.
bool add_scaled(std::int64_t& negative_sum, std::int64_t count, std::int64_t scale) {
  std::int64_t product = 0;
  return !__builtin_mul_overflow(count, -scale, &product) &&
         !__builtin_add_overflow(negative_sum, product, &negative_sum);
}

bool apply_sign(std::int64_t negative_sum, bool negative, std::int64_t& value) {
  if (!negative && negative_sum == std::numeric_limits<std::int64_t>::min()) return false;
  value = negative ? negative_sum : -negative_sum;
  return true;
}

/// A number of fixed digits within a token whose shape the grammar has checked.
int fixed(std::string_view text, std::size_t at, std::size_t length) {
  int value = 0;
  for (const char c : text.substr(at, length))
    value = value * 10 + (c - '0');
  return value;
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    tail(12), tail(6), tail(0);
  }
}

/// The four hexadecimal digits at `at`, or nothing.
std::optional<std::uint32_t> hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return std::nullopt;
  std::uint32_t value = 0;
  const char* end = text.data() + at + 4;
  const auto result = std::from_chars(text.data() + at, end, value, 16);
  if (result.ptr != end) return std::nullopt;
  return value;
}

/// Resolves \uXXXX at `at` (the backslash), a surrogate pair too; returns the bytes used, 0 where malformed.
std::size_t unescape_point(std::string_view text, std::size_t at, std::string& out) {
  const auto point = hex4(text, at + 2);
  if (!point || (*point >= 0xDC00 && *point < 0xE000)) return 0;
  if (*point < 0xD800 || *point >= 0xE000) {
    append_utf8(out, *point);
    return 6;
  }
  if (text.substr(at + 6, 2) != "\\u") return 0;
  const auto low = hex4(text, at + 8);
  if (!low || *low < 0xDC00 || *low >= 0xE000) return 0;
  append_utf8(out, 0x10000 + ((*point - 0xD800) << 10) + (*low - 0xDC00));
  return 12;
}

}  // namespace

Read<std::int64_t> read_integer(std::string_view text, bool negative) {
  Read<std::int64_t> read;
  std::int64_t sum = 0;
  for (const char c : text) {
    if (c == '_') continue;
    if (__builtin_mul_overflow(sum, std::int64_t{10}, &sum) || !add_scaled(sum, c - '0', 1)) {
      read.problem = "the integer does not fit into 64 bits";
      return read;
    }
  }
  if (!apply_sign(sum, negative, read.value)) read.problem = "the integer does not fit into 64 bits";
  return read;
}

Read<double> read_floating(std::string_view text, bool negative) {
  Read<double> read;
  const std::string digits = without_underscores(text);
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), read.value);
  if (result.ec != std::errc{}) read.problem = "the number is out of the range of a float";
  if (negative) read.value = -read.value;
  return read;
}

Read<std::int64_t> read_duration(std::string_view text, bool negative) {
  Read<std::int64_t> read;
  std::int64_t sum = 0;
  std::size_t next_unit = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    while (digit(text[at]) || text[at] == '_')
      ++at;
    const std::size_t name = at;
    while (at < text.size() && !digit(text[at]))
      ++at;
    std::size_t unit = 0;
    while (units[unit].name != text.substr(name, at - name))
      ++unit;
    if (unit < next_unit) {
      read.problem = "the units of a duration go from large to small, each once";
      read.hint = "as in 1h30m";
      read.begin = begin;
      read.end = at;
      return read;
    }
    next_unit = unit + 1;
    const auto count = read_integer(text.substr(begin, name - begin));
    if (!count.problem.empty() || !add_scaled(sum, count.value, units[unit].ns)) {
      read.problem = "the duration does not fit into 64 bits of nanoseconds (292 years)";
      return read;
    }
  }
  if (!apply_sign(sum, negative, read.value)) {
    read.problem = "the duration does not fit into 64 bits of nanoseconds (292 years)";
  }
  return read;
}

Read<std::int64_t> read_time(std::string_view text) {
  // @YYYY-MM-DD[Thh:mm:ss[.fraction](Z|±hh:mm)], as the grammar has checked.
  using namespace std::chrono;
  Read<std::int64_t> read;
  const year_month_day date{year{fixed(text, 1, 4)}, month{static_cast<unsigned>(fixed(text, 6, 2))},
                            day{static_cast<unsigned>(fixed(text, 9, 2))}};
  if (!date.ok()) {
    read.problem = "there is no such date";
    read.begin = 1;
    read.end = 11;
    return read;
  }
  std::int64_t seconds = std::int64_t{sys_days{date}.time_since_epoch().count()} * 86'400;
  std::int64_t fraction = 0;
  if (text.size() > 11) {
    const int hour = fixed(text, 12, 2), minute = fixed(text, 15, 2), sec = fixed(text, 18, 2);
    std::size_t at = 20;
    if (text[at] == '.') {
      std::int64_t scale = second;
      for (++at; digit(text[at]); ++at) {
        scale /= 10;
        fraction += scale * (text[at] - '0');
        if (scale == 0) {
          read.problem = "a time has at most 9 digits of a second";
          return read;
        }
      }
    }
    const bool zoned = text[at] != 'Z';
    const int zone_hour = zoned ? fixed(text, at + 1, 2) : 0,
              zone_minute = zoned ? fixed(text, at + 4, 2) : 0;
    if (hour > 23 || minute > 59 || sec > 59 || zone_hour > 23 || zone_minute > 59) {
      read.problem = "there is no such time of day";
      read.begin = 12;
      return read;
    }
    const std::int64_t offset = (zone_hour * 60 + zone_minute) * 60;
    seconds += hour * 3600 + minute * 60 + sec - (text[at] == '-' ? -offset : offset);
  }
  // The sum of a negative second and a fraction may fit where the second alone does not.
  const auto ns = static_cast<__int128>(seconds) * second + fraction;
  if (ns < std::numeric_limits<std::int64_t>::min() || ns > std::numeric_limits<std::int64_t>::max()) {
    read.problem = "the time is out of range (1677-09-21 to 2262-04-11)";
    return read;
  }
  read.value = static_cast<std::int64_t>(ns);
  return read;
}

Read<std::string> read_text(std::string_view quoted) {
  Read<std::string> read;
  for (std::size_t at = 1; at + 1 < quoted.size();) {
    if (quoted[at] != '\\') {
      read.value += quoted[at++];
      continue;
    }
    std::size_t used = 2;
    switch (quoted[at + 1]) {
      case '"':
      case '\\': read.value += quoted[at + 1]; break;
      case 'n': read.value += '\n'; break;
      case 't': read.value += '\t'; break;
      case 'r': read.value += '\r'; break;
      case 'u': used = unescape_point(quoted.substr(0, quoted.size() - 1), at, read.value); break;
      default: used = 0;
    }
    if (used == 0) {
      read.problem = "unknown escape in the text";
      read.hint = R"(an escape is one of \" \\ \n \t \r \uXXXX; a single backslash is written \\)";
      read.begin = at;
      read.end = at + 1 + std::max<std::size_t>(1, utf8_length(quoted.substr(at + 1)));
      return read;
    }
    at += used;
  }
  return read;
}

std::string write_floating(double value) {
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  std::string out(buffer.data(), result.ptr);
  if (out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

std::string write_duration(std::int64_t ns) {
  if (ns == 0) return "0s";
  std::string out = ns < 0 ? "-" : "";
  for (const Unit& unit : units) {
    const std::int64_t count = ns / unit.ns;
    if (count == 0) continue;
    out += std::to_string(count < 0 ? -count : count).append(unit.name);
    ns -= count * unit.ns;
  }
  return out;
}

std::string write_time(std::int64_t ns) {
  using namespace std::chrono;
  // Floored to seconds by hand: the least times have no whole day within the range of ns.
  const std::int64_t fraction = (ns % second + second) % second;
  const seconds since{ns / second - (ns % second < 0)};
  const auto days_since = floor<days>(since);
  const year_month_day date{sys_days{days_since}};
  const hh_mm_ss time{since - days_since};
  const auto padded = [](std::int64_t value, std::size_t width) {
    const std::string digits = std::to_string(value);
    return std::string(width - std::min(width, digits.size()), '0') + digits;
  };
  std::string out = "@" + padded(int{date.year()}, 4) + "-" + padded(unsigned{date.month()}, 2) + "-" +
                    padded(unsigned{date.day()}, 2);
  if (since == days_since && fraction == 0) return out;
  out += "T" + padded(time.hours().count(), 2) + ":" + padded(time.minutes().count(), 2) + ":" +
         padded(time.seconds().count(), 2);
  if (fraction != 0) {
    std::string digits = padded(fraction, 9);
    digits.erase(digits.find_last_not_of('0') + 1);
    out += "." + digits;
  }
  return out + "Z";
}

std::string write_text(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\r': out += "\\r"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
          out += "\\u00";
          out += hex[static_cast<std::size_t>(c) >> 4];
          out += hex[static_cast<std::size_t>(c) & 15];
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Not overlong, no surrogate, nothing beyond U+10FFFF.
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) >= 0xA0) ||
      (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) >= 0x90)) {
    return 0;
  }
  return length;
}

std::optional<std::size_t> invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

}  // namespace tocsin::dsl
