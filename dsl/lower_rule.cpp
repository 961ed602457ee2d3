// One rule: its stream, steps, keys, bounds, conditions and what it emits, in that order, as each reads what
// stands before it.
#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

#include "dsl/lower.hpp"
#include "dsl/types.hpp"

namespace tocsin::dsl {

using model::EventTypeId;
using model::Kind;
using plan::Expr;
using plan::FieldRef;
using plan::Op;
using plan::Selector;
using Place = Scope::Place;

namespace {

class RuleLowerer {
 public:
  RuleLowerer(Symbols& symbols, const ast::RuleDecl& decl) : symbols_(symbols), decl_(decl) {}

  LoweredRule lower() {
    rule_.name = decl_.name.text;
    rule_.doc = decl_.doc;
    lower_labels();
    check_clauses();
    if (decl_.match) pattern_ = lower_pattern(symbols_, *decl_.match);
    lower_inputs();
    if (pattern_.sound) {
      if (decl_.match) lower_steps();
      lower_partition();
      lower_bounds();
      lower_conditions();
      lower_emit();
    } else if (decl_.emit) {
      for (const auto& field : decl_.emit->fields)
        result_.emitted.push_back({&field.name, std::nullopt});
    }
    return std::move(result_);
  }

 private:
  void error(Span span, std::string message, std::string hint = {}) {
    symbols_.error(span, std::move(message), std::move(hint));
  }

  void lower_labels() {
    std::set<std::string_view> seen;
    for (const auto& annotation : decl_.annotations) {
      if (!seen.insert(annotation.name.text).second) {
        error(annotation.name.span, fmt::format("@{} is given twice", annotation.name.text));
      }
      plan::Label label{.name = annotation.name.text, .values = {}};
      for (const auto& value : annotation.values) {
        const Scope scope;
        auto lowered = ExprLowerer(symbols_, scope).lower(value);  // a literal, by the grammar
        if (lowered) label.values.push_back(std::move(lowered->constant));
      }
      rule_.labels.push_back(std::move(label));
    }
  }

  void check_clauses() {
    const Span at = decl_.name.span;
    if (!decl_.match && decl_.from.empty()) {
      error(at, fmt::format("rule '{}' looks at nothing", decl_.name.text), "give it a 'match' or a 'from'");
    }
    if (decl_.match) return;
    const auto only_with_match = [&](const char* clause, Span span) {
      error(span, fmt::format("'{}' goes with 'match', and this rule has none", clause));
    };
    if (!decl_.emit) error(at, "a rule without 'match' needs an 'emit'");
    if (!decl_.partition.empty()) only_with_match("partition by", decl_.partition.front().span);
    if (decl_.within) only_with_match("within", decl_.within->span);
    if (decl_.report) only_with_match("report", at);
    if (decl_.skip) only_with_match("after match skip", at);
  }

  bool reads(EventTypeId type) const {
    return std::any_of(rule_.inputs.begin(), rule_.inputs.end(),
                       [&](const plan::Input& input) { return input.type == type; });
  }

  void lower_inputs() {
    for (const auto& item : decl_.from) {
      const auto type = symbols_.require_type(item.type);
      if (type && reads(*type)) {
        error(item.type.span, fmt::format("'{}' stands in 'from' twice", item.type.text),
              "join the conditions with 'or'");
      }
      plan::Input input{.type = type.value_or(0), .conditions = {}};
      if (item.condition) {
        Scope scope;
        scope.place = Place::input;
        if (type) scope.current = {FieldRef{.type = *type}};
        scope.current_silent = !type;
        input.conditions = lower_conjuncts(conjuncts(*item.condition), scope);
      }
      all_known_ = all_known_ && type;
      if (type) rule_.inputs.push_back(std::move(input));
    }
    for (std::size_t i = 0; i < pattern_.steps.size(); ++i) {
      const auto type = pattern_.steps[i].type;
      all_known_ = all_known_ && type;
      if (!type || reads(*type)) continue;
      if (decl_.from.empty()) {
        rule_.inputs.push_back({.type = *type, .conditions = {}});
      } else {
        const auto& name = pattern_.sources[i]->type;
        error(name.span, fmt::format("'{}' is not in the 'from' of this rule", name.text));
      }
    }
  }

  std::vector<Expr> lower_conjuncts(const std::vector<const ast::Expr*>& conditions, const Scope& scope) {
    std::vector<Expr> out;
    for (const auto* condition : conditions) {
      auto lowered = ExprLowerer(symbols_, scope).lower_condition(*condition);
      if (lowered) add_conjuncts(std::move(*lowered), out);
    }
    return out;
  }

  static bool reads_previous(const Expr& expr) {
    if (expr.op == Op::field && expr.ref.selector == Selector::previous) return true;
    return std::any_of(expr.args.begin(), expr.args.end(), reads_previous);
  }

  // A `between` is two conjuncts, which a predicate index can tell apart. Not where it names `prev`, as then
  // both halves apply from the second repeat on.
  static void add_conjuncts(Expr condition, std::vector<Expr>& out) {
    if (condition.op == Op::and_ && !reads_previous(condition)) {
      for (Expr& arg : condition.args)
        add_conjuncts(std::move(arg), out);
    } else if (!is_constant_true(condition)) {
      out.push_back(std::move(condition));
    }
  }

  void lower_steps() {
    rule_.has_pattern = true;
    rule_.pattern = pattern_.root;
    for (const StepInfo& info : pattern_.steps) {
      rule_.steps.push_back({.name = info.name,
                             .type = info.type.value_or(0),
                             .conditions = {},
                             .quantifier = info.quantifier});
    }
    rule_.report = decl_.report == ast::Report::all ? plan::Report::all : plan::Report::first;
    const bool keeps = decl_.skip ? *decl_.skip == ast::Skip::none : rule_.report == plan::Report::all;
    rule_.skip = keeps ? plan::Skip::none : plan::Skip::past_last;
    if (rule_.report != plan::Report::first || pattern_.least_events(pattern_.root) == 0) return;
    for (const auto step : pattern_.idle_steps(pattern_.root)) {
      symbols_.warn(pattern_.sources[step]->span,
                    "this step is never taken: the match is complete without it",
                    "with 'report all' the longer matches are reported too");
    }
  }

  void lower_partition() {
    if (!decl_.match) return;
    for (const auto& written : decl_.partition) {
      if (written.mappings.empty()) continue;
      const std::string& name = written.mappings.front().field.text;
      if (keys_.count(name) > 0) {
        error(written.span, fmt::format("'{}' is a key already", name));
        continue;
      }
      keys_[name] = std::nullopt;
      auto key = lower_key(symbols_, written, rule_.inputs, all_known_);
      if (key) rule_.partition.push_back(std::move(*key));
    }
  }

  // Bounds.

  void lower_bounds() {
    if (!decl_.within || !decl_.match) return;
    const auto& within = *decl_.within;
    const auto least = pattern_.least_events(pattern_.root);
    if (within.events) {
      rule_.within = {.unit = plan::Within::Unit::events, .time_ns = 0, .events = *within.events};
      if (*within.events < least) {
        error(within.span,
              fmt::format("no match fits within {} event{}", *within.events, *within.events == 1 ? "" : "s"),
              fmt::format("the pattern takes at least {}", least));
      }
      return;
    }
    if (!within.duration) return;
    const Scope scope;
    const auto bound = ExprLowerer(symbols_, scope).lower(*within.duration);
    if (!bound) return;
    const bool is_duration = bound->type.kind == Kind::duration && bound->constant.kind == Kind::duration;
    if (!is_duration) {
      error(within.duration->span,
            fmt::format("'within' wants a duration; this is {}", symbols_.describe(bound->type)),
            is_number(bound->type.kind) ? "a bare number has no unit: write 10s, 10m, or 10 events" : "");
    } else if (bound->constant.i < 0) {
      error(within.duration->span, "'within' wants a duration that is not negative");
    } else {
      rule_.within = {.unit = plan::Within::Unit::time, .time_ns = bound->constant.i, .events = 0};
    }
  }

  // Conditions.

  Scope step_scope(Place place, std::uint32_t step) const {
    Scope scope;
    scope.place = place;
    scope.steps = &pattern_.steps;
    scope.own = step;
    if (place != Place::condition) return scope;
    if (const auto type = pattern_.steps[step].type) {
      scope.current = {FieldRef{.type = *type}};
    } else {
      scope.current_silent = true;
    }
    return scope;
  }

  void lower_conditions() {
    for (std::uint32_t i = 0; i < pattern_.steps.size(); ++i) {
      const auto& condition = pattern_.sources[i]->condition;
      if (!condition) continue;
      rule_.steps[i].conditions = lower_conjuncts(conjuncts(*condition), step_scope(Place::condition, i));
    }
    if (!decl_.where) return;
    for (const auto* conjunct : conjuncts(*decl_.where)) {
      decl_.match ? lower_where(*conjunct) : lower_input_where(*conjunct);
    }
  }

  // Lowered once for each type; what is wrong with it for all of them is said once.
  void lower_input_where(const ast::Expr& conjunct) {
    auto& said = symbols_.diagnostics;
    const auto first = said.size();
    for (auto& input : rule_.inputs) {
      Scope scope;
      scope.place = Place::input;
      scope.current = {FieldRef{.type = input.type}};
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

  void lower_where(const ast::Expr& conjunct) {
    const auto target = last_step_named(conjunct, pattern_.steps);
    const Scope scope = step_scope(Place::where, target.value_or(0));
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
      Expr taken = make_bool(Op::is_bound, {});
      taken.ref.step = i;
      condition = make_bool(Op::or_, pair(negate(std::move(taken)), std::move(*condition)));
    }
    add_conjuncts(std::move(*condition), rule_.steps[*target].conditions);
  }

  // Emit.

  Expr read(Selector selector, std::uint32_t step, EventTypeId type, std::uint32_t field,
            bool nullable) const {
    Expr expr;
    expr.op = Op::field;
    expr.type = symbols_.catalog[type].fields[field].type;
    expr.type.nullable = nullable;
    expr.ref = {.selector = selector, .step = step, .type = type, .field = field};
    return expr;
  }

  // A key has one value in all events of a match, and is never null: any event of the match will do.
  Expr read_key(const plan::PartitionKey& key, const Scope& scope) const {
    const auto field_in = [&](EventTypeId type) {
      return std::find_if(key.fields.begin(), key.fields.end(),
                          [&](const auto& each) { return each.first == type; })
          ->second;
    };
    const auto of_step = [&](std::uint32_t i, bool nullable) {
      const auto& step = rule_.steps[i];
      return read(step.repeated() ? Selector::first : Selector::single, i, step.type, field_in(step.type),
                  nullable);
    };
    if (scope.current.size() == 1) {
      const auto type = scope.current.front().type;
      return read(Selector::current, 0, type, field_in(type), false);
    }
    std::vector<Expr> reads;
    for (std::uint32_t i = 0; i < rule_.steps.size(); ++i) {
      if (pattern_.steps[i].certain()) return of_step(i, false);
      reads.push_back(of_step(i, true));
    }
    return make(Op::coalesce, key.type, std::move(reads));
  }

  Scope emit_scope() const {
    Scope scope;
    scope.place = Place::emit;
    scope.current_silent = !all_known_;
    if (!decl_.match) {
      const bool one = rule_.inputs.size() == 1;
      for (std::uint32_t i = 0; i < rule_.inputs.size(); ++i) {
        scope.current.push_back({.selector = one ? Selector::current : Selector::single,
                                 .step = one ? 0 : i,
                                 .type = rule_.inputs[i].type});
      }
      return scope;
    }
    scope.steps = &pattern_.steps;
    std::set<EventTypeId> types;
    for (const auto step : pattern_.last_steps(pattern_.root, rule_.report == plan::Report::first)) {
      if (const auto type = pattern_.steps[step].type) types.insert(*type);
    }
    if (types.size() == 1) scope.current = {FieldRef{.type = *types.begin()}};
    return scope;
  }

  void lower_emit() {
    if (!decl_.emit) return;
    Scope scope = emit_scope();
    for (const auto& key : rule_.partition)
      keys_[key.name] = read_key(key, scope);
    scope.keys = &keys_;

    std::set<std::string_view> seen;
    for (const auto& field : decl_.emit->fields) {
      if (!seen.insert(field.name.text).second) {
        error(field.name.span, fmt::format("field '{}' is emitted twice", field.name.text));
        continue;
      }
      if (result_.emitted.size() == max_fields) {
        error(field.name.span, fmt::format("an event has at most {} fields", max_fields));
        break;
      }
      ExprLowerer lowerer(symbols_, scope);
      auto value = field.value ? lowerer.lower(*field.value) : lowerer.lower_bare(field.name);
      result_.emitted.push_back({&field.name, std::move(value)});
    }
    if (!decl_.match && rule_.inputs.size() > 1) choose_by_type();
  }

  static bool reads_event(const Expr& expr) {
    return expr.op == Op::field || std::any_of(expr.args.begin(), expr.args.end(), reads_event);
  }

  // A projection of several types reads each field from the type that it happens to be: as a pattern, it is
  // the alternation of one step a type.
  void choose_by_type() {
    const bool reads_any =
        std::any_of(result_.emitted.begin(), result_.emitted.end(),
                    [](const EmittedField& each) { return each.value && reads_event(*each.value); });
    if (!reads_any) return;
    rule_.has_pattern = true;
    rule_.pattern.kind = plan::PatternNode::Kind::alternation;
    for (std::uint32_t i = 0; i < rule_.inputs.size(); ++i) {
      rule_.steps.push_back({.name = "", .type = rule_.inputs[i].type, .conditions = {}, .quantifier = {}});
      plan::PatternNode node;
      node.step = i;
      rule_.pattern.children.push_back(std::move(node));
    }
  }

  Symbols& symbols_;
  const ast::RuleDecl& decl_;
  LoweredPattern pattern_;
  LoweredRule result_;
  plan::Rule& rule_ = result_.rule;
  std::map<std::string, Lowered> keys_;  // partition keys as `emit` reads them; nothing where broken
  bool all_known_ = true;                // every type that the rule names
};

}  // namespace

LoweredRule lower_rule(Symbols& symbols, const ast::RuleDecl& decl) {
  return RuleLowerer(symbols, decl).lower();
}

}  // namespace tocsin::dsl
