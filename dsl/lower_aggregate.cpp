// Expressions over many: aggregates over the events of a step, and any(…) over the elements of an array.
// Those over the events of a window are in lower_window.cpp.
#include <fmt/format.h>
#include <utility>

#include "dsl/lower_expr.hpp"
#include "dsl/types.hpp"

namespace tocsin::dsl {

using model::Kind;
using model::Type;
using plan::Aggregate;
using plan::Expr;
using plan::Op;
using AstKind = ast::Expr::Kind;

Lowered ExprLowerer::lower_any(const ast::Expr& expr) {
  if (!check_arity(expr, 1, 1)) return std::nullopt;
  if (any_ != nullptr) {
    symbols_.error(expr.span, "any(…) does not stand inside any(…)");
    return std::nullopt;
  }
  any_ = &expr;
  auto condition = lower_condition(expr.args[0]);
  any_ = nullptr;
  auto array = std::exchange(any_array_, std::nullopt);
  if (!condition) return std::nullopt;
  if (!array) {
    symbols_.error(expr.args[0].span, "any(…) asks something of the elements of an array; none is named here",
                   "as in any(tags like \"adm*\")");
    return std::nullopt;
  }
  return make_bool(Op::any_element, pair(std::move(*array), std::move(*condition)));
}

Lowered ExprLowerer::lower_count(const ast::Expr& expr) {
  if (!check_arity(expr, 1, 1)) return std::nullopt;
  const ast::Expr& arg = expr.args[0];
  const auto step = arg.kind == AstKind::name ? find_step(arg.text) : std::nullopt;
  if (!step) return lower_aggregate(expr, Aggregate::count);
  if (!reachable(*step, arg.span)) return std::nullopt;
  const StepInfo& info = (*scope_.steps)[*step];
  if (!info.repeated() && !scope_.total) {
    symbols_.error(expr.span, fmt::format("count needs a repeated step; '{}' is one event", info.name),
                   info.quantifier.min == 0 ? fmt::format("write {} is not null", info.name) : "");
    return std::nullopt;
  }
  if (*step < 64) steps_asked_ |= std::uint64_t{1} << *step;
  auto count = make(Op::aggregate, {.kind = scope_.total ? Kind::floating : Kind::integer}, {});
  count.aggregate = Aggregate::count;
  count.ref.step = *step;
  return count;
}

Lowered ExprLowerer::lower_aggregate(const ast::Expr& expr, Aggregate aggregate) {
  if (!check_arity(expr, 1, 1)) return std::nullopt;
  const ast::Expr& arg = expr.args[0];
  if (aggregate_ != nullptr) {
    symbols_.error(expr.span, fmt::format("{} does not stand inside {}(…)", expr.text, aggregate_->text));
    return std::nullopt;
  }
  const auto named = arg.kind == AstKind::name ? find_step(arg.text) : std::nullopt;
  if (named && look_up(arg.text).found == Found::no) {
    symbols_.error(arg.span, fmt::format("{} needs a field of the step", expr.text),
                   fmt::format("as in {}({}.field)", expr.text, arg.text));
    return std::nullopt;
  }
  aggregate_ = &expr;
  auto value = lower(arg);
  aggregate_ = nullptr;
  const auto step = std::exchange(aggregate_step_, std::nullopt);
  if (!value) return std::nullopt;
  if (!step) {
    symbols_.error(arg.span, fmt::format("{} is over a repeated step; none is named here", expr.text),
                   fmt::format("as in {}(probe.amount)", expr.text));
    return std::nullopt;
  }

  const Kind kind = value->type.kind;
  const bool adds_up = is_number(kind) || kind == Kind::duration;
  const bool takes = aggregate == Aggregate::avg                                  ? is_number(kind)
                     : aggregate == Aggregate::sum                                ? adds_up
                     : aggregate == Aggregate::min || aggregate == Aggregate::max ? is_ordered(kind)
                                                                                  : kind != Kind::array;
  if (!takes) {
    symbols_.error(arg.span,
                   fmt::format("{} does not go with {}", expr.text, symbols_.describe(value->type)));
    return std::nullopt;
  }
  Type type = value->type;
  const bool is_sum = aggregate == Aggregate::sum;
  const bool is_number_of = aggregate == Aggregate::count || aggregate == Aggregate::distinct;
  if (aggregate == Aggregate::avg) {
    value = to_float(std::move(*value));
    type = value->type;
  }
  if (is_number_of) type = {.kind = Kind::integer};
  type.nullable = !is_sum && !is_number_of && (type.nullable || !certain(*step));
  if (scope_.total) {
    const bool is_extreme = aggregate == Aggregate::min || aggregate == Aggregate::max;
    if (aggregate == Aggregate::distinct || kind == Kind::string || (is_sum && kind == Kind::duration)) {
      symbols_.error(
          expr.span,
          fmt::format("'report total' knows no {} of {}", expr.text, symbols_.describe({.kind = kind})),
          "it keeps count, sum and avg of numbers, min and max of numbers and times");
      return std::nullopt;
    }
    if (!is_extreme) type.kind = Kind::floating;  // numbers of candidates outgrow an int
  }

  std::vector<Expr> args;
  args.push_back(std::move(*value));
  auto result = make(Op::aggregate, type, std::move(args));
  result.aggregate = aggregate;
  result.ref.step = *step;
  return result;
}

}  // namespace tocsin::dsl
