// Functions. Those whose arguments have fixed types stand in one table; each of the others has its own few
// lines: if, coalesce, min and max, and those that take constants.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <string_view>

#include "dsl/lower_expr.hpp"
#include "dsl/types.hpp"

namespace tocsin::dsl {

using model::Kind;
using model::Type;
using plan::Aggregate;
using plan::Expr;
using plan::Op;
using AstKind = ast::Expr::Kind;

/// Arguments, a letter each: s text, i int, f float (an int becomes one), t time, n int, float or duration,
/// a anything but an array; `?` marks the last as optional, `*` as any number of them. The result: a letter,
/// or `=` for the type of the first.
struct Signature {
  std::string_view name;
  Op op;
  std::string_view args;
  char result;
  bool may_fail = false;  // null for some arguments
};

namespace {

constexpr std::array<Signature, 20> signatures = {{
    {"lower", Op::lower, "s", 's'},
    {"upper", Op::upper, "s", 's'},
    {"starts_with", Op::starts_with, "ss", 'b'},
    {"ends_with", Op::ends_with, "ss", 'b'},
    {"contains", Op::contains, "ss", 'b'},
    {"concat", Op::concat, "s*", 's'},
    {"substring", Op::substring, "sii?", 's'},
    {"abs", Op::abs, "n", '='},
    {"floor", Op::floor, "f", 'f'},
    {"ceil", Op::ceil, "f", 'f'},
    {"round", Op::round, "f", 'f'},
    {"sqrt", Op::sqrt, "f", 'f', true},
    {"log", Op::log, "f", 'f', true},
    {"exp", Op::exp, "f", 'f'},
    {"pow", Op::pow, "ff", 'f'},
    {"hour", Op::hour, "t", 'i'},
    {"weekday", Op::weekday, "t", 'i'},
    {"distance_km", Op::distance_km, "ffff", 'f'},
    {"hash", Op::hash, "a", 'i'},
    {"float", Op::to_float, "f", 'f'},
}};

struct AggregateName {
  std::string_view name;
  Aggregate aggregate;
};
constexpr std::array<AggregateName, 6> aggregates = {{{"count", Aggregate::count},
                                                      {"sum", Aggregate::sum},
                                                      {"avg", Aggregate::avg},
                                                      {"min", Aggregate::min},
                                                      {"max", Aggregate::max},
                                                      {"distinct", Aggregate::distinct}}};

bool is_step_aggregate(std::string_view name) {
  return std::any_of(aggregates.begin(), aggregates.end(),
                     [&](const AggregateName& each) { return each.name == name; });
}

constexpr std::array<std::string_view, 8> other_functions = {"if",         "coalesce", "any",   "length",
                                                             "date_trunc", "in_cidr",  "first", "last"};

constexpr std::array<std::string_view, 7> date_units = {"second", "minute", "hour", "day",
                                                        "week",   "month",  "year"};

Kind kind_of(char letter) {
  switch (letter) {
    case 's': return Kind::string;
    case 'i': return Kind::integer;
    case 'f': return Kind::floating;
    case 't': return Kind::time;
    default: return Kind::boolean;
  }
}

bool fits(char letter, Kind kind) {
  switch (letter) {
    case 'f': return is_number(kind);
    case 'n': return is_number(kind) || kind == Kind::duration;
    case 'a': return kind != Kind::array && kind != Kind::null;
    default: return kind == kind_of(letter);
  }
}

const char* wanted(char letter) {
  switch (letter) {
    case 's': return "text";
    case 'i': return "an int";
    case 'f': return "a number";
    case 'n': return "a number or a duration";
    case 't': return "a time";
    default: return "a single value";
  }
}

// `10.0.0.0/8`, `2001:db8::/32`, or an address alone.
bool is_network(const std::string& text) {
  const auto slash = text.find('/');
  const std::string address = text.substr(0, slash);
  unsigned char bytes[16];
  const bool is_v4 = inet_pton(AF_INET, address.c_str(), bytes) == 1;
  if (!is_v4 && inet_pton(AF_INET6, address.c_str(), bytes) != 1) return false;
  if (slash == std::string::npos) return true;
  const char* const first = text.data() + slash + 1;
  const char* const last = text.data() + text.size();
  int bits = -1;
  const auto [end, status] = std::from_chars(first, last, bits);
  return status == std::errc() && end == last && first != last && *first != '-' && bits <= (is_v4 ? 32 : 128);
}

bool any_nullable(const std::vector<Expr>& exprs) {
  return std::any_of(exprs.begin(), exprs.end(), [](const Expr& expr) { return expr.type.nullable; });
}

std::string plural(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

Lowered ExprLowerer::lower_call(const ast::Expr& expr, const Type* hint) {
  const std::string& name = expr.text;
  if (name == "if") return lower_if(expr, hint);
  if (name == "coalesce") return lower_coalesce(expr, hint);
  if (name == "any") return lower_any(expr);
  if (name == "length") return lower_length(expr);
  if (name == "date_trunc") return lower_date_trunc(expr);
  if (name == "in_cidr") return lower_in_cidr(expr);
  if ((name == "min" || name == "max") && expr.args.size() != 1) {
    return lower_extreme(expr, name == "min" ? Op::min : Op::max);
  }
  const bool of_step = is_step_aggregate(name) || name == "first" || name == "last";
  if (const auto* aggregate = find_window_name(name)) {
    if (scope_.windowed != nullptr) return lower_window_aggregate(expr, *aggregate);
    if (scope_.steps == nullptr || !of_step) return report_no_window(expr);
  }
  if (name == "count") return lower_count(expr);
  if (name == "first" || name == "last") {
    symbols_.error(expr.span, fmt::format("{}(…) is an event, not a value", name),
                   "name one of its fields, as in first(probe).amount");
    return std::nullopt;
  }
  for (const auto& each : aggregates) {
    if (each.name == name) return lower_aggregate(expr, each.aggregate);
  }
  for (const Signature& signature : signatures) {
    if (signature.name == name) return lower_plain(expr, signature);
  }
  std::vector<std::string> candidates(other_functions.begin(), other_functions.end());
  for (const auto& each : aggregates)
    candidates.emplace_back(each.name);
  if (scope_.windowed != nullptr) {
    for (auto& each : window_names())
      candidates.push_back(std::move(each));
  }
  for (const Signature& signature : signatures)
    candidates.emplace_back(signature.name);
  symbols_.error(expr.name_span, fmt::format("unknown function '{}'", name),
                 symbols_.suggest(name, candidates));
  for (const ast::Expr& arg : expr.args)
    lower(arg);
  return std::nullopt;
}

bool ExprLowerer::check_arity(const ast::Expr& call, std::size_t least, std::size_t most) {
  const auto given = call.args.size();
  if (given >= least && given <= most) return true;
  const auto wants = most == least      ? plural(least, "argument")
                     : most == SIZE_MAX ? fmt::format("at least {}", plural(least, "argument"))
                                        : fmt::format("{} to {} arguments", least, most);
  symbols_.error(call.span, fmt::format("{} takes {}, got {}", call.text, wants, given));
  return false;
}

Lowered ExprLowerer::lower_plain(const ast::Expr& expr, const Signature& signature) {
  std::string_view letters = signature.args;
  const bool optional = letters.ends_with('?');
  const bool variadic = letters.ends_with('*');
  if (optional || variadic) letters.remove_suffix(1);
  bool sound = check_arity(expr, letters.size() - (optional ? 1 : 0), variadic ? SIZE_MAX : letters.size());

  std::vector<Expr> args;
  for (std::size_t i = 0; i < expr.args.size(); ++i) {
    auto arg = lower(expr.args[i]);
    const char letter = letters[std::min(i, letters.size() - 1)];
    if (arg && sound && !fits(letter, arg->type.kind)) {
      symbols_.error(expr.args[i].span, fmt::format("{} wants {} here; this is {}", expr.text, wanted(letter),
                                                    symbols_.describe(arg->type)));
      arg.reset();
    }
    sound = sound && arg;
    if (sound) args.push_back(letter == 'f' ? to_float(std::move(*arg)) : std::move(*arg));
  }
  if (!sound) return std::nullopt;
  if (signature.op == Op::to_float) return std::move(args.front());
  Type type = signature.result == '=' ? args.front().type : Type{.kind = kind_of(signature.result)};
  type.nullable = any_nullable(args) || signature.may_fail;
  return make(signature.op, type, std::move(args));
}

Lowered ExprLowerer::lower_if(const ast::Expr& expr, const Type* hint) {
  if (!check_arity(expr, 3, 3)) return std::nullopt;
  auto condition = lower_condition(expr.args[0]);
  auto branches = lower_all({&expr.args[1], &expr.args[2]}, hint);
  if (!condition || !branches) return std::nullopt;
  const std::array<Type, 2> types = {(*branches)[0].type, (*branches)[1].type};
  if (!unify(*branches)) {
    symbols_.error(expr.span, fmt::format("both values of 'if' must be of one type; these are {} and {}",
                                          symbols_.describe(types[0]), symbols_.describe(types[1])));
    return std::nullopt;
  }
  Type type = branches->front().type;
  type.nullable = any_nullable(*branches);
  branches->insert(branches->begin(), std::move(*condition));
  return make(Op::if_, type, std::move(*branches));
}

Lowered ExprLowerer::lower_coalesce(const ast::Expr& expr, const Type* hint) {
  if (!check_arity(expr, 1, SIZE_MAX)) return std::nullopt;
  auto args = lower_args(expr, hint);
  if (!args) return std::nullopt;
  if (!unify(*args)) {
    symbols_.error(expr.span, "all values of 'coalesce' must be of one type");
    return std::nullopt;
  }
  Type type = args->front().type;
  type.nullable = std::all_of(args->begin(), args->end(), [](const Expr& arg) { return arg.type.nullable; });
  return make(Op::coalesce, type, std::move(*args));
}

Lowered ExprLowerer::lower_extreme(const ast::Expr& expr, Op op) {
  if (!check_arity(expr, 1, SIZE_MAX)) return std::nullopt;
  auto args = lower_args(expr);
  if (!args) return std::nullopt;
  if (!unify(*args) || !is_ordered(args->front().type.kind)) {
    symbols_.error(expr.span,
                   fmt::format("the arguments of {} must be of one type that has an order", expr.text));
    return std::nullopt;
  }
  Type type = args->front().type;
  type.nullable = any_nullable(*args);
  return make(op, type, std::move(*args));
}

Lowered ExprLowerer::lower_length(const ast::Expr& expr) {
  if (!check_arity(expr, 1, 1)) return std::nullopt;
  auto args = lower_args(expr);
  if (!args) return std::nullopt;
  const Type type = args->front().type;
  if (type.kind != Kind::string && type.kind != Kind::array) {
    symbols_.error(expr.args[0].span,
                   fmt::format("length wants text or an array here; this is {}", symbols_.describe(type)));
    return std::nullopt;
  }
  return make(Op::length, {.kind = Kind::integer, .nullable = type.nullable}, std::move(*args));
}

std::optional<std::string> ExprLowerer::constant_text(const ast::Expr& expr, const char* what) {
  auto value = lower(expr);
  if (!value) return std::nullopt;
  if (!is_constant(*value) || value->constant.kind != Kind::string) {
    symbols_.error(expr.span,
                   fmt::format("{} must be text known beforehand: a literal or a string param", what));
    return std::nullopt;
  }
  return std::move(value->constant.s);
}

Lowered ExprLowerer::lower_date_trunc(const ast::Expr& expr) {
  if (!check_arity(expr, 2, 2)) return std::nullopt;
  auto time = lower(expr.args[0]);
  if (time && time->type.kind != Kind::time) {
    symbols_.error(expr.args[0].span,
                   fmt::format("date_trunc wants a time here; this is {}", symbols_.describe(time->type)),
                   "as in date_trunc(at, \"hour\")");
    time.reset();
  }
  auto unit = constant_text(expr.args[1], "the unit");
  if (unit && std::find(date_units.begin(), date_units.end(), *unit) == date_units.end()) {
    symbols_.error(
        expr.args[1].span,
        fmt::format("'{}' is no unit; it is second, minute, hour, day, week, month or year", *unit),
        symbols_.suggest(*unit, {date_units.begin(), date_units.end()}));
    unit.reset();
  }
  if (!time || !unit) return std::nullopt;
  const Type type = time->type;
  std::vector<Expr> args;
  args.push_back(std::move(*time));
  auto result = make(Op::date_trunc, type, std::move(args));
  result.patterns.push_back(std::move(*unit));
  return result;
}

Lowered ExprLowerer::lower_in_cidr(const ast::Expr& expr) {
  if (!check_arity(expr, 2, SIZE_MAX)) return std::nullopt;
  auto address = lower(expr.args[0]);
  if (address && address->type.kind != Kind::string) {
    symbols_.error(expr.args[0].span,
                   fmt::format("in_cidr wants text here; this is {}", symbols_.describe(address->type)));
    address.reset();
  }
  std::vector<std::string> networks;
  for (std::size_t i = 1; i < expr.args.size(); ++i) {
    auto network = constant_text(expr.args[i], "a network");
    if (network && !is_network(*network)) {
      symbols_.error(expr.args[i].span, fmt::format("'{}' is no network", *network),
                     "as in 10.0.0.0/8 or 2001:db8::/32");
      network.reset();
    }
    if (network) networks.push_back(std::move(*network));
  }
  if (!address || networks.size() + 1 != expr.args.size()) return std::nullopt;
  std::vector<Expr> args;
  args.push_back(std::move(*address));
  auto result = make_bool(Op::in_cidr, std::move(args));
  result.patterns = std::move(networks);
  return result;
}

}  // namespace tocsin::dsl
