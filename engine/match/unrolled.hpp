// A program's automaton with the repeats of steps as states of their own, so that a state alone says what a
// run may do next: what matchers need that keep no count for each run.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/match/program.hpp"

namespace tocsin::match {

/// The states and arcs of a program with repeats unrolled.
struct UnrolledAutomaton {
  struct State {
    std::uint16_t step;
    bool accepts;
    std::vector<std::uint16_t> out;  // arcs, in order of preference
  };
  struct Arc {
    std::uint16_t from;  // state, or start_state
    std::uint16_t to;    // state
    plan::Contiguity contiguity;
    std::uint16_t until;  // of the start's arcs: the watch that their first event must not satisfy
  };
  struct Closed {
    std::uint16_t arc;
    bool first;  // before the event itself can be taken
  };
  std::vector<State> states;
  std::vector<Arc> arcs;                         // numbered in order of preference within a state
  std::vector<std::vector<std::uint16_t>> into;  // by step: the arcs that its events take
  std::vector<std::vector<Closed>> closed_by;    // by watch: the arcs that its events close
  std::uint64_t start_steps = 0;                 // bit i: step i may begin a match

  /// Each state leads to one other, by an arc that takes all runs that wait on it along, up to the last,
  /// which alone accepts. Linear.
  bool is_chain() const;
};

/// How many states unrolling gives. Saturates.
std::size_t unrolled_states(const Program& program);
inline constexpr std::size_t max_unrolled_states = 64;

/// Linear in the states and arcs that it gives.
UnrolledAutomaton unroll(const Program& program);

}  // namespace tocsin::match
