// Grouped runs: for rules whose conditions each read one event alone. Then all runs of a key that wait on the
// same arc advance at the same event, so they are kept as one list, and an event moves the whole list by one
// node, however many runs it stands for: constant work per arc and event.
//
// The lists form a graph: a cell of a list holds a node, a node holds an event and the list of the runs that
// it extended. A path from a completing node down to nodes without a parent is a candidate. Lists are
// persistent (a `~>` arc keeps the list that it also passes on) and ordered by the latest start below each
// cell, so that enumeration stops at the first cell that the rule's bound has passed, and its cost is linear
// in what it reports. This is the compact set of CORE (Bucchi, Grez, Quintana, Riveros, Vansummeren: "CORE: a
// Complex Event Recognition Engine", PVLDB 15, 2022, section 5) with lists in place of binary unions.
//
// `report all` turns the part of the graph that an event completes round and walks it from the first events
// on, so that matches come in order of preference without being sorted (grouped_all.cpp).
//
// `report first` wants one path of possibly exponentially many: it is found cell by cell, oldest first, as a
// prefix that is preferred stays so whatever follows; quadratic at worst in the lists' size.
//
// Repeats are states of their own here (A{3..5} is five), so rules with large counts go to the run arena.
// Tested against the oracle in tests/oracle.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/match/path.hpp"
#include "engine/match/run_matcher.hpp"
#include "engine/match/unrolled.hpp"

namespace tocsin::match {

class GroupedMatcher final : public RunMatcher {
 public:
  GroupedMatcher(const Program& program, const Resources& resources);

  void visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) override;
  RuleState state() const override { return state_of_runs(width_ * sizeof(List) + sizeof(std::uint64_t)); }
  void prefetch(model::EventView event, std::uint32_t slot, PrefetchStage stage) const override;
  unsigned prefetch_stages() const override { return 3; }

 private:
  struct alignas(32) List {
    Id head = none;
    std::int64_t start = 0;      // the latest start in it: that of the head
    std::uint64_t position = 0;  // of a strict arc: of the event that its runs took last
  };
  struct Advance {
    std::uint16_t arc;
    Id parent;  // the list moved; none at a start
    std::int64_t start;
    Id node = none;
  };

  void ensure(std::uint32_t slot);
  List& list(std::uint32_t slot, std::uint16_t arc) { return lists_[slot * width_ + place_of_[arc]]; }
  bool is_strict(std::uint16_t arc) const {
    return automaton_.arcs[arc].contiguity == plan::Contiguity::strict;
  }
  bool is_live(const List& list) const { return store_.cell_alive(list.head) && list.start >= cutoff_; }
  void close(std::uint32_t slot, std::uint64_t watches, bool first);
  void advance(std::uint32_t slot, std::uint16_t arc, std::uint64_t position, std::uint64_t watches);
  void push(std::uint32_t slot, std::uint16_t arc, const Advance& advanced, std::uint64_t position);
  bool complete(Output& output);
  bool report_all(Output& output);
  std::uint32_t reach(Id id);
  bool turn_round();
  void put_in_order();
  void walk_forward(Output& output);
  void walk_back(Id completed, Output& output);
  bool is_at_limit();
  bool find_only_candidate();
  bool find_first_candidate();
  bool find_any_candidate();
  void collect_reachable_cells();
  bool prefix_preferred(Id a, Id b, std::uint16_t next_arc);
  void note_best_prefix(Id node, std::vector<PathEntry>& path) const;
  model::MatchedEvent matched(const Node& node, model::EventView event) const {
    return {automaton_.states[automaton_.arcs[node.arc].to].step, event};
  }
  void report_found(Output& output);
  /// A match of events_.
  void report_events(Output& output) {
    ++counters_.matches;
    output.report(program_, {events_, now_, order_, false});
  }
  void drop_key(std::uint32_t slot);
  void make_room();
  void compact();
  void sweep_keys();

  const UnrolledAutomaton automaton_;
  std::vector<std::uint16_t> place_of_;   // by arc: of its list among those of a key; the start's have none
  std::size_t width_ = 0;                 // lists of a key
  LargeVector<List> lists_;               // by slot, then place
  LargeVector<std::uint64_t> positions_;  // by slot: events of its stream so far
  std::uint64_t order_ = 0;               // of the event at hand

  // Working memory, kept for its capacity.
  std::vector<Advance> advances_;
  std::vector<Id> completed_;
  std::vector<Id> above_;
  struct Frame {
    Id node;
    Id next_cell;
  };
  std::vector<Frame> frames_;
  std::vector<Id> found_;  // a candidate's nodes, first event first
  /// A node on the way of a match that the event at hand completes. Nodes note their number here.
  struct Reached {
    Id node;
    model::MatchedEvent event;
    std::uint32_t before, before_end;  // in before_
    std::uint32_t after, after_end;    // in after_
    std::uint16_t arc;
    bool is_first;
  };
  std::uint64_t walk_ = 0;  // number of the walk at hand, noted in the nodes that it reached
  std::vector<Reached> reached_;
  std::vector<std::uint32_t> before_;  // of each of them those that it extends
  std::vector<std::uint32_t> after_;   // and those that extend it, in order of preference
  std::vector<std::uint32_t> ranked_;  // all by arc, then event
  std::vector<std::uint32_t> firsts_;  // those that begin a match, in order of preference
  struct Turn {
    std::uint32_t next, end;
  };
  std::vector<Turn> path_;      // what is left of after_ at each step of the walk
  std::size_t enumerated_ = 0;  // matches of the event so far
  std::vector<Id> reachable_;   // cells
  boost::unordered_flat_map<Id, Id>
      best_;  // by cell: the node of the preferred prefix, of it and later cells
  std::vector<PathEntry> path_a_, path_b_;
  std::vector<model::MatchedEvent> events_;
};

}  // namespace tocsin::match
