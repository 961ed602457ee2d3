// How far the runs of one rule came over the events of a test: a plain walk over its automaton, with every
// run kept, for `tocsin test` to say which step was never reached and what stopped the run that came
// furthest. It knows neither `report` nor `skip`, so it may go on where the engine has reported and dropped.
//
// Cost: events times runs times their length, all bounded. Tested in tests/tester/nearest_miss_test.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/match/program.hpp"
#include "tester/conditions.hpp"
#include "tester/play.hpp"

namespace tocsin::tester {

/// A run: the events that it has taken, and where it is.
struct Run {
  std::vector<model::MatchedEvent> taken;
  std::uint16_t state = match::start_state;
  std::uint32_t count = 0;                   // repeats of the state's step
  std::size_t first_place = 0;               // of its first event among those of its stream that pass
  std::size_t place = 0;                     // of its last one
  std::uint64_t needed = 0;                  // the fewest further events that make it whole
  std::size_t first_index = 0;               // of its first event among all of its stream
  std::size_t index = 0;                     // of its last event in its stream
  std::uint64_t closed = 0;                  // the arcs that a watch has closed
  std::uint64_t spent = 0;                   // arcs that it can take no more, those among them
  bool absence_closed = false;               // what must not come at the end has come
  model::EventView closed_by;                // the event that closed one of its arcs, or the absence
  std::uint32_t watch = match::no_watch;     // as which
  std::vector<std::int64_t> group_start_ns;  // by bounded group
};

/// The events of a rule's types that share a key, in order.
struct Stream {
  std::vector<model::Value> key;
  std::vector<model::EventView> events;
  std::vector<bool> passes;  // beside events: the condition of its `from`
  std::vector<Run> runs;     // in the order in which they came up; the first has taken nothing
};

/// True where the condition of its `from` holds for an event.
bool any_passes(const Stream& stream);

struct Exploration {
  match::Program program;  // no states for a filter
  std::vector<Stream> streams;
  std::uint64_t steps_reached = 0;  // bit i: some run took an event of step i
};

/// Explores rule number `rule`; without a pattern there are streams alone. The events are `record`'s, and
/// must stay there.
Exploration explore(const plan::Plan& plan, std::uint32_t rule, const Record& record, Conditions& conditions);

/// Empty where an event at `time_ns` and `place` may still be the one that `run` takes by `arc`; else the
/// bound that has passed, in words: `within 10m`.
std::string bound_passed(const plan::Rule& rule, const match::Program& program, const Run& run,
                         const match::Arc& arc, std::int64_t time_ns, std::size_t place);

}  // namespace tocsin::tester
