#include "engine/runtime/pipeline.hpp"

#include <algorithm>
#include <pthread.h>
#include <sched.h>
#include <stdexcept>
#include <string>

namespace tocsin::runtime {

namespace {

void pin(std::thread& thread, int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (core >= 0 && core < CPU_SETSIZE) CPU_SET(static_cast<unsigned>(core), &cores);
  if (pthread_setaffinity_np(thread.native_handle(), sizeof cores, &cores) != 0) {
    throw std::runtime_error("can't pin a shard to core " + std::to_string(core));
  }
}

match::PredicateIndex index_of(const RuleSet& rules, bool enabled) {
  std::vector<const match::Program*> programs;
  for (const auto& program : rules.programs)
    programs.push_back(program.get());
  match::PredicateIndex index(programs, rules.plan.catalog, enabled);
  for (std::size_t type = 0; type < rules.is_kept.size(); ++type) {
    if (rules.is_kept[type]) index.show_all(static_cast<model::EventTypeId>(type));
  }
  return index;
}

}  // namespace

Pipeline::Pipeline(const RuleSet& rules, const Options& options, model::MatchSink& sink, Begin begin)
    : rules_(rules),
      options_(options),
      sink_(sink),
      index_(index_of(rules, options.predicate_index)),
      shards_(std::move(begin.shards)),
      next_event_(begin.next_event) {
  const std::size_t layers = rules.layers.size();
  for (std::size_t layer = 0; layer < layers; ++layer)
    ordinals_.emplace_back(layer > 0);
  const std::size_t credits = std::max<std::size_t>(2, options.limits.batches_in_flight);
  for (std::size_t i = 0; i < credits; ++i)
    batches_.push_back(std::make_unique<Batch>(options.shards, layers));
  for (unsigned i = 0; i < options.shards; ++i) {
    workers_.push_back(std::make_unique<Worker>(layers));
  }
  recent_.resize(options.shards);
  for (unsigned i = 0; i < options.shards; ++i)
    shards_[i]->read(recent_[i]);
  try {
    for (unsigned i = 0; i < options.shards; ++i) {
      workers_[i]->thread = std::thread([this, i] { run_shard(i); });
      if (!options.cores.empty()) pin(workers_[i]->thread, options.cores[i % options.cores.size()]);
    }
  } catch (...) {
    stop();
    throw;
  }
}

Pipeline::~Pipeline() {
  stop();
}

void Pipeline::submit(model::EventBatch& events, std::int64_t now_ns,
                      const std::shared_ptr<const TableContents>& tables, std::int64_t stamp) {
  for (Idler idler(options_.idle);;) {
    const std::uint32_t epoch = credits_.epoch();
    if (submitted_ - delivered_ < batches_.size()) break;
    idler.idle(credits_, epoch);
  }
  Batch& batch = batch_of(submitted_);
  batch.reset();
  batch.number = submitted_;
  std::swap(batch.events, events);
  batch.tables = tables;
  batch.stamp = stamp;
  next_event_ = batch.begin(next_event_, now_ns);
  // Where no rule has state, whoever comes first takes it, so that the work is shared.
  batch.owner = rules_.is_spread ? Batch::nobody : static_cast<unsigned>(batch.number % options_.shards);
  route(batch);
  batch.hand_over();
  for (auto& worker : workers_)
    worker->inbox.enqueue(worker->to_inbox, &batch);
  ++submitted_;
  if (submitted_ % 64 == 0) ask();  // so that a state is not much older than its asking
  work_.notify();
}

// Of each shard that has given its state.
void Pipeline::ask() {
  for (auto& worker : workers_) {
    const std::uint64_t given = worker->given.load(std::memory_order_relaxed);
    if (worker->asked.load(std::memory_order_relaxed) == given)
      worker->asked.store(given + 1, std::memory_order_release);
  }
}

const std::vector<ShardStats>& Pipeline::recent() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    Worker& worker = *workers_[i];
    if (!worker.thread.joinable()) {
      shards_[i]->read(recent_[i]);
    } else if (const std::uint64_t given = worker.given.load(std::memory_order_acquire);
               given > 0 && worker.asked.load(std::memory_order_relaxed) == given) {
      recent_[i] = worker.stats;
    }
  }
  ask();
  work_.notify();
  return recent_;
}

void Pipeline::give(unsigned number) {
  Worker& worker = *workers_[number];
  const std::uint64_t asked = worker.asked.load(std::memory_order_acquire);
  if (asked == worker.given.load(std::memory_order_relaxed)) return;
  shards_[number]->read(worker.stats);
  worker.given.store(asked, std::memory_order_release);
}

// Lists each event for each shard at which some rule of the first layer, or a later one, wants it.
void Pipeline::route(Batch& batch) {
  if (rules_.is_spread) return;
  const model::EventBatch& events = batch.events;
  const unsigned owner = batch.owner;
  for (std::size_t i = 0; (i = index_.next_candidate(events, i)) < events.size(); ++i) {
    const model::EventView event = events[i];
    const auto number = static_cast<std::uint32_t>(i);
    const auto destination = [&](const Routing& routing) {
      return routing.kind == Routing::Kind::spread
                 ? owner
                 : routing.destination(event, options_.shards, key_scratch_);
    };
    const std::vector<Routing>& routings = rules_.of_type[event.type()];
    if (!rules_.is_split[event.type()]) {
      const unsigned shard = routings.empty() ? Routing::nowhere : destination(routings.front());
      if (shard != Routing::nowhere) batch.parts[shard].push_back(number);
      continue;
    }
    std::uint64_t wanted = 0;
    for (const Routing& routing : routings) {
      const unsigned shard = destination(routing);
      if (shard != Routing::nowhere) wanted |= std::uint64_t{1} << shard;
    }
    if (rules_.is_kept[event.type()]) wanted = ~std::uint64_t{0};  // by all, for their tables
    for (std::size_t shard = 0; shard < batch.parts.size(); ++shard) {
      if ((wanted >> shard & 1) != 0) batch.parts[shard].push_back(number);
    }
  }
}

void Pipeline::run_shard(unsigned number) {
  for (Idler idler(options_.idle);;) {
    const std::uint32_t epoch = work_.epoch();
    // Looked at behind the epoch, as what comes before that would be slept through.
    if (stopping_.load(std::memory_order_acquire)) return;
    const bool worked = do_shard_work(number);
    give(number);
    if (worked) {
      idler.reset();
    } else {
      idler.idle(work_, epoch);
    }
  }
}

// Delivers a batch, or runs the one layer and batch that is furthest along. True where there was work.
bool Pipeline::do_shard_work(unsigned number) {
  if (is_ahead(number) && deliver()) return true;
  Worker& worker = *workers_[number];
  for (std::size_t layer = rules_.layers.size(); layer-- > 0;) {
    Batch* const batch = next_batch(worker, layer);
    if (!batch) continue;
    ++worker.next[layer];
    run_layer(number, layer, *batch);
    return true;
  }
  return deliver();
}

// The one on which the shard may run the layer now; null where there is none.
Batch* Pipeline::next_batch(Worker& worker, std::size_t layer) {
  Batch* batch = nullptr;
  if (layer == 0) {
    if (worker.inbox.try_dequeue(batch)) batch->take_over();
    return batch;
  }
  const std::uint64_t next = worker.next[layer];
  if (next == worker.next[layer - 1]) return nullptr;
  batch = &batch_of(next);
  return batch->ready[layer - 1].load(std::memory_order_acquire) ? batch : nullptr;
}

bool Pipeline::is_ahead(unsigned number) const {
  const std::uint64_t done = workers_[number]->done;
  return std::any_of(workers_.begin(), workers_.end(),
                     [&](const auto& worker) { return worker->done < done; });
}

// By all shards.
bool Pipeline::is_done(std::uint64_t batch) const {
  return std::all_of(workers_.begin(), workers_.end(),
                     [&](const auto& worker) { return worker->done > batch; });
}

void Pipeline::run_layer(unsigned number, std::size_t layer, Batch& batch) {
  if (!rules_.is_spread || batch.owns(number)) shards_[number]->run_layer(batch, layer, nullptr);
  Worker& worker = *workers_[number];
  if (layer + 1 == rules_.layers.size()) {
    worker.done = worker.next[layer];  // the batch may be another one's from now on
    // Another shard may have nothing else to do than to deliver it.
    if (submitted_ != worker.next[0] && is_done(worker.next[layer] - 1)) work_.notify();
    return;
  }
  if (batch.done[layer].fetch_add(1, std::memory_order_acq_rel) + 1 < options_.shards) return;
  batch.conclude(layer, rules_, ordinals_[layer]);
  batch.ready[layer].store(true, std::memory_order_release);
  work_.notify();
}

// Hands out the next batch, where all are done with it and nobody else is at it. Who is done with one looks
// here after that, and who was at it looks again after that: of two who do so at the same time one sees what
// the other has written, as both write before they look, in one order.
bool Pipeline::deliver() {
  while (is_done(delivered_) && !delivering_.exchange(true)) {
    const std::uint64_t number = delivered_;
    const bool is_mine = is_done(number);  // not where another has delivered one in between
    if (is_mine) {
      Batch& batch = batch_of(number);
      if (rules_.layers.size() > 1) batch.conclude(rules_.layers.size() - 1, rules_, ordinals_.back());
      batch.deliver(sink_, ordinals_.back());
      if (batch.stamp != 0) sink_.on_batch(batch.stamp);
      batch.tables.reset();
      delivered_ = number + 1;
    }
    delivering_ = false;
    if (!is_mine) continue;
    credits_.notify();
    return true;
  }
  return false;
}

void Pipeline::finish() {
  for (Idler idler(options_.idle);;) {
    const std::uint32_t epoch = credits_.epoch();
    if (delivered_ == submitted_) break;
    idler.idle(credits_, epoch);
  }
  stop();
}

void Pipeline::stop() {
  stopping_.store(true, std::memory_order_release);
  work_.notify();
  for (auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
}

}  // namespace tocsin::runtime
