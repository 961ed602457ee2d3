// The pipeline of several shards. Batches are numbered, of a fixed count (the credits), and go through every
// shard, layer by layer. What all shards are done with leaves in order: one of them hands the matches to the
// sink, and the batch back to the caller:
//
//   caller → submit ─┬→ shard 0 ─┬→ deliver → sink
//      ↑             ├→ shard 1 ─┤     │
//      │             └→ …        ┘     │
//      └───────────────────────────────┘
//
// Each shard has a queue from the caller. On the way back there is none: two counters say which batches a
// shard is done with, and which are the caller's again. Where the cores are far apart each cache line that
// changes hands takes as long as ten events.
//
// A shard announces each layer that it has run (Batch::done); the last one to do so merges what the layer
// emitted, and only then may the next layer run on that batch. Meanwhile shards go on with the first layers
// of later batches, so rules that read no other rule's output never wait.
//
// One shard delivers at a time: one that is ahead of another, so that the work is shared, or has nothing else
// to do. A thread of its own for it would take a core from the shards, and be one hop more.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "engine/base/channel.hpp"
#include "engine/match/predicate_index.hpp"
#include "engine/model/match.hpp"
#include "engine/runtime/batch.hpp"
#include "engine/runtime/shard.hpp"

namespace tocsin::runtime {

class Pipeline {
 public:
  struct Options {
    unsigned shards = 2;
    std::vector<int> cores;
    Idle idle = Idle::park;
    bool predicate_index = true;
    Limits limits;
  };

  /// Where it begins: what has been before it.
  struct Begin {
    std::vector<std::unique_ptr<Shard>> shards;  // Options::shards
    std::uint64_t next_event = 1;                // in the order of processing
  };

  /// Starts the threads. Throws std::runtime_error where a core can't be had.
  Pipeline(const RuleSet& rules, const Options& options, model::MatchSink& sink, Begin begin);
  ~Pipeline();

  /// Takes the events of `events` (leaves it empty), after which event time is `now_ns` and for which
  /// `tables` hold. Waits for a credit. The sink gets a `stamp` that is not 0 behind the batch's matches.
  void submit(model::EventBatch& events, std::int64_t now_ns,
              const std::shared_ptr<const TableContents>& tables, std::int64_t stamp);

  /// Waits until all that was submitted has reached the sink, and ends the threads.
  void finish();

  /// As of the end of some batch: each shard leaves its state when it is asked for it and next at leisure.
  /// Asks for a newer one, for the next call. After finish() the last state. To be called by who submits;
  /// waits for nobody.
  const std::vector<ShardStats>& recent();
  /// Batches that were submitted and which the shard has not run through. To be called by who submits.
  std::uint64_t under_way(std::size_t shard) const { return submitted_ - workers_[shard]->done; }
  /// After finish(): what the pipeline that comes after this one begins with.
  Begin end() { return {std::move(shards_), next_event_}; }

 private:
  struct Worker {
    explicit Worker(std::size_t layers) : to_inbox(inbox), next(layers) {}
    Queue<Batch*> inbox;
    ProducerToken to_inbox;                           // the caller's
    std::vector<std::uint64_t> next;                  // by layer: the batch to run next
    alignas(64) std::atomic<std::uint64_t> done = 0;  // batches of which it has run all layers

    // `stats` is the shard's as long as `asked` is ahead of `given`, else the caller's.
    std::atomic<std::uint64_t> asked{0};
    std::atomic<std::uint64_t> given{0};
    ShardStats stats;
    std::thread thread;
  };

  void run_shard(unsigned number);
  bool do_shard_work(unsigned number);
  Batch* next_batch(Worker& worker, std::size_t layer);
  void run_layer(unsigned number, std::size_t layer, Batch& batch);
  Batch& batch_of(std::uint64_t number) { return *batches_[number % batches_.size()]; }
  bool is_ahead(unsigned number) const;
  bool is_done(std::uint64_t batch) const;
  bool deliver();
  void route(Batch& batch);
  void ask();
  void give(unsigned number);
  void stop();

  const RuleSet& rules_;
  const Options options_;
  model::MatchSink& sink_;
  const match::PredicateIndex index_;  // of the rules of all layers: which events concern nobody
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Batch>> batches_;  // at number modulo size
  std::vector<Ordinals> ordinals_;               // by layer; whoever concludes a batch has them
  std::vector<ShardStats> recent_;               // by shard: what it gave last

  alignas(64) std::atomic<std::uint64_t> submitted_ = 0;  // batches
  alignas(64) std::atomic<std::uint64_t> delivered_ = 0;  // batches
  std::atomic<bool> delivering_ = false;                  // whoever has set it alone uses the sink

  std::uint64_t next_event_;  // in the order of processing
  std::atomic<bool> stopping_{false};
  Signal work_;     // for shards: a batch submitted, a layer ready, or a batch that all are done with
  Signal credits_;  // for the caller
  std::string key_scratch_;
};

}  // namespace tocsin::runtime
