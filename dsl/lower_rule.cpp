#include "dsl/lower_rule.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace tocsin::dsl {

using model::EventTypeId;
using plan::Expr;
using plan::FieldRef;
using Place = Scope::Place;

LoweredRule RuleLowerer::lower() {
  rule_.name = decl_.name.text;
  rule_.doc = decl_.doc;
  lower_labels();
  check_clauses();
  if (decl_.match) pattern_ = lower_pattern(symbols_, *decl_.match, types_of_any());
  lower_from();
  lower_mentions();
  if (pattern_.sound) {
    if (decl_.match) lower_steps();
    lower_partition();
    lower_within();
    lower_conditions();
    if (decl_.match && decl_.partition.empty() && decl_.from.empty()) {
      rule_.partition = find_partition(symbols_, rule_, pattern_, decl_.timeout.has_value());
      rule_.partition_found = !rule_.partition.empty();
    }
    lower_emit();
    lower_timeout();
    if (rule_.report == plan::Report::total) check_total();
  } else {
    const auto unknown = [](const std::optional<ast::Emit>& emit, std::vector<EmittedField>& out) {
      if (!emit) return;
      for (const auto& field : emit->fields)
        out.push_back({&field.name, std::nullopt});
    };
    unknown(decl_.emit, result_.emitted);
    unknown(decl_.timeout, result_.timed_out);
  }
  return std::move(result_);
}

void RuleLowerer::lower_labels() {
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

void RuleLowerer::check_clauses() {
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
  if (decl_.timeout) only_with_match("on timeout", decl_.timeout->span);
}

// The stream.

// What `any[…]` takes: what `from` lists, or else every declared event. Nothing where that is not known.
std::vector<EventTypeId> RuleLowerer::types_of_any() const {
  std::set<EventTypeId> types;
  for (const auto& item : decl_.from) {
    const auto type = symbols_.find_type(item.type.text);
    if (!type) return {};
    types.insert(*type);
  }
  for (const auto& type : symbols_.catalog.types) {
    if (decl_.from.empty() && type.is_input()) types.insert(type.id);
  }
  return {types.begin(), types.end()};
}

bool RuleLowerer::reads(EventTypeId type) const {
  return std::any_of(rule_.inputs.begin(), rule_.inputs.end(),
                     [&](const plan::Input& input) { return input.type == type; });
}

void RuleLowerer::lower_from() {
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
      if (type) scope.current = refs_of({*type});
      scope.current_silent = !type;
      input.conditions = lower_conjuncts(conjuncts(*item.condition), scope);
    }
    all_known_ = all_known_ && type;
    if (type) rule_.inputs.push_back(std::move(input));
  }
}

void RuleLowerer::lower_mentions() {
  for (const Mention& mention : pattern_.mentions) {
    all_known_ = all_known_ && !mention.types.empty();
    const bool may_be_declared = symbols_.incomplete || !symbols_.suspect.empty() || !decl_.from.empty();
    if (mention.source->any && mention.types.empty() && !may_be_declared) {
      error(mention.source->type.span, "'any' takes the declared events, and there is none");
    }
    for (const auto type : mention.types) {
      if (reads(type)) continue;
      if (decl_.from.empty()) {
        rule_.inputs.push_back({.type = type, .conditions = {}});
      } else {
        const auto& name = mention.source->type;
        error(name.span, fmt::format("'{}' is not in the 'from' of this rule", name.text));
      }
    }
  }
}

// Steps, and which matches are reported.

void RuleLowerer::lower_steps() {
  rule_.has_pattern = true;
  rule_.pattern = pattern_.root;
  rule_.before = pattern_.before;
  rule_.after = pattern_.after;
  const auto known = [](const std::vector<EventTypeId>& types) {
    return types.empty() ? std::vector<EventTypeId>{0} : types;
  };
  for (const StepInfo& info : pattern_.steps) {
    rule_.steps.push_back({.name = info.name,
                           .types = known(info.types),
                           .conditions = {},
                           .quantifier = info.quantifier,
                           .until = {},
                           .in_loop = info.in_loop});
  }
  for (const NegationInfo& info : pattern_.negations)
    rule_.negations.push_back({.types = known(info.types), .conditions = {}});
  lower_report();
}

void RuleLowerer::lower_report() {
  rule_.report = decl_.report.value_or(plan::Report::first);
  const bool reports_all = rule_.report == plan::Report::all || rule_.report == plan::Report::total;
  rule_.skip = reports_all ? plan::Skip::none : plan::Skip::past_last;
  if (decl_.skip) lower_skip(*decl_.skip);
  if (!ends_early() || pattern_.least_events(pattern_.root) == 0) return;
  for (const auto step : pattern_.idle_steps(pattern_.root)) {
    symbols_.warn(pattern_.sources[step]->span, "this step is never taken: the match is complete without it",
                  "with 'report all' the longer matches are reported too");
  }
}

void RuleLowerer::lower_skip(const ast::Skip& skip) {
  switch (skip.to) {
    case ast::Skip::To::past_last: rule_.skip = plan::Skip::past_last; break;
    case ast::Skip::To::none: rule_.skip = plan::Skip::none; break;
    case ast::Skip::To::next: rule_.skip = plan::Skip::to_next; break;
    case ast::Skip::To::first: rule_.skip = plan::Skip::to_first; break;
    case ast::Skip::To::last: rule_.skip = plan::Skip::to_last; break;
  }
  if (!skip.step) return;
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < pattern_.steps.size(); ++i) {
    if (pattern_.steps[i].name == skip.step->text) {
      rule_.skip_step = i;
      return;
    }
    names.push_back(pattern_.steps[i].name);
  }
  error(skip.step->span, fmt::format("unknown step '{}'", skip.step->text),
        symbols_.suggest(skip.step->text, names));
}

bool RuleLowerer::ends_early() const {
  return rule_.report == plan::Report::first && rule_.after.empty();
}

// Keys and bounds.

void RuleLowerer::lower_partition() {
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

void RuleLowerer::lower_within() {
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
  const auto bound = lower_duration(symbols_, *within.duration, "'within'", "10s, 10m, or 10 events");
  if (bound) rule_.within = {.unit = plan::Within::Unit::time, .time_ns = *bound, .events = 0};
}

LoweredRule lower_rule(Symbols& symbols, const ast::RuleDecl& decl) {
  return RuleLowerer(symbols, decl).lower();
}

}  // namespace tocsin::dsl
