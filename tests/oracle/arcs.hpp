// What may come next in a pattern: from where a run stands, every step that its next event may go to, with
// all that lies between, in order of preference. Written over the tree of the pattern, by docs/language.md.
//
// A run's place in the pattern is the list of its arcs, nothing else: each knows what comes behind it. Where
// two ways through the pattern lead to one step, there are two arcs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "engine/plan/plan.hpp"

namespace tocsin::oracle {

struct Arc;
using Arcs = std::vector<Arc>;

/// A group with a bound of its own, in one of its repeats, which began when the run held `begin` events.
struct Span {
  std::int64_t within_ns = 0;
  std::size_t begin = 0;
};

/// What lies between the event matched last and the next one.
struct Way {
  plan::Edge edge;          // how the next event follows; its bans are those of all edges passed
  Arcs held;                // repeats that possessive loops, which were left on the way, may still take
  std::vector<Span> spans;  // bounded groups that are open
  bool skips = false;       // nothing may be taken: optional elements are passed over
  bool probes = false;      // only to see what could come next: an empty repeat may be gone through
};

/// A step that may come next, or the end of the pattern.
struct Arc {
  bool end = false;
  std::uint32_t step = 0;
  Way way;
  Arcs instead;  // of a further repeat of a reluctant loop: what may come next if the loop is left
  std::function<void(std::size_t size, Arcs& out)> then;  // appends the arcs behind it; `size`: of the run
};

/// The arcs from which a run of `rule` begins. They refer to `rule`.
Arcs first_arcs(const plan::Rule& rule);

}  // namespace tocsin::oracle
