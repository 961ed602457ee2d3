// The first stage of matching: which rules does an event concern, and as which of their steps?
//
// The single-event conditions of all rules on one event type become predicates; equal ones are one. Of each
// predicate one conjunct is its access path: an equality with constants (a hash table a field), else bounds
// of a number, else none (it is tried on every event). Behind an equality a second one counts: the bounds of
// a number. Predicates that one path leads to stand in order of their bounds, so that a walk over them ends
// at the first that fails. What is left of a predicate is evaluated only where its access path led to it. So
// an event costs one look-up a field with equalities, one walk a field with bounds, and the predicates that
// it then satisfies; a rule that it cannot touch is not visited.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/base/hash.hpp"
#include "engine/match/evaluate.hpp"
#include "engine/match/interval.hpp"
#include "engine/match/program.hpp"
#include "engine/model/batch.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::match {

/// A rule that an event concerns.
struct Touched {
  std::uint32_t program = 0;  // index in the list that the index was built from
  std::uint32_t input = 0;    // which of the program's inputs the event's type is
  std::uint64_t steps = 0;    // bit i: it satisfies the predicate of step i, or of a watch behind the steps;
                              // bit 0 for a rule without steps
};

class PredicateIndex {
 public:
  /// Indexes `programs`, which must outlive it. `enabled` false: every predicate is tried on every event.
  /// Linear in the predicates but for sorting.
  PredicateIndex(const std::vector<const Program*>& programs, const model::Catalog& catalog, bool enabled);

  /// From now on next_candidate() passes over no event of this type.
  void show_all(model::EventTypeId type) { types_[type].gated = false; }

  /// The rules that `event` concerns, in the order of the programs. The result lives until the next call.
  const std::vector<Touched>& lookup(model::EventView event, Scratch& scratch) {
    const TypeIndex& index = types_[event.type()];
    if (index.is_constant) return index.constant;
    if (index.sole.program != none) return lookup_sole(index, event, scratch);
    return lookup_several(index, event, scratch);
  }

  /// The first event from number `i` on that may concern a rule, or the number of events. Passes over the
  /// others at one comparison each where all predicates have bounds as access paths.
  std::size_t next_candidate(const model::EventBatch& events, std::size_t i) const {
    while (i < events.size()) {
      const model::EventTypeId type = events[i].type();
      const TypeIndex& index = types_[type];
      if (!index.gated) return i;
      i = index.pass_over(events, i, type);
      if (i < events.size() && events[i].type() == type) return i;
    }
    return i;
  }

  /// Calls show(number, event, touched) for the events from number `i` on and the rules that each concerns,
  /// in their order, up to one of another type: what lookup() gives for each, in one loop. Gives the number
  /// of that one, or of events. `events` are a batch, or some of one, none of which is to be passed over.
  template <class Events, class Show>
  std::size_t for_each(const Events& events, std::size_t i, Scratch& scratch, const Show& show) {
    const model::EventTypeId type = events[i].type();
    const TypeIndex& index = types_[type];
    const auto each_event = [&](const auto& look) {
      for (; i < events.size(); ++i) {
        if constexpr (std::is_same_v<Events, model::EventBatch>) {
          if (index.gated) i = index.pass_over(events, i, type);
          if (i == events.size()) return;
        }
        const model::EventView event = events[i];
        if (event.type() != type) return;
        look(event);
      }
    };
    if (index.is_constant) {
      each_event([&](model::EventView event) {
        for (const Touched& touched : index.constant)
          show(i, event, touched);
      });
    } else if (index.sole.program != none) {
      each_event([&](model::EventView event) {
        Touched touched = index.sole;
        if (concerns_sole(index, event, scratch, touched.steps)) show(i, event, touched);
      });
    } else {
      each_event([&](model::EventView event) {
        for (const Touched& touched : lookup_several(index, event, scratch))
          show(i, event, touched);
      });
    }
    return i;
  }

  /// A stable text form, for `explain`.
  std::string dump(const model::Catalog& catalog) const;

 private:
  struct Subscriber {
    std::uint32_t program;
    std::uint32_t input;
    std::uint64_t steps;  // 0: the rule must see the event, whatever its steps say
  };
  /// What is left of a predicate once its access path holds, and whom it concerns.
  struct Predicate {
    std::uint32_t first_interval, end_intervals;
    std::uint32_t first_residual, end_residuals;
    std::uint32_t first_subscriber, end_subscribers;
    bool has_rest;  // an interval or a residual
  };
  /// A predicate with its bounds, which may be none, and where to go on if a number is not within them. Those
  /// with bounds of one field and side stand together, those that most numbers satisfy first.
  struct Candidate {
    Interval bounds;
    std::uint32_t predicate;
    std::uint32_t if_less;
    std::uint32_t if_greater;
    std::uint32_t sole;  // the predicate's subscriber, where it has but one and nothing is left of it
  };
  static constexpr std::uint32_t none = 0xFFFFFFFF;
  using Candidates = std::vector<Candidate>;

  /// Where the candidates of a constant stand.
  struct Value {
    std::uint64_t id = 0;  // the constant; of a text its pack_text(), or its hash where it has none
    std::uint32_t begin = 0;
    std::uint32_t end = 0;  // 0: the entry is free
  };
  struct EqualityGroup {  // field == constant
    std::uint32_t field = 0;
    std::uint32_t slot = 0;
    bool is_text = false;
    std::vector<Value> values;       // open addressing, at most a quarter in use; a power of two
    std::vector<std::string> texts;  // by entry: the constant, where its id is a hash
    std::size_t count = 0;           // of different constants
    Candidates candidates;

    // The highest byte of a packed text is its size.
    static std::uint64_t id_of(std::string_view text) {
      return text.size() <= max_packed_text ? pack_text(text) : hash_bytes(text) | std::uint64_t{0xFF} << 56;
    }
    /// The entry of the event's value; null where there is none.
    const Value* find(model::EventView event) const {
      if (event.is_null(field)) return nullptr;
      const std::string_view text = is_text ? event.load_text(slot) : std::string_view();
      const std::uint64_t id = !is_text ? static_cast<std::uint64_t>(event.load_int(slot))
                               : text.size() <= max_packed_text ? pack_text_behind(text)
                                                                : id_of(text);
      const std::size_t mask = values.size() - 1;
      for (std::size_t i = hash_mix(id) & mask; values[i].end != 0; i = (i + 1) & mask) {
        if (values[i].id == id && (text.size() <= max_packed_text || texts[i] == text)) return &values[i];
      }
      return nullptr;
    }
    /// False where the value leads to one candidate, and that fails: what most events need of it.
    bool may_pass(const Value& value, model::EventView event) const {
      const Interval& bounds = candidates[value.begin].bounds;
      const std::int64_t number = bounds.number(event);
      return value.end - value.begin > 1 || (number >= bounds.least && number <= bounds.greatest);
    }
  };
  /// Candidates without an equality, bounded on one side of one field.
  struct Run {
    std::uint32_t field;
    std::uint32_t slot;
    bool floating;
    bool upper;  // field < bound, else field > bound, and maybe the other too
    std::uint32_t begin;
    std::uint32_t end;
    double first_float;  // the bound of the first
    std::int64_t first_int;

    /// False where none can hold: the one test that most events need. (The slot of a null is 0.)
    bool may_pass(model::EventView event) const {
      if (floating) {
        const double value = event.load_float(slot);
        return upper ? value <= first_float : value >= first_float;
      }
      const std::int64_t value = event.load_int(slot);
      return upper ? value <= first_int : value >= first_int;
    }
  };
  /// Steps whose predicate is that a number lies in an interval.
  struct Bounded {
    Interval bounds;
    std::uint64_t steps;
  };
  static constexpr std::size_t most_few = 4;
  struct TypeIndex {
    std::vector<Predicate> predicates;
    std::vector<Subscriber> subscribers;  // by predicate
    std::vector<Interval> intervals;      // by predicate: bounds that are no access path
    std::vector<Expression> residuals;    // by predicate: the other conjuncts
    std::vector<EqualityGroup> equalities;
    std::vector<Run> runs;
    Candidates in_order;                // of the runs
    std::vector<std::uint32_t> always;  // no access path
    std::size_t tried = 0;              // so many of these, the others being settled in `sole`
    bool is_constant = false;           // each event concerns the same rules: …
    std::vector<Touched> constant;      // … these
    Touched sole{none, 0, 0};           // the rule that alone is concerned, if one is, …
    bool sole_sees_all = false;         // … and whether it is by each event, then at least by these steps
    std::vector<Bounded> few;           // all of its other predicates, where they are bounds alone, and few
    bool gated = false;                 // what fails the first bound of every run satisfies no predicate

    /// The first event from number `i` on that is of another type or passes some run's first bound.
    std::size_t pass_over(const model::EventBatch& events, std::size_t i, model::EventTypeId type) const;
  };
  class Builder;

  // Calls touch(subscriber) for whomever the predicates concern that hold.
  template <class Touch>
  void search(const TypeIndex& index, model::EventView event, Scratch& scratch, const Touch& touch) {
    for (const Run& run : index.runs) {
      if (run.may_pass(event)) walk(index, index.in_order, run.begin, run.end, event, scratch, touch);
    }
    for (const EqualityGroup& group : index.equalities) {
      const Value* const value = group.find(event);
      if (value && group.may_pass(*value, event))
        walk(index, group.candidates, value->begin, value->end, event, scratch, touch);
    }
    for (std::size_t i = 0; i < index.tried; ++i)
      hit(index, index.always[i], event, scratch, touch);
  }
  const std::vector<Touched>& lookup_several(const TypeIndex& index, model::EventView event,
                                             Scratch& scratch) {
    touched_.clear();
    ++lookup_;
    search(index, event, scratch, [this](const Subscriber& subscriber) { touch(subscriber); });
    if (touched_.size() > 1) sort_touched();
    return touched_;
  }
  // Where one rule alone is concerned there is nothing to tell apart, and nothing to put in order.
  const std::vector<Touched>& lookup_sole(const TypeIndex& index, model::EventView event, Scratch& scratch) {
    std::uint64_t steps;
    if (!concerns_sole(index, event, scratch, steps)) return nobody_;
    sole_.front() = {index.sole.program, index.sole.input, steps};
    return sole_;
  }
  // Whether the event concerns the rule, and as which of its steps.
  bool concerns_sole(const TypeIndex& index, model::EventView event, Scratch& scratch, std::uint64_t& steps) {
    steps = index.sole.steps;
    bool is_concerned = index.sole_sees_all;
    if (!index.few.empty()) {  // without a branch, as which of them hold nobody can foresee
      for (const Bounded& each : index.few) {
        const bool holds = each.bounds.holds(event);
        steps |= each.steps & (std::uint64_t{0} - std::uint64_t{holds});
        is_concerned |= holds;
      }
      return is_concerned;
    }
    return search_sole(index, event, scratch, steps) || is_concerned;
  }
  [[gnu::noinline]] bool search_sole(const TypeIndex& index, model::EventView event, Scratch& scratch,
                                     std::uint64_t& steps) {
    bool is_concerned = false;
    search(index, event, scratch, [&](const Subscriber& subscriber) {
      steps |= subscriber.steps;
      is_concerned = true;
    });
    return is_concerned;
  }
  template <class Touch>
  void walk(const TypeIndex& index, const Candidates& candidates, std::uint32_t i, std::uint32_t end,
            model::EventView event, Scratch& scratch, const Touch& touch) {
    while (i < end) {
      const Candidate& candidate = candidates[i];
      const std::int64_t number = candidate.bounds.number(event);
      if (number < candidate.bounds.least) {
        i = candidate.if_less;
      } else if (number > candidate.bounds.greatest) {
        i = candidate.if_greater;
      } else {
        ++i;
        if (event.is_null(candidate.bounds.field)) continue;
        if (candidate.sole != none) {
          touch(index.subscribers[candidate.sole]);
        } else {
          hit(index, candidate.predicate, event, scratch, touch);
        }
      }
    }
  }
  // The access path of a predicate holds: where the rest holds too, its subscribers are touched.
  template <class Touch>
  void hit(const TypeIndex& index, std::uint32_t number, model::EventView event, Scratch& scratch,
           const Touch& touch) {
    const Predicate& predicate = index.predicates[number];
    if (predicate.has_rest && !rest_holds(index, predicate, event, scratch)) return;
    for (std::uint32_t i = predicate.first_subscriber; i < predicate.end_subscribers; ++i)
      touch(index.subscribers[i]);
  }
  void touch(const Subscriber& subscriber) {
    Place& place = place_of_[subscriber.program];
    if (place.lookup != lookup_) {
      place = {lookup_, static_cast<std::uint32_t>(touched_.size())};
      touched_.push_back({subscriber.program, subscriber.input, subscriber.steps});
    } else {
      touched_[place.place].steps |= subscriber.steps;
    }
  }
  static bool rest_holds(const TypeIndex& index, const Predicate& predicate, model::EventView event,
                         Scratch& scratch);
  void sort_touched();
  void find_constant(TypeIndex& index);
  static void find_sole(TypeIndex& index);

  std::vector<TypeIndex> types_;  // by event type
  std::vector<Touched> touched_;
  std::vector<Touched> sole_{1};  // what lookup_sole() gives, or …
  std::vector<Touched> nobody_;   // … this
  struct Place {
    std::uint64_t lookup = 0;  // the look-up in which it was set
    std::uint32_t place = 0;   // in touched_
  };
  std::vector<Place> place_of_;  // by program
  std::uint64_t lookup_ = 0;
  std::vector<std::uint64_t> is_touched_;  // by program, 64 a word: all 0 but within sort_touched()
  std::vector<Touched> sorted_;
};

}  // namespace tocsin::match
