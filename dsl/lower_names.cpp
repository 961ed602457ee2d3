// What bare names mean: fields of the event at hand, params, labels, partition keys.
#include <algorithm>
#include <fmt/format.h>

#include "dsl/lower_expr.hpp"
#include "dsl/types.hpp"

namespace tocsin::dsl {

using model::Kind;
using plan::Expr;
using plan::FieldRef;
using plan::Op;
using plan::Selector;
using Place = Scope::Place;

namespace {

std::optional<std::size_t> label_index(const model::Enumeration& enumeration, const std::string& label) {
  const auto& labels = enumeration.labels;
  const auto found = std::find(labels.begin(), labels.end(), label);
  if (found == labels.end()) return std::nullopt;
  return static_cast<std::size_t>(found - labels.begin());
}

bool is_enumeration(const model::Type* type) {
  return type != nullptr && type->kind == Kind::enumeration;
}

Expr label_constant(std::size_t index, const model::Type& type) {
  return constant(Kind::enumeration, static_cast<std::int64_t>(index), type.enumeration);
}

}  // namespace

Lowered ExprLowerer::lower_name(const ast::Expr& expr, const model::Type* hint) {
  Named named = look_up(expr.text);
  const bool found = named.found == Found::yes;
  if (is_enumeration(hint) && !(found && same_base(named.expr->type, *hint))) {
    const auto& enumeration = symbols_.catalog.enumerations[hint->enumeration];
    if (const auto index = label_index(enumeration, expr.text)) return label_constant(*index, *hint);
    if (named.found == Found::no && !find_step(expr.text)) {
      return unknown_label(expr, *hint);
    }
  }
  if (named.found == Found::silent) return std::nullopt;
  if (!found) {
    report_unknown({expr.text, expr.span});
    return std::nullopt;
  }
  if (aggregate_ != nullptr && named.expr->op != Op::constant) {
    symbols_.error(expr.span,
                   fmt::format("inside {}(…) a field needs the name of the step", aggregate_->text),
                   fmt::format("write the repeated step's name before it: step.{}", expr.text));
    return std::nullopt;
  }
  return element_instead(std::move(*named.expr), expr.span);
}

Lowered ExprLowerer::lower_text(const ast::Expr& expr, const model::Type* hint) {
  if (!is_enumeration(hint)) return constant(expr.text);
  const auto& enumeration = symbols_.catalog.enumerations[hint->enumeration];
  if (const auto index = label_index(enumeration, expr.text)) return label_constant(*index, *hint);
  return unknown_label(expr, *hint);
}

Lowered ExprLowerer::unknown_label(const ast::Expr& expr, model::Type type) {
  type.nullable = false;
  symbols_.error(expr.span,
                 fmt::format("unknown label '{}' of {}", expr.text, to_string(type, symbols_.catalog)),
                 symbols_.suggest(expr.text, symbols_.catalog.enumerations[type.enumeration].labels));
  return std::nullopt;
}

Lowered ExprLowerer::lower_bare(const ast::Name& name) {
  ast::Expr expr;
  expr.kind = ast::Expr::Kind::name;
  expr.text = name.text;
  expr.span = name.span;
  return lower_name(expr, nullptr);
}

ExprLowerer::Named ExprLowerer::look_up(const std::string& name) {
  if (scope_.keys != nullptr) {
    const auto key = scope_.keys->find(name);
    if (key != scope_.keys->end()) return {key->second ? Found::yes : Found::silent, key->second};
  }
  if (scope_.current_silent) return {Found::silent, std::nullopt};
  if (Named field = field_of_one(scope_.current, name, true); field.found != Found::no) return field;
  if (const auto param = symbols_.params.find(name); param != symbols_.params.end()) {
    param->second.used = true;
    if (!param->second.value) return {Found::silent, std::nullopt};
    return {Found::yes, constant(*param->second.value, param->second.type)};
  }
  if (scope_.total && name == "match_count")
    return {Found::yes, make(Op::match_count, {.kind = Kind::floating}, {})};
  if (scope_.total && name == "match_start") return {Found::no, std::nullopt};
  const bool in_emit = scope_.place == Place::emit || scope_.place == Place::timeout;
  if (in_emit && (name == "match_start" || name == "match_end")) {
    return {Found::yes,
            make(name == "match_start" ? Op::match_start : Op::match_end, {.kind = Kind::time}, {})};
  }
  return {Found::no, std::nullopt};
}

ExprLowerer::Named ExprLowerer::field_of_one(const std::vector<FieldRef>& refs, const std::string& name,
                                             bool certain) const {
  std::vector<Expr> reads;
  for (FieldRef ref : refs) {
    const Found found = symbols_.find_field(ref.type, name, ref.field);
    if (found == Found::silent || (found == Found::no && !ref.of_any)) return {found, std::nullopt};
    if (found == Found::yes) reads.push_back(read_field(ref, certain));
  }
  if (reads.empty()) return {Found::no, std::nullopt};
  const auto type = reads.front().type;
  bool nullable = reads.size() < refs.size();
  for (const Expr& read : reads) {
    if (!same_base(read.type, type)) return {Found::no, std::nullopt};
    nullable = nullable || read.type.nullable;
  }
  if (refs.size() == 1) return {Found::yes, std::move(reads.front())};
  // The event is of one of several types: all reads but one give null.
  for (Expr& read : reads)
    read.type.nullable = true;
  if (reads.size() == 1) return {Found::yes, std::move(reads.front())};
  auto whole = make(Op::coalesce, type, std::move(reads));
  whole.type.nullable = nullable;
  return {Found::yes, std::move(whole)};
}

void ExprLowerer::report_unknown(const ast::Name& name) {
  if (symbols_.is_suspect(name.text)) return;
  if (const auto step = find_step(name.text)) return report_step_as_value(name, (*scope_.steps)[*step]);
  if (name.text == "prev") {
    return symbols_.error(name.span, "'prev' is an event, not a value",
                          "name one of its fields, as in prev.price");
  }
  if (scope_.total && name.text == "match_start") {
    return symbols_.error(name.span, "under 'report total' candidates have each a start of their own",
                          "as the earliest of step a, write min(a.at)");
  }
  if (name.text == "match_start" || name.text == "match_end") {
    return symbols_.error(name.span, fmt::format("'{}' is known in 'emit' only", name.text));
  }
  if (symbols_.find_type(name.text)) {
    return symbols_.error(name.span, fmt::format("'{}' is an event type, not a value", name.text));
  }
  if (symbols_.find_table(name.text)) {
    return symbols_.error(name.span, fmt::format("'{}' is a table, not a value", name.text),
                          fmt::format("write x in {0}, or {0}[x] and a column", name.text));
  }
  std::vector<std::string> candidates;
  for (const auto& [param, unused] : symbols_.params)
    candidates.push_back(param);
  if (scope_.place == Place::constant) {
    return symbols_.error(name.span, fmt::format("unknown name '{}': only params are known here", name.text),
                          symbols_.suggest(name.text, candidates));
  }
  if (scope_.current.empty() && scope_.steps != nullptr) {
    for (const StepInfo& step : *scope_.steps) {
      std::uint32_t field = 0;
      const bool has_it = std::any_of(step.types.begin(), step.types.end(), [&](model::EventTypeId type) {
        return symbols_.find_field(type, name.text, field) == Found::yes;
      });
      if (!has_it || step.name.empty()) continue;
      return symbols_.error(
          name.span,
          scope_.place == Place::where
              ? fmt::format("in 'where' the field '{}' needs the name of its step", name.text)
          : scope_.place == Place::timeout
              ? fmt::format("at a timeout the field '{}' needs the name of its step", name.text)
              : fmt::format("'{}' is not clear: the last event may be of one of several steps", name.text),
          fmt::format("write {}.{}", step.name, name.text));
    }
    return symbols_.error(name.span, fmt::format("unknown name '{}'", name.text),
                          symbols_.suggest(name.text, candidates));
  }
  if (!scope_.current.empty() && scope_.current.front().of_any) {
    return report_field_of_any(scope_.current, name, std::move(candidates));
  }
  // Of several types at hand, the first that lacks the field or has it with another type.
  std::optional<model::Type> type;
  for (const FieldRef& ref : scope_.current) {
    std::uint32_t field = 0;
    const auto& event_type = symbols_.catalog[ref.type];
    if (symbols_.find_field(ref.type, name.text, field) != Found::yes) {
      const auto fields = symbols_.field_names(ref.type);
      candidates.insert(candidates.begin(), fields.begin(), fields.end());
      if (scope_.keys != nullptr) {
        for (const auto& [key, unused] : *scope_.keys)
          candidates.push_back(key);
      }
      return symbols_.error(name.span, fmt::format("unknown field '{}' of {}", name.text, event_type.name),
                            symbols_.suggest(name.text, candidates));
    }
    const auto& found = event_type.fields[field].type;
    if (type && !same_base(*type, found)) {
      return symbols_.error(
          name.span, fmt::format("'{}' is {} in {} but {} in {}", name.text, symbols_.describe(*type),
                                 symbols_.catalog[scope_.current.front().type].name, symbols_.describe(found),
                                 event_type.name));
    }
    type = found;
  }
}

void ExprLowerer::report_field_of_any(const std::vector<FieldRef>& refs, const ast::Name& name,
                                      std::vector<std::string> candidates) {
  const FieldRef* first = nullptr;
  std::uint32_t first_field = 0;
  for (const FieldRef& ref : refs) {
    const auto fields = symbols_.field_names(ref.type);
    candidates.insert(candidates.end(), fields.begin(), fields.end());
    std::uint32_t field = 0;
    if (symbols_.find_field(ref.type, name.text, field) != Found::yes) continue;
    if (first == nullptr) {
      first = &ref;
      first_field = field;
      continue;
    }
    const auto& one = symbols_.catalog[first->type].fields[first_field].type;
    const auto& other = symbols_.catalog[ref.type].fields[field].type;
    if (same_base(one, other)) continue;
    return symbols_.error(name.span, fmt::format("'{}' is {} in {} but {} in {}", name.text,
                                                 symbols_.describe(one), symbols_.catalog[first->type].name,
                                                 symbols_.describe(other), symbols_.catalog[ref.type].name));
  }
  symbols_.error(name.span, fmt::format("no event of this rule has a field '{}'", name.text),
                 symbols_.suggest(name.text, candidates));
}

void ExprLowerer::report_step_as_value(const ast::Name& name, const StepInfo& step) {
  const bool has_fields = !step.types.empty() && !symbols_.catalog[step.types.front()].fields.empty();
  const auto example =
      has_fields ? symbols_.catalog[step.types.front()].fields.front().name : std::string("field");
  symbols_.error(
      name.span, fmt::format("'{}' is a step, not a value", name.text),
      step.repeated()
          ? fmt::format("write count({0}), or a field of one event, as in first({0}).{1}", name.text, example)
          : fmt::format("name one of its fields, as in {}.{}", name.text, example));
}

Expr ExprLowerer::read_field(const FieldRef& ref, bool certain) const {
  Expr expr;
  expr.op = Op::field;
  expr.type = symbols_.catalog[ref.type].fields[ref.field].type;
  expr.type.nullable = expr.type.nullable || !certain;
  expr.ref = ref;
  return expr;
}

Lowered ExprLowerer::element_instead(Expr expr, Span span) {
  if (any_ == nullptr || expr.type.kind != Kind::array) return expr;
  if (any_array_ && !(*any_array_ == expr)) {
    symbols_.error(span, "any(…) looks at the elements of one array; this is a second one");
    return std::nullopt;
  }
  const model::Type element{.kind = expr.type.element};
  any_array_ = std::move(expr);
  return make(Op::element, element, {});
}

}  // namespace tocsin::dsl
