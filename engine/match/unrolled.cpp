#include "engine/match/unrolled.hpp"

#include <algorithm>

namespace tocsin::match {

namespace {

// How many states a state needs: one a repeat of its step, the open end being one that repeats itself.
std::size_t states_of(const Program& program, std::size_t state) {
  const auto& quantifier = program.steps[program.states[state].step].quantifier;
  return quantifier.max == plan::unbounded ? std::max<std::size_t>(1, quantifier.min) : quantifier.max;
}

}  // namespace

bool UnrolledAutomaton::is_chain() const {
  const auto starts =
      std::count_if(arcs.begin(), arcs.end(), [](const Arc& a) { return a.from == start_state; });
  return starts == 1 && std::all_of(states.begin(), states.end(), [this](const State& state) {
           if (state.accepts || state.out.size() != 1) return state.accepts && state.out.empty();
           return arcs[state.out.front()].contiguity != plan::Contiguity::any;
         });
}

std::size_t unrolled_states(const Program& program) {
  std::size_t sum = 0;
  for (std::size_t state = 0; state < program.states.size(); ++state)
    sum += states_of(program, state);
  return sum;
}

UnrolledAutomaton unroll(const Program& program) {
  UnrolledAutomaton automaton;
  std::vector<std::uint16_t> first;   // by state of the program: its first repeat
  std::vector<std::uint16_t> source;  // by state: that of the program
  for (std::uint16_t from = 0; from < program.states.size(); ++from) {
    first.push_back(static_cast<std::uint16_t>(automaton.states.size()));
    for (std::size_t count = 1; count <= states_of(program, from); ++count) {
      const bool accepts = program.is_end(from, static_cast<std::uint32_t>(count));
      automaton.states.push_back({program.states[from].step, accepts, {}});
      source.push_back(from);
    }
  }
  automaton.into.resize(program.steps.size());
  automaton.closed_by.resize(program.watches.size());
  const auto add = [&](std::uint16_t from, std::uint16_t to, const Arc& arc) {
    const auto id = static_cast<std::uint16_t>(automaton.arcs.size());
    automaton.arcs.push_back({from, to, arc.contiguity, arc.until});
    automaton.into[automaton.states[to].step].push_back(id);
    if (from != start_state) automaton.states[from].out.push_back(id);
    return id;
  };
  for (std::uint16_t a = program.start.begin; a < program.start.end; ++a) {
    add(start_state, first[program.arcs[a].to], program.arcs[a]);
    automaton.start_steps |= std::uint64_t{1} << program.step_of(a);
  }
  for (std::uint16_t state = 0; state < automaton.states.size(); ++state) {
    const State& from = program.states[source[state]];
    const auto count = static_cast<std::uint32_t>(state - first[source[state]] + 1);
    const bool last_state = count == states_of(program, source[state]);
    for (std::uint16_t a = from.out.begin; a < from.out.end; ++a) {
      const Arc& arc = program.arcs[a];
      if (!program.may_go(arc, count)) continue;
      const auto next_repeat = last_state ? state : static_cast<std::uint16_t>(state + 1);
      const std::uint16_t id = add(state, arc.repeats ? next_repeat : first[arc.to], arc);
      for (std::uint16_t c = from.closings.begin; c < from.closings.end; ++c) {
        const Closing& closing = program.closings[c];
        if ((closing.arcs & program.bit(a)) != 0)
          automaton.closed_by[closing.watch].push_back({id, closing.first});
      }
    }
  }
  return automaton;
}

}  // namespace tocsin::match
