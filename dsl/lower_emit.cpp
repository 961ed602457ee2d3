// What a rule emits, of its matches and of runs that time out.
#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "dsl/lower_rule.hpp"
#include "dsl/types.hpp"

namespace tocsin::dsl {

using model::EventTypeId;
using plan::Expr;
using plan::FieldRef;
using plan::Op;
using plan::Selector;
using Place = Scope::Place;

namespace {

bool reads_event(const Expr& expr) {
  return expr.op == Op::field || std::any_of(expr.args.begin(), expr.args.end(), reads_event);
}

}  // namespace

Expr RuleLowerer::read(FieldRef ref, bool nullable) const {
  Expr expr;
  expr.op = Op::field;
  expr.type = symbols_.catalog[ref.type].fields[ref.field].type;
  expr.type.nullable = nullable;
  expr.ref = ref;
  return expr;
}

// A key has one value in all events of a match, and is never null: any event of the match will do.
Expr RuleLowerer::read_key(const plan::PartitionKey& key, const Scope& scope) const {
  std::vector<Expr> reads;
  const auto add = [&](const std::vector<FieldRef>& refs, bool nullable) {
    for (FieldRef ref : refs) {
      ref.field = std::find_if(key.fields.begin(), key.fields.end(), [&](const auto& each) {
                    return each.first == ref.type;
                  })->second;
      reads.push_back(read(ref, nullable || ref.of_any));
    }
  };
  const bool at_end = scope.place == Place::emit;
  if (!scope.current.empty()) add(scope.current, false);
  for (std::uint32_t i = 0; i < rule_.steps.size() && scope.current.empty(); ++i) {
    const auto& step = rule_.steps[i];
    const bool certain = at_end && pattern_.steps[i].certain();
    if (certain) reads.clear();
    add(refs_of(step.types, {.selector = step.repeated() ? Selector::first : Selector::single, .step = i}),
        !certain);
    if (certain) break;
  }
  if (reads.size() == 1) {
    reads.front().type.nullable = false;
    return std::move(reads.front());
  }
  return make(Op::coalesce, key.type, std::move(reads));
}

void RuleLowerer::read_keys(const Scope& scope) {
  for (const auto& key : rule_.partition)
    keys_[key.name] = read_key(key, scope);
}

// The event at hand is that which completed the match, or, of a window, the newest. One that time completed
// has none, but for the one that surely was the last.
Scope RuleLowerer::emit_scope() {
  if (rule_.window) return instant_scope(Place::emit);
  Scope scope;
  scope.place = Place::emit;
  scope.total = rule_.report == plan::Report::total;
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
  const auto last = pattern_.last_steps(pattern_.root, ends_early());
  if (!rule_.after.empty()) {
    if (last.size() != 1) return scope;
    const auto& step = rule_.steps[last.front()];
    scope.current = refs_of(
        step.types, {.selector = step.repeated() ? Selector::last : Selector::single, .step = last.front()});
    return scope;
  }
  if (last.size() == 1) {
    scope.current = refs_of(pattern_.steps[last.front()].types);
    return scope;
  }
  std::set<EventTypeId> types;
  for (const auto step : last)
    types.insert(pattern_.steps[step].types.begin(), pattern_.steps[step].types.end());
  if (types.size() == 1 || scope.total) scope.current = refs_of({types.begin(), types.end()});
  return scope;
}

void RuleLowerer::lower_emit() {
  if (!decl_.emit) return;
  lower_emitted(*decl_.emit, emit_scope(), result_.emitted);
  if (!decl_.match && !rule_.window && rule_.inputs.size() > 1) choose_by_type();
}

void RuleLowerer::lower_timeout() {
  if (!decl_.timeout || !decl_.match) return;
  const bool within_failed =
      decl_.within && decl_.within->duration && rule_.within.unit == plan::Within::Unit::none;
  if (rule_.within.unit != plan::Within::Unit::time && !within_failed) {
    error(decl_.timeout->span, "'on timeout' needs a 'within' with a time", "as in within 10m");
  }
  Scope scope;
  scope.place = Place::timeout;
  scope.steps = &pattern_.steps;
  scope.current_silent = !all_known_;
  lower_emitted(*decl_.timeout, scope, result_.timed_out);
}

void RuleLowerer::lower_emitted(const ast::Emit& emit, Scope scope, std::vector<EmittedField>& out) {
  // A key that was found is a name at a timeout alone: elsewhere it might hide a field of the last event.
  if (!rule_.partition_found || scope.place == Place::timeout) read_keys(scope);
  scope.keys = &keys_;

  std::set<std::string_view> seen;
  for (const auto& field : emit.fields) {
    if (!seen.insert(field.name.text).second) {
      error(field.name.span, fmt::format("field '{}' is emitted twice", field.name.text));
      continue;
    }
    if (out.size() == max_fields) {
      error(field.name.span, fmt::format("an event has at most {} fields", max_fields));
      break;
    }
    ExprLowerer lowerer(symbols_, scope);
    auto value = field.value ? lowerer.lower(*field.value) : lowerer.lower_bare(field.name);
    out.push_back({&field.name, std::move(value)});
  }
}

// A projection of several types reads each field from the type that it happens to be: as a pattern, it is the
// alternation of one step a type.
void RuleLowerer::choose_by_type() {
  const bool reads_any =
      std::any_of(result_.emitted.begin(), result_.emitted.end(),
                  [](const EmittedField& each) { return each.value && reads_event(*each.value); });
  if (!reads_any) return;
  rule_.has_pattern = true;
  rule_.pattern.kind = plan::PatternNode::Kind::alternation;
  for (std::uint32_t i = 0; i < rule_.inputs.size(); ++i) {
    rule_.steps.push_back(
        {.name = "", .types = {rule_.inputs[i].type}, .conditions = {}, .quantifier = {}, .until = {}});
    plan::PatternNode node;
    node.step = i;
    rule_.pattern.children.push_back(std::move(node));
  }
}

}  // namespace tocsin::dsl
