// Conditions of a rule: each conjunct goes to the step where all that it names is known.
#include <algorithm>
#include <fmt/format.h>

#include "dsl/lower_rule.hpp"
#include "dsl/types.hpp"

namespace tocsin::dsl {

using model::EventTypeId;
using model::Kind;
using plan::Expr;
using plan::Op;
using plan::Selector;
using Place = Scope::Place;

namespace {

bool reads_previous(const Expr& expr) {
  if (expr.op == Op::field && expr.ref.selector == Selector::previous) return true;
  return std::any_of(expr.args.begin(), expr.args.end(), reads_previous);
}

/// The step whose events this node, its arguments aside, reads.
std::optional<std::uint32_t> step_read_by(const Expr& expr) {
  if (expr.op == Op::aggregate || expr.op == Op::is_bound) return expr.ref.step;
  if (expr.op != Op::field) return std::nullopt;
  if (expr.ref.selector == Selector::current || expr.ref.selector == Selector::previous) return std::nullopt;
  return expr.ref.step;
}

void collect_steps(const Expr& expr, std::vector<std::uint32_t>& out) {
  const auto step = step_read_by(expr);
  if (step && std::find(out.begin(), out.end(), *step) == out.end()) out.push_back(*step);
  for (const Expr& arg : expr.args)
    collect_steps(arg, out);
}

/// A condition of step `own`, as it reads when `at` is the step whose event is tried. Both take one event.
Expr seen_from(Expr expr, std::uint32_t own, std::uint32_t at) {
  if (expr.op == Op::field && expr.ref.selector == Selector::current) {
    expr.ref.selector = Selector::single;
    expr.ref.step = own;
  } else if (step_read_by(expr) == at) {
    if (expr.op == Op::is_bound) return constant(Kind::boolean, 1);
    expr.ref.selector = Selector::current;
    expr.ref.step = 0;
  }
  for (Expr& arg : expr.args)
    arg = seen_from(std::move(arg), own, at);
  const bool is_logic = expr.op == Op::not_ || expr.op == Op::and_ || expr.op == Op::or_;
  return is_logic ? make_bool(expr.op, std::move(expr.args)) : expr;
}

/// True where `step` was not taken, or the condition holds.
Expr if_taken(std::uint32_t step, Expr condition) {
  Expr taken = make_bool(Op::is_bound, {});
  taken.ref.step = step;
  return make_bool(Op::or_, pair(negate(std::move(taken)), std::move(condition)));
}

}  // namespace

std::vector<Expr> RuleLowerer::lower_conjuncts(const std::vector<const ast::Expr*>& conditions,
                                               const Scope& scope) {
  std::vector<Expr> out;
  for (const auto* condition : conditions) {
    auto lowered = ExprLowerer(symbols_, scope).lower_condition(*condition);
    if (lowered) add_conjuncts(std::move(*lowered), out);
  }
  return out;
}

// A `between` is two conjuncts, which a predicate index can tell apart. Not where it names `prev`, as then
// both halves apply from the second repeat on.
void RuleLowerer::add_conjuncts(Expr condition, std::vector<Expr>& out) {
  if (condition.op == Op::and_ && !reads_previous(condition)) {
    for (Expr& arg : condition.args)
      add_conjuncts(std::move(arg), out);
  } else if (!is_constant_true(condition)) {
    out.push_back(std::move(condition));
  }
}

// `types` are those of the event at hand.
Scope RuleLowerer::step_scope(Place place, std::uint32_t step, const std::vector<EventTypeId>& types) const {
  Scope scope;
  scope.place = place;
  scope.steps = &pattern_.steps;
  scope.own = step;
  if (place == Place::where) return scope;
  scope.current = refs_of(types);
  scope.current_silent = types.empty();
  return scope;
}

void RuleLowerer::lower_conditions() {
  for (std::uint32_t i = 0; i < pattern_.steps.size(); ++i) {
    const ast::Pattern& source = *pattern_.sources[i];
    const auto& types = pattern_.steps[i].types;
    if (source.condition) {
      const Scope scope = step_scope(Place::condition, i, types);
      for (const ast::Expr* conjunct : conjuncts(*source.condition)) {
        for (Expr& lowered : lower_conjuncts({conjunct}, scope))
          place(i, std::move(lowered), conjunct->span);
      }
    }
    if (source.until) {
      auto& until = rule_.steps[i].until;
      until = lower_conjuncts(conjuncts(*source.until), step_scope(Place::until, i, types));
      if (until.empty()) until.push_back(constant(Kind::boolean, 1));  // `until [true]`
    }
  }
  lower_negations();
  if (decl_.where) lower_where();
}

void RuleLowerer::lower_negations() {
  for (std::size_t i = 0; i < pattern_.negations.size(); ++i) {
    const NegationInfo& info = pattern_.negations[i];
    if (!info.source->condition) continue;
    rule_.negations[i].conditions = lower_conjuncts(conjuncts(*info.source->condition),
                                                    step_scope(Place::negation, info.place, info.types));
  }
}

void RuleLowerer::lower_where() {
  for (const auto* conjunct : conjuncts(*decl_.where)) {
    decl_.match ? lower_step_where(*conjunct) : lower_input_where(*conjunct);
  }
}

// Lowered once for each type; what is wrong with it for all of them is said once.
void RuleLowerer::lower_input_where(const ast::Expr& conjunct) {
  auto& said = symbols_.diagnostics;
  const auto first = said.size();
  for (auto& input : rule_.inputs) {
    Scope scope;
    scope.place = Place::input;
    scope.current = refs_of({input.type});
    auto lowered = lower_conjuncts({&conjunct}, scope);
    std::move(lowered.begin(), lowered.end(), std::back_inserter(input.conditions));
  }
  for (auto i = said.size(); i-- > first;) {
    const bool repeats = std::any_of(said.begin() + first, said.begin() + i, [&](const Diagnostic& other) {
      return other.span.begin == said[i].span.begin && other.message == said[i].message;
    });
    if (repeats) said.erase(said.begin() + i);
  }
}

void RuleLowerer::lower_step_where(const ast::Expr& conjunct) {
  const auto target = last_step_named(conjunct, pattern_.steps);
  const Scope scope = step_scope(Place::where, target.value_or(0), {});
  ExprLowerer lowerer(symbols_, scope);
  auto condition = lowerer.lower_condition(conjunct);
  if (!condition) return;
  if (!target) {  // of constants alone: it opens or shuts the whole stream
    for (auto& input : rule_.inputs)
      input.conditions.push_back(*condition);
    return;
  }
  // Of a step that was not taken it asks nothing, unless it asks just that.
  const auto missing = lowerer.steps_read() & ~lowerer.steps_asked();
  for (std::uint32_t i = 0; i < *target; ++i) {
    const bool read = ((missing >> i) & 1) != 0;
    if (!read || pattern_.steps[i].certain_at(pattern_.steps[*target])) continue;
    condition = if_taken(i, std::move(*condition));
  }
  std::vector<Expr> parts;
  add_conjuncts(std::move(*condition), parts);
  for (Expr& part : parts)
    place(*target, std::move(part), conjunct.span);
}

std::string RuleLowerer::name_of(std::uint32_t step) const {
  const auto& name = pattern_.steps[step].name;
  return name.empty() ? "this step" : fmt::format("'{}'", name);
}

// A conjunct of step `own`. What it asks of other operands of the same `&` is asked at whichever of them
// comes last: a copy stands at each, and says nothing as long as one of the others is missing.
void RuleLowerer::place(std::uint32_t own, Expr condition, Span span) {
  std::vector<std::uint32_t> steps;
  collect_steps(condition, steps);
  const auto is_known = [&](std::uint32_t step) {
    return step == own || !pattern_.steps[step].beside(pattern_.steps[own]);
  };
  steps.erase(std::remove_if(steps.begin(), steps.end(), is_known), steps.end());
  if (steps.empty()) {
    rule_.steps[own].conditions.push_back(std::move(condition));
    return;
  }
  steps.push_back(own);
  for (const auto step : steps) {
    if (!pattern_.steps[step].repeated()) continue;
    const auto other = step == own ? steps.front() : own;
    return error(span,
                 fmt::format("{} is repeated, so it can't be compared with {}, which comes in any order",
                             name_of(step), name_of(other)),
                 "compare them at a step behind the '&'");
  }
  std::sort(steps.begin(), steps.end());
  for (const auto at : steps) {
    Expr copy = at == own ? condition : seen_from(condition, own, at);
    for (auto other = steps.rbegin(); other != steps.rend(); ++other) {
      if (*other != at) copy = if_taken(*other, std::move(copy));
    }
    if (!is_constant_true(copy)) rule_.steps[at].conditions.push_back(std::move(copy));
  }
}

}  // namespace tocsin::dsl
