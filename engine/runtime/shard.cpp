#include "engine/runtime/shard.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "engine/base/hash.hpp"
#include "engine/match/stateless.hpp"

namespace tocsin::runtime {

void Shard::run_layer(Batch& batch, std::size_t layer, model::MatchSink* sink) {
  log_ = &batch.log(layer, number_);
  sink_ = sink;
  is_first_ = true;
  copied_ = no_copy;  // its event may lie where another did
  for (const auto& space : key_spaces_)
    space->forget();  // a layer's orders are its own
  LayerTables& tables = tables_[layer];
  for (const std::uint32_t number : tables.files)
    tables.by_number[number] = (*batch.tables)[number].get();
  scratch_.tables = tables.by_number;
  match::PredicateIndex& index = indexes_[layer];
  Timers& timers = timers_[layer];
  const auto& derived = batch.derived;
  std::size_t next = 0;   // derived event
  std::size_t group = 0;  // the first derived event that goes back to the same event as the one before `next`

  // The order of an event: the number of the raw event that it goes back to, then its place among those.
  const auto order_of = [&](std::uint32_t event, std::size_t place) {
    return ((batch.first_event + event) << 20) + std::min<std::size_t>(place, (1 << 20) - 1);
  };
  // `place` as order_of() takes it. The position is made only for the events that some rule is to see.
  const auto process = [&](model::EventView event, std::size_t place, auto position_of) {
    const auto& touched = index.lookup(event, scratch_);
    if (!touched.empty()) {
      const Position position = position_of();
      queue(layer, event, order_of(position.event, place), touched, position);
      if (touched_.size() >= match::KeySpace::most_ahead) run_upcoming(layer, batch.events);
    }
    if (!tables.kept.empty()) put_into_tables(layer, event, batch.events);
  };
  // Those that timers made stand before the event to which they go back, the others right after it.
  const auto process_derived_until = [&](const Position& end) {
    for (; next < derived.size() && derived[next].position < end; ++next) {
      const Position& position = derived[next].position;
      if (position.event != derived[group].position.event) group = next;
      const bool before = position.timer_ns != Position::no_timer;
      process(derived[next].event, next - group + (before ? 0 : 1), [&] { return position; });
    }
  };
  const auto process_raw = [&](std::uint32_t event) {
    std::size_t place = 0;
    if (!derived.empty()) {
      process_derived_until({.event = event});
      if (next > group && derived[group].position.event == event) place = next - group;
    }
    process(batch.events[event], place, [&] { return Position{.event = event}; });
  };
  if (shards_ == 1) {
    const std::size_t events = batch.events.size();
    for (std::size_t i = 0; (i = index.next_candidate(batch.events, i)) < events; ++i)
      process_raw(static_cast<std::uint32_t>(i));
  } else {
    for (const std::uint32_t event : batch.parts[number_])
      process_raw(event);
  }
  process_derived_until({.event = UINT32_MAX});
  run_upcoming(layer, batch.events);
  if (!timers.empty()) run_timers_before(batch.end_ns, layer, batch.events);
  if (++layers_run_ % 64 == 0) hold_to_limit();
}

// Tables keep the event now that all rules have seen it. What stands before it must see them without it.
void Shard::put_into_tables(std::size_t layer, model::EventView event, const model::EventBatch& events) {
  for (const auto& kept : tables_[layer].kept) {
    if (kept.type != event.type()) continue;
    run_upcoming(layer, events);
    run_timers_before(event.time_ns(), layer, events);
    kept.table->put(event);
  }
}

// Counts the nodes of all rules, and where they are too many takes from those that hold the most.
void Shard::hold_to_limit() {
  const auto nodes_of = [](const auto& matcher) { return matcher->state().nodes; };
  std::uint64_t nodes = 0;
  for (const auto& matcher : matchers_)
    nodes += nodes_of(matcher);
  while (nodes > limits_.run_nodes_in_all) {
    const auto largest =
        std::max_element(matchers_.begin(), matchers_.end(),
                         [&](const auto& a, const auto& b) { return nodes_of(a) < nodes_of(b); });
    const std::uint64_t before = nodes_of(*largest);
    (*largest)->shrink(before / 2);
    if (nodes_of(*largest) == before) return;  // not even a slab
    nodes -= before - nodes_of(*largest);
  }
}

// Keys of large spaces are made already, so that what their look-up reads is on its way.
inline void Shard::queue(std::size_t layer, model::EventView event, std::uint64_t order,
                         const std::vector<match::Touched>& all, const Position& position) {
  const auto begin = static_cast<std::uint32_t>(touched_.size());
  const std::uint32_t* const programs = rules_->layers[layer].data();
  for (const match::Touched& touched : all) {
    const std::uint32_t program = programs[touched.program];
    if (shards_ > 1) {
      const Routing& routing = rules_->routings[program][touched.input];
      if (routing.destination(event, shards_, key_scratch_) != number_) continue;
    }
    std::uint32_t ahead = not_ahead;
    if (looks_ahead_) {
      const Visited& visited = visited_[program];
      if (visited.space && visited.space->is_large())
        ahead = visited.space->look_ahead(event, order, visited.keys[touched.input]);
    }
    touched_.push_back({program, ahead, touched.steps});
  }
  const auto end = static_cast<std::uint32_t>(touched_.size());
  if (end == begin) return;
  upcoming_.push_back({{event, order}, position.timer_ns, position.event, begin, end, position.phase});
}

// Shows the queued events to their rules, and the timers before them.
void Shard::run_upcoming(std::size_t layer, const model::EventBatch& events) {
  if (upcoming_.empty()) return;
  if (looks_ahead_ && upcoming_.size() > 1) look_ahead();  // one alone would wait for the same, only sooner
  if (touched_.size() < visits_to_sample_) {
    visits_to_sample_ -= touched_.size();
    if (is_group(layer)) {
      show_group();
    } else {
      show_upcoming<false>(layer, events);
    }
  } else {
    show_upcoming<true>(layer, events);
  }
  upcoming_.clear();
  touched_.clear();
  if (looks_ahead_) {
    for (const auto& space : key_spaces_)
      space->forget_ahead();
  }
  looks_ahead_ = std::any_of(key_spaces_.begin(), key_spaces_.end(),
                             [](const auto& space) { return space->is_large(); });
}

// True where the queued events are all for one rule, and nothing comes between them.
inline bool Shard::is_group(std::size_t layer) const {
  if (touched_.size() != upcoming_.size() || !timers_[layer].empty()) return false;
  const std::uint32_t program = touched_[0].program;
  const Visited& visited = visited_[program];
  return visited.sees_groups && !visited.is_timed &&
         std::all_of(touched_.begin(), touched_.end(),
                     [&](const TouchedRule& touched) { return touched.program == program; });
}

void Shard::show_group() {
  std::array<match::Shown, match::KeySpace::most_ahead> shown;
  for (std::size_t n = 0; n < upcoming_.size(); ++n)
    shown[n] = upcoming_[n].shown;
  program_ = touched_[0].program;
  in_group_ = true;
  matchers_[program_]->visit_all({shown.data(), upcoming_.size()}, *this);
  in_group_ = false;
}

// A match of the rule at hand, which copies alone, straight to the sink. Where that gets them, all events are
// raw, and each is one match of a rule: that is number 0, and no rule reads what is emitted.
inline void Shard::report_copy(model::EventView event, std::uint64_t steps) {
  if (!static_cast<match::StatelessMatcher&>(*matchers_[program_]).takes(event, steps)) return;
  const Reported reported = reported_[program_];
  const model::MatchedEvent matched{0, event};
  ++matches_;
  sink_->on_match({reported.rule,
                   event.time_ns(),
                   event.seq(),
                   {&matched, 1},
                   copied(reported.copy, event, {reported.rule, 0, false}),
                   false,
                   0});
}

template <bool sampled>
void Shard::show_upcoming(std::size_t layer, const model::EventBatch& events) {
  const Timers& timers = timers_[layer];
  for (std::size_t n = 0; n < upcoming_.size(); ++n) {
    const Upcoming& next = upcoming_[n];
    const auto [event, order] = next.shown;
    const std::int64_t time_ns = event.time_ns();
    if (!timers.empty() && timers.top().at.precedes(time_ns)) run_timers_before(time_ns, layer, events);
    for (std::uint32_t i = next.begin; i < next.end; ++i) {
      program_ = touched_[i].program;
      if (sink_ && reported_[program_].copies_alone && (!sampled || visits_to_sample_ > 1)) {
        visits_to_sample_ -= sampled;
        report_copy(event, touched_[i].steps);
        continue;
      }
      position_ = position_of(next);
      const Visited& visited = visited_[program_];
      const auto visit = [&, event = event, order = order] {
        visited.matcher->visit(event, order, touched_[i].steps, *this);
      };
      if (sampled && --visits_to_sample_ == 0) {
        time(visit);
      } else {
        visit();
      }
      if (visited.is_timed) note_timer(layer, program_);
    }
  }
}

// Times one visit of the rule at hand, less what reading the clock takes.
template <class Work>
void Shard::time(Work work) {
  using Clock = std::chrono::steady_clock;
  static const Clock::duration cost = [] {
    Clock::duration least = Clock::duration::max();
    for (int i = 0; i < 64; ++i) {
      const Clock::time_point begin = Clock::now();
      least = std::min(least, Clock::now() - begin);
    }
    return least;
  }();
  const Clock::time_point begin = Clock::now();
  work();
  const std::chrono::nanoseconds took = Clock::now() - begin - cost;
  if (took.count() > 0) busy_ns_[program_] += static_cast<std::uint64_t>(took.count()) * sample_weight_;
  draw_sample();
}

// At random, as rules take turns.
void Shard::draw_sample() {
  sample_seed_ = hash_mix(sample_seed_);
  sample_weight_ = 1 + sample_seed_ % 2047;  // 1024 on average
  visits_to_sample_ = sample_weight_;
}

// Asks for the memory that the queued events will read, for all of them at once, so that they wait for it
// together: the entries of their keys are asked for, now it is the keys' state, then what that leads to.
void Shard::look_ahead() {
  for (const auto& space : key_spaces_)
    space->find_ahead();
  using match::PrefetchStage;
  unsigned stages = 1;
  for (const auto stage : {PrefetchStage::key, PrefetchStage::cells, PrefetchStage::nodes}) {
    if (static_cast<unsigned>(stage) >= stages) break;
    for (std::size_t n = 0; n < upcoming_.size(); ++n) {
      for (std::uint32_t i = upcoming_[n].begin; i < upcoming_[n].end; ++i) {
        const TouchedRule& touched = touched_[i];
        const Visited& visited = visited_[touched.program];
        if (touched.ahead == not_ahead || static_cast<unsigned>(stage) >= visited.stages) continue;
        stages = std::max(stages, visited.stages);
        visited.matcher->prefetch(upcoming_[n].shown.event, visited.space->slot_ahead(touched.ahead), stage);
      }
    }
  }
}

// Runs the timers that come before events of `time_ns`, in order.
void Shard::run_timers_before(std::int64_t time_ns, std::size_t layer, const model::EventBatch& events) {
  Timers& timers = timers_[layer];
  while (!timers.empty() && timers.top().at.precedes(time_ns)) {
    const Timer timer = timers.top();
    timers.pop();
    if (timer.at != next_timer_[timer.program]) continue;  // out of date
    next_timer_[timer.program] = match::never;
    program_ = timer.program;
    match::Matcher& matcher = *matchers_[program_];
    // As long as its timers are the next ones, they need not go through the heap.
    for (match::Instant at = timer.at; matcher.next_timer() == at;) {
      position_ = {.event = sink_ ? 0 : place_of(at, events),  // one that hands matches on needs no place
                   .timer_ns = at.ns,
                   .phase = at.phase,
                   .rule = program_ + 1,
                   .cause = Position::Cause::absence};
      if (--visits_to_sample_ == 0) {
        time([&] { matcher.run_timers(*this); });
      } else {
        matcher.run_timers(*this);
      }
      at = matcher.next_timer();
      if (!at.precedes(time_ns) || (!timers.empty() && timers.top() < Timer{at, program_})) break;
    }
    note_timer(layer, timer.program);
  }
}

// The first event that the instant precedes.
std::uint32_t Shard::place_of(const match::Instant& instant, const model::EventBatch& events) const {
  std::size_t first = 0;
  for (std::size_t left = events.size(); left > 0;) {
    const std::size_t half = left / 2;
    if (instant.precedes(events[first + half].time_ns())) {
      left = half;
    } else {
      first += half + 1;
      left -= half + 1;
    }
  }
  return static_cast<std::uint32_t>(first);
}

// Queues the program's next timer where it is earlier than the one that is queued.
void Shard::note_timer(std::size_t layer, std::uint32_t program) {
  const match::Instant at = matchers_[program]->next_timer();
  if (at >= next_timer_[program]) return;
  next_timer_[program] = at;
  timers_[layer].push({at, program});
}

match::RuleCounters Shard::counters_of(std::size_t program) const {
  match::RuleCounters counters = matchers_[program]->counters();
  counters.throttled = throttled_[program];
  counters.matches -= throttled_[program];
  counters.busy_ns = busy_ns_[program];
  return counters;
}

void Shard::read(ShardStats& stats) const {
  stats.rules = gone_;
  stats.rules.resize(rules_->plan.rules.size());
  stats.states.assign(rules_->plan.rules.size(), {});
  stats.dropped_rows.assign(rules_->plan.tables.size(), 0);
  for (std::size_t i = 0; i < matchers_.size(); ++i) {
    const std::uint32_t rule = rules_->programs[i]->rule;
    stats.rules[rule] += counters_of(i);
    stats.states[rule] += matchers_[i]->state();
  }
  for (const LayerTables& layer : tables_) {
    for (const auto& kept : layer.kept)
      stats.dropped_rows[kept.number] = std::max(stats.dropped_rows[kept.number], kept.table->dropped());
  }
  stats.matches = matches_;
  stats.derived = derived_;
  stats.arithmetic_faults = scratch_.arithmetic_faults;
}

}  // namespace tocsin::runtime
