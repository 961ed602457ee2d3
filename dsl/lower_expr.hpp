// Expressions of the text → typed expressions of the plan. A Scope says what names mean where the expression
// stands; lowering gives nothing where it found an error, which it has reported then, and whoever gets
// nothing adds no error of his own.
//
// The class is one, its sources are seven: lower_expr.cpp (arithmetic, logic), lower_test.cpp (comparisons),
// lower_names.cpp (bare names), lower_steps.cpp (steps), lower_table.cpp (tables), lower_call.cpp
// (functions), lower_aggregate.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/ast.hpp"
#include "dsl/resolve.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::dsl {

using Lowered = std::optional<plan::Expr>;

/// One part of a pattern of which a match need not have all: an alternative, a group that may be skipped, or
/// an operand of `&`, which may come before or after the others.
struct Branch {
  std::uint32_t of = 0;      // the number of the alternation, group or `&`
  std::uint32_t number = 0;  // which of its parts

  friend bool operator==(const Branch&, const Branch&) = default;
};

/// A step as expressions see it.
struct StepInfo {
  std::string name;
  Span span;
  std::vector<model::EventTypeId> types;  // several: of `any[…]`; none: unknown, reported
  plan::Quantifier quantifier;
  bool in_loop = false;           // stands in a group that is repeated
  std::vector<Branch> choices;    // the alternatives and optional groups that it stands in
  std::vector<Branch> exclusive;  // those of `choices` that no match has two of
  std::vector<Branch> operands;   // the operands of `&` that it stands in

  /// True where a match may hold several events of this step.
  bool repeated() const { return quantifier.max > 1 || in_loop; }
  /// True for the types of the events that it takes.
  bool takes(model::EventTypeId type) const;
  /// True where both stand in the same alternation, in different alternatives, so that no match has both.
  bool excludes(const StepInfo& other) const;
  /// True where both stand in the same `&`, in different operands, so that either may come first.
  bool beside(const StepInfo& other) const;
  /// True where a run that has got to `other` must hold an event of this step, if this one comes first.
  bool certain_at(const StepInfo& other) const;
  /// The same for a finished match.
  bool certain() const { return quantifier.min > 0 && choices.empty(); }
};

/// What names mean in one place.
struct Scope {
  enum class Place : std::uint8_t {
    constant,   // params alone
    input,      // the condition of a `from`
    condition,  // of a step
    until,      // of a step
    negation,   // the condition of a `not` before step `own`, or behind the last step
    where,      // a conjunct of `where`, moved to step `own`
    emit,
    timeout,  // `on timeout emit`, where any step may be missing
  };
  Place place = Place::constant;
  /// The event at hand, once for each type that it may have; FieldRef::field is not used.
  std::vector<plan::FieldRef> current;
  /// True where the type of the event at hand is unknown for a reason reported.
  bool current_silent = false;
  const std::vector<StepInfo>* steps = nullptr;
  std::uint32_t own = 0;  // the step whose condition it is
  bool total = false;     // in emit under `report total`: steps are known by aggregates over all candidates
  const std::map<std::string, Lowered>* keys = nullptr;  // in emit: the partition keys by name
};

class ExprLowerer {
 public:
  ExprLowerer(Symbols& symbols, const Scope& scope) : symbols_(symbols), scope_(scope) {}

  /// Any value. `hint`, if it is an enumeration, is what bare labels and text are taken for.
  Lowered lower(const ast::Expr& expr, const model::Type* hint = nullptr);
  /// A condition: true or false.
  Lowered lower_condition(const ast::Expr& expr);
  /// The value of a bare name in emit, as `emit T { card }` has it.
  Lowered lower_bare(const ast::Name& name);

  /// The steps whose events the expressions lowered so far read, and those asked whether they are there
  /// (`is null`, count): bit i stands for step i.
  std::uint64_t steps_read() const { return steps_read_; }
  std::uint64_t steps_asked() const { return steps_asked_; }

 private:
  using Args = std::optional<std::vector<plan::Expr>>;

  /// One event as the text names it, before a field of it is read.
  struct Event {
    plan::FieldRef ref;
    bool certain = true;                    // it is there
    std::vector<model::EventTypeId> types;  // as in StepInfo
  };

  struct Named {
    Found found = Found::no;
    Lowered expr;
  };

  // Operators.
  Lowered lower_node(const ast::Expr& expr, const model::Type* hint);
  Lowered lower_chain(const ast::Expr& expr);
  Lowered combine(const ast::Expr& node, Lowered left, Lowered right);
  Lowered arithmetic(const ast::Expr& node, plan::Expr left, plan::Expr right);
  Lowered lower_unary(const ast::Expr& expr);
  Lowered lower_comparison(const ast::Expr& expr);
  static plan::Expr compare(plan::Op op, std::vector<plan::Expr> args, bool ignore_case);
  bool comparable(const ast::Expr& node, std::vector<plan::Expr>& args, bool ordered);
  Lowered lower_has(const ast::Expr& expr);
  Lowered lower_in(const ast::Expr& expr);
  Lowered lower_like(const ast::Expr& expr);
  Lowered lower_between(const ast::Expr& expr);
  Lowered lower_is_null(const ast::Expr& expr);
  Lowered lower_is_bound(std::uint32_t step, Span span, bool wants_step);
  Lowered as_condition(Lowered value, const ast::Expr& expr);
  /// Lowers all, so that each one's errors show; enum labels among them get their type from the others.
  Args lower_all(const std::vector<const ast::Expr*>& exprs, const model::Type* hint = nullptr);
  Args lower_args(const ast::Expr& call, const model::Type* hint = nullptr);
  void report_mixed(const ast::Expr& node, const model::Type& left, const model::Type& right);
  bool check_literal_null(const ast::Expr& node);

  // Names and steps.
  Lowered lower_name(const ast::Expr& expr, const model::Type* hint);
  Lowered lower_text(const ast::Expr& expr, const model::Type* hint);
  Lowered unknown_label(const ast::Expr& expr, model::Type type);
  Lowered lower_member(const ast::Expr& expr);
  Named look_up(const std::string& name);
  /// The field `name` of an event that is of the type of one of `refs`. All must have it, but for an event of
  /// `any[…]`.
  Named field_of_one(const std::vector<plan::FieldRef>& refs, const std::string& name, bool certain) const;
  void report_field_of_any(const std::vector<plan::FieldRef>& refs, const ast::Name& name,
                           std::vector<std::string> candidates);
  void report_unknown(const ast::Name& name);
  void report_step_as_value(const ast::Name& name, const StepInfo& step);
  std::optional<Event> lower_event(const ast::Expr& expr, const ast::Name& member);
  std::optional<Event> lower_step(const ast::Expr& name, plan::Selector selector, std::uint32_t index,
                                  Span span, const ast::Name& member);
  std::optional<Event> lower_previous(Span span);
  void report_unknown_step(const ast::Expr& name, const ast::Name& member);
  std::optional<std::uint32_t> find_step(const std::string& name) const;
  bool reachable(std::uint32_t step, Span span);
  /// True where the step is the one whose condition this is.
  bool is_own(std::uint32_t step) const;
  /// True where a run that has got here must hold an event of the step; not for the own step.
  bool certain(std::uint32_t step) const;
  Lowered field_of(const Event& event, const ast::Name& field);
  plan::Expr read_field(const plan::FieldRef& ref, bool certain) const;
  /// An array inside `any(…)` stands for its element there.
  Lowered element_instead(plan::Expr expr, Span span);

  // Tables.
  /// True for `t[…]` where t is no step.
  bool is_row(const ast::Expr& expr) const;
  std::optional<std::uint32_t> require_table(const ast::Name& name);
  /// The row of a table with these keys; of `op`, what is asked of it.
  Lowered look_up_table(plan::Op op, const ast::Name& name, std::span<const ast::Expr> keys, Span span);
  Lowered lower_in_table(const ast::Expr& expr);
  Lowered lower_row_is_null(const ast::Expr& row, bool wants_row);
  Lowered lower_row_field(const ast::Expr& expr);

  // Functions.
  Lowered lower_call(const ast::Expr& expr, const model::Type* hint);
  Lowered lower_aggregate(const ast::Expr& expr, plan::Aggregate aggregate);
  Lowered lower_count(const ast::Expr& expr);
  Lowered lower_any(const ast::Expr& expr);
  Lowered lower_if(const ast::Expr& expr, const model::Type* hint);
  Lowered lower_coalesce(const ast::Expr& expr, const model::Type* hint);
  Lowered lower_extreme(const ast::Expr& expr, plan::Op op);
  Lowered lower_length(const ast::Expr& expr);
  Lowered lower_date_trunc(const ast::Expr& expr);
  Lowered lower_in_cidr(const ast::Expr& expr);
  Lowered lower_plain(const ast::Expr& expr, const struct Signature& signature);
  bool check_arity(const ast::Expr& call, std::size_t least, std::size_t most);
  /// The text that `expr` is, which must be known now.
  std::optional<std::string> constant_text(const ast::Expr& expr, const char* what);

  Symbols& symbols_;
  const Scope& scope_;
  int depth_ = 0;
  std::uint64_t steps_read_ = 0;
  std::uint64_t steps_asked_ = 0;

  // While lowering the argument of an aggregate: the call, and the step it turns out to be over.
  const ast::Expr* aggregate_ = nullptr;
  std::optional<std::uint32_t> aggregate_step_;
  // While lowering the argument of any(…): the call, and the array it turns out to be over.
  const ast::Expr* any_ = nullptr;
  std::optional<plan::Expr> any_array_;
};

/// The events of these types, for Scope::current and the like. `ref` is what they have in common.
std::vector<plan::FieldRef> refs_of(const std::vector<model::EventTypeId>& types, plan::FieldRef ref = {});

/// A duration known beforehand; where it is none, or negative, reports that. `what` is who wants it; `units`
/// are examples for a bare number.
std::optional<std::int64_t> lower_duration(Symbols& symbols, const ast::Expr& expr, std::string_view what,
                                           std::string_view units = "10s or 10m");

/// What may be missing where two kinds don't go together, or empty.
std::string unit_hint(const ast::Expr& node, model::Kind left, model::Kind right);

/// The step, last in text order, among those that `condition` names.
std::optional<std::uint32_t> last_step_named(const ast::Expr& condition, const std::vector<StepInfo>& steps);

/// The conjuncts of a condition: what top-level `and` joins.
std::vector<const ast::Expr*> conjuncts(const ast::Expr& condition);

}  // namespace tocsin::dsl
