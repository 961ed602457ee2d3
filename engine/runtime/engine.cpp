#include "engine/runtime/engine.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "engine/base/assert.hpp"
#include "engine/runtime/event_time.hpp"
#include "engine/runtime/file_tables.hpp"
#include "engine/runtime/pipeline.hpp"
#include "engine/runtime/rule_set.hpp"
#include "engine/runtime/shard.hpp"

namespace tocsin::runtime {

namespace {

SourceStats stats_of(const EventTime::Source& source, bool holds) {
  return {source.events, source.late, source.lateness_needed_ns, source.watermark_ns(), source.open, holds};
}

void add(const ShardStats& shard, Stats& stats) {
  for (std::size_t rule = 0; rule < shard.rules.size(); ++rule) {
    stats.rules[rule] += shard.rules[rule];
    stats.states[rule] += shard.states[rule];
  }
  for (std::size_t table = 0; table < shard.dropped_rows.size(); ++table)
    stats.dropped_rows[table] = std::max(stats.dropped_rows[table], shard.dropped_rows[table]);
  stats.matches += shard.matches;
  stats.derived += shard.derived;
  stats.arithmetic_faults += shard.arithmetic_faults;
}

}  // namespace

struct Engine::Impl {
  Impl(const plan::Plan& plan, const EngineOptions& engine_options, model::MatchSink& match_sink)
      : rules(std::make_unique<RuleSet>(plan, engine_options.matcher, engine_options.shards)),
        options(engine_options),
        sink(match_sink),
        tables(plan),
        event_time(engine_options.limits.reorder_events, engine_options.late) {
    if (options.shards == 1) {
      inline_shard.emplace(*rules, options.limits, options.predicate_index, 0, 1);
      set_up_inline();
      return;
    }
    Pipeline::Begin begin;
    for (unsigned i = 0; i < options.shards; ++i)
      begin.shards.push_back(
          std::make_unique<Shard>(*rules, options.limits, options.predicate_index, i, options.shards));
    set_up_pipeline(std::move(begin));
  }

  void set_up_inline() {
    inline_batch.emplace(1, rules->layers.size());
    ordinals.clear();
    for (std::size_t layer = 0; layer < rules->layers.size(); ++layer)
      ordinals.emplace_back(layer > 0);
  }

  void set_up_pipeline(Pipeline::Begin begin) {
    pipeline.emplace(*rules,
                     Pipeline::Options{options.shards, options.cores, options.idle, options.predicate_index,
                                       options.limits},
                     sink, std::move(begin));
  }

  void replace(std::shared_ptr<const plan::Plan> next) {
    auto next_rules = std::make_unique<RuleSet>(*next, options.matcher, options.shards, rules.get());
    tables.continue_with(*next);
    if (inline_shard) {
      inline_shard->replace(*next_rules);
      rules = std::move(next_rules);
      set_up_inline();
    } else {
      pipeline->finish();
      Pipeline::Begin begin = pipeline->end();
      pipeline.reset();
      for (const auto& shard : begin.shards)
        shard->replace(*next_rules);
      rules = std::move(next_rules);
      set_up_pipeline(std::move(begin));
    }
    own_plan = std::move(next);
  }

  // Runs events in processing order, and the timers that event time has passed; leaves `events` empty.
  void dispatch(model::EventBatch& events, std::int64_t stamp = 0) {
    if (events.empty() && event_time.now_ns() == dispatched_ns) return;
    dispatched_ns = event_time.now_ns();
    if (pipeline) return pipeline->submit(events, dispatched_ns, tables.current(), stamp);
    Batch& batch = *inline_batch;
    batch.tables = tables.current();
    std::swap(batch.events, events);
    next_event = batch.begin(next_event, dispatched_ns);
    if (rules->layers.size() == 1) {
      inline_shard->run_layer(batch, 0, &sink);
    } else {
      for (std::size_t layer = 0; layer < rules->layers.size(); ++layer) {
        inline_shard->run_layer(batch, layer, nullptr);
        batch.conclude(layer, *rules, ordinals[layer]);
      }
      batch.deliver(sink, ordinals.back());
    }
    std::swap(batch.events, events);
    batch.reset();
    events.clear();
    if (stamp != 0) sink.on_batch(stamp);
  }

  // Nothing is released by it, so it runs no timer that has not run.
  void mark(std::int64_t stamp) {
    if (!pipeline || finished) return sink.on_batch(stamp);
    pipeline->submit(released, dispatched_ns, tables.current(), stamp);
  }

  std::shared_ptr<const plan::Plan> own_plan;  // once there was a replace()
  std::unique_ptr<const RuleSet> rules;
  EngineOptions options;
  model::MatchSink& sink;
  FileTables tables;
  EventTime event_time;
  std::optional<Shard> inline_shard;
  std::optional<Batch> inline_batch;
  std::vector<Ordinals> ordinals;          // by layer
  std::uint64_t next_event = 1;            // in the order of processing
  std::int64_t dispatched_ns = INT64_MIN;  // event time that the shards know of
  std::optional<Pipeline> pipeline;
  model::EventBatch released;
  bool finished = false;
};

Engine::Engine(const plan::Plan& plan, const EngineOptions& options, model::MatchSink& sink) {
  if (options.shards < 1 || options.shards > max_shards) {
    throw std::runtime_error("shards must be 1 to " + std::to_string(max_shards));
  }
  impl_ = std::make_unique<Impl>(plan, options, sink);
}

Engine::~Engine() = default;

std::uint16_t Engine::add_source(const SourceOptions& options) {
  return impl_->event_time.add_source(options);
}

void Engine::push(std::uint16_t source, model::EventBatch& batch, std::int64_t stamp) {
  TOCSIN_ASSERT(!impl_->finished);
  impl_->event_time.admit(source, batch);
  impl_->dispatch(batch, stamp);
}

void Engine::mark(std::int64_t stamp) {
  impl_->mark(stamp);
}

void Engine::replace(std::shared_ptr<const plan::Plan> plan) {
  TOCSIN_ASSERT(!impl_->finished);
  impl_->replace(std::move(plan));
}

void Engine::set_table(std::uint32_t table, std::shared_ptr<const match::Table> content) {
  impl_->tables.set(table, std::move(content));
}

void Engine::advance(std::uint16_t source, std::int64_t time_ns) {
  TOCSIN_ASSERT(!impl_->finished);
  impl_->event_time.advance(source, time_ns, impl_->released);
  impl_->dispatch(impl_->released);
}

void Engine::close_source(std::uint16_t source) {
  impl_->event_time.close(source, impl_->released);
  impl_->dispatch(impl_->released);
}

void Engine::tick(std::int64_t now_ns) {
  impl_->event_time.tick(now_ns, impl_->released);
  impl_->dispatch(impl_->released);
}

std::uint16_t Engine::slowest_source() const {
  return impl_->event_time.slowest();
}

void Engine::finish() {
  if (impl_->finished) return;
  for (std::uint16_t id = 0; id < impl_->event_time.sources().size(); ++id) {
    if (impl_->event_time.sources()[id].open) close_source(id);
  }
  impl_->event_time.finish(impl_->released);
  impl_->dispatch(impl_->released);
  if (impl_->pipeline) impl_->pipeline->finish();
  impl_->finished = true;
}

Stats Engine::stats() const {
  Stats stats;
  stats.events = impl_->event_time.last_seq();
  const EventTime& time = impl_->event_time;
  for (std::uint16_t id = 0; id < time.sources().size(); ++id)
    stats.sources.push_back(stats_of(time.sources()[id], time.holds(id)));
  stats.earlier_sources = stats_of(time.forgotten(), false);
  stats.event_time_ns = time.now_ns();
  stats.reorder_events = time.buffered();
  stats.rules.resize(impl_->rules->plan.rules.size());
  stats.states.resize(impl_->rules->plan.rules.size());
  stats.dropped_rows.resize(impl_->rules->plan.tables.size());
  if (impl_->pipeline) {
    for (const ShardStats& shard : impl_->pipeline->recent()) {
      stats.batches_under_way.push_back(impl_->pipeline->under_way(stats.batches_under_way.size()));
      add(shard, stats);
    }
  } else {
    ShardStats shard;
    impl_->inline_shard->read(shard);
    stats.batches_under_way.push_back(0);
    add(shard, stats);
  }
  return stats;
}

}  // namespace tocsin::runtime
