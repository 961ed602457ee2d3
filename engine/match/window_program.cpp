#include "engine/match/window_program.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace tocsin::match {

using model::Kind;
using plan::Expr;
using plan::Op;
using plan::WindowFunction;
using On = plan::Threshold::On;

namespace {

bool reads_event(const Expr& expr) {
  return expr.op == Op::field || std::any_of(expr.args.begin(), expr.args.end(), reads_event);
}

/// How a number changes, or becomes null, as events leave the window by time and none comes in.
enum class Trend : std::uint8_t { unknown, stays, falls, grows };

Trend trend_of(const plan::Rule& rule, const Expr& expr) {
  if (is_single_event(expr)) return Trend::stays;
  if (expr.op == Op::to_float) return trend_of(rule, expr.args[0]);
  if (expr.op != Op::window_aggregate) return Trend::unknown;
  switch (rule.aggregates[expr.ref.index].function) {
    case WindowFunction::count:
    case WindowFunction::rate:
    case WindowFunction::distinct:
    case WindowFunction::max: return Trend::falls;
    case WindowFunction::min: return Trend::grows;
    default: return Trend::unknown;
  }
}

/// True where `condition` can't become true by events that leave: then nobody need look until one comes in.
bool only_falls(const plan::Rule& rule, const Expr& condition) {
  const auto& args = condition.args;
  switch (condition.op) {
    case Op::and_:
    case Op::or_:
      return std::all_of(args.begin(), args.end(), [&](const Expr& arg) { return only_falls(rule, arg); });
    case Op::gt:
    case Op::ge:
    case Op::lt:
    case Op::le: {
      const bool greater = condition.op == Op::gt || condition.op == Op::ge;
      const Trend more = trend_of(rule, args[greater ? 0 : 1]);  // what must be the greater one
      const Trend less = trend_of(rule, args[greater ? 1 : 0]);
      return (more == Trend::falls || more == Trend::stays) && (less == Trend::grows || less == Trend::stays);
    }
    case Op::window_aggregate: return rule.aggregates[condition.ref.index].function == WindowFunction::is_new;
    default: return is_single_event(condition);
  }
}

WindowCondition compile_condition(const Expr& source, const model::Catalog& catalog) {
  WindowCondition condition{Expression(source, catalog), false, 0, {}};
  const bool ordered =
      source.op == Op::lt || source.op == Op::le || source.op == Op::gt || source.op == Op::ge;
  if (!ordered || source.args[0].op != Op::window_aggregate || source.args[1].op != Op::constant)
    return condition;
  const plan::Constant& bound = source.args[1].constant;
  if (bound.kind != source.args[0].type.kind) return condition;
  if (bound.kind == Kind::floating) {
    condition.range = range_of(source.op, bound.f);
  } else if (bound.kind == Kind::integer || bound.kind == Kind::time || bound.kind == Kind::duration) {
    condition.range = range_of(source.op, bound.i);
  } else {
    return condition;
  }
  condition.is_simple = true;
  condition.aggregate = source.args[0].ref.index;
  return condition;
}

std::string reason_of(const WindowProgram& program) {
  if (program.slides_by_time()) {
    if (program.sees_instants) return "it looks at each event and whenever events leave the window";
    if (program.on == On::rise)
      return "events that leave can't make the condition true, so it looks when one comes in";
    return "it looks at each event";
  }
  if (program.on == On::close) return "it looks when a window closes";
  return "it looks at each event";
}

std::uint32_t number_argument(const Expr& expr, const model::Catalog& catalog, WindowProgram& program) {
  auto& known = program.arguments;
  const auto same =
      std::find_if(known.begin(), known.end(), [&](const auto& argument) { return argument.source == expr; });
  const auto number = static_cast<std::uint32_t>(same - known.begin());
  if (same == known.end()) {
    const bool nullable = expr.type.nullable || expr.op != Op::field || expr.ref.of_any;
    const std::uint32_t slot = nullable ? 0 : catalog[expr.ref.type].fields[expr.ref.field].slot;
    known.push_back({expr, Expression(expr, catalog), expr.type.kind, nullable, slot});
  }
  return number;
}

}  // namespace

WindowRange range_of(Op op, std::int64_t bound) {
  WindowRange range;
  switch (op) {
    case Op::lt: range.greatest = bound - (bound > INT64_MIN); break;
    case Op::le: range.greatest = bound; break;
    case Op::gt: range.least = bound + (bound < INT64_MAX); break;
    default: range.least = bound;
  }
  const bool is_empty = (op == Op::lt && bound == INT64_MIN) || (op == Op::gt && bound == INT64_MAX);
  if (is_empty) std::tie(range.least, range.greatest) = std::pair(INT64_MAX, INT64_MIN);
  return range;
}

// No float lies between a bound and the next one.
WindowRange range_of(Op op, double bound) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  WindowRange range;
  switch (op) {
    case Op::lt:
      range.greatest_float = bound == -infinity ? nothing : std::nextafter(bound, -infinity);
      break;
    case Op::le: range.greatest_float = bound; break;
    case Op::gt: range.least_float = bound == infinity ? nothing : std::nextafter(bound, infinity); break;
    default: range.least_float = bound;
  }
  return range;
}

WindowProgram build_window(const plan::Rule& rule, const model::Catalog& catalog) {
  WindowProgram program;
  const plan::Threshold& threshold = rule.threshold;
  program.window = *rule.window;
  program.on = threshold.on;
  program.for_ns = threshold.for_ns;
  program.keep_ns = threshold.keep_ns;
  for (const auto& source : rule.aggregates) {
    WindowAggregate aggregate;
    aggregate.function = source.function;
    aggregate.percent = source.percent;
    aggregate.half_life_ns = source.half_life_ns;
    aggregate.most = source.most;
    aggregate.result = source.type.kind;
    if (!source.argument.empty())
      aggregate.argument = number_argument(source.argument.front(), catalog, program);
    program.aggregates.push_back(aggregate);
  }
  for (const auto& condition : threshold.conditions)
    program.conditions.push_back(compile_condition(condition, catalog));

  const auto& conditions = threshold.conditions;
  const bool lasts = program.for_ns != plan::no_bound || program.keep_ns != plan::no_bound;
  if (program.slides_by_time()) {
    const bool falls = std::all_of(conditions.begin(), conditions.end(),
                                   [&](const Expr& condition) { return only_falls(rule, condition); });
    program.sees_instants = program.on == On::fall || lasts || (program.on == On::rise && !falls);
  } else {
    program.sees_instants = program.by_time() && program.on == On::close;
  }
  program.reason = reason_of(program);
  program.keeps_newest =
      program.is_timed() || (program.slides_by_time() && program.on == On::rise &&
                             std::any_of(conditions.begin(), conditions.end(), reads_event));
  return program;
}

}  // namespace tocsin::match
