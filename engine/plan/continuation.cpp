#include "engine/plan/continuation.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <stdexcept>
#include <string_view>

namespace tocsin::plan {

namespace {

using model::EventType;
using model::EventTypeId;
using model::Kind;

template <class Id>
using Numbers = std::vector<Id>;  // by number in the next plan: that in the continuation

// Puts the numbers of the continuation into what refers to types, enumerations and tables.
class Renumbering {
 public:
  Numbers<std::uint16_t> enumerations;
  Numbers<EventTypeId> types;
  Numbers<std::uint32_t> tables;

  void apply(model::Type& type) const {
    if (type.kind == Kind::enumeration) type.enumeration = enumerations[type.enumeration];
  }
  void apply(EventTypeId& type) const { type = types[type]; }
  void apply(std::vector<EventTypeId>& of) const {
    for (EventTypeId& type : of)
      apply(type);
    std::sort(of.begin(), of.end());
  }
  void apply(Expr& expr) const {
    apply(expr.type);
    const bool looks_up = expr.op == Op::in_table || expr.op == Op::table_field;
    if (looks_up) expr.ref.index = tables[expr.ref.index];
    if (looks_up || expr.op == Op::field) apply(expr.ref.type);
    apply(expr.args);
  }
  void apply(std::vector<Expr>& exprs) const {
    for (Expr& expr : exprs)
      apply(expr);
  }
  void apply(std::optional<Emit>& emit) const {
    if (!emit) return;
    apply(emit->type);
    for (EmitField& field : emit->fields)
      apply(field.value);
  }
  void apply(Rule& rule) const {
    for (Input& input : rule.inputs) {
      apply(input.type);
      apply(input.conditions);
    }
    for (Step& step : rule.steps) {
      apply(step.types);
      apply(step.conditions);
      apply(step.until);
    }
    for (Negation& negation : rule.negations) {
      apply(negation.types);
      apply(negation.conditions);
    }
    for (PartitionKey& key : rule.partition) {
      apply(key.type);
      for (auto& [type, field] : key.fields)
        apply(type);
    }
    for (WindowAggregate& aggregate : rule.aggregates) {
      apply(aggregate.argument);
      apply(aggregate.type);
    }
    apply(rule.threshold.conditions);
    apply(rule.emit);
    apply(rule.timeout);
  }
};

bool is_same(const EventType& a, const EventType& b) {
  return a.timestamp == b.timestamp && a.derived == b.derived && a.row == b.row &&
         std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(),
                    [](const model::Field& x, const model::Field& y) {
                      return x.name == y.name && x.type == y.type && x.unit == y.unit;
                    });
}

bool is_same(const Table& a, const Table& b) {
  return a == b;
}

bool is_same(Rule a, const Rule& b) {
  a.doc = b.doc;
  a.labels = b.labels;
  return a == b;
}

// Puts `next` into `known`, in the place of its like or at the end. Nothing of a removed one's name is found.
// Returns the numbers of `next` there.
template <class Id, class Item>
Numbers<Id> merge(std::vector<Item>& known, std::vector<Item>& next) {
  std::map<std::string_view, std::size_t> by_name;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!known[i].removed) by_name.emplace(known[i].name, i);
  }
  Numbers<Id> numbers;
  std::vector<bool> stays(known.size());
  std::size_t end = known.size();
  for (const Item& item : next) {
    const auto like = by_name.find(item.name);
    const bool is_known = like != by_name.end() && is_same(known[like->second], item);
    if (is_known) stays[like->second] = true;
    numbers.push_back(static_cast<Id>(is_known ? like->second : end++));
  }
  if (end > std::numeric_limits<Id>::max())
    throw std::runtime_error("rules were replaced so often that no number is left for a type; start anew");
  for (std::size_t i = 0; i < stays.size(); ++i)
    known[i].removed = known[i].removed || !stays[i];
  known.resize(end);
  for (std::size_t i = 0; i < next.size(); ++i)
    known[numbers[i]] = std::move(next[i]);
  return numbers;
}

}  // namespace

Plan continued(const Plan& previous, Plan next) {
  Plan out{.catalog = previous.catalog, .tables = previous.tables, .rules = previous.rules, .order = {}};
  Renumbering numbers;
  for (const auto& enumeration : next.catalog.enumerations)
    numbers.enumerations.push_back(out.catalog.intern(enumeration));
  for (EventType& type : next.catalog.types) {
    for (model::Field& field : type.fields)
      numbers.apply(field.type);
  }
  numbers.types = merge<EventTypeId>(out.catalog.types, next.catalog.types);
  for (std::size_t id = 0; id < out.catalog.types.size(); ++id)
    out.catalog.types[id].id = static_cast<EventTypeId>(id);
  for (Table& table : next.tables)
    numbers.apply(table.type);
  numbers.tables = merge<std::uint32_t>(out.tables, next.tables);
  for (Rule& rule : next.rules)
    numbers.apply(rule);
  const auto rules = merge<std::uint32_t>(out.rules, next.rules);
  for (Rule& rule : out.rules) {
    if (!rule.removed) continue;
    Rule left;
    left.name = std::move(rule.name);
    left.removed = true;
    rule = std::move(left);
  }
  for (const std::uint32_t rule : next.order)
    out.order.push_back(rules[rule]);
  return out;
}

}  // namespace tocsin::plan
