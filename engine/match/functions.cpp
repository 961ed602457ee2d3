#include "engine/match/functions.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cmath>
#include <cstring>
#include <numbers>

#include "engine/base/hash.hpp"
#include "engine/model/event.hpp"

namespace tocsin::match {

namespace {

constexpr std::int64_t ns_per_second = 1'000'000'000;
constexpr std::int64_t ns_per_day = 86'400 * ns_per_second;

char fold(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::size_t next_character(std::string_view text, std::size_t at) {
  do
    ++at;
  while (at < text.size() && is_continuation(text[at]));
  return at;
}

std::int64_t floor_to(std::int64_t value, std::int64_t unit) {
  const std::int64_t rest = value % unit;
  return value - (rest < 0 ? rest + unit : rest);
}

// Days since 1970-01-01 to and from a civil date, in the proleptic Gregorian calendar (era arithmetic over
// 400 years of 146,097 days, years beginning in March).
struct Civil {
  std::int64_t year;
  unsigned month;
};

Civil civil_from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = floor_to(days, 146'097) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const auto shifted_month = static_cast<unsigned>((5 * day_of_year + 2) / 153);
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month};
}

std::int64_t days_from_civil(std::int64_t year, unsigned month) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = floor_to(year, 400) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719'468;
}

}  // namespace

bool like(std::string_view text, std::string_view pattern, bool ignore_case) {
  // Greedy with one point to go back to: the last `*`. Trying an earlier one can't help.
  std::size_t t = 0, p = 0;
  std::size_t star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      t = next_character(text, t);
    } else if (p < pattern.size() &&
               (pattern[p] == text[t] || (ignore_case && fold(pattern[p]) == fold(text[t])))) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

int compare_text(std::string_view a, std::string_view b, bool ignore_case) {
  if (!ignore_case) {
    const int order = a.compare(b);
    return (order > 0) - (order < 0);
  }
  const std::size_t common = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < common; ++i) {
    const auto x = static_cast<unsigned char>(fold(a[i]));
    const auto y = static_cast<unsigned char>(fold(b[i]));
    if (x != y) return x < y ? -1 : 1;
  }
  return (a.size() > b.size()) - (a.size() < b.size());
}

void change_case(std::string_view text, bool upper, std::string& out) {
  out.assign(text);
  for (char& c : out) {
    if (upper ? (c >= 'a' && c <= 'z') : (c >= 'A' && c <= 'Z')) c = static_cast<char>(c ^ 32);
  }
}

std::int64_t count_characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); });
}

std::string_view substring(std::string_view text, std::int64_t begin, std::int64_t length) {
  std::size_t from = 0;
  for (; begin > 0 && from < text.size(); --begin)
    from = next_character(text, from);
  std::size_t to = from;
  for (; length > 0 && to < text.size(); --length)
    to = next_character(text, to);
  return text.substr(from, to - from);
}

std::int64_t hour_of(std::int64_t time_ns) {
  return (time_ns - floor_to(time_ns, ns_per_day)) / (3'600 * ns_per_second);
}

std::int64_t weekday_of(std::int64_t time_ns) {
  const std::int64_t days = floor_to(time_ns, ns_per_day) / ns_per_day + 3;  // 1970-01-01 was a Thursday
  return days - floor_to(days, 7) + 1;
}

std::optional<DateUnit> parse_date_unit(std::string_view name) {
  constexpr std::string_view names[] = {"second", "minute", "hour", "day", "week", "month", "year"};
  for (std::size_t i = 0; i < std::size(names); ++i) {
    if (names[i] == name) return static_cast<DateUnit>(i);
  }
  return std::nullopt;
}

std::int64_t truncate_date(std::int64_t time_ns, DateUnit unit) {
  const std::int64_t day = floor_to(time_ns, ns_per_day);
  switch (unit) {
    case DateUnit::second: return floor_to(time_ns, ns_per_second);
    case DateUnit::minute: return floor_to(time_ns, 60 * ns_per_second);
    case DateUnit::hour: return floor_to(time_ns, 3'600 * ns_per_second);
    case DateUnit::day: return day;
    case DateUnit::week: return day - (weekday_of(time_ns) - 1) * ns_per_day;
    case DateUnit::month: {
      const Civil date = civil_from_days(day / ns_per_day);
      return days_from_civil(date.year, date.month) * ns_per_day;
    }
    case DateUnit::year: return days_from_civil(civil_from_days(day / ns_per_day).year, 1) * ns_per_day;
  }
  return time_ns;
}

namespace {

std::optional<Network> parse_address(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN + 1];
  if (text.empty() || text.size() >= sizeof buffer) return std::nullopt;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  Network network;
  network.family = text.find(':') != std::string_view::npos ? AF_INET6 : AF_INET;
  network.prefix_bits = network.family == AF_INET ? 32 : 128;
  if (inet_pton(network.family, buffer, network.bytes) != 1) return std::nullopt;
  return network;
}

}  // namespace

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto network = parse_address(text.substr(0, slash));
  if (!network || slash == std::string_view::npos) return network;
  const std::string_view bits = text.substr(slash + 1);
  int prefix = -1;
  const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), prefix);
  if (error != std::errc{} || end != bits.data() + bits.size()) return std::nullopt;
  if (prefix < 0 || prefix > network->prefix_bits) return std::nullopt;
  network->prefix_bits = prefix;
  return network;
}

bool in_network(std::string_view address, const Network& network) {
  const auto parsed = parse_address(address);
  if (!parsed || parsed->family != network.family) return false;
  const int whole = network.prefix_bits / 8;
  const int rest = network.prefix_bits % 8;
  if (std::memcmp(parsed->bytes, network.bytes, static_cast<std::size_t>(whole)) != 0) return false;
  return rest == 0 || (parsed->bytes[whole] ^ network.bytes[whole]) >> (8 - rest) == 0;
}

double distance_km(double lat1, double lon1, double lat2, double lon2) {
  constexpr double radians = std::numbers::pi / 180;
  const double a = std::sin((lat2 - lat1) * radians / 2);
  const double b = std::sin((lon2 - lon1) * radians / 2);
  const double h = a * a + std::cos(lat1 * radians) * std::cos(lat2 * radians) * b * b;
  return 2 * 6371.0088 * std::asin(std::sqrt(std::min(1.0, h)));
}

std::int64_t stable_hash(const model::Value& value) {
  using model::Kind;
  std::uint64_t hash = 0;
  switch (value.kind) {
    case Kind::null: break;
    case Kind::string: hash = hash_bytes(value.text()); break;
    case Kind::floating: {
      const double canonical = value.f == 0 ? 0.0 : value.f;  // -0 is 0
      hash = hash_mix(std::bit_cast<std::uint64_t>(canonical));
      break;
    }
    case Kind::array:
      for (std::uint32_t i = 0; i < value.size; ++i) {
        hash = hash_mix(static_cast<std::uint64_t>(stable_hash(model::element_of(value, i))), hash + 1);
      }
      break;
    default: hash = hash_mix(static_cast<std::uint64_t>(value.i)); break;
  }
  return static_cast<std::int64_t>(hash >> 1);
}

int compare_values(const model::Value& a, const model::Value& b, model::Kind kind, bool ignore_case) {
  if (kind == model::Kind::floating) return a.f < b.f ? -1 : a.f > b.f ? 1 : a.f == b.f ? 0 : 2;
  if (kind == model::Kind::string) return compare_text(a.text(), b.text(), ignore_case);
  if (kind == model::Kind::array) return identical(a, b) ? 0 : 2;
  return (a.i > b.i) - (a.i < b.i);
}

bool identical(const model::Value& a, const model::Value& b) {
  using model::Kind;
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::null: return true;
    case Kind::string: return a.text() == b.text();
    case Kind::floating: return a.f == b.f || (std::isnan(a.f) && std::isnan(b.f));
    case Kind::array: {
      if (a.size != b.size) return false;
      for (std::uint32_t i = 0; i < a.size; ++i) {
        if (!identical(model::element_of(a, i), model::element_of(b, i))) return false;
      }
      return true;
    }
    default: return a.i == b.i;
  }
}

}  // namespace tocsin::match
