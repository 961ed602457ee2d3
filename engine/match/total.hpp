// `report total`: what all candidates come to, without looking at any. As the conditions read one event
// alone, all runs of a key that wait on one arc are alike but for their start, so of all with one start it is
// enough to keep how many they are and what the aggregates over their events come to: an event that they take
// adds to that, whichever of them takes it. A pattern that 2^60 candidates fit costs no more than another.
//
// After Poppe, Lei, Rundensteiner, Maier: "GRETA: Graph-based Real-time Event Trend Aggregation", PVLDB 11,
// 2017, with starts kept apart so that `within` is exact. An event costs the live starts of the arcs that it
// takes; one, where the rule has no bound. Tested against the oracle in tests/oracle.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/match/run_matcher.hpp"
#include "engine/match/unrolled.hpp"

namespace tocsin::match {

class TotalMatcher final : public RunMatcher<RunStore> {
 public:
  TotalMatcher(const Program& program, const Resources& resources);

  void visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) override;
  RuleState state() const override;
  void shrink(std::size_t nodes) override;

 private:
  /// All runs on an arc that began together.
  struct Start {
    std::int64_t stamp = 0;
    double matches = 0;  // how many
  };
  /// The runs that wait on an arc, by start, the latest last; `sums` holds those of each start in turn.
  struct Waiting {
    std::vector<Start> starts;
    std::vector<Sum> sums;
    std::uint64_t position = 0;  // of a strict arc: of the event that its runs took last
    void clear() {
      starts.clear();
      sums.clear();
    }
  };

  Waiting& waiting(std::uint32_t slot, std::uint16_t arc) {
    return waiting_[slot * automaton_.arcs.size() + arc];
  }
  void close(std::uint32_t slot, std::uint64_t watches, bool first);
  void advance(std::uint32_t slot, std::uint16_t arc, std::uint64_t position, std::uint64_t watches);
  void take(model::EventView event, std::uint32_t step, Waiting& runs);
  void expire(Waiting& runs);
  void drop_first(Waiting& runs, std::size_t count);
  void make_room();
  void add(const Waiting& from, Waiting& to);
  void report(model::EventView event, std::uint64_t order, Output& output);
  void clear(Waiting& runs);
  void sweep_keys();

  const UnrolledAutomaton automaton_;
  Scratch& scratch_;
  std::vector<Waiting> waiting_;          // by slot, then arc
  std::vector<std::uint64_t> positions_;  // by slot: events of its stream so far
  std::size_t starts_ = 0;                // in all of waiting_

  // Working memory, kept for its capacity.
  struct Advance {
    std::uint16_t arc;
    Waiting runs;
  };
  std::vector<Advance> advances_;
  std::size_t advance_count_ = 0;
  Waiting completed_;
  std::uint32_t last_step_ = 0;  // the first in the text of those that completed_ have taken last
  Waiting merged_;
};

}  // namespace tocsin::match
