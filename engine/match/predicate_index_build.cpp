// Building a predicate index: equal predicates found by a hash of their conjuncts, access paths chosen, what
// one path leads to put in order.
#include <algorithm>
#include <bit>
#include <boost/unordered/unordered_flat_map.hpp>
#include <tuple>

#include "engine/base/hash.hpp"
#include "engine/match/key_table.hpp"
#include "engine/match/predicate_index.hpp"
#include "engine/plan/expr_hash.hpp"

namespace tocsin::match {

using model::Kind;
using plan::Op;

namespace {

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

// Narrows `interval` to the numbers for which `number op bound` holds.
void narrow(Interval& interval, Op op, const plan::Constant& bound) {
  std::int64_t least = bound.i;
  std::int64_t greatest = bound.i;
  if (interval.floating) {  // both zeros are equal
    least = Interval::order_of(bound.f == 0 ? -0.0 : bound.f);
    greatest = Interval::order_of(bound.f == 0 ? 0.0 : bound.f);
  }
  const bool none = (op == Op::gt && greatest == INT64_MAX) || (op == Op::lt && least == INT64_MIN);
  if (none) {
    interval.least = INT64_MAX;
    interval.greatest = INT64_MIN;
    return;
  }
  if (op == Op::ge) interval.least = std::max(interval.least, least);
  if (op == Op::gt) interval.least = std::max(interval.least, greatest + 1);
  if (op == Op::le) interval.greatest = std::min(interval.greatest, greatest);
  if (op == Op::lt) interval.greatest = std::min(interval.greatest, least - 1);
}

// `field < constant` and its like, as the op with the field on the left.
struct RangeAtom {
  const plan::Expr* field = nullptr;
  const plan::Constant* bound = nullptr;
  Op op = Op::lt;
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
  const auto turn = [](Op op) {
    switch (op) {
      case Op::lt: return Op::gt;
      case Op::le: return Op::ge;
      case Op::gt: return Op::lt;
      default: return Op::le;
    }
  };
  return {&field, &value.constant, turned ? turn(expr.op) : expr.op};
}

}  // namespace

// Of one event type.
class PredicateIndex::Builder {
 public:
  Builder(TypeIndex& index, const model::EventType& type, const model::Catalog& catalog)
      : index_(index), type_(type), catalog_(catalog) {}

  void add(const std::vector<plan::Expr>& conjuncts, const Subscriber& subscriber) {
    auto& same_hash = by_hash_[plan::hash_of(conjuncts)];
    const auto same = std::find_if(same_hash.begin(), same_hash.end(), [&](std::uint32_t number) {
      return *drafts_[number].conjuncts == conjuncts;
    });
    if (same == same_hash.end()) {
      same_hash.push_back(static_cast<std::uint32_t>(drafts_.size()));
      drafts_.push_back({&conjuncts, {subscriber}});
      return;
    }
    // One rule's steps with one predicate are one subscriber; rules come one after the other.
    auto& subscribers = drafts_[*same].subscribers;
    for (auto other = subscribers.rbegin();
         other != subscribers.rend() && other->program == subscriber.program; ++other) {
      if (other->input != subscriber.input) continue;
      other->steps |= subscriber.steps;
      return;
    }
    subscribers.push_back(subscriber);
  }

  /// `enabled` false: no predicate gets an access path.
  void finish(bool enabled) {
    for (const Draft& draft : drafts_)
      add_predicate(draft, enabled);
    for (std::size_t i = 0; i < values_.size(); ++i)
      fill(index_.equalities[i], values_[i]);
    arrange(index_.in_order, 0);
    find_runs();
    index_.gated = index_.equalities.empty() && index_.always.empty();
  }

 private:
  struct Draft {
    const std::vector<plan::Expr>* conjuncts;
    std::vector<Subscriber> subscribers;
  };
  struct ValueDraft {
    std::uint64_t id;
    std::string_view text;
    Candidate candidate;
  };

  void add_predicate(const Draft& draft, bool enabled) {
    const auto number = static_cast<std::uint32_t>(index_.predicates.size());
    const auto& conjuncts = *draft.conjuncts;
    Predicate predicate{};
    predicate.first_interval = static_cast<std::uint32_t>(index_.intervals.size());
    predicate.first_residual = static_cast<std::uint32_t>(index_.residuals.size());
    predicate.first_subscriber = static_cast<std::uint32_t>(index_.subscribers.size());

    EqualityAtom equality;
    const plan::Expr* bounded = nullptr;  // the field whose bounds are part of the path
    Candidate candidate{{}, number, 0, 0, none};
    for (const plan::Expr& conjunct : conjuncts) {
      if (enabled && !equality.field) {
        equality = as_equality(conjunct);
        if (equality.field) continue;
      }
      const RangeAtom range = enabled ? as_range(conjunct) : RangeAtom();
      if (!range.field) {
        index_.residuals.emplace_back(conjunct, catalog_);
        continue;
      }
      if (!bounded) {
        bounded = range.field;
        candidate.bounds = all_of(*bounded);
      }
      if (range.field->ref.field == bounded->ref.field) {
        narrow(candidate.bounds, range.op, *range.bound);
      } else {
        narrow(index_.intervals.emplace_back(all_of(*range.field)), range.op, *range.bound);
      }
    }
    predicate.end_intervals = static_cast<std::uint32_t>(index_.intervals.size());
    predicate.end_residuals = static_cast<std::uint32_t>(index_.residuals.size());
    predicate.has_rest = predicate.first_interval < predicate.end_intervals ||
                         predicate.first_residual < predicate.end_residuals;
    if (!predicate.has_rest && draft.subscribers.size() == 1) candidate.sole = predicate.first_subscriber;
    if (equality.field) {
      add_values(equality, bounded != nullptr, candidate);
    } else if (bounded) {
      index_.in_order.push_back(candidate);
    } else {
      index_.always.push_back(number);
    }

    index_.subscribers.insert(index_.subscribers.end(), draft.subscribers.begin(), draft.subscribers.end());
    predicate.end_subscribers = static_cast<std::uint32_t>(index_.subscribers.size());
    index_.predicates.push_back(predicate);
  }

  Interval all_of(const plan::Expr& field) const {
    return Interval::all(field.ref.field, type_.fields[field.ref.field].slot,
                         field.type.kind == Kind::floating);
  }

  void add_values(const EqualityAtom& equality, bool is_bounded, Candidate candidate) {
    const std::uint32_t field = equality.field->ref.field;
    auto group = std::find_if(index_.equalities.begin(), index_.equalities.end(),
                              [&](const auto& g) { return g.field == field; });
    if (group == index_.equalities.end()) {
      EqualityGroup fresh;
      fresh.field = field;
      fresh.slot = type_.fields[field].slot;
      fresh.is_text = equality.field->type.kind == Kind::string;
      index_.equalities.push_back(std::move(fresh));
      values_.emplace_back();
      group = index_.equalities.end() - 1;
    }
    // Without bounds any number will do: that of the field's own slot, as the field is not null.
    if (!is_bounded) candidate.bounds = Interval::all(field, group->slot, false);
    auto& values = values_[static_cast<std::size_t>(group - index_.equalities.begin())];
    for (const plan::Expr* value : equality.values) {
      const plan::Constant& constant = value->constant;
      values.push_back(
          {group->is_text ? EqualityGroup::id_of(constant.s) : static_cast<std::uint64_t>(constant.i),
           constant.s, candidate});
    }
  }

  void fill(EqualityGroup& group, std::vector<ValueDraft>& drafts) {
    const auto key = [](const ValueDraft& draft) {
      return std::tuple(draft.id, draft.text, draft.candidate.predicate);
    };
    std::sort(drafts.begin(), drafts.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
    drafts.erase(std::unique(drafts.begin(), drafts.end(),
                             [&](const auto& a, const auto& b) { return key(a) == key(b); }),
                 drafts.end());
    const auto same_value = [](const ValueDraft& a, const ValueDraft& b) {
      return a.id == b.id && a.text == b.text;
    };
    for (std::size_t i = 0; i < drafts.size(); ++i)
      group.count += i == 0 || !same_value(drafts[i - 1], drafts[i]);
    group.values.resize(std::bit_ceil(4 * group.count));
    if (group.is_text) group.texts.resize(group.values.size());
    for (std::size_t begin = 0, end = 0; begin < drafts.size(); begin = end) {
      const auto first = static_cast<std::uint32_t>(group.candidates.size());
      for (; end < drafts.size() && same_value(drafts[begin], drafts[end]); ++end)
        group.candidates.push_back(drafts[end].candidate);
      arrange(group.candidates, first);
      std::size_t place = hash_mix(drafts[begin].id) & (group.values.size() - 1);
      while (group.values[place].end != 0)
        place = (place + 1) & (group.values.size() - 1);
      group.values[place] = {drafts[begin].id, first, static_cast<std::uint32_t>(group.candidates.size())};
      if (group.is_text) group.texts[place] = drafts[begin].text;
    }
  }

  // Those of one field and side.
  static auto run_of(const Candidate& candidate) {
    return std::tuple(candidate.bounds.field, candidate.bounds.floating, candidate.bounds.has_least());
  }

  // Puts the candidates from number `first` on in order, and says where a walk over them goes on.
  static void arrange(Candidates& candidates, std::size_t first) {
    std::stable_sort(candidates.begin() + static_cast<std::ptrdiff_t>(first), candidates.end(),
                     [](const Candidate& a, const Candidate& b) {
                       if (run_of(a) != run_of(b)) return run_of(a) < run_of(b);
                       return a.bounds.has_least() ? a.bounds.least < b.bounds.least
                                                   : a.bounds.greatest > b.bounds.greatest;
                     });
    for (std::size_t begin = first, end = first; begin < candidates.size(); begin = end) {
      while (end < candidates.size() && run_of(candidates[begin]) == run_of(candidates[end]))
        ++end;
      for (std::size_t i = begin; i < end; ++i) {
        candidates[i].if_less = static_cast<std::uint32_t>(end);
        candidates[i].if_greater = static_cast<std::uint32_t>(candidates[i].bounds.has_least() ? i + 1 : end);
      }
    }
  }

  void find_runs() {
    const Candidates& all = index_.in_order;
    for (std::size_t begin = 0; begin < all.size(); begin = all[begin].if_less) {
      const Interval& bounds = all[begin].bounds;
      const std::int64_t first = bounds.has_least() ? bounds.least : bounds.greatest;
      index_.runs.push_back({bounds.field, bounds.slot, bounds.floating, !bounds.has_least(),
                             static_cast<std::uint32_t>(begin), all[begin].if_less, Interval::value_of(first),
                             first});
    }
  }

  TypeIndex& index_;
  const model::EventType& type_;
  const model::Catalog& catalog_;
  std::vector<Draft> drafts_;
  boost::unordered_flat_map<std::uint64_t, std::vector<std::uint32_t>, GoodHash> by_hash_;
  std::vector<std::vector<ValueDraft>> values_;  // by equality group
};

PredicateIndex::PredicateIndex(const std::vector<const Program*>& programs, const model::Catalog& catalog,
                               bool enabled) {
  types_.resize(catalog.types.size());
  place_of_.resize(programs.size());
  is_touched_.resize((programs.size() + 63) / 64);
  std::vector<Builder> builders;
  for (std::size_t type = 0; type < types_.size(); ++type)
    builders.emplace_back(types_[type], catalog.types[type], catalog);
  for (std::uint32_t p = 0; p < programs.size(); ++p) {
    const Program& program = *programs[p];
    for (std::uint32_t i = 0; i < program.inputs.size(); ++i) {
      const auto& input = program.inputs[i];
      Builder& builder = builders[input.type];
      if (program.steps.empty()) builder.add(input.predicate, {p, i, 1});
      if (program.counts_positions) builder.add(input.predicate, {p, i, 0});
      std::uint64_t bit = 1;
      const auto add_filters = [&](const std::vector<EventFilter>& filters) {
        for (const EventFilter& filter : filters) {
          if (filter.type == input.type) builder.add(filter.predicate, {p, i, bit});
        }
        bit <<= 1;
      };
      for (const Step& step : program.steps)
        add_filters(step.filters);
      for (const Watch& watch : program.watches)
        add_filters(watch.filters);
    }
  }
  for (Builder& builder : builders)
    builder.finish(enabled);
  for (TypeIndex& index : types_) {
    find_constant(index);
    find_sole(index);
  }
}

// Where one rule alone is concerned, what asks nothing of an event is settled here.
void PredicateIndex::find_sole(TypeIndex& index) {
  const auto& all = index.subscribers;
  index.tried = index.always.size();
  if (all.empty()) return;
  if (std::any_of(all.begin(), all.end(), [&](const auto& s) { return s.program != all[0].program; })) return;
  index.sole = {all[0].program, all[0].input, 0};
  const auto steps_of = [&](std::uint32_t number) {
    const Predicate& predicate = index.predicates[number];
    std::uint64_t steps = 0;
    for (std::uint32_t i = predicate.first_subscriber; i < predicate.end_subscribers; ++i)
      steps |= all[i].steps;
    return steps;
  };
  const auto settled = std::partition(index.always.begin(), index.always.end(), [&](std::uint32_t number) {
    return index.predicates[number].has_rest;
  });
  index.tried = static_cast<std::size_t>(settled - index.always.begin());
  for (auto number = settled; number != index.always.end(); ++number) {
    index.sole.steps |= steps_of(*number);
    index.sole_sees_all = true;
  }
  const bool are_few = index.equalities.empty() && index.tried == 0 && index.in_order.size() <= most_few &&
                       std::none_of(index.in_order.begin(), index.in_order.end(), [&](const Candidate& c) {
                         return index.predicates[c.predicate].has_rest;
                       });
  if (!are_few) return;
  for (const Candidate& candidate : index.in_order)
    index.few.push_back({candidate.bounds, steps_of(candidate.predicate)});
}

// Where no predicate asks anything of an event, the look-up is made here.
void PredicateIndex::find_constant(TypeIndex& index) {
  index.is_constant = index.runs.empty() && index.equalities.empty() &&
                      std::none_of(index.always.begin(), index.always.end(), [&](std::uint32_t predicate) {
                        return index.predicates[predicate].has_rest;
                      });
  if (!index.is_constant) return;
  touched_.clear();
  ++lookup_;
  for (const std::uint32_t number : index.always) {
    const Predicate& predicate = index.predicates[number];
    for (std::uint32_t i = predicate.first_subscriber; i < predicate.end_subscribers; ++i)
      touch(index.subscribers[i]);
  }
  sort_touched();
  index.constant = touched_;
}

}  // namespace tocsin::match
