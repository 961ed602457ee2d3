// The engine as its users see it: give it a plan and a sink, push batches of events, get matches.
//
// With one shard everything runs on the calling thread. With more, each shard is a pinned thread; matches
// still reach the sink in one order, that of the events that completed them, and whatever the number of
// shards and the batch sizes the matches are the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/idle.hpp"
#include "engine/base/limits.hpp"
#include "engine/match/counters.hpp"
#include "engine/model/batch.hpp"
#include "engine/model/match.hpp"
#include "engine/model/source.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::match {
class Table;
}

namespace tocsin::runtime {

using match::MatcherChoice;
using match::RuleCounters;
using match::RuleState;
using model::LateSink;
using model::max_sources;
using model::SourceOptions;
using tocsin::Idle;

inline constexpr unsigned max_shards = 64;

struct EngineOptions {
  unsigned shards = 1;     // 1: inline on the caller's thread
  std::vector<int> cores;  // shard i is pinned to cores[i % size]; empty: not pinned
  Idle idle = Idle::park;  // with more than one shard
  MatcherChoice matcher = MatcherChoice::automatic;
  bool predicate_index = true;  // false: every condition of every rule is tried on every event
  Limits limits;
  LateSink* late = nullptr;  // gets the late events, which are counted in any case; must outlive the engine
};

struct SourceStats {
  std::uint64_t events = 0;
  std::uint64_t late = 0;               // not processed, as they came after event time or their watermark
  std::int64_t lateness_needed_ns = 0;  // the least lateness that would have kept every one of them
  std::int64_t watermark_ns = INT64_MIN;
  bool open = false;
  bool holds = false;  // event time waits for it
};

struct Stats {
  std::uint64_t events = 0;   // accepted from all sources
  std::uint64_t derived = 0;  // emitted events that other rules read
  std::uint64_t matches = 0;
  std::uint64_t arithmetic_faults = 0;      // overflows and divisions by zero, each of which gave null
  std::vector<RuleCounters> rules;          // by rule id, summed over shards
  std::vector<RuleState> states;            // by rule id, summed over shards
  std::vector<std::uint64_t> dropped_rows;  // by table: at Limits::table_rows, of the shard that lost most
  std::vector<SourceStats> sources;         // by source id: of the one that has the id, or had it last
  SourceStats earlier_sources;              // the sum of those whose id another has taken
  std::int64_t event_time_ns = INT64_MIN;
  std::uint64_t reorder_events = 0;              // that wait for event time
  std::vector<std::uint64_t> batches_under_way;  // by shard: handed to it, and not run yet; [0] with one
};

class Engine {
 public:
  /// `plan` (until replace()) and `sink` must outlive the engine. Throws std::runtime_error where a shard
  /// can't be started.
  Engine(const plan::Plan& plan, const EngineOptions& options, model::MatchSink& sink);
  ~Engine();  // stops without draining where finish() was not called
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Opens a source; its id goes into push(). At any time: event time does not go back for it, so its events
  /// before event time are late, and it holds event time back from the first that is not (or, where it is
  /// `awaited`, at once). Ids of closed sources are used again. Throws std::runtime_error where max_sources
  /// are open.
  std::uint16_t add_source(const SourceOptions& options = {});

  /// Takes the events of `batch` in arrival order (empties it), numbers them, and processes what the
  /// watermark releases. Waits where the shards are behind. Events of unknown or derived types are a bug.
  /// Where something was released and `stamp` is not 0, the sink gets it behind the matches that came of it.
  void push(std::uint16_t source, model::EventBatch& batch, std::int64_t stamp = 0);

  /// The sink gets `stamp` (not 0) behind the matches of all that was pushed, advanced and released so far:
  /// before this returns with one shard, else when the shards have come so far. Costs a batch without events.
  void mark(std::int64_t stamp);

  /// From the next event on these rules hold instead: `plan` is plan::continued() of the plan so far. Rules
  /// that are the same keep their state, as do tables; the others begin anew; what was pushed before has been
  /// through all rules by then, and its matches are with the sink. Event types keep their ids, and events of
  /// those that were removed may still be pushed: no rule reads them. Takes what setting up the new rules
  /// takes, and with several shards new threads. Throws as the constructor does; the engine is then of no
  /// use.
  void replace(std::shared_ptr<const plan::Plan> plan);

  /// Replaces the rows of a table that is read from a file, from the next batch on; before the first call it
  /// is empty. `table` is its number in the plan. Any thread may call it while another pushes.
  void set_table(std::uint32_t table, std::shared_ptr<const match::Table> content);

  /// `source` has come to `time_ns` without an event, as if by one that no rule reads: its watermark moves,
  /// what that releases is processed, and where event time moves, the timers that it has passed run (those of
  /// times before it; an event of that very time may still come). Does nothing where the source has shown a
  /// later time already.
  void advance(std::uint16_t source, std::int64_t time_ns);

  /// No more from this source: it stops holding event time back, and its id is free.
  void close_source(std::uint16_t source);

  /// The clock has come to `now_ns` (steady, any origin, never falling): sources that have been silent for
  /// their idle timeout stop holding event time back, and what that releases is processed. To be called some
  /// times in the shortest timeout, after the sources had a turn; a source becomes idle at the second call
  /// that finds it overdue, so that it is not taken for idle because the caller was busy. Constant but for
  /// those that are due. Where no source is left that holds, event time stays.
  void tick(std::int64_t now_ns);

  /// The source whose watermark holds event time back most (the first of them); it should be read next. 0
  /// where none does.
  std::uint16_t slowest_source() const;

  /// Closes all sources, releases everything, drains the shards and hands out the last matches. Idempotent.
  void finish();

  /// At any time, from the thread that pushes. Exact with one shard and after finish(). With several, what
  /// comes from shards (`derived`, `rules`, …) is as of a batch some time ago: at least the one at hand when
  /// this was last called, which is when each shard is asked for a newer state. Never waits. Linear in rules,
  /// sources and shards.
  Stats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// How each rule will be run: its matcher and why, its NFA as text, the predicate index. For `explain`.
std::string explain(const plan::Plan& plan, const EngineOptions& options);
/// The NFA of one rule as a Graphviz digraph.
std::string explain_dot(const plan::Plan& plan, std::uint32_t rule);

}  // namespace tocsin::runtime
