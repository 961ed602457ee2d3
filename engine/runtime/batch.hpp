// The unit of work between threads: a run of events in processing order, who needs which, and what each
// shard made of them, layer by layer.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/model/batch.hpp"
#include "engine/runtime/file_tables.hpp"
#include "engine/runtime/match_log.hpp"
#include "engine/runtime/ordinals.hpp"
#include "engine/runtime/rule_set.hpp"

namespace tocsin::runtime {

/// An emitted event that other rules read, in its place.
struct Derived {
  Position position;
  model::EventView event;
};

struct Batch {
  Batch(std::size_t shards, std::size_t layers)
      : parts(shards), logs(shards * layers), done(layers), ready(layers) {}

  std::uint64_t number = 0;
  std::uint64_t first_event = 1;    // number of the first event in the order of processing, from 1
  std::int64_t end_ns = INT64_MIN;  // event time once the batch is through: at least that of its last event
  std::int64_t stamp = 0;           // for the sink, once the batch is through; 0: none
  model::EventBatch events;
  std::shared_ptr<const TableContents> tables;    // those read from files
  std::vector<std::vector<std::uint32_t>> parts;  // by shard: indices of the events that it needs
  std::vector<MatchLog> logs;                     // by layer, then shard
  std::vector<LoggedMatch> matches;               // of the layers concluded, in order in each
  std::vector<Derived> derived;                   // of these layers, by position
  std::vector<model::MatchedEvent> view_scratch;
  std::vector<std::atomic<std::uint32_t>> done;  // by layer: shards that have run it
  std::vector<std::atomic<bool>> ready;          // by layer: all have, and `derived` has its events

  MatchLog& log(std::size_t layer, std::size_t shard) { return logs[layer * parts.size() + shard]; }

  /// Numbers the events, from `first`, and says to which time the batch leads. Returns the number for the
  /// next batch; one more than there are events is used up, for what timers make behind the last of them.
  std::uint64_t begin(std::uint64_t first, std::int64_t now_ns) {
    first_event = first;
    end_ns = now_ns;
    return first + events.size() + 1;
  }

  void reset() {
    events.clear();
    tables.reset();
    for (auto& part : parts)
      part.clear();
    for (auto& each : logs)
      each.clear();
    matches.clear();
    derived.clear();
    for (auto& count : done)
      count.store(0, std::memory_order_relaxed);
    for (auto& flag : ready)
      flag.store(false, std::memory_order_relaxed);
  }

  /// Around each queue: who enqueues a batch calls hand_over() first, who dequeues it take_over() next. The
  /// queue orders memory by fences, which ThreadSanitizer does not know; this says the same in atomics, once
  /// a batch, so that it can check what the threads do with the contents.
  void hand_over() { handed_over.fetch_add(1, std::memory_order_acq_rel); }
  void take_over() const { (void)handed_over.load(std::memory_order_acquire); }
  std::atomic<std::uint32_t> handed_over{0};

  /// Puts the matches of `layer` in order and numbers them, and adds to `derived` what it emitted and some
  /// rule reads. Call for the layers in order, and for a layer's batches in order, when all shards have run
  /// the layer. `ordinals` are the layer's.
  void conclude(std::size_t layer, const RuleSet& rules, Ordinals& ordinals) {
    const auto before = static_cast<std::ptrdiff_t>(matches.size());
    for (std::size_t shard = 0; shard < parts.size(); ++shard) {
      MatchLog& made = log(layer, shard);
      for (auto& entry : made.entries())
        matches.push_back({&made, &entry});
    }
    std::sort(matches.begin() + before, matches.end());
    const std::size_t derived_before = derived.size();
    for (auto match = matches.begin() + before; match != matches.end(); ++match) {
      MatchLog::Entry& entry = *match->entry;
      const bool first = match == matches.begin() + before;
      match->log->number(entry,
                         ordinals.next(entry.position, entry.at_ns, entry.trigger_seq, entry.timeout, first));
      const model::EventView event = match->log->emitted(entry);
      if (event && rules.is_read[event.type()]) derived.push_back({entry.position, event});
    }
    if (derived_before == 0 || derived.size() == derived_before) return;
    std::sort(derived.begin(), derived.end(),
              [](const auto& a, const auto& b) { return a.position < b.position; });
  }

  /// Hands all matches to `sink` in order, once the last layer is concluded.
  void deliver(model::MatchSink& sink) {
    if (done.size() > 1) std::sort(matches.begin(), matches.end());
    for (const LoggedMatch& match : matches)
      sink.on_match(match.log->view(*match.entry, view_scratch));
  }
};

}  // namespace tocsin::runtime
