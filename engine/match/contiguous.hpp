// Contiguous runs: for a chain of steps, each one event that immediately follows the one before, whose
// conditions each read one event alone. A key's runs are then ends of its stream, told apart by how many
// events they have taken: a set of bits, which an event shifts by one step and cuts down to the steps whose
// conditions it satisfies (the shift-and search of texts: Baeza-Yates, Gonnet, "A New Approach to Text
// Searching", CACM 35, 1992). All runs of a key share one copy of its last events.
//
// As an event that carries no run on ends all of its key's, a key has state only while it has a run: of an
// event that neither starts nor carries on, which most are, no more is asked than whether its key is there.
// Constant work an event. Tested against the oracle in tests/oracle.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/large_memory.hpp"
#include "engine/match/matcher.hpp"
#include "engine/match/unrolled.hpp"

namespace tocsin::match {

/// True where the program, whose conditions each read one event alone, is such a chain.
bool is_contiguous_chain(const Program& program);

class ContiguousMatcher final : public Matcher {
 public:
  ContiguousMatcher(const Program& program, const Resources& resources);

  KeySpace* key_space() override { return program_.partitioned ? &keys_.space() : nullptr; }
  void visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) override;
  void visit_all(std::span<const Visit> visits, KeySpace* keys, Output& output) override;
  void prefetch(model::EventView event, std::uint32_t slot, PrefetchStage stage) const override;
  unsigned prefetch_stages() const override { return 2; }
  RuleCounters counters() const override;
  RuleState state() const override;
  void shrink(std::size_t nodes) override;

 private:
  /// The runs of one key.
  struct Runs {
    std::uint64_t waiting = 0;  // bit i: a run that has taken i + 1 events
    // The last events of the key, the first one of the oldest run first, one behind the other.
    std::vector<std::uint64_t> events;

    std::size_t length() const { return static_cast<std::size_t>(std::bit_width(waiting)); }
    std::size_t count() const { return static_cast<std::size_t>(std::popcount(waiting)); }
    model::EventView event(std::size_t word) const {
      return model::EventView(reinterpret_cast<const std::byte*>(events.data() + word));
    }
  };

  /// Event time, then arrival: the order of processing, but for what timers emit among what is of their time.
  using Age = std::pair<std::int64_t, std::uint64_t>;
  static Age age_of(model::EventView event) { return {event.time_ns(), event.seq()}; }

  [[gnu::noinline]] void take(std::uint32_t slot, std::uint64_t places, model::EventView event,
                              std::uint64_t order, Output& output);
  bool is_complete(const Runs& runs, model::EventView last) const;
  void report(const Runs& runs, model::EventView last, std::uint64_t order, Output& output);
  template <class IsOver>
  void end_runs(IsOver is_over);
  void sweep_keys(std::int64_t now_ns);

  const Program& program_;
  const Limits limits_;
  RuleKeys keys_;
  std::vector<std::uint64_t> places_of_;  // by step: bit i where the chain's place i is of it
  std::vector<std::uint32_t> step_at_;    // by place
  std::vector<Runs> runs_;                // by slot
  std::size_t live_runs_ = 0;
  std::size_t held_events_ = 0;
  std::size_t held_words_ = 0;
  std::size_t key_room_ = 1024;  // keys at which to look for runs that their bound has passed
  RuleCounters counters_;
  std::vector<model::MatchedEvent> matched_;  // kept for its capacity
  std::vector<Age> ages_;                     // the same
};

}  // namespace tocsin::match
