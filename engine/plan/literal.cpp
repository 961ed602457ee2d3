#include "engine/plan/literal.hpp"

#include <array>
#include <chrono>
#include <fmt/format.h>

namespace tocsin::plan {

using model::Kind;

namespace {

// `@2026-01-31T12:00:00Z`, with as many decimals as the value has.
std::string time_text(std::int64_t ns) {
  using namespace std::chrono;
  constexpr std::int64_t second_ns = 1'000'000'000;
  constexpr std::int64_t day_ns = 86'400 * second_ns;
  const auto in_day = (ns % day_ns + day_ns) % day_ns;
  const auto day = ns / day_ns - (ns % day_ns < 0 ? 1 : 0);
  const year_month_day date{sys_days{days{day}}};
  const auto seconds_of_day = in_day / second_ns;
  auto out = fmt::format("@{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                         static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                         seconds_of_day / 3600, seconds_of_day / 60 % 60, seconds_of_day % 60);
  if (const auto fraction = in_day % second_ns; fraction != 0) {
    auto digits = fmt::format("{:09}", fraction);
    digits.erase(digits.find_last_not_of('0') + 1);
    out += "." + digits;
  }
  return out + "Z";
}

std::string float_text(double value) {
  auto out = fmt::format("{}", value);
  if (out.find_first_not_of("-0123456789") == std::string::npos) out += ".0";
  return out;
}

}  // namespace

std::string quoted_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\r': out += "\\r"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

std::string duration_text(std::int64_t ns) {
  struct Unit {
    std::uint64_t ns;
    const char* name;
  };
  static constexpr std::array<Unit, 7> units = {{{86'400'000'000'000, "d"},
                                                 {3'600'000'000'000, "h"},
                                                 {60'000'000'000, "m"},
                                                 {1'000'000'000, "s"},
                                                 {1'000'000, "ms"},
                                                 {1'000, "us"},
                                                 {1, "ns"}}};
  if (ns == 0) return "0s";
  std::string out = ns < 0 ? "-" : "";
  auto left = ns < 0 ? 0 - static_cast<std::uint64_t>(ns) : static_cast<std::uint64_t>(ns);
  for (const Unit& unit : units) {
    if (left >= unit.ns) out += fmt::format("{}{}", left / unit.ns, unit.name);
    left %= unit.ns;
  }
  return out;
}

std::string constant_text(const Constant& constant) {
  switch (constant.kind) {
    case Kind::null: return "null";
    case Kind::boolean: return constant.i != 0 ? "true" : "false";
    case Kind::floating: return float_text(constant.f);
    case Kind::string: return quoted_text(constant.s);
    case Kind::time: return time_text(constant.i);
    case Kind::duration: return duration_text(constant.i);
    default: return fmt::format("{}", constant.i);
  }
}

}  // namespace tocsin::plan
