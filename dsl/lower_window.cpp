// Aggregates over the events of a window. Equal ones of a rule are one entry of Rule::aggregates, so that
// what `when` asks and `emit` tells is computed once.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

#include "dsl/lower_expr.hpp"
#include "dsl/types.hpp"

namespace tocsin::dsl {

using model::Kind;
using model::Type;
using plan::Op;
using plan::WindowAggregate;
using On = plan::Threshold::On;
using Function = plan::WindowFunction;
using Place = Scope::Place;

namespace {

constexpr std::array<WindowName, 18> names = {{
    {"count", Function::count, 0, 1, 'a'},
    {"sum", Function::sum, 1, 1, 'd'},
    {"avg", Function::avg, 1, 1, 'd'},
    {"min", Function::min, 1, 1, 't'},
    {"max", Function::max, 1, 1, 't'},
    {"stddev", Function::stddev, 1, 1, 'n'},
    {"variance", Function::variance, 1, 1, 'n'},
    {"distinct", Function::distinct, 1, 1, 'a'},
    {"approx_distinct", Function::approx_distinct, 1, 1, 'a'},
    {"median", Function::percentile, 1, 1, 'n'},
    {"percentile", Function::percentile, 2, 2, 'n'},
    {"first", Function::first, 1, 1, 'a'},
    {"last", Function::last, 1, 1, 'a'},
    {"rate", Function::rate, 0, 0, 'a'},
    {"ewma", Function::ewma, 2, 2, 'n'},
    {"top", Function::top, 2, 2, 'a'},
    {"collect", Function::collect, 1, 1, 'a'},
    {"is_new", Function::is_new, 1, 1, 'a'},
}};

constexpr std::int64_t most_top = 100;

bool takes(const WindowName& name, Kind kind) {
  switch (name.takes) {
    case 'n': return is_number(kind);
    case 'd': return is_number(kind) || kind == Kind::duration;
    case 't': return is_number(kind) || kind == Kind::duration || kind == Kind::time;
    default: return kind != Kind::array && kind != Kind::null;
  }
}

bool gives_array(Function function) {
  return function == Function::top || function == Function::collect;
}

/// A sliding window of time may have emptied as its condition falls, or while one that fell is kept true.
bool may_be_empty(const plan::Rule& rule) {
  const plan::Threshold& threshold = rule.threshold;
  const bool expires = rule.window->kind == plan::Window::Kind::sliding && rule.window->events == 0;
  const bool kept = threshold.for_ns != plan::no_bound && threshold.keep_ns != plan::no_bound;
  return expires && (threshold.on == On::fall || kept);
}

/// The type of an aggregate over values of type `value`.
Type result_type(Function function, Type value, const plan::Rule& rule) {
  const bool nullable = value.nullable || may_be_empty(rule);
  switch (function) {
    case Function::count:
    case Function::distinct:
    case Function::approx_distinct: return {.kind = Kind::integer};
    case Function::sum: value.nullable = false; return value;
    case Function::stddev:
    case Function::variance: return {.kind = Kind::floating, .nullable = true};
    case Function::rate: {
      const bool by_width = rule.window->events == 0 && rule.window->kind != plan::Window::Kind::session;
      return {.kind = Kind::floating, .nullable = !by_width};
    }
    case Function::top:
    case Function::collect: return {.kind = Kind::array, .element = value.kind};
    case Function::is_new: return {.kind = Kind::boolean};
    default: value.nullable = nullable; return value;
  }
}

bool calculates_in_float(Function function) {
  return function == Function::avg || function == Function::stddev || function == Function::variance ||
         function == Function::percentile || function == Function::ewma;
}

}  // namespace

const WindowName* find_window_name(std::string_view name) {
  const auto found =
      std::find_if(names.begin(), names.end(), [&](const WindowName& each) { return each.name == name; });
  return found == names.end() ? nullptr : &*found;
}

std::vector<std::string> window_names() {
  std::vector<std::string> out;
  for (const WindowName& each : names)
    out.emplace_back(each.name);
  return out;
}

Lowered ExprLowerer::lower_window_aggregate(const ast::Expr& expr, const WindowName& name) {
  if (!check_arity(expr, name.least, name.most)) return std::nullopt;
  if (aggregate_ != nullptr) {
    symbols_.error(expr.span, fmt::format("{} does not stand inside {}(…)", expr.text, aggregate_->text));
    return std::nullopt;
  }
  WindowAggregate aggregate;
  aggregate.function = name.function;
  bool sound = lower_window_constant(expr, aggregate);
  if (name.function == Function::is_new) sound = check_is_new(expr.span) && sound;
  Type type;
  if (!expr.args.empty()) {
    auto argument = lower_window_argument(expr, name);
    if (!argument || !sound) return std::nullopt;
    type = argument->type;
    aggregate.argument.push_back(std::move(*argument));
  }
  if (!sound) return std::nullopt;
  aggregate.type = result_type(name.function, type, *scope_.windowed);

  auto& known = scope_.windowed->aggregates;
  const auto at = std::find(known.begin(), known.end(), aggregate);
  auto result = make(Op::window_aggregate, aggregate.type, {});
  result.ref.index = static_cast<std::uint32_t>(at - known.begin());
  if (at == known.end()) known.push_back(std::move(aggregate));
  return element_instead(std::move(result), expr.span);
}

/// What is aggregated, of one event. Inside any(…) it is still the whole window's.
Lowered ExprLowerer::lower_window_argument(const ast::Expr& expr, const WindowName& name) {
  const ast::Expr* const any = std::exchange(any_, nullptr);
  auto any_array = std::exchange(any_array_, std::nullopt);
  aggregate_ = &expr;
  auto value = lower(expr.args[0]);
  aggregate_ = nullptr;
  any_ = any;
  any_array_ = std::move(any_array);
  if (!value) return std::nullopt;
  const Kind kind = value->type.kind;
  const bool array_of_enum = gives_array(name.function) && kind == Kind::enumeration;
  if (!takes(name, kind) || array_of_enum) {
    std::string hint;
    if (kind == Kind::duration) hint = "divide it by a duration, as in took / 1s, to get a number";
    if (array_of_enum) hint = "an array of an enum is not supported";
    symbols_.error(expr.args[0].span,
                   fmt::format("{} does not go with {}", expr.text, symbols_.describe(value->type)), hint);
    return std::nullopt;
  }
  return calculates_in_float(name.function) ? to_float(std::move(*value)) : std::move(value);
}

/// The last argument of those aggregates that want to know more, which must be known beforehand.
bool ExprLowerer::lower_window_constant(const ast::Expr& expr, WindowAggregate& aggregate) {
  if (expr.text == "median") aggregate.percent = 50;
  if (expr.args.size() < 2) return true;
  const ast::Expr& arg = expr.args[1];
  if (aggregate.function == Function::ewma) {
    const auto half_life = lower_positive_duration(symbols_, arg, "the half-life of 'ewma'");
    aggregate.half_life_ns = half_life.value_or(0);
    return half_life.has_value();
  }
  const Scope constants;
  auto value = ExprLowerer(symbols_, constants).lower(arg);
  if (!value) return false;
  if (aggregate.function == Function::top) {
    const auto most = value->constant.i;
    if (value->constant.kind != Kind::integer || most < 1 || most > most_top) {
      symbols_.error(arg.span, fmt::format("top wants an int from 1 to {} here", most_top),
                     "as in top(name, 10), the ten most frequent");
      return false;
    }
    aggregate.most = static_cast<std::uint32_t>(most);
    return true;
  }
  value = to_float(std::move(*value));
  aggregate.percent = value->constant.f;
  if (value->constant.kind != Kind::floating || !(aggregate.percent > 0 && aggregate.percent <= 100)) {
    symbols_.error(arg.span, "percentile wants a number above 0, up to 100, here",
                   "as in percentile(took, 99.9)");
    return false;
  }
  if (aggregate.percent < 1) {
    symbols_.warn(arg.span, "this is less than one percent",
                  fmt::format("the {0:g}th percentile is written {0:g}", aggregate.percent * 100));
  }
  return true;
}

bool ExprLowerer::check_is_new(Span span) {
  const auto& threshold = scope_.windowed->threshold;
  const char* const other = threshold.on == On::close            ? "'on close'"
                            : threshold.on == On::fall           ? "'on fall'"
                            : threshold.for_ns != plan::no_bound ? "'for'"
                                                                 : nullptr;
  if (other == nullptr) return true;
  symbols_.error(span,
                 fmt::format("is_new asks about an event that comes in, and does not go with {}", other),
                 "'on every' looks at each event that comes in");
  return false;
}

/// An aggregate where there is no window to look at.
Lowered ExprLowerer::report_no_window(const ast::Expr& call) {
  const auto say = [&](const char* over, const char* hint) {
    symbols_.error(call.span, fmt::format("{} is over {}", call.text, over), hint);
    return std::nullopt;
  };
  if (scope_.place == Place::constant) return say("events; only params are known here", "");
  if (scope_.place == Place::input) {
    return say("many events; a condition of 'from' or 'where' sees one",
               "what a whole window is asked stands in 'when'");
  }
  if (scope_.steps == nullptr)
    return say("the events of a window; this rule has none", "add one, as in window sliding 10m");
  return say("the events of a window; a pattern has none",
             "of a repeated step there are count, sum, avg, min, max and distinct");
}

}  // namespace tocsin::dsl
