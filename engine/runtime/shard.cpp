#include "engine/runtime/shard.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "engine/base/hash.hpp"

namespace tocsin::runtime {

namespace {

// Events of a batch. They are few among them and another core has just written them, so the memory does not
// bring them by itself.
struct Part {
  static constexpr std::size_t ahead = 8;
  const model::EventBatch& events;
  const std::vector<std::uint32_t>& numbers;

  std::size_t size() const { return numbers.size(); }
  model::EventView operator[](std::size_t i) const {
    if (i + ahead < numbers.size()) {
      const std::byte* const bytes = events[numbers[i + ahead]].bytes();
      prefetch(bytes);
      prefetch(bytes + 64);
    }
    return events[numbers[i]];
  }
};

// The number in the batch.
std::uint32_t number_of(const model::EventBatch&, std::size_t i) {
  return static_cast<std::uint32_t>(i);
}
std::uint32_t number_of(const Part& part, std::size_t i) {
  return part.numbers[i];
}

}  // namespace

// What copies alone waits for nothing: where nothing is queued before it, its match goes at once.
inline bool Shard::goes_at_once(std::uint32_t program, std::size_t layer) const {
  return upcoming_count_ == 0 && copies_at_once_ && reported_[program].copies_alone &&
         visits_to_sample_ > 1 && timers_[layer].empty();
}

// A match of a rule that copies alone, straight to the sink, or to the log. All events are raw then
// (copies_at_once_), and each is one match of a rule: that is number 0, and no rule reads what is emitted.
inline void Shard::report_copy(std::uint32_t program, model::EventView event, std::uint32_t place,
                               std::uint64_t steps) {
  if (!sink_) return log_copy(program, event, place, steps);
  if (!stateless(program).takes(event, steps)) return;
  const Reported reported = reported_[program];
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

void Shard::run_layer(Batch& batch, std::size_t layer, model::MatchSink* sink) {
  batch_ = &batch;
  log_ = &batch.log(layer, number_);
  sink_ = sink;
  is_first_ = true;
  copied_ = no_copy;  // its event may lie where another did
  copies_at_once_ = layer == 0;
  is_owner_ = batch.owner.load(std::memory_order_relaxed) == number_;
  LayerTables& tables = tables_[layer];
  for (const std::uint32_t number : tables.files)
    tables.by_number[number] = (*batch.tables)[number].get();
  scratch_.tables = tables.by_number;
  match::PredicateIndex& index = indexes_[layer];
  Timers& timers = timers_[layer];
  const auto& derived = batch.derived;
  const std::uint32_t* const programs = rules_->layers[layer].data();
  std::size_t next = 0;   // derived event
  std::size_t group = 0;  // the first derived event that goes back to the same event as the one before `next`

  // `nth` is the event's number among those that go back to the same raw event. The order of an event is the
  // number of the raw one, then that.
  const auto process = [&](model::EventView event, std::uint32_t raw, std::size_t nth, std::uint32_t place) {
    for (const match::Touched& touched : index.lookup(event, scratch_)) {
      const std::uint32_t program = programs[touched.program];
      if (goes_at_once(program, layer)) {
        --visits_to_sample_;
        report_copy(program, event, place, touched.steps);
        continue;
      }
      if (shards_ > 1 && !is_for_this_shard(event, place, program, touched.input)) continue;
      const std::uint64_t order = order_of(raw) + std::min<std::size_t>(nth, (1 << order_bits) - 1);
      upcoming_[upcoming_count_++] = {event, order, touched.steps, touched.input, 0, program, place};
      if (upcoming_count_ == upcoming_.size()) run_upcoming(layer);
    }
    if (!tables.kept.empty()) put_into_tables(layer, event);
  };
  // Those that timers made stand before the event to which they go back, the others right after it.
  const auto process_derived_until = [&](const Position& end) {
    for (; next < derived.size() && derived[next].position < end; ++next) {
      const Position& position = derived[next].position;
      if (position.event != derived[group].position.event) group = next;
      const bool before = position.timer_ns != Position::no_timer;
      process(derived[next].event, position.event, next - group + (before ? 0 : 1),
              static_cast<std::uint32_t>(next) | is_derived);
    }
  };
  const auto process_raw = [&](std::uint32_t event) {
    std::size_t nth = 0;
    if (!derived.empty()) {
      process_derived_until({.event = event});
      if (next > group && derived[group].position.event == event) nth = next - group;
    }
    process(batch.events[event], event, nth, event);
  };
  const bool are_alone = derived.empty() && tables.kept.empty();
  const auto run = [&](const auto& events, std::size_t i) {
    if (are_alone) return run_raw(layer, events, i);
    process_raw(number_of(events, i));
    return i + 1;
  };
  if (shards_ == 1 || rules_->is_spread) {
    const model::EventBatch& events = batch.events;
    for (std::size_t i = 0; (i = index.next_candidate(events, i)) < events.size();)
      i = run(events, i);
  } else {
    const Part part{batch.events, batch.parts[number_]};
    for (std::size_t i = 0; i < part.size();)
      i = run(part, i);
  }
  process_derived_until({.event = UINT32_MAX});
  run_upcoming(layer);
  if (!timers.empty()) run_timers_before(batch.end_ns, layer);
  log_->end();
  if (++layers_run_ % 64 == 0) hold_to_limit();
}

// False where another shard runs the rule for this event. A raw event would not have come here if that were
// so of all rules that it may concern.
inline bool Shard::is_for_this_shard(model::EventView event, std::uint32_t place, std::uint32_t program,
                                     std::uint32_t input) {
  if (!(place & is_derived) && !rules_->is_split[event.type()]) return true;
  const Routing& routing = rules_->routings[program][input];
  if (routing.kind == Routing::Kind::spread) return is_owner_;
  return routing.destination(event, shards_, key_scratch_) == number_;
}

// Tables keep the event now that all rules have seen it. What stands before it must see them without it.
void Shard::put_into_tables(std::size_t layer, model::EventView event) {
  for (const auto& kept : tables_[layer].kept) {
    if (kept.type != event.type()) continue;
    run_upcoming(layer);
    run_timers_before(event.time_ns(), layer);
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

// Of raw events: those from number `i` on that are of one type.
template <class Events>
std::size_t Shard::run_raw(std::size_t layer, const Events& events, std::size_t i) {
  const std::uint32_t* const programs = rules_->layers[layer].data();
  return indexes_[layer].for_each(
      events, i, scratch_, [&](std::size_t at, model::EventView event, const match::Touched& touched) {
        const std::uint32_t program = programs[touched.program];
        const std::uint32_t place = number_of(events, at);
        if (goes_at_once(program, layer)) {
          --visits_to_sample_;
          return report_copy(program, event, place, touched.steps);
        }
        if (shards_ > 1 && !is_for_this_shard(event, place, program, touched.input)) return;
        upcoming_[upcoming_count_++] = {event, order_of(place), touched.steps, touched.input,
                                        0,     program,         place};
        if (upcoming_count_ == upcoming_.size()) run_upcoming(layer);
      });
}

// Shows the queued events to their rules, and the timers before them.
void Shard::run_upcoming(std::size_t layer) {
  if (upcoming_count_ == 0) return;
  take_keys();
  if (upcoming_count_ > 1) look_ahead();  // one alone would wait for the same, only sooner
  if (upcoming_count_ < visits_to_sample_) {
    visits_to_sample_ -= upcoming_count_;
    show_upcoming<false>(layer);
  } else {
    show_upcoming<true>(layer);
  }
  upcoming_count_ = 0;
  for (const auto& space : key_spaces_)
    space->forget();
}

// The visits from number `begin` on that are of one rule.
inline std::span<match::Visit> Shard::visits_from(std::size_t begin) {
  std::size_t end = begin + 1;
  while (end < upcoming_count_ && upcoming_[end].program == upcoming_[begin].program)
    ++end;
  return {&upcoming_[begin], end - begin};
}

void Shard::take_keys() {
  for (std::size_t begin = 0; begin < upcoming_count_;) {
    const auto visits = visits_from(begin);
    begin += visits.size();
    const Visited& visited = visited_[visits.front().program];
    if (visited.space) visited.space->take(visits, visited.keys);
  }
}

template <bool sampled>
void Shard::show_upcoming(std::size_t layer) {
  const Timers& timers = timers_[layer];
  for (std::size_t begin = 0; begin < upcoming_count_;) {
    const match::Visit& next = upcoming_[begin];
    const std::int64_t time_ns = next.event.time_ns();
    if (!timers.empty() && timers.top().at.precedes(time_ns)) run_timers_before(time_ns, layer);
    program_ = next.program;
    if (copies_at_once_ && reported_[program_].copies_alone && (!sampled || visits_to_sample_ > 1)) {
      visits_to_sample_ -= sampled;
      report_copy(program_, next.event, next.place, next.steps);
      ++begin;
      continue;
    }
    const Visited& visited = visited_[program_];
    auto visits = visits_from(begin);
    if (visited.is_timed || !timers.empty()) visits = visits.first(1);
    const bool is_sample = sampled && visits_to_sample_ == 1;
    if (sampled) {  // what comes before the sample is shown by itself
      visits = visits.first(std::min(visits.size(), std::max<std::size_t>(visits_to_sample_ - 1, 1)));
      visits_to_sample_ -= visits.size();
    }
    at_hand = static_cast<std::uint32_t>(begin);
    positioned_ = none;
    begin += visits.size();
    const auto show = [&] { visited.matcher->visit_all(visits, visited.space, *this); };
    if (is_sample) {
      time(show);
    } else {
      show();
    }
    if (visited.is_timed) note_timer(layer, program_);
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
  bool is_far = false;
  for (const auto& space : key_spaces_) {
    if (!space->is_far()) continue;
    space->find_ahead();
    is_far = true;
  }
  if (!is_far) return;
  using match::PrefetchStage;
  unsigned stages = 1;
  for (const auto stage : {PrefetchStage::key, PrefetchStage::cells, PrefetchStage::nodes}) {
    if (static_cast<unsigned>(stage) >= stages) break;
    for (std::size_t begin = 0; begin < upcoming_count_;) {
      const auto visits = visits_from(begin);
      begin += visits.size();
      const Visited& visited = visited_[visits.front().program];
      if (!visited.space || !visited.space->is_far() || static_cast<unsigned>(stage) >= visited.stages)
        continue;
      stages = std::max(stages, visited.stages);
      visited.matcher->prefetch_all(visits, *visited.space, stage);
    }
  }
}

// Runs the timers that come before events of `time_ns`, in order.
void Shard::run_timers_before(std::int64_t time_ns, std::size_t layer) {
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
      position_ = {.event = sink_ ? 0 : place_of(at),  // one that hands matches on needs no place
                   .timer_ns = at.ns,
                   .rule = program_ + 1,
                   .phase = at.phase,
                   .cause = Position::Cause::absence};
      positioned_ = at_hand;
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
std::uint32_t Shard::place_of(const match::Instant& instant) const {
  const model::EventBatch& events = batch_->events;
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
