#include "engine/runtime/shard.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "engine/base/hash.hpp"
#include "engine/match/stateless.hpp"

namespace tocsin::runtime {

Shard::Shard(const RuleSet& rules, const Limits& limits, bool predicate_index, unsigned number,
             unsigned shards)
    : number_(number),
      shards_(shards),
      limits_(limits),
      predicate_index_(predicate_index),
      no_keys_(limits.near_keys),
      sample_seed_(number) {
  set_up(rules);
  draw_sample();
}

Shard::~Shard() {
  no_keys_.abandon();
  for (const auto& space : key_spaces_)
    space->abandon();
}

void Shard::replace(const RuleSet& rules) {
  drop_gone(rules);
  set_up(rules);
}

// Counts what the rules did that are not kept, and lets go of them, so that their keys are free for others.
void Shard::drop_gone(const RuleSet& rules) {
  std::vector<bool> stays(matchers_.size());
  for (const auto& number : rules.kept) {
    if (number) stays[*number] = true;
  }
  gone_.resize(rules.plan.rules.size());
  for (std::size_t i = 0; i < matchers_.size(); ++i) {
    if (stays[i]) continue;
    gone_[rules_->programs[i]->rule] += counters_of(i);
    matchers_[i].reset();
  }
  std::erase_if(key_spaces_, [&](const auto& space) {
    if (space->rules() > 0) return false;
    for (std::size_t i = 0; i < stays.size(); ++i) {  // one without state looks ahead in it all the same
      if (stays[i] && space_of_[i] == space.get()) return false;
    }
    return true;
  });
}

// Takes over what the rules had that are kept, and makes the others anew.
void Shard::set_up(const RuleSet& rules) {
  rules_ = &rules;
  const auto spaces = std::exchange(space_of_, {});
  auto matchers = std::exchange(matchers_, {});
  auto throttles = std::exchange(throttles_, {});
  const auto throttled = std::exchange(throttled_, {});
  const auto busy_ns = std::exchange(busy_ns_, {});
  std::vector<match::WindowStores> windows(
      rules.layers.size());  // each layer sees events in turns of its own
  for (std::size_t i = 0; i < rules.programs.size(); ++i) {
    const auto& program = rules.programs[i];
    if (const auto number = rules.kept[i]) {
      space_of_.push_back(spaces[*number]);
      matchers_.push_back(std::move(matchers[*number]));
      throttles_.push_back(std::move(throttles[*number]));
      throttled_.push_back(throttled[*number]);
      busy_ns_.push_back(busy_ns[*number]);
      continue;
    }
    match::KeySpace& space = program->partitioned ? key_space_of(*program) : no_keys_;
    space_of_.push_back(program->partitioned ? &space : nullptr);
    matchers_.push_back(match::make_matcher(program, {limits_, scratch_, space, windows[rules.layer_of[i]]}));
    const bool has_throttle = program->throttle_ns != plan::no_bound;
    throttles_.push_back(has_throttle ? std::make_unique<match::Throttle>(*program) : nullptr);
    throttled_.push_back(0);
    busy_ns_.push_back(0);
  }
  auto tables = std::exchange(tables_, {});
  indexes_.clear();
  for (std::size_t layer = 0; layer < rules.layers.size(); ++layer) {
    std::vector<const match::Program*> programs;
    for (const std::uint32_t program : rules.layers[layer])
      programs.push_back(rules.programs[program].get());
    indexes_.emplace_back(programs, rules.plan.catalog, predicate_index_);
    tables_.push_back(tables_of(layer, tables));
    for (const auto& kept : tables_.back().kept)
      indexes_.back().show_all(kept.type);
  }
  timers_.assign(rules.layers.size(), {});
  next_timer_.assign(rules.programs.size(), match::never);
  visited_.clear();
  for (std::uint32_t i = 0; i < rules.programs.size(); ++i) {
    match::Matcher& matcher = *matchers_[i];
    const match::Program& program = *rules.programs[i];
    visited_.push_back({&matcher, space_of_[i], program.keys.data(), matcher.prefetch_stages(),
                        program.is_timed(), matcher.sees_groups()});
    if (program.is_timed()) note_timer(rules.layer_of[i], i);
  }
  find_copies();
  ordinals_ = Ordinals(false);
}

namespace {

model::Value value_of(const plan::Constant& constant) {
  switch (constant.kind) {
    case model::Kind::null: return model::Value::null();
    case model::Kind::string: return model::Value::string(constant.s);
    case model::Kind::floating: return model::Value::floating(constant.f);
    default: return model::Value::of_int(constant.i, constant.kind);
  }
}

}  // namespace

// Finds the rules that emit what they copy from an event, and constants, and which of them emit the same.
void Shard::find_copies() {
  copies_.clear();
  reported_.clear();
  std::map<std::pair<model::EventTypeId, std::vector<std::pair<std::uint32_t, std::uint32_t>>>, std::uint32_t>
      known;
  for (std::size_t i = 0; i < rules_->programs.size(); ++i) {
    const match::Program& program = *rules_->programs[i];
    reported_.push_back({program.rule, no_copy, false});
    const auto& emit = rules_->plan.rules[program.rule].emit;
    if (!emit || program.matcher != match::MatcherKind::stateless || program.inputs.size() > 1) continue;
    Copy copy{emit->type, program.inputs[0].type, rules_->is_read[emit->type], {}, {}};
    for (const auto& field : emit->fields) {
      const plan::Expr& value = field.value;
      if (value.op == plan::Op::constant) {
        copy.constants.emplace_back(field.field, value_of(value.constant));
      } else if (value.op == plan::Op::field && value.ref.selector == plan::Selector::current &&
                 value.ref.type == copy.from) {
        copy.fields.emplace_back(field.field, value.ref.field);
      }
    }
    if (copy.fields.size() + copy.constants.size() < emit->fields.size()) continue;
    auto number = static_cast<std::uint32_t>(copies_.size());
    if (copy.constants.empty()) {
      auto key = copy.fields;
      key.emplace_back(copy.from, 0);
      number = known.try_emplace({copy.type, std::move(key)}, number).first->second;
    }
    if (number == copies_.size()) copies_.push_back(std::move(copy));
    reported_.back().copy = number;
    reported_.back().copies_alone = !program.partitioned && !throttles_[i];
  }
}

match::KeySpace& Shard::key_space_of(const match::Program& program) {
  for (const auto& space : key_spaces_) {
    if (space->take_in(program.keys)) return *space;
  }
  key_spaces_.push_back(std::make_unique<match::KeySpace>(limits_.near_keys));
  key_spaces_.back()->take_in(program.keys);
  return *key_spaces_.back();
}

// `before` are the tables so far: those that keep events stay, and as all copies have seen the same events,
// a layer that needs one anew copies another's.
Shard::LayerTables Shard::tables_of(std::size_t layer, std::vector<LayerTables>& before) {
  LayerTables out;
  out.by_number.resize(rules_->plan.tables.size());
  for (const std::uint32_t number : rules_->tables[layer]) {
    const plan::Table& table = rules_->plan.tables[number];
    if (!table.path.empty()) {
      out.files.push_back(number);
      continue;
    }
    std::unique_ptr<match::Table> content;
    if (auto* own = layer < before.size() ? before[layer].find(number) : nullptr) content = std::move(*own);
    for (auto* all : {&before, &tables_}) {
      for (LayerTables& other : *all) {
        if (auto* copy = content ? nullptr : other.find(number); copy && *copy)
          content = std::make_unique<match::Table>(**copy);
      }
    }
    if (!content) content = std::make_unique<match::Table>(table, rules_->plan.catalog, limits_.table_rows);
    out.by_number[number] = content.get();
    out.kept.push_back({number, table.type, std::move(content)});
  }
  return out;
}

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
  upcoming_.push_back({position.timer_ns, position.event, begin, end, position.phase});
  upcoming_events_.push_back({event, order});
}

// Shows the queued events to their rules, and the timers before them.
void Shard::run_upcoming(std::size_t layer, const model::EventBatch& events) {
  if (upcoming_.empty()) return;
  if (looks_ahead_ && upcoming_.size() > 1) look_ahead();  // one alone would wait for the same, only sooner
  if (touched_.size() < visits_to_sample_) {
    visits_to_sample_ -= touched_.size();
    if (is_group(layer)) {
      program_ = touched_[0].program;
      in_group_ = true;
      matchers_[program_]->visit_all(upcoming_events_, *this);
      in_group_ = false;
    } else {
      show_upcoming<false>(layer, events);
    }
  } else {
    show_upcoming<true>(layer, events);
  }
  upcoming_.clear();
  upcoming_events_.clear();
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

// Rules that copy the same from one event emit the same but for the origin, so it is written once.
inline model::EventView Shard::copied(std::uint32_t copy, model::EventView event, model::Origin origin) {
  if (copied_ != copy || copied_from_ != event.bytes()) write_copy(copy, event);
  emitted_.set_origin(0, origin);
  return emitted_[0];
}

template <bool sampled>
void Shard::show_upcoming(std::size_t layer, const model::EventBatch& events) {
  const Timers& timers = timers_[layer];
  for (std::size_t n = 0; n < upcoming_.size(); ++n) {
    const Upcoming& next = upcoming_[n];
    const auto [event, order] = upcoming_events_[n];
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
        visited.matcher->prefetch(upcoming_events_[n].event, visited.space->slot_ahead(touched.ahead), stage);
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

void Shard::report(const match::Program& program, const match::Completion& completion) {
  // Taken apart, as both were just written: read at once they would wait for memory.
  const model::MatchedEvent* const events = completion.events.data();
  const std::size_t count = completion.events.size();
  const model::EventView last = events[count - 1].event;
  if (throttles_[program_] && !completion.timeout && !throttles_[program_]->passes(last, completion.at_ns)) {
    ++throttled_[program_];
    return;
  }
  const std::uint32_t rule = reported_[program_].rule;
  const std::uint32_t copy = reported_[program_].copy;
  model::MatchView match{rule, completion.at_ns, last.seq(), {events, count}, {}, completion.timeout, 0};
  // Where the match goes to a log, the batch numbers it once all shards have theirs.
  if (in_group_) position_ = position_of(upcoming_[at_hand]);
  if (sink_) {
    match.ordinal = ordinals_.next(position_, match.at_ns, match.trigger_seq, match.timeout,
                                   std::exchange(is_first_, false));
  }
  matches_ += !completion.timeout;
  if (copy != no_copy) {
    match.emitted = copied(copy, last, {rule, match.ordinal, false});
    derived_ += copies_[copy].is_read;
  } else if (const auto& emit = completion.timeout ? program.timeout : program.emit) {
    copied_ = no_copy;
    emitted_.clear();
    model::EventWriter writer(emitted_);
    writer.begin(rules_->plan.catalog[emit->type]);
    const match::Bindings bindings{
        last, completion.events, 0, completion.at_ns, completion.totals, completion.window};
    for (const auto& field : emit->fields) {
      scratch_.reset();
      writer.set(field.field, field.value.evaluate(bindings, scratch_));
    }
    writer.commit(match.at_ns, match.trigger_seq, model::Origin{rule, match.ordinal, completion.timeout});
    match.emitted = emitted_[0];
    derived_ += rules_->is_read[emit->type];
  }
  if (sink_) return sink_->on_match(match);
  position_.trigger = completion.group;
  if (completion.timeout) position_.cause = Position::Cause::timeout;
  log_->append(position_, match);
  ++position_.ordinal;
}

void Shard::write_copy(std::uint32_t number, model::EventView event) {
  copied_ = number;
  copied_from_ = event.bytes();
  emitted_.clear();
  const Copy& copy = copies_[number];
  const auto& fields = rules_->plan.catalog[copy.from].fields;
  model::EventWriter writer(emitted_);
  writer.begin(rules_->plan.catalog[copy.type]);
  for (const auto& [to, from] : copy.fields)
    writer.set(to, event.get(fields[from], from));
  for (const auto& [to, constant] : copy.constants)
    writer.set(to, constant);
  writer.commit(event.time_ns(), event.seq(), model::Origin{});
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
