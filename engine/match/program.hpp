// A rule as the matchers run it: the pattern as an automaton whose states are places in the pattern and whose
// arcs say how one event follows another (a position automaton, Glushkov 1961, with a counter for a step's
// repeats), and each step's conditions split by what they read. Immutable, shared by all shards.
//
// A step is a state, but for groups that are repeated (a state a copy of the group) and for `&` (a state for
// each set of elements that may have come before). What must not come is watched for: a watch is an event
// description like a step's, and where its event comes, it closes arcs of the runs that wait.
//
// The conditions of steps and watches are tried in two stages: the conjuncts that read one event alone form
// the predicate, which the predicate index settles for all rules at once; the others (`joined`) are evaluated
// for each run that the event might concern.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/saturate.hpp"
#include "engine/match/evaluate.hpp"
#include "engine/match/packed_event.hpp"
#include "engine/match/window_program.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::match {

/// `field of this event == value of the run`: lets an event look up the runs that wait for its value.
struct EqualityJoin {
  std::uint32_t conjunct = 0;  // index in Joined::conjuncts
  Expression event_side;       // reads this event alone
  Expression run_side;         // reads the run alone
};

/// `field of this event > value of the run`, or another inequality: lets an event meet those runs only.
struct OrderJoin {
  std::uint32_t conjunct = 0;
  Expression event_side;
  Expression run_side;
  bool descending = false;  // the event's side is the lesser one

  /// A number that orders values as the inequality does: it can hold only where the run's is at most the
  /// event's. Nothing for null and NaN, with which none holds.
  std::optional<std::int64_t> rank(const model::Value& value) const;
};

/// The conjuncts that read more than the event at hand, as they stand in one place of the pattern.
struct Joined {
  struct Conjunct {
    plan::Expr source;
    Expression expression;
    bool needs_previous = false;  // it names `prev`: it applies once the run holds an event of the step
  };
  std::vector<Conjunct> conjuncts;
  /// How an event finds the runs for which the conjuncts may hold.
  struct Access {
    std::vector<EqualityJoin> joins;  // those that a hash can serve
    std::optional<OrderJoin> order;   // the first that a heap can serve
  };
  Access enter;            // for runs that have not taken an event of the step just before
  Access repeat;           // for those that have: of `prev` too
  bool reads_run = false;  // some read more of the run than its last event
};

/// What an event must be like by itself: one entry a type.
struct EventFilter {
  model::EventTypeId type = 0;
  std::vector<plan::Expr> predicate;  // conjuncts, those of the rule's input among them
};

struct Step {
  std::string name;
  std::vector<EventFilter> filters;
  plan::Quantifier quantifier;
};

/// An event that is looked for and not taken: of `not` and of `until`.
struct Watch {
  enum class Kind : std::uint8_t { negation, until };
  Kind kind = Kind::negation;
  std::uint32_t step = 0;  // of until: whose loop it ends
  std::vector<EventFilter> filters;
  Joined joined;
};

inline constexpr std::uint16_t start_state = 0xFFFF;
inline constexpr std::uint16_t no_watch = 0xFFFF;

/// From one state (or the start) to that of the next event. Arcs from one state stand in order of preference.
/// Sets of arcs are masks over the arcs from one state, counted from the first.
struct Arc {
  std::uint16_t from = start_state;
  std::uint16_t to = 0;
  bool repeats = false;  // one more repeat of the step itself; else it enters the step anew
  plan::Contiguity contiguity = plan::Contiguity::relaxed;
  std::int64_t bound_ns = plan::no_bound;  // the most time since the event matched last
  std::vector<std::uint16_t> opens;        // bounded groups that begin (anew) with its event
  std::uint64_t barred_by = 0;             // arcs that take an event which this one would take too
  std::uint64_t twins = 0;                 // arcs to the same place that stand before it, barred by others
  std::uint64_t closes = 0;                // arcs and ends that are closed to a run once it goes by this one
  std::uint16_t until = no_watch;          // of the start's arcs: what its first event must not be
};

/// A watch where it matters: its event closes arcs to the runs that wait in a state.
struct Closing {
  std::uint16_t watch = 0;
  std::uint64_t arcs = 0;                // those that it closes
  bool absence = false;                  // and the end that waits for Program::after
  std::int64_t for_ns = plan::no_bound;  // how long after the event matched last it may come (absence)
  bool strict = false;                   // it is the very next event, or it closes nothing
  bool first = false;                    // it closes before the event itself can be taken
};

struct Range {
  std::uint16_t begin = 0;
  std::uint16_t end = 0;
};

struct State {
  std::uint16_t step = 0;
  bool accepts = false;                  // a match may end here
  std::vector<std::uint16_t> end_ranks;  // by way to the end: of its arcs, how many are preferred to it
  Range out;                             // its arcs
  Range closings;
  std::vector<std::uint16_t> groups;  // bounded groups that it stands in
  Joined joined;                      // of its step
};

/// `not B for 30s` before the first event.
struct LeadingAbsence {
  std::uint16_t watch = 0;
  std::int64_t for_ns = 0;
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

struct Emit {
  model::EventTypeId type = 0;
  std::vector<EmitField> fields;
};

/// Under `report total`: an expression over the events of a step; none: the events themselves.
struct Total {
  std::uint32_t step = 0;
  std::optional<Expression> value;
};

enum class MatcherKind : std::uint8_t { stateless, contiguous, grouped, arena, total, window };

struct Program {
  std::uint32_t rule = 0;
  std::string name;
  std::vector<Input> inputs;
  std::vector<Step> steps;
  std::vector<Watch> watches;
  std::vector<State> states;
  std::vector<Arc> arcs;             // grouped by `from`: the start's first, then each state's
  Range start;                       // the start's arcs
  std::vector<Closing> closings;     // grouped by state
  std::vector<std::int64_t> groups;  // the bounds of bounded groups, in ns
  std::vector<LeadingAbsence> before;
  std::int64_t after_ns = plan::no_bound;  // a run that has come to its end is a match once this has passed
  std::vector<KeyFields> keys;             // by input; no fields where the rule has no partition
  std::vector<EventForm> forms;            // by input: how its events are kept packed, or trimmed
  bool partitioned = false;
  bool trims = false;  // where conditions read taken events, these are trimmed
  plan::Within within;
  plan::Report report = plan::Report::first;
  plan::Skip skip = plan::Skip::past_last;
  std::uint32_t skip_step = 0;
  std::optional<WindowProgram> window;  // then there are no steps
  std::int64_t throttle_ns = plan::no_bound;
  std::optional<Emit> emit;
  std::optional<Emit> timeout;
  std::vector<Total> totals;      // what the aggregates of `emit` are over, under `report total`
  bool counts_positions = false;  // it must see every event of its stream: something strict, or `… events`
  bool has_bars = false;          // some arc bars another
  bool is_ambiguous = false;      // one assignment may be found by two ways through the automaton

  MatcherKind matcher = MatcherKind::stateless;
  std::string matcher_reason;  // for `explain`: one sentence

  /// The step of the state that `arc` leads to.
  std::uint16_t step_of(std::uint16_t arc) const { return states[arcs[arc].to].step; }
  /// Of the steps and watches that an event satisfies, as Matcher::visit is told: bit i stands for step i …
  std::uint64_t steps_in(std::uint64_t satisfied) const {
    return watches.empty() ? satisfied : satisfied & ((std::uint64_t{1} << steps.size()) - 1);
  }
  /// … and here for watch i.
  std::uint64_t watches_in(std::uint64_t satisfied) const {
    return watches.empty() ? 0 : satisfied >> steps.size();
  }
  /// The bit that stands for arc `arc` in masks.
  std::uint64_t bit(std::uint16_t arc) const {
    const std::uint16_t from = arcs[arc].from;
    return std::uint64_t{1} << (arc - (from == start_state ? start.begin : states[from].out.begin));
  }
  /// And those that stand for the ways from `state` to the end: those where it waits for `after`.
  std::uint64_t end_bit(const State& state, std::size_t end) const {
    return std::uint64_t{1} << (state.out.end - state.out.begin + end);
  }
  bool may_repeat(std::uint16_t state, std::uint32_t count) const {
    return count < steps[states[state].step].quantifier.max;
  }
  bool may_leave(std::uint16_t state, std::uint32_t count) const {
    return count >= steps[states[state].step].quantifier.min;
  }
  /// True where a run that has taken `count` repeats in `state` last may go by `arc`, which leads out of it.
  bool may_go(const Arc& arc, std::uint32_t count) const {
    return arc.repeats ? may_repeat(arc.from, count) : may_leave(arc.from, count);
  }
  /// True where a run that has taken `count` repeats in `state` last has come to the pattern's end.
  bool is_end(std::uint16_t state, std::uint32_t count) const {
    return states[state].accepts && may_leave(state, count);
  }
  /// The key fields of events of this type, which is one of its inputs.
  const KeyFields& keys_of(model::EventTypeId type) const {
    std::size_t input = 0;
    while (keys[input].type != type)
      ++input;
    return keys[input];
  }
  /// How events of this type, which is one of its inputs, are kept packed.
  const EventForm& form_of(model::EventTypeId type) const {
    return forms[static_cast<std::size_t>(&keys_of(type) - keys.data())];
  }
  /// How conditions find the fields of taken events: where these are as they came, nothing.
  std::span<const EventForm> taken_forms() const {
    return trims ? std::span(forms) : std::span<const EventForm>();
  }
  /// Has a timer: it must hear of time that passes.
  bool is_timed() const {
    return after_ns != plan::no_bound || timeout.has_value() || (window && window->is_timed());
  }
  /// The time for which an event may be part of a run, where there is one.
  std::int64_t retention_ns() const {
    return after_ns == plan::no_bound ? within.time_ns : later(within.time_ns, after_ns);
  }
  /// How many nodes of runs a matcher may hold before it looks for those that no run needs any more: never
  /// before the limit where a time bound retires them by age, else when `live` may have doubled.
  std::size_t room_for(std::size_t live, std::size_t limit) const {
    return within.unit == plan::Within::Unit::time ? limit : std::min(limit, 4096 + live);
  }
};

/// Builds the program of rule number `rule`. Linear in the pattern, its groups unrolled, but for chains of
/// optional elements. Throws std::runtime_error where more than 64 elements may come next at one place.
Program build_program(const plan::Plan& plan, std::uint32_t rule);

/// Adds the states, arcs and closings of the rule's pattern to `program`, whose steps and watches are there.
/// `watch_of_until` by step, `no_watch` where it has none; negations are watches of the same number.
void build_automaton(const plan::Rule& rule, const model::Catalog& catalog,
                     const std::vector<std::uint16_t>& watch_of_until, Program& program);

/// The conjuncts of `conditions` that read more than one event, compiled. `bound` and `unbound` are sets of
/// steps (bit i stands for step i) known to be in the run, or not, wherever this is evaluated; `taken` as
/// Program::taken_forms() gives it.
Joined join_conditions(const std::vector<plan::Expr>& conditions, const model::Catalog& catalog,
                       std::span<const EventForm> taken, std::uint64_t bound = 0, std::uint64_t unbound = 0);

/// `expr` for an event that is of `type`: what reads a field of another type is null.
plan::Expr specialise(const plan::Expr& expr, model::EventTypeId type);

/// A stable text form: steps, conditions by stage, arcs. For `explain` and golden tests.
std::string dump(const plan::Plan& plan, const Program& program);
/// The automaton as a Graphviz digraph.
std::string dump_dot(const plan::Plan& plan, const Program& program);

}  // namespace tocsin::match
