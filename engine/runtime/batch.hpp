// The unit of work between threads: a run of events in processing order, who needs which, and what each
// shard made of them, layer by layer.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
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
  std::vector<Derived> derived;                   // of the layers concluded, by position
  std::vector<MatchLog::Cursor> cursors;          // scratch
  static constexpr unsigned nobody = ~0u;
  std::atomic<unsigned> owner = 0;               // the shard that runs the rules without state
  std::vector<std::atomic<std::uint32_t>> done;  // by layer: shards that have run it
  std::vector<std::atomic<bool>> ready;          // by layer: all have, and `derived` has its events

  MatchLog& log(std::size_t layer, std::size_t shard) { return logs[layer * parts.size() + shard]; }

  /// True where `shard` runs the rules without state, which it does for all events or none. Where nobody has
  /// them yet, it takes them.
  bool owns(unsigned shard) {
    unsigned now = owner.load(std::memory_order_relaxed);
    return now == shard || (now == nobody && owner.compare_exchange_strong(now, shard));
  }

  /// Numbers the events, from `first`, and says to which time the batch leads. Returns the number for the
  /// next batch; one more than there are events is used up, for what timers make behind the last of them.
  std::uint64_t begin(std::uint64_t first, std::int64_t now_ns) {
    first_event = first;
    end_ns = now_ns;
    for (MatchLog& each : logs)
      each.begin(events);
    return first + events.size() + 1;
  }

  void reset() {
    events.clear();
    tables.reset();
    for (auto& part : parts)
      part.clear();
    derived.clear();
    for (auto& count : done)
      count.store(0, std::memory_order_relaxed);
    for (auto& flag : ready)
      flag.store(false, std::memory_order_relaxed);
  }

  /// Around the queues: who enqueues a batch calls hand_over() first, who dequeues it take_over() next. The
  /// queue orders memory by fences, which ThreadSanitizer does not know; this says the same in atomics, once
  /// a batch, so that it can check what the threads do with the contents.
  void hand_over() { handed_over.fetch_add(1, std::memory_order_acq_rel); }
  void take_over() const { (void)handed_over.load(std::memory_order_acquire); }
  std::atomic<std::uint32_t> handed_over{0};

  /// Numbers the matches of `layer`, and adds to `derived` what it emitted and some rule reads. Call for the
  /// layers in order, and for a layer's batches in order, when all shards have run the layer. `ordinals` are
  /// the layer's. Where there is one layer, deliver() does it.
  void conclude(std::size_t layer, const RuleSet& rules, Ordinals& ordinals) {
    const std::size_t derived_before = derived.size();
    walk(layer, layer + 1, [&, first = true](MatchLog::Entry& entry) mutable {
      if (entry.is_copies()) return;  // one match an event, and no rule reads what it emits
      set_number(entry, ordinals, std::exchange(first, false));
      const model::EventView event = entry.match.emitted;
      if (event && rules.is_read[event.type()]) derived.push_back({entry.position, event});
    });
    if (derived_before == 0 || derived.size() == derived_before) return;
    std::sort(derived.begin(), derived.end(),
              [](const auto& a, const auto& b) { return a.position < b.position; });
  }

  /// Hands all matches to `sink` in order, once all layers are concluded; `ordinals` are those of the last.
  void deliver(model::MatchSink& sink, Ordinals& ordinals) {
    const std::size_t layers = done.size();
    walk(0, layers, [&, first = true](MatchLog::Entry& entry) mutable {
      if (layers == 1 && !entry.is_copies()) set_number(entry, ordinals, std::exchange(first, false));
      sink.on_match(entry.match);
    });
  }

 private:
  template <class Take>
  void walk(std::size_t first_layer, std::size_t end_layer, Take take) {
    for (std::size_t i = first_layer * parts.size(); i < end_layer * parts.size(); ++i) {
      if (logs[i].size() > 0) cursors.emplace_back(logs[i]);
    }
    merge(cursors, take);
  }
  static void set_number(MatchLog::Entry& entry, Ordinals& ordinals, bool is_first) {
    const model::MatchView& match = entry.match;
    entry.number(ordinals.next(entry.position, match.at_ns, match.trigger_seq, match.timeout, is_first));
  }
};

}  // namespace tocsin::runtime
