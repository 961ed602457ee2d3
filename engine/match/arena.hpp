// The run arena: serves every rule. Every run is a chain of nodes that shares its prefix with the runs that
// branched off it (an immutable parent-pointer tree); a run that waits is a cell in a bucket addressed by
// (key, what it waits for, join values), so an event touches only the runs of its key that wait for a step it
// satisfies and, where a condition is an equality with an earlier step, for its value; where it is an
// inequality, the bucket is a heap. A run also waits for what would close some of its arcs (`not`, `until`),
// in buckets alike; what was closed is a mask in its node. Buckets without a join value stand in the key's
// record. A bucket of one run is its node; one of more is a list of cells.
//
// Dropping the runs of a key that began before an event (`after match skip`) is one assignment: a run that
// started at or before the key's last reset is dead, and is unlinked when it is next met. Expired runs are
// met the same way, or go with their slab.
//
// Timers: all that wait for one clause wait equally long (`for`, `within`), so they stand in a queue in order
// of their deadlines, and no wheel is needed.
//
// The class is one, its sources are four: arena.cpp (events), arena_wait.cpp (buckets), arena_complete.cpp
// (what is reported, timers), arena_compact.cpp (memory). Tested against the oracle in tests/oracle.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/fifo.hpp"
#include "engine/match/key_records.hpp"
#include "engine/match/ordered_runs.hpp"
#include "engine/match/path.hpp"
#include "engine/match/run_matcher.hpp"

namespace tocsin::match {

class ArenaMatcher final : public RunMatcher<RunStore> {
 public:
  ArenaMatcher(const Program& program, const Resources& resources);

  void visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) override;
  Instant next_timer() const override;
  void run_timers(Output& output) override;
  RuleState state() const override;
  void shrink(std::size_t nodes) override;
  void prefetch(model::EventView event, std::uint32_t slot, PrefetchStage stage) const override;
  unsigned prefetch_stages() const override { return 3; }

 private:
  struct Advance {
    Id parent;
    std::uint16_t arc;
    Id node = none;
  };
  /// A run that has come to the pattern's end and is a match at `deadline_ns`.
  struct Ending {
    std::int64_t deadline_ns;
    Id node;
  };
  /// All runs that one event began, and that its bound ends at `deadline_ns`.
  struct Start {
    std::int64_t deadline_ns;
    std::uint64_t order;
    Id nodes;  // first cell of the list of their nodes
  };

  // A bucket that holds one run: its node, marked. No cell has such an id.
  static constexpr Id single_mark = Id{1} << 63;
  static Id single(Id node) { return node | single_mark; }
  static bool holds_single(const RunStore& store, Id bucket) { return store.alive(bucket ^ single_mark); }
  bool holds_single(Id bucket) const { return holds_single(store_, bucket); }

  /// Where the runs of a key wait for one thing with the same join values. Two that differ in these alone
  /// may share an address, which costs time but no correctness: a run's conditions are checked when it is
  /// met.
  struct Address {
    std::uint64_t place = 0;  // the key's slot and what is waited for
    std::uint64_t hash = 0;   // of all
    static std::uint64_t place_of(std::uint32_t slot, std::uint16_t wait) {
      return std::uint64_t{slot} << 16 | wait;
    }
    std::uint32_t slot() const { return static_cast<std::uint32_t>(place >> 16); }
    std::uint16_t wait() const { return static_cast<std::uint16_t>(place); }
    friend bool operator==(const Address&, const Address&) = default;
  };
  struct AddressHash {
    using is_avalanching = void;
    std::size_t operator()(const Address& address) const { return address.hash; }
  };

  // What a cell of a bucket waits for: an arc, or behind the arcs a closing.
  std::uint16_t wait_of(std::size_t closing) const {
    return static_cast<std::uint16_t>(program_.arcs.size() + closing);
  }

  const Joined::Access& access_of(const Arc& arc) const {
    const Joined& joined = program_.states[arc.to].joined;
    return arc.repeats ? joined.repeat : joined.enter;
  }
  bool is_ordered(const Arc& arc) const {
    return access_of(arc).order && arc.contiguity != plan::Contiguity::strict;
  }

  static NodeShape shape_of(const Program& program);
  void try_start(model::EventView event, std::uint16_t arc, std::uint64_t watches, std::uint32_t slot);
  void try_waiting(model::EventView event, std::uint32_t slot, std::uint16_t arc, std::uint64_t position);
  template <class Visit>
  void for_each_waiting(Id& bucket, std::uint16_t wait, Visit visit);
  bool is_open(Id node, std::uint16_t arc, model::EventView event, std::uint64_t position) const;
  bool is_in_bounds(Id node, const Arc& arc, std::int64_t time_ns) const;
  static bool opens(const Arc& arc, std::uint16_t group);
  std::int64_t group_start_ns(Id node, std::uint16_t group) const;
  void close(model::EventView event, std::uint32_t slot, std::uint64_t watches, std::uint64_t position,
             bool first);
  void settle_bars();
  void close_behind(Id node, std::uint64_t closes);
  std::optional<std::size_t> open_end(const RunStore::Node& node) const;
  void note_leading(model::EventView event, std::uint32_t slot, std::uint64_t watches);
  bool holds(const Joined& joined, std::uint32_t step, model::EventView event, Id parent, bool repeats,
             bool ends_loop = false);
  std::optional<Address> address_of(std::uint32_t slot, std::uint16_t wait, const Joined::Access& access,
                                    bool of_event, const Bindings& bindings);
  std::optional<Address> address_of_run(std::uint32_t slot, std::uint16_t wait, const Joined::Access& access,
                                        std::uint32_t step, Id node);
  Id* find_bucket(std::uint32_t slot, std::uint16_t wait, const Joined::Access& access,
                  const Bindings& bindings);
  Id* bucket_of_run(std::uint32_t slot, std::uint16_t wait, const Joined::Access& access, std::uint32_t step,
                    Id node);
  bool is_event_kept(const Advance& advance) const;
  void add_node(Advance& advance, model::EventView event, std::uint64_t order, std::uint32_t slot,
                std::uint64_t position);
  void wait(Id node, std::uint32_t slot);
  void put_in_front(RunStore& store, Id& bucket, Id node) const;
  // Takes the runs for which is_gone(node) holds from the front of those that wait in a bucket.
  template <class IsGone>
  void clear_front(Id& bucket, IsGone is_gone) const {
    while (store_.alive(bucket) && is_gone(store_.node_of(bucket)))
      bucket = store_.next(bucket);
    if (holds_single(bucket) && is_gone(bucket ^ single_mark)) bucket = none;
  }
  void wait_on(Id node, std::uint32_t slot, std::uint16_t arc);
  void wait_for_time(Id node);
  std::span<const model::MatchedEvent> run_of(Id node, bool whole);
  bool is_completed(Id node) const;
  bool same_assignment(Id left, Id right) const;
  bool is_settled(Id node) const;
  bool is_settled_otherwise(Id node, Id nodes_of_start) const;
  bool dropped(Id node) const;
  bool dropped(const RunStore::Node& node) const {
    return node.start_order() <= records_.reset_order(node.key());
  }
  bool is_over(Id node, std::uint16_t wait) const;

  // arena_complete.cpp
  void complete(std::uint32_t slot, const Completion& as, Output& output);
  std::span<const model::MatchedEvent> whole_run(Id node);
  void choose();
  void drop_duplicates();
  std::span<const PathEntry> candidate(std::size_t i) const;
  std::uint64_t reset_of(Id match) const;
  bool is_closed(const Ending& ending) const {
    return !store_.alive(ending.node) || store_.node(ending.node).absence_closed() || dropped(ending.node);
  }
  void forget_closed_endings();
  void run_endings(std::int64_t deadline_ns, Output& output);
  void run_timeouts(std::int64_t deadline_ns, Output& output);
  void complete_due(const Completion& as, Output& output);
  bool waits_on(Id node, std::int64_t now_ns) const;

  // arena_compact.cpp
  void mark(Id node) { waiting_[store_.node(node).key()] = true; }
  template <class Visit>
  void for_each_direct(Visit visit);
  template <class Visit>
  void for_each_in(Id bucket, Visit visit) const;
  void make_room();
  void compact();
  void sweep();
  void forget_starts(const std::vector<Id>& kept);
  void free_idle_keys();

  Scratch& scratch_;
  KeyRecords records_;  // by slot
  // Buckets: the first cell of each, that of the newest run, or its only node, marked. Those without a join
  // value stand in the key's record, where the rule has few.
  static constexpr std::size_t max_direct_waits = 32;
  static constexpr std::uint16_t not_direct = 0xFFFF;
  std::vector<std::uint16_t> direct_of_;  // by wait: the bucket's number in the record
  boost::unordered_flat_map<Address, Id, AddressHash> buckets_;
  boost::unordered_flat_map<Address, OrderedRuns, AddressHash> ordered_;  // buckets behind an inequality
  std::vector<std::vector<std::uint16_t>> into_;       // by step: the arcs that its events take
  std::vector<std::vector<std::uint16_t>> closed_by_;  // by watch: the closings of its events
  std::uint64_t start_steps_ = 0;                      // steps and watches whose events may make a key known
  std::size_t bucket_room_ = 1024;                     // buckets at which make_room() is due
  Fifo<Ending> endings_;                               // by deadline
  Fifo<Start> starts_;                                 // by deadline, of a rule with `on timeout`
  std::uint64_t last_order_ = 0;                       // of the event visited last
  model::EventView event_;                             // that event, during its visit; none at a timer

  // Working memory, kept for its capacity.
  OrderedRuns::Scratch ordered_scratch_;
  std::vector<Advance> advances_;
  std::vector<Advance> barred_;
  std::vector<bool> waiting_;  // by slot: some run waits
  std::vector<Id> completed_;
  std::vector<Id> due_;
  struct DueGroup {
    std::uint64_t order;  // of the event that ended it first
    std::size_t begin;    // in due_
  };
  std::vector<DueGroup> due_groups_;
  std::vector<PathEntry> entries_;
  std::vector<std::size_t> ends_;
  std::vector<std::size_t> ranking_;
  std::vector<model::MatchedEvent> run_;
  Id run_first_ = none;                 // the node of its first event
  std::vector<std::uint64_t> trimmed_;  // the event at hand
  EventRoom room_for_match_;            // for events of a match that were trimmed
};

}  // namespace tocsin::match
