// Grouped runs: for rules whose conditions each read one event alone. Then all runs of a key that wait on the
// same arc advance at the same event, so they are kept as one list, and an event moves the whole list by one
// node, however many runs it stands for: constant work per arc and event.
//
// The lists form a graph: an entry of a list stands for a node, a node holds an event and the list of the
// runs that it extended. A path from a completing node down to nodes that begin a run is a candidate. Lists
// are persistent (a `~>` arc keeps the list that it also passes on) and ordered by the latest start below
// each entry, so that enumeration stops at the first entry that the rule's bound has passed, and its cost is
// linear in what it reports. This is the compact set of CORE (Bucchi, Grez, Quintana, Riveros, Vansummeren:
// "CORE: a Complex Event Recognition Engine", PVLDB 15, 2022, section 5) with lists in place of binary
// unions. Where a state has one arc out, its nodes are the entries of their lists themselves (run_log.hpp).
//
// No condition reads an event again once it has been taken, so events are kept packed and made again for
// matches (packed_event.hpp).
//
// `report all` turns the part of the graph that an event completes round and walks it from the first events
// on, so that matches come in order of preference without being sorted (grouped_all.cpp).
//
// Most patterns are chains, each state of which leads to one other by an arc that takes along what waits on
// it (UnrolledAutomaton::is_chain). Then every node is in one list, lists are in order of starts by
// themselves, and what an event completes is a tree (grouped_chain.cpp).
//
// `report first` wants one path of possibly exponentially many: it is found entry by entry, oldest first, as
// a prefix that is preferred stays so whatever follows; quadratic at worst in the lists' size.
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

class GroupedMatcher final : public RunMatcher<RunLog> {
 public:
  GroupedMatcher(const Program& program, const Resources& resources);

  void visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) override;
  RuleState state() const override { return state_of_runs(8 * width_); }
  void prefetch_all(std::span<const Visit> visits, const KeySpace& keys, PrefetchStage stage) const override;
  unsigned prefetch_stages() const override { return 2; }

 private:
  struct Advance {
    std::uint16_t arc;
    Id parent;  // the list moved; none at a start
    std::int64_t start;
    Id node = none;
  };

  /// The runs of a key that wait on an arc, in a row of words.
  struct List {
    Id first;            // its first entry; none: there is none
    std::int64_t start;  // the latest of theirs
    // Of a chain: how far behind it the second is, and behind that the third; 0: nobody knows.
    std::uint32_t second, third;
  };
  static constexpr std::size_t list_words = sizeof(List) / 8;

  /// Links of one event's matches that are gathered before these are reported; where there are more, and so
  /// about as many matches at least, they go out as they are found.
  static constexpr std::size_t most_links = std::size_t{1} << 16;

  void ensure(std::uint32_t slot);
  List& list_at(std::uint32_t slot, std::uint16_t place) {
    return reinterpret_cast<List&>(rows_[slot * width_ + place]);
  }
  /// Of an arc that is none of the start's.
  List& list(std::uint32_t slot, std::uint16_t arc) { return list_at(slot, place_of_[arc]); }
  /// Events of a key's stream so far, from 0; or, of a strict arc, the one that its runs took last.
  std::uint64_t& position_of(std::uint32_t slot) { return rows_[slot * width_]; }
  std::uint64_t& position_of(std::uint32_t slot, std::uint16_t arc) {
    return rows_[slot * width_ + place_of_[arc] + list_words];
  }
  bool starts(std::uint16_t arc) const { return automaton_.arcs[arc].from == start_state; }
  bool is_strict(std::uint16_t arc) const {
    return automaton_.arcs[arc].contiguity == plan::Contiguity::strict;
  }
  /// Lists are ordered by their latest start: where the first entry has passed the bound, all have.
  bool is_live(Id list) const { return store_.alive(list) && store_.at(list).start >= cutoff_; }
  bool is_live(const List& list) const { return list.start >= cutoff_ && store_.alive(list.first); }
  template <class Each>
  void for_each_list(std::uint32_t slot, Each each) {
    for (const std::uint16_t place : lists_)
      each(list_at(slot, place));
  }
  void prefetch_front(const List& list) const;
  void close(std::uint32_t slot, std::uint64_t watches, bool first);
  void advance(std::uint32_t slot, std::uint16_t arc, std::uint64_t position, std::uint64_t watches);
  void add_nodes();
  /// True where runs that reached this state wait for more.
  bool goes_on(const UnrolledAutomaton::State& state) const {
    return !state.out.empty() && !(state.accepts && program_.report == plan::Report::first);
  }
  void push(std::uint32_t slot, std::uint16_t arc, const Advance& advanced, bool is_first_list,
            std::uint64_t position);
  void put_in_front(List& list, Id node, std::int64_t start, Id rest);
  bool complete(Output& output);
  bool collect_chain(std::size_t most, bool with_events);
  bool report_chain(Output& output);
  bool find_first_of_chain();
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
  void collect_reachable_entries();
  bool prefix_preferred(Id a, Id b, std::uint16_t next_arc);
  void note_best_prefix(Id node, std::vector<PathEntry>& path) const;
  const UnrolledAutomaton::State& state_of(Id node) const {
    return automaton_.states[automaton_.arcs[store_.at(node).arc].to];
  }
  model::MatchedEvent matched(Id node);
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
  void set_cutoff(std::uint32_t slot) {
    if (program_.counts_positions) cutoff_ = cutoff_at(position_of(slot));
  }

  const UnrolledAutomaton automaton_;
  const bool is_chain_;
  // A key's row: its position, events of its stream so far, where the rule counts it; and for each arc but
  // the start's a List, behind which a strict arc has a position.
  std::vector<std::uint16_t> place_of_;  // by arc: of its list; the start's have none
  std::vector<std::uint16_t> lists_;     // the places of all lists
  std::vector<std::uint16_t> step_of_;   // by arc: of the state that it leads to
  std::size_t width_;
  std::uint64_t last_steps_ = 0;  // bit i: an event of step i may complete a match
  std::uint32_t slots_ = 0;
  LargeVector<std::uint64_t> rows_;  // by slot; `none` to begin with

  // Of the event at hand.
  model::EventView event_;
  std::uint64_t order_ = 0;

  // Working memory, kept for its capacity.
  std::vector<Advance> advances_;
  std::vector<Id> completed_;
  struct Above {
    Id node;
    std::int64_t start;
  };
  std::vector<Above> above_;
  struct Frame {
    Id node;
    Id next_entry;
  };
  std::vector<Frame> frames_;
  struct Link {
    Id node;
    std::size_t next;  // in chain_: what took it; of the first, which completed, its own
    model::MatchedEvent event;
  };
  std::vector<Link> chain_;            // what an event completes, level by level
  std::size_t leaves_ = 0;             // in it, where those begin that begin a run
  std::vector<Id> found_;              // a candidate's nodes, first event first
  std::vector<std::uint64_t> packed_;  // the event at hand, where it is kept
  EventRoom room_for_events_;          // of the matches that the event at hand completes
  /// A node on the way of a match that the event at hand completes. Nodes note their number here.
  struct Reached {
    Id node;
    model::MatchedEvent event;
    std::uint32_t before, before_end;  // in before_
    std::uint32_t after, after_end;    // in after_
    std::uint16_t arc;
    bool is_first;
  };
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
  std::vector<Id> reachable_;   // entries
  boost::unordered_flat_map<Id, Id>
      best_;  // by entry: the node of the preferred prefix, of it and later entries
  std::vector<PathEntry> path_a_, path_b_;
  std::vector<model::MatchedEvent> events_;
};

}  // namespace tocsin::match
