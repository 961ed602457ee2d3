// What `report total` asks of a rule: candidates that are never looked at cannot be asked what they hold, so
// conditions read one event alone, and what would tell one run from another is an error.
#include <algorithm>
#include <fmt/format.h>

#include "dsl/lower_rule.hpp"

namespace tocsin::dsl {

using plan::Expr;
using plan::Op;
using plan::PatternNode;
using plan::Selector;

namespace {

bool reads_run(const Expr& expr) {
  if (expr.op == Op::field && expr.ref.selector != Selector::current) return true;
  if (expr.op == Op::aggregate || expr.op == Op::is_bound) return true;
  return std::any_of(expr.args.begin(), expr.args.end(), reads_run);
}

bool any_reads_run(const std::vector<Expr>& conditions) {
  return std::any_of(conditions.begin(), conditions.end(), reads_run);
}

// What in the pattern would need more than the number of its runs, in the user's words; empty: nothing.
std::string against_total(const PatternNode& node, const plan::Rule& rule) {
  const bool is_step = node.kind == PatternNode::Kind::step;
  const auto& quantifier = is_step ? rule.steps[node.step].quantifier : node.quantifier;
  if (!is_step && quantifier != plan::Quantifier{}) return "a group with a quantifier";
  if (node.within_ns != plan::no_bound) return "a group with 'within'";
  if (quantifier.gap_ns != plan::no_bound) return "'gap'";
  if (quantifier.loop != plan::Loop::greedy) return "a reluctant or possessive loop";
  for (const auto& edge : node.edges) {
    if (edge.bound_ns != plan::no_bound) return "a bound on an edge";
    if (std::any_of(edge.bans.begin(), edge.bans.end(), [](const plan::Ban& ban) { return ban.strict; }))
      return "', not'";
  }
  for (const auto& child : node.children) {
    if (auto found = against_total(child, rule); !found.empty()) return found;
  }
  return "";
}

}  // namespace

void RuleLowerer::check_total() {
  const Span at = decl_.name.span;
  if (!decl_.match) return;
  const auto refuse = [&](Span span, const std::string& what) {
    error(span, fmt::format("{} does not go with 'report total'", what),
          "it keeps no candidates, only what all of them come to");
  };
  if (!decl_.emit) error(at, "'report total' needs an 'emit', which says what to add up");
  if (decl_.timeout) refuse(decl_.timeout->span, "'on timeout'");
  if (rule_.skip != plan::Skip::none && rule_.skip != plan::Skip::past_last) refuse(at, "'skip to'");
  if (!rule_.before.empty() || !rule_.after.empty()) refuse(decl_.match->span, "'not' with 'for'");
  if (const auto what = against_total(rule_.pattern, rule_); !what.empty()) refuse(decl_.match->span, what);
  std::uint64_t repeats = 0;
  for (const plan::Step& step : rule_.steps)
    repeats +=
        step.quantifier.max == plan::unbounded ? std::max(step.quantifier.min, 1u) : step.quantifier.max;
  constexpr std::uint64_t most_repeats = 256;
  if (repeats > most_repeats)
    refuse(decl_.match->span, fmt::format("a count of more than {} repeats", most_repeats));
  check_total_conditions();
}

void RuleLowerer::check_total_conditions() {
  const auto check = [&](const std::vector<Expr>& conditions, Span span) {
    if (any_reads_run(conditions))
      error(span, "under 'report total' a condition reads its own event alone", "use 'report all'");
  };
  for (std::uint32_t i = 0; i < rule_.steps.size(); ++i) {
    check(rule_.steps[i].conditions, pattern_.sources[i]->span);
    check(rule_.steps[i].until, pattern_.sources[i]->span);
  }
  for (std::uint32_t i = 0; i < rule_.negations.size(); ++i)
    check(rule_.negations[i].conditions, pattern_.negations[i].source->span);
}

}  // namespace tocsin::dsl
