#include "engine/match/predicate_index.hpp"

#include <algorithm>

#include "engine/base/hash.hpp"

namespace tocsin::match {

using model::Kind;
using plan::Op;

namespace {

// What a constant is found by: text by its hash (and then compared), anything else by its very value.
std::uint64_t entry_key(Kind kind, std::int64_t number, std::string_view text) {
  return kind == Kind::string ? hash_bytes(text) : static_cast<std::uint64_t>(number);
}

bool is_plain_field(const plan::Expr& expr) {
  return expr.op == Op::field && expr.ref.selector == plan::Selector::current;
}

bool is_value(const plan::Expr& expr) {
  return expr.op == Op::constant && expr.constant.kind != Kind::null;
}

// `field == constant` or `field in (constants)`: the field, then the constants.
struct EqualityAtom {
  const plan::Expr* field = nullptr;
  std::vector<const plan::Expr*> values;
};

EqualityAtom as_equality(const plan::Expr& expr) {
  EqualityAtom atom;
  if (expr.ignore_case || (expr.op != Op::eq && expr.op != Op::in)) return atom;
  const auto* field = &expr.args[0];
  for (std::size_t i = 1; i < expr.args.size(); ++i)
    atom.values.push_back(&expr.args[i]);
  if (expr.op == Op::eq && !is_plain_field(*field)) std::swap(field, atom.values[0]);
  const bool fits =
      is_plain_field(*field) && field->type.kind != Kind::floating && field->type.kind != Kind::array &&
      std::all_of(atom.values.begin(), atom.values.end(), [](const auto* v) { return is_value(*v); });
  if (fits) atom.field = field;
  return atom;
}

// `field < constant` and its like, the field on the left.
struct RangeAtom {
  const plan::Expr* field = nullptr;
  const plan::Constant* bound = nullptr;
  bool upper = false;
  bool inclusive = false;
};

RangeAtom as_range(const plan::Expr& expr) {
  RangeAtom atom;
  if (expr.op != Op::lt && expr.op != Op::le && expr.op != Op::gt && expr.op != Op::ge) return atom;
  const bool turned = !is_plain_field(expr.args[0]);
  const auto& field = expr.args[turned ? 1 : 0];
  const auto& value = expr.args[turned ? 0 : 1];
  if (!is_plain_field(field) || !is_value(value)) return atom;
  const Kind kind = field.type.kind;
  if (kind != Kind::integer && kind != Kind::floating && kind != Kind::time && kind != Kind::duration)
    return atom;
  if (kind == Kind::floating && value.constant.f != value.constant.f) return atom;  // NaN has no order
  atom.field = &field;
  atom.bound = &value.constant;
  atom.upper = (expr.op == Op::lt || expr.op == Op::le) != turned;
  atom.inclusive = expr.op == Op::le || expr.op == Op::ge;
  return atom;
}

}  // namespace

PredicateIndex::PredicateIndex(const std::vector<const Program*>& programs, const model::Catalog& catalog,
                               bool enabled) {
  types_.resize(catalog.types.size());
  place_.resize(programs.size());
  place_of_.resize(programs.size());
  for (std::uint32_t p = 0; p < programs.size(); ++p) {
    const Program& program = *programs[p];
    for (std::uint32_t i = 0; i < program.inputs.size(); ++i) {
      const auto& input = program.inputs[i];
      TypeIndex& index = types_[input.type];
      if (program.steps.empty()) add(index, input.predicate, {p, i, 1});
      if (program.counts_positions) add(index, input.predicate, {p, i, 0});
      std::uint64_t bit = 1;
      const auto add_filters = [&](const std::vector<EventFilter>& filters) {
        for (const EventFilter& filter : filters) {
          if (filter.type == input.type) add(index, filter.predicate, {p, i, bit});
        }
        bit <<= 1;
      };
      for (const Step& step : program.steps)
        add_filters(step.filters);
      for (const Watch& watch : program.watches)
        add_filters(watch.filters);
    }
  }
  for (TypeIndex& index : types_) {
    for (std::uint32_t p = 0; p < index.predicates.size(); ++p)
      give_access_path(index, p, catalog, enabled);
    index.gated = index.equalities.empty() && index.always.empty();
    for (RangeGroup& group : index.ranges) {
      std::stable_sort(group.thresholds.begin(), group.thresholds.end(), [&](const auto& a, const auto& b) {
        if (group.floating ? a.float_bound != b.float_bound : a.int_bound != b.int_bound) {
          const bool less = group.floating ? a.float_bound < b.float_bound : a.int_bound < b.int_bound;
          return less != group.upper;
        }
        return a.inclusive && !b.inclusive;
      });
      group.first_float = group.thresholds.front().float_bound;
      group.first_int = group.thresholds.front().int_bound;
    }
  }
}

void PredicateIndex::add(TypeIndex& index, const std::vector<plan::Expr>& conjuncts,
                         const Subscriber& subscriber) {
  auto same = std::find_if(index.predicates.begin(), index.predicates.end(),
                           [&](const Predicate& p) { return p.conjuncts == conjuncts; });
  if (same == index.predicates.end()) {
    index.predicates.push_back({conjuncts, {}, {}});
    same = index.predicates.end() - 1;
  }
  // One rule's steps with one predicate are one subscriber.
  for (Subscriber& other : same->subscribers) {
    if (other.program == subscriber.program && other.input == subscriber.input) {
      other.steps |= subscriber.steps;
      return;
    }
  }
  same->subscribers.push_back(subscriber);
}

void PredicateIndex::give_access_path(TypeIndex& index, std::uint32_t number, const model::Catalog& catalog,
                                      bool enabled) {
  Predicate& predicate = index.predicates[number];
  const auto& conjuncts = predicate.conjuncts;
  std::size_t path = conjuncts.size();
  for (std::size_t i = 0; enabled && i < conjuncts.size() && path == conjuncts.size(); ++i) {
    const EqualityAtom atom = as_equality(conjuncts[i]);
    if (!atom.field) continue;
    path = i;
    const auto& field = catalog[atom.field->ref.type].fields[atom.field->ref.field];
    auto group = std::find_if(index.equalities.begin(), index.equalities.end(),
                              [&](const auto& g) { return g.field == atom.field->ref.field; });
    if (group == index.equalities.end()) {
      index.equalities.push_back({atom.field->ref.field, field.slot, field.type.kind, {}});
      group = index.equalities.end() - 1;
    }
    for (const auto* value : atom.values) {
      auto& entries = group->entries[entry_key(group->kind, value->constant.i, value->constant.s)];
      const bool listed = std::any_of(entries.begin(), entries.end(), [&](const auto& e) {
        return e.predicate == number && e.text == value->constant.s;
      });
      if (!listed) entries.push_back({value->constant.s, number});
    }
  }
  for (std::size_t i = 0; enabled && i < conjuncts.size() && path == conjuncts.size(); ++i) {
    const RangeAtom atom = as_range(conjuncts[i]);
    if (!atom.field) continue;
    path = i;
    const auto& field = catalog[atom.field->ref.type].fields[atom.field->ref.field];
    auto group = std::find_if(index.ranges.begin(), index.ranges.end(), [&](const auto& g) {
      return g.field == atom.field->ref.field && g.upper == atom.upper;
    });
    if (group == index.ranges.end()) {
      index.ranges.push_back(
          {atom.field->ref.field, field.slot, field.type.kind == Kind::floating, atom.upper, {}});
      group = index.ranges.end() - 1;
    }
    group->thresholds.push_back({atom.bound->f, atom.bound->i, atom.inclusive, number});
  }
  if (path == conjuncts.size()) index.always.push_back(number);
  for (std::size_t i = 0; i < conjuncts.size(); ++i) {
    if (i != path) predicate.residual.emplace_back(conjuncts[i], catalog);
  }
}

std::size_t PredicateIndex::TypeIndex::pass_over(const model::EventBatch& events, std::size_t i,
                                                 model::EventTypeId type) const {
  const auto scan = [&](const auto& passes) {
    while (i < events.size() && events[i].type() == type && !passes(events[i]))
      ++i;
    return i;
  };
  if (ranges.size() != 1) {
    return scan([&](model::EventView event) {
      return std::any_of(ranges.begin(), ranges.end(), [&](const auto& r) { return r.may_pass(event); });
    });
  }
  // One range is the common case: its comparison is chosen once and not for each event.
  const std::uint32_t slot = ranges[0].slot;
  const double number = ranges[0].first_float;
  const std::int64_t integer = ranges[0].first_int;
  if (ranges[0].floating && ranges[0].upper)
    return scan([=](model::EventView event) { return event.load_float(slot) <= number; });
  if (ranges[0].floating)
    return scan([=](model::EventView event) { return event.load_float(slot) >= number; });
  if (ranges[0].upper) return scan([=](model::EventView event) { return event.load_int(slot) <= integer; });
  return scan([=](model::EventView event) { return event.load_int(slot) >= integer; });
}

void PredicateIndex::look_up_equalities(const TypeIndex& index, model::EventView event, Scratch& scratch) {
  for (const EqualityGroup& group : index.equalities) {
    if (event.is_null(group.field)) continue;
    const bool text = group.kind == Kind::string;
    const std::string_view value = text ? event.load_text(group.slot) : std::string_view();
    const auto found =
        group.entries.find(entry_key(group.kind, text ? 0 : event.load_int(group.slot), value));
    if (found == group.entries.end()) continue;
    for (const auto& entry : found->second) {
      if (!text || entry.text == value) hit(index, entry.predicate, event, scratch);
    }
  }
}

void PredicateIndex::sort_touched() {
  std::sort(touched_.begin(), touched_.end(),
            [](const auto& a, const auto& b) { return a.program < b.program; });
}

void PredicateIndex::walk(const TypeIndex& index, const RangeGroup& group, model::EventView event,
                          Scratch& scratch) {
  if (event.is_null(group.field)) return;
  if (group.floating) {
    const double value = event.load_float(group.slot);
    for (const Threshold& threshold : group.thresholds) {
      const bool beyond = group.upper ? value < threshold.float_bound : value > threshold.float_bound;
      if (!beyond && !(threshold.inclusive && value == threshold.float_bound)) return;
      hit(index, threshold.predicate, event, scratch);
    }
  } else {
    const std::int64_t value = event.load_int(group.slot);
    for (const Threshold& threshold : group.thresholds) {
      const bool beyond = group.upper ? value < threshold.int_bound : value > threshold.int_bound;
      if (!beyond && !(threshold.inclusive && value == threshold.int_bound)) return;
      hit(index, threshold.predicate, event, scratch);
    }
  }
}

// The access path of `predicate` holds: where the rest holds too, its subscribers are touched.
void PredicateIndex::hit(const TypeIndex& index, std::uint32_t number, model::EventView event,
                         Scratch& scratch) {
  const Predicate& predicate = index.predicates[number];
  if (!predicate.residual.empty()) {
    scratch.reset();
    for (const Expression& conjunct : predicate.residual) {
      if (!conjunct.holds({event, {}}, scratch)) return;
    }
  }
  for (const Subscriber& subscriber : predicate.subscribers) {
    if (place_of_[subscriber.program] != lookup_) {
      place_of_[subscriber.program] = lookup_;
      place_[subscriber.program] = static_cast<std::uint32_t>(touched_.size());
      touched_.push_back({subscriber.program, subscriber.input, 0});
    }
    touched_[place_[subscriber.program]].steps |= subscriber.steps;
  }
}

std::string PredicateIndex::dump(const model::Catalog& catalog) const {
  std::string text;
  for (std::size_t t = 0; t < types_.size(); ++t) {
    const TypeIndex& index = types_[t];
    if (index.predicates.empty()) continue;
    const auto& type = catalog.types[t];
    text += type.name + ": " + std::to_string(index.predicates.size()) + " predicates\n";
    for (const auto& group : index.equalities) {
      text += "  " + type.fields[group.field].name + " == one of " + std::to_string(group.entries.size()) +
              " values (hash)\n";
    }
    for (const auto& group : index.ranges) {
      text += "  " + type.fields[group.field].name + (group.upper ? " <" : " >") + " one of " +
              std::to_string(group.thresholds.size()) + " bounds (ordered)\n";
    }
    if (!index.always.empty()) text += "  " + std::to_string(index.always.size()) + " tried on every event\n";
  }
  return text;
}

}  // namespace tocsin::match
