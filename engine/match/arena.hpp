// The run arena: for rules whose conditions look at what a run has captured. Every run is a chain of nodes
// that shares its prefix with the runs that branched off it (an immutable parent-pointer tree); a run that
// waits is a cell in a bucket addressed by (key, arc, join values), so an event touches only the runs of its
// key that wait for a step it satisfies and, where a condition is an equality with an earlier step, for its
// value.
//
// Dropping all runs of a key (`skip past last`) is one assignment: a run that started before the key's last
// reset is dead, and is unlinked when it is next met. Expired runs are met the same way, or go with their
// slab. Tested against the oracle in tests/oracle.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/match/path.hpp"
#include "engine/match/run_matcher.hpp"

namespace tocsin::match {

class ArenaMatcher final : public RunMatcher {
 public:
  ArenaMatcher(const Program& program, const Limits& limits, Scratch& scratch);

  void visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) override;

 private:
  struct KeyState {
    std::uint64_t position = 0;     // events of the key's stream so far
    std::uint64_t reset_order = 0;  // runs that started at or before this event are dropped
    bool waiting = false;           // of the sweep: some run waits
  };
  struct Advance {
    Id parent;
    std::uint16_t arc;
    Id node = none;
  };

  void try_start(model::EventView event, std::uint16_t arc);
  void try_waiting(model::EventView event, std::uint32_t slot, std::uint16_t arc, std::uint64_t position);
  bool satisfies(model::EventView event, std::uint16_t arc, Id parent);
  std::optional<std::uint64_t> bucket_of(std::uint32_t slot, std::uint16_t arc, bool of_event,
                                         const Bindings& bindings);
  void wait(Id node, std::uint32_t slot);
  bool complete(Output& output);
  std::span<const model::MatchedEvent> run_of(Id node, bool whole);
  bool dead(Id node) const;
  void make_room();
  void compact();

  Scratch& scratch_;
  std::vector<KeyState> states_;                                    // by slot
  boost::unordered_flat_map<std::uint64_t, Id, GoodHash> buckets_;  // the first cell, that of the newest run
  std::vector<bool> whole_run_;                   // by step: its conditions read more of the run than `prev`
  std::vector<std::vector<std::uint16_t>> into_;  // by step: the arcs that its events take
  std::uint64_t start_steps_ = 0;
  std::size_t bucket_room_ = 1024;  // buckets at which make_room() is due

  std::vector<Advance> advances_;
  std::vector<Id> completed_;
  std::vector<PathEntry> entries_;
  std::vector<std::size_t> ends_;
  std::vector<std::size_t> ranking_;
  std::vector<model::MatchedEvent> run_;
};

}  // namespace tocsin::match
