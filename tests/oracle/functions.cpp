// Functions of plain values, each as its one-line definition in docs/language.md says.
#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>
#include <re2/re2.h>
#include <stdexcept>

#include "tests/oracle/evaluate.hpp"

namespace tocsin::oracle {

using model::Kind;
using plan::Expr;
using plan::Op;

namespace {

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = char(c + 32);
  }
  return text;
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = char(c - 32);
  }
  return text;
}

Datum folded(const Datum& datum, bool ignore_case) {
  return ignore_case && datum.kind == Kind::string ? Datum::text(lower(datum.s)) : datum;
}

std::vector<std::string> characters(const std::string& text) {
  std::vector<std::string> out;
  for (const char c : text) {
    const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    if (continues && !out.empty()) {
      out.back() += c;
    } else {
      out.emplace_back(1, c);
    }
  }
  return out;
}

using Characters = std::vector<std::string>;

bool like(const Characters& text, std::size_t t, const Characters& pattern, std::size_t p) {
  if (p == pattern.size()) return t == text.size();
  if (pattern[p] == "*")
    return like(text, t, pattern, p + 1) || (t < text.size() && like(text, t + 1, pattern, p));
  if (t == text.size()) return false;
  return (pattern[p] == "?" || pattern[p] == text[t]) && like(text, t + 1, pattern, p + 1);
}

bool matches(const std::string& text, const std::string& pattern, bool ignore_case) {
  RE2::Options options;
  options.set_case_sensitive(!ignore_case);
  return RE2::PartialMatch(text, RE2(pattern, options));
}

bool in_cidr(const std::string& text, const std::string& network) {
  const auto slash = network.find('/');
  for (const int family : {AF_INET, AF_INET6}) {
    unsigned char address[16] = {};
    unsigned char base[16] = {};
    if (inet_pton(family, text.c_str(), address) != 1) continue;
    if (inet_pton(family, network.substr(0, slash).c_str(), base) != 1) continue;
    const int bits =
        slash == std::string::npos ? (family == AF_INET ? 32 : 128) : std::stoi(network.substr(slash + 1));
    for (int bit = 0; bit < bits; ++bit) {
      const int mask = 0x80 >> (bit % 8);
      if ((address[bit / 8] & mask) != (base[bit / 8] & mask)) return false;
    }
    return true;
  }
  return false;
}

double haversine_km(double lat1, double lon1, double lat2, double lon2) {
  const double rad = std::numbers::pi / 180;
  const double u = std::sin((lat2 - lat1) * rad / 2);
  const double v = std::sin((lon2 - lon1) * rad / 2);
  const double h = u * u + std::cos(lat1 * rad) * std::cos(lat2 * rad) * v * v;
  return 2 * 6371.0088 * std::asin(std::min(1.0, std::sqrt(h)));
}

std::int64_t truncate(std::int64_t time_ns, const std::string& unit) {
  using namespace std::chrono;
  const sys_time<nanoseconds> at{nanoseconds(time_ns)};
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const auto ns = [](auto point) { return time_point_cast<nanoseconds>(point).time_since_epoch().count(); };
  if (unit == "second") return ns(floor<seconds>(at));
  if (unit == "minute") return ns(floor<minutes>(at));
  if (unit == "hour") return ns(floor<hours>(at));
  if (unit == "day") return ns(day);
  if (unit == "week") return ns(day - (weekday(day) - Monday));
  if (unit == "month") return ns(sys_days(date.year() / date.month() / 1));
  return ns(sys_days(date.year() / 1 / 1));
}

Datum from_double(double value, Kind kind) {
  if (kind == Kind::floating) return Datum::floating(value);
  if (!(value >= -9223372036854775808.0 && value < 9223372036854775808.0)) return Datum::null();
  return Datum::of_int(static_cast<std::int64_t>(value), kind);
}

double as_double(const Datum& datum) {
  return datum.kind == Kind::floating ? datum.f : double(datum.i);
}

Datum arithmetic(Op op, const Datum& a, const Datum& b, Kind result) {
  const bool floating = a.kind == Kind::floating || b.kind == Kind::floating || result == Kind::floating;
  if (floating) {
    const double x = as_double(a);
    const double y = as_double(b);
    switch (op) {
      case Op::add: return from_double(x + y, result);
      case Op::sub: return from_double(x - y, result);
      case Op::mul: return from_double(x * y, result);
      case Op::div: return y == 0 ? Datum::null() : from_double(x / y, result);
      default: return y == 0 ? Datum::null() : from_double(std::fmod(x, y), result);
    }
  }
  std::int64_t out = 0;
  bool overflow = false;
  switch (op) {
    case Op::add: overflow = __builtin_add_overflow(a.i, b.i, &out); break;
    case Op::sub: overflow = __builtin_sub_overflow(a.i, b.i, &out); break;
    case Op::mul: overflow = __builtin_mul_overflow(a.i, b.i, &out); break;
    default:
      if (b.i == 0) return Datum::null();
      if (b.i == -1) {  // the one quotient that does not fit
        if (op == Op::mod) break;
        overflow = __builtin_sub_overflow(std::int64_t{0}, a.i, &out);
      } else {
        out = op == Op::div ? a.i / b.i : a.i % b.i;
      }
  }
  return overflow ? Datum::null() : Datum::of_int(out, result);
}

Datum rounded(Op op, const Datum& value, Kind result) {
  if (value.kind != Kind::floating) return value;
  const double v = op == Op::floor  ? std::floor(value.f)
                   : op == Op::ceil ? std::ceil(value.f)
                                    : std::round(value.f);
  return from_double(v, result);
}

Datum substring(const std::vector<Datum>& args) {
  const auto chars = characters(args[0].s);
  const std::int64_t size = std::int64_t(chars.size());
  const std::int64_t begin = std::clamp<std::int64_t>(args[1].i, 0, size);
  const std::int64_t count =
      args.size() > 2 ? std::clamp<std::int64_t>(args[2].i, 0, size - begin) : size - begin;
  std::string out;
  for (std::int64_t i = begin; i < begin + count; ++i)
    out += chars[std::size_t(i)];
  return Datum::text(out);
}

bool comparison(const Expr& expr, const std::vector<Datum>& args) {
  if (args[0].is_null() || args[1].is_null()) return false;
  const int order = compare(folded(args[0], expr.ignore_case), folded(args[1], expr.ignore_case));
  switch (expr.op) {
    case Op::eq: return order == 0;
    case Op::ne: return order != 0;
    case Op::lt: return order < 0;
    case Op::le: return order <= 0;
    case Op::gt: return order > 0;
    default: return order >= 0;
  }
}

/// Tests on a value, which are false of null where others would be null.
bool test(const Expr& expr, const std::vector<Datum>& args) {
  const Datum& value = args[0];
  if (value.is_null()) return false;
  const auto any_pattern = [&](auto&& fits) {
    return std::any_of(expr.patterns.begin(), expr.patterns.end(), fits);
  };
  switch (expr.op) {
    case Op::in:
      return std::any_of(args.begin() + 1, args.end(), [&](const Datum& each) {
        return folded(each, expr.ignore_case) == folded(value, expr.ignore_case);
      });
    case Op::like: {
      const auto text = characters(folded(value, expr.ignore_case).s);
      return any_pattern([&](const std::string& pattern) {
        return like(text, 0, characters(expr.ignore_case ? lower(pattern) : pattern), 0);
      });
    }
    case Op::matches:
      return any_pattern(
          [&](const std::string& pattern) { return matches(value.s, pattern, expr.ignore_case); });
    case Op::in_cidr:
      return any_pattern([&](const std::string& network) { return in_cidr(value.s, network); });
    default:  // has
      return std::find(value.items.begin(), value.items.end(), args[1]) != value.items.end();
  }
}

Datum text_function(Op op, const std::vector<Datum>& args) {
  const std::string& text = args[0].s;
  switch (op) {
    case Op::lower: return Datum::text(lower(text));
    case Op::upper: return Datum::text(upper(text));
    case Op::length:
      return Datum::of_int(
          std::int64_t(args[0].kind == Kind::array ? args[0].items.size() : characters(text).size()));
    case Op::starts_with: return Datum::boolean(text.starts_with(args[1].s));
    case Op::ends_with: return Datum::boolean(text.ends_with(args[1].s));
    case Op::contains: return Datum::boolean(text.find(args[1].s) != std::string::npos);
    case Op::concat: {
      std::string all;
      for (const Datum& each : args)
        all += each.s;
      return Datum::text(all);
    }
    default: return substring(args);
  }
}

Datum number_function(const Expr& expr, const std::vector<Datum>& args) {
  const Datum& value = args[0];
  const double x = as_double(value);
  switch (expr.op) {
    case Op::to_float: return Datum::floating(x);
    case Op::neg:
      return arithmetic(Op::sub, value.kind == Kind::floating ? Datum::floating(0) : Datum::of_int(0), value,
                        expr.type.kind);
    case Op::abs:
      if (value.kind == Kind::floating) return Datum::floating(std::abs(x));
      return value.i >= 0 ? value : arithmetic(Op::sub, Datum::of_int(0), value, expr.type.kind);
    case Op::floor:
    case Op::ceil:
    case Op::round: return rounded(expr.op, value, expr.type.kind);
    case Op::sqrt: return x < 0 ? Datum::null() : Datum::floating(std::sqrt(x));
    case Op::log: return x <= 0 ? Datum::null() : Datum::floating(std::log(x));
    case Op::exp: return Datum::floating(std::exp(x));
    case Op::pow: return Datum::floating(std::pow(x, as_double(args[1])));
    case Op::min:
      return *std::min_element(args.begin(), args.end(), [](auto& a, auto& b) { return compare(a, b) < 0; });
    case Op::max:
      return *std::max_element(args.begin(), args.end(), [](auto& a, auto& b) { return compare(a, b) < 0; });
    case Op::distance_km:
      return Datum::floating(haversine_km(x, as_double(args[1]), as_double(args[2]), as_double(args[3])));
    default: throw std::logic_error("the oracle does not know this function");
  }
}

Datum time_function(const Expr& expr, const Datum& time) {
  using namespace std::chrono;
  const sys_time<nanoseconds> at{nanoseconds(time.i)};
  const auto day = floor<days>(at);
  switch (expr.op) {
    case Op::hour: return Datum::of_int(floor<hours>(at - day).count());
    case Op::weekday: return Datum::of_int(std::chrono::weekday(day).iso_encoding());
    default: return Datum::of_int(truncate(time.i, expr.patterns.at(0)), Kind::time);
  }
}

}  // namespace

Datum call(const Expr& expr, const std::vector<Datum>& args) {
  switch (expr.op) {
    case Op::eq:
    case Op::ne:
    case Op::lt:
    case Op::le:
    case Op::gt:
    case Op::ge: return Datum::boolean(comparison(expr, args));
    case Op::in:
    case Op::like:
    case Op::matches:
    case Op::in_cidr:
    case Op::has: return Datum::boolean(test(expr, args));
    default: break;
  }
  if (std::any_of(args.begin(), args.end(), [](const Datum& each) { return each.is_null(); }))
    return Datum::null();
  switch (expr.op) {
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
    case Op::mod: return arithmetic(expr.op, args[0], args[1], expr.type.kind);
    case Op::lower:
    case Op::upper:
    case Op::length:
    case Op::starts_with:
    case Op::ends_with:
    case Op::contains:
    case Op::concat:
    case Op::substring: return text_function(expr.op, args);
    case Op::hour:
    case Op::weekday:
    case Op::date_trunc: return time_function(expr, args[0]);
    default: return number_function(expr, args);
  }
}

}  // namespace tocsin::oracle
