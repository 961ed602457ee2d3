// The unit of work between threads: a run of events in processing order, who needs which, and what each
// shard made of them, layer by layer.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "engine/model/batch.hpp"
#include "engine/runtime/match_log.hpp"
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
  model::EventBatch events;
  std::vector<std::vector<std::uint32_t>> parts;  // by shard: indices of the events that it needs
  std::vector<MatchLog> logs;                     // by layer, then shard
  std::vector<Derived> derived;                   // of all layers that are ready, by position
  std::vector<std::atomic<std::uint32_t>> done;   // by layer: shards that have run it
  std::vector<std::atomic<bool>> ready;           // by layer: all have, and `derived` has its events

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
    for (auto& part : parts)
      part.clear();
    for (auto& each : logs)
      each.clear();
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

  /// Adds what `layer` emitted and some rule reads to `derived`. Call when all shards have run the layer.
  void collect_derived(std::size_t layer, const RuleSet& rules) {
    const std::size_t before = derived.size();
    for (std::size_t shard = 0; shard < parts.size(); ++shard) {
      const MatchLog& made = log(layer, shard);
      for (const auto& entry : made.entries()) {
        const model::EventView event = made.emitted(entry);
        if (event && rules.is_read[event.type()]) derived.push_back({entry.position, event});
      }
    }
    if (derived.size() == before) return;
    std::sort(derived.begin(), derived.end(),
              [](const auto& a, const auto& b) { return a.position < b.position; });
  }
};

}  // namespace tocsin::runtime
