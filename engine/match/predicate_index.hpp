// The first stage of matching: which rules does an event concern, and as which of their steps?
//
// The single-event conditions of all rules on one event type become predicates; equal ones are one. Of each
// predicate one conjunct is its access path: an equality with constants (a hash table a field), else a bound
// on a number (thresholds in order of strength, so that the walk ends at the first that fails), else none (it
// is tried on every event). What is left of the predicate is evaluated only where its access path led to it.
// So an event costs one look-up a field with equalities, one walk a field with bounds, and the predicates
// that it then satisfies; a rule that it cannot touch is not visited.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/match/evaluate.hpp"
#include "engine/match/key_table.hpp"
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
  PredicateIndex(const std::vector<const Program*>& programs, const model::Catalog& catalog, bool enabled);

  /// From now on next_candidate() passes over no event of this type.
  void show_all(model::EventTypeId type) { types_[type].gated = false; }

  /// The rules that `event` concerns, in the order of the programs. The result lives until the next call.
  const std::vector<Touched>& lookup(model::EventView event, Scratch& scratch) {
    touched_.clear();
    const TypeIndex& index = types_[event.type()];
    ++lookup_;
    for (const RangeGroup& group : index.ranges) {
      if (group.may_pass(event)) walk(index, group, event, scratch);
    }
    if (!index.equalities.empty()) look_up_equalities(index, event, scratch);
    for (const std::uint32_t predicate : index.always)
      hit(index, predicate, event, scratch);
    if (touched_.size() > 1) sort_touched();
    return touched_;
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

  /// A stable text form, for `explain`.
  std::string dump(const model::Catalog& catalog) const;

 private:
  struct Subscriber {
    std::uint32_t program;
    std::uint32_t input;
    std::uint64_t steps;  // 0: the rule must see the event, whatever its steps say
  };
  struct Predicate {
    std::vector<plan::Expr> conjuncts;
    std::vector<Expression> residual;  // the conjuncts but for the access path
    std::vector<Subscriber> subscribers;
  };
  struct EqualityGroup {  // field == constant
    std::uint32_t field;
    std::uint32_t slot;
    model::Kind kind;
    struct Entry {
      std::string text;  // the constant where it is text
      std::uint32_t predicate;
    };
    boost::unordered_flat_map<std::uint64_t, std::vector<Entry>, GoodHash>
        entries;  // by hash of the constant
  };
  struct Threshold {
    double float_bound;
    std::int64_t int_bound;
    bool inclusive;
    std::uint32_t predicate;
  };
  struct RangeGroup {  // field > bound, or field < bound
    std::uint32_t field;
    std::uint32_t slot;
    bool floating;
    bool upper;                         // field < bound
    std::vector<Threshold> thresholds;  // the one that most values satisfy first
    double first_float = 0;             // the bound of that one
    std::int64_t first_int = 0;

    /// False where no threshold can hold: the one test that most events need. (The slot of a null is 0.)
    bool may_pass(model::EventView event) const {
      if (floating) {
        const double value = event.load_float(slot);
        return upper ? value <= first_float : value >= first_float;
      }
      const std::int64_t value = event.load_int(slot);
      return upper ? value <= first_int : value >= first_int;
    }
  };
  struct TypeIndex {
    std::vector<Predicate> predicates;
    std::vector<EqualityGroup> equalities;
    std::vector<RangeGroup> ranges;
    std::vector<std::uint32_t> always;  // no access path
    bool gated = false;                 // what fails the first bound of every range satisfies no predicate

    /// The first event from number `i` on that is of another type or passes some range's first bound.
    std::size_t pass_over(const model::EventBatch& events, std::size_t i, model::EventTypeId type) const;
  };

  void add(TypeIndex& index, const std::vector<plan::Expr>& conjuncts, const Subscriber& subscriber);
  void give_access_path(TypeIndex& index, std::uint32_t predicate, const model::Catalog& catalog,
                        bool enabled);
  void hit(const TypeIndex& index, std::uint32_t predicate, model::EventView event, Scratch& scratch);
  void look_up_equalities(const TypeIndex& index, model::EventView event, Scratch& scratch);
  void sort_touched();
  void walk(const TypeIndex& index, const RangeGroup& group, model::EventView event, Scratch& scratch);

  std::vector<TypeIndex> types_;  // by event type
  std::vector<Touched> touched_;
  std::vector<std::uint32_t> place_;     // by program: its place in touched_, where place_of_ says so
  std::vector<std::uint64_t> place_of_;  // by program: the look-up in which place_ was set
  std::uint64_t lookup_ = 0;
};

}  // namespace tocsin::match
