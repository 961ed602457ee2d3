// A rule as the matchers run it: the pattern as an automaton whose states are steps and whose arcs say how
// one step's event follows another's (a position automaton, Glushkov 1961, with a counter for repeats), each
// step's conditions split by what they read. Immutable, shared by all shards.
//
// A step of type T with conditions c1 and c2 is tried in two stages: the conjuncts that read one event alone
// form its predicate, which the predicate index settles for all rules at once; the others (`joined`) are
// evaluated for each run that the event might advance.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/match/evaluate.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::match {

/// `field of this event == value of the run`: lets an event look up the runs that wait for its value.
struct EqualityJoin {
  std::uint32_t conjunct = 0;  // index in Step::joined
  Expression event_side;       // reads this event alone
  Expression run_side;         // reads the run alone
};

/// A conjunct that reads more than the event at hand.
struct JoinedConjunct {
  Expression expression;
  bool from_second_repeat = false;  // it names `prev`
};

struct Step {
  std::string name;
  model::EventTypeId type = 0;
  plan::Quantifier quantifier;
  std::vector<plan::Expr> predicate;  // conjuncts on the event alone, those of the rule's input among them
  std::vector<JoinedConjunct> joined;
  std::vector<EqualityJoin> joins;  // those of `joined` that a hash can serve
};

inline constexpr std::uint16_t start_state = 0xFFFF;

/// From one step (or the start) to the next event's step. Arcs from one state stand in order of preference.
struct Arc {
  std::uint16_t from = start_state;
  std::uint16_t to = 0;
  plan::Contiguity contiguity = plan::Contiguity::relaxed;
  bool repeats() const { return from == to; }
};

struct Range {
  std::uint16_t begin = 0;
  std::uint16_t end = 0;
};

/// Key fields of the partition in one event type, in key order.
struct KeyFields {
  model::EventTypeId type = 0;
  struct Field {
    std::uint32_t index;
    std::uint32_t slot;
    model::Kind kind;
  };
  std::vector<Field> fields;
};

/// One type of the rule's stream with its filter.
struct Input {
  model::EventTypeId type = 0;
  std::vector<plan::Expr> predicate;
};

struct EmitField {
  std::uint32_t field = 0;
  Expression value;
};

enum class MatcherKind : std::uint8_t { stateless, grouped, arena };

struct Program {
  std::uint32_t rule = 0;
  std::string name;
  std::vector<Input> inputs;
  std::vector<Step> steps;
  std::vector<Arc> arcs;        // grouped by `from`: the start's first, then each step's
  Range start;                  // the start's arcs
  std::vector<Range> out;       // by step: its arcs
  std::vector<bool> accepts;    // by step: may be the last
  std::vector<KeyFields> keys;  // by input; no fields where the rule has no partition
  bool partitioned = false;
  plan::Within within;
  plan::Report report = plan::Report::first;
  plan::Skip skip = plan::Skip::past_last;
  std::optional<model::EventTypeId> emit_type;
  std::vector<EmitField> emit;
  bool counts_positions = false;  // it must see every event of its stream: strict edges or `within … events`

  MatcherKind matcher = MatcherKind::stateless;
  std::string matcher_reason;  // for `explain`: one sentence

  bool may_repeat(std::uint32_t step, std::uint32_t count) const {
    return count < steps[step].quantifier.max;
  }
  bool may_leave(std::uint32_t step, std::uint32_t count) const {
    return count >= steps[step].quantifier.min;
  }
  /// How many nodes of runs a matcher may hold before it looks for those that no run needs any more: never
  /// before the limit where a time bound retires them by age, else when `live` may have doubled.
  std::size_t room_for(std::size_t live, std::size_t limit) const {
    return within.unit == plan::Within::Unit::time ? limit : std::min(limit, 4096 + live);
  }
  /// True where a run that has taken `count` repeats of `step` last is a match.
  bool is_match(std::uint32_t step, std::uint32_t count) const {
    return accepts[step] && may_leave(step, count);
  }
};

/// Builds the program of rule number `rule`. Linear in the pattern but for chains of optional elements.
Program build_program(const plan::Plan& plan, std::uint32_t rule);

/// A stable text form: steps, conditions by stage, arcs. For `explain` and golden tests.
std::string dump(const plan::Plan& plan, const Program& program);
/// The automaton as a Graphviz digraph.
std::string dump_dot(const plan::Plan& plan, const Program& program);

}  // namespace tocsin::match
