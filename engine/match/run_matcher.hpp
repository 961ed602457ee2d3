// What the matchers that keep runs have in common: keys, the store (a RunStore or a RunLog), the rule's
// bound, the limit.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "engine/base/saturate.hpp"
#include "engine/match/key_space.hpp"
#include "engine/match/matcher.hpp"
#include "engine/match/run_log.hpp"
#include "engine/match/run_store.hpp"

namespace tocsin::match {

template <class Store>
class RunMatcher : public Matcher {
 public:
  RuleCounters counters() const final {
    RuleCounters counters = counters_;
    counters.expired += store_.expired();
    return counters;
  }
  void shrink(std::size_t nodes) override { drop_to(nodes); }
  KeySpace* key_space() final { return program_.partitioned ? &keys_.space() : nullptr; }

 protected:
  RunMatcher(const Program& program, const Resources& resources)
      : program_(program),
        limits_(resources.limits),
        keys_(resources.keys),
        room_(program.room_for(0, resources.limits.run_nodes_per_rule)),
        retention_ns_(program.retention_ns()) {}

  /// The slot of the key at hand, 0 without a partition. A new key gets one only where the event may start a
  /// run; else, and where a key field is null, KeyTable::absent.
  std::uint32_t slot_for(bool may_start) { return program_.partitioned ? keys_.find(may_start) : 0; }

  /// Slots that may hold state.
  std::uint32_t slots() const {
    return program_.partitioned ? static_cast<std::uint32_t>(keys_.capacity()) : 1;
  }
  bool in_use(std::uint32_t slot) const { return !program_.partitioned || keys_.in_use(slot); }

  /// Sets stamp_ and cutoff_ for an event at this place of its stream, and frees what has passed the bound.
  void set_bound(model::EventView event, std::uint64_t position) {
    switch (program_.within.unit) {
      case plan::Within::Unit::none: break;  // all stamps are 0
      case plan::Within::Unit::time:
        stamp_ = event.time_ns();
        cutoff_ = earlier(stamp_, program_.within.time_ns);
        store_.expire(earlier(stamp_, retention_ns_));
        break;
      case plan::Within::Unit::events:
        stamp_ = static_cast<std::int64_t>(position);
        cutoff_ = cutoff_at(position);
        break;
    }
  }

  /// The first stamp within the bound, for a key whose stream stands at `position`.
  std::int64_t cutoff_at(std::uint64_t position) const {
    if (program_.within.unit != plan::Within::Unit::events) return cutoff_;
    return static_cast<std::int64_t>(position) - static_cast<std::int64_t>(program_.within.events) + 1;
  }

  /// What it holds, where each key has `bytes_per_key` beside its runs.
  RuleState state_of_runs(std::size_t bytes_per_key) const;

  /// A match or timeout of the run that began with this node is reported.
  void note_report(Id first) { reported_ += store_.note_report(first); }

  /// Puts what is left of the runs in place of the store; the others are counted as expired.
  void replace_store(Store fresh);

  /// Drops and counts the oldest runs until there are at most `nodes`. True where any went.
  bool drop_to(std::size_t nodes);
  /// The same, to three quarters of the limit.
  bool drop_to_limit() { return drop_to(node_limit() / 4 * 3); }
  /// A limit below two slabs is taken as two slabs.
  std::size_t node_limit() const { return std::max(limits_.run_nodes_per_rule, 2 * Store::nodes_per_slab); }

  const Program& program_;
  const Limits limits_;
  RuleKeys keys_;
  Store store_;
  std::size_t room_;             // nodes at which to look for those that no run needs any more
  std::size_t key_room_ = 1024;  // keys at which to look for idle ones
  RuleCounters counters_;
  std::uint64_t reported_ = 0;  // runs of which something was

  // Of the event at hand.
  std::int64_t now_ = 0;     // its time: what slabs age by
  std::int64_t stamp_ = 0;   // its time or position, as the rule's bound counts
  std::int64_t cutoff_ = 0;  // starts before it are out of the bound

 private:
  const std::int64_t retention_ns_;
};

}  // namespace tocsin::match
