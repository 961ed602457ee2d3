// Which tables a rule looks into.
#include <algorithm>

#include "engine/plan/plan.hpp"

namespace tocsin::plan {

namespace {

void collect(const std::vector<Expr>& exprs, std::vector<std::uint32_t>& out) {
  for (const Expr& expr : exprs) {
    const bool looks_up = expr.op == Op::in_table || expr.op == Op::table_field;
    if (looks_up && std::find(out.begin(), out.end(), expr.ref.index) == out.end())
      out.push_back(expr.ref.index);
    collect(expr.args, out);
  }
}

void collect(const std::optional<Emit>& emit, std::vector<std::uint32_t>& out) {
  if (!emit) return;
  for (const EmitField& field : emit->fields)
    collect({field.value}, out);
}

}  // namespace

std::vector<std::uint32_t> tables_read(const Rule& rule) {
  std::vector<std::uint32_t> out;
  for (const Input& input : rule.inputs)
    collect(input.conditions, out);
  for (const Step& step : rule.steps) {
    collect(step.conditions, out);
    collect(step.until, out);
  }
  for (const Negation& negation : rule.negations)
    collect(negation.conditions, out);
  for (const WindowAggregate& aggregate : rule.aggregates)
    collect(aggregate.argument, out);
  collect(rule.threshold.conditions, out);
  collect(rule.emit, out);
  collect(rule.timeout, out);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace tocsin::plan
