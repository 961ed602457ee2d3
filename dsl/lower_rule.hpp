// One rule: its stream, steps, keys, bounds, conditions and what it emits, in that order, as each reads what
// stands before it.
//
// The class is one, its sources are five: lower_rule.cpp (stream, steps, keys, bounds),
// lower_conditions.cpp, lower_threshold.cpp (`window`, `when`, `throttle`), lower_emit.cpp, lower_total.cpp
// (what `report total` asks of a rule).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dsl/lower.hpp"

namespace tocsin::dsl {

class RuleLowerer {
 public:
  RuleLowerer(Symbols& symbols, const ast::RuleDecl& decl) : symbols_(symbols), decl_(decl) {}

  LoweredRule lower();

 private:
  void error(Span span, std::string message, std::string hint = {}) {
    symbols_.error(span, std::move(message), std::move(hint));
  }

  // Stream, steps, keys, bounds.
  void lower_labels();
  void check_clauses();
  std::vector<model::EventTypeId> types_of_any() const;
  bool reads(model::EventTypeId type) const;
  void lower_from();
  void lower_mentions();
  void lower_steps();
  void lower_report();
  void lower_skip(const ast::Skip& skip);
  /// True where a match is reported as soon as the pattern is complete, so that it does not go on.
  bool ends_early() const;
  void lower_partition();
  void lower_within();

  // Conditions.
  std::vector<plan::Expr> lower_conjuncts(const std::vector<const ast::Expr*>& conditions,
                                          const Scope& scope);
  static void add_conjuncts(plan::Expr condition, std::vector<plan::Expr>& out);
  Scope step_scope(Scope::Place place, std::uint32_t step,
                   const std::vector<model::EventTypeId>& types) const;
  void lower_conditions();
  void lower_negations();
  void lower_where();
  void lower_input_where(const ast::Expr& conjunct);
  void lower_step_where(const ast::Expr& conjunct);
  void place(std::uint32_t own, plan::Expr condition, Span span);
  std::string name_of(std::uint32_t step) const;

  // Windows and thresholds.
  void check_window_clauses();
  bool keeps_state() const;
  void lower_window();
  void lower_window_size(const ast::Window& written);
  void lower_threshold();
  void check_threshold(const ast::When& when);
  void lower_throttle();

  // Emit.
  plan::Expr read(plan::FieldRef ref, bool nullable) const;
  plan::Expr read_key(const plan::PartitionKey& key, const Scope& scope) const;
  void read_keys(const Scope& scope);
  Scope instant_scope(Scope::Place place);
  Scope emit_scope();
  void lower_emit();
  void lower_timeout();
  void lower_emitted(const ast::Emit& emit, Scope scope, std::vector<EmittedField>& out);
  void choose_by_type();

  // lower_total.cpp
  void check_total();
  void check_total_conditions();

  Symbols& symbols_;
  const ast::RuleDecl& decl_;
  LoweredPattern pattern_;
  LoweredRule result_;
  plan::Rule& rule_ = result_.rule;
  std::map<std::string, Lowered> keys_;  // partition keys as `emit` reads them; nothing where broken
  bool all_known_ = true;                // every type that the rule names
};

}  // namespace tocsin::dsl
