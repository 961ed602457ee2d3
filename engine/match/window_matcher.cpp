#include "engine/match/window_matcher.hpp"

#include <algorithm>

#include "engine/base/saturate.hpp"

namespace tocsin::match {

using On = plan::Threshold::On;

namespace {

// What events that leave bring about comes after all that events of the same time do, whose orders are lower.
constexpr std::uint64_t after_events = std::uint64_t{1} << 63;

std::shared_ptr<WindowStore> store_for(const Program& program, const Resources& resources) {
  const std::uint64_t hash = WindowStore::hash_of(program);
  const auto [begin, end] = resources.windows.equal_range(hash);
  const auto same = std::find_if(
      begin, end, [&](const auto& each) { return WindowStore::may_share(each.second->program(), program); });
  if (same != end) return same->second;
  auto store = std::make_shared<WindowStore>(program, resources.limits, resources.keys, resources.scratch);
  return resources.windows.emplace(hash, std::move(store))->second;
}

}  // namespace

WindowMatcher::WindowMatcher(std::shared_ptr<const Program> program, const Resources& resources)
    : program_(*program),
      window_(*program_.window),
      scratch_(resources.scratch),
      shared_store_(store_for(program_, resources)),
      store_(*shared_store_),
      aggregates_(store_.join(*this, std::move(program))) {}

WindowMatcher::~WindowMatcher() {
  store_.leave(*this);
}

model::Value WindowMatcher::View::aggregate(std::uint32_t index) const {
  return matcher_.store_.value(matcher_.aggregates_[index], look_.slot, look_.arrival);
}
std::int64_t WindowMatcher::View::start_ns() const {
  return matcher_.store_.start_ns(look_.slot, look_.at_ns);
}
std::int64_t WindowMatcher::View::end_ns() const {
  return matcher_.store_.end_ns(look_.slot, look_.at_ns);
}

void WindowMatcher::visit(model::EventView event, std::uint64_t order, std::uint64_t, Output& output) {
  ++counters_.events;
  const std::uint32_t slot = store_.take(event, order);
  if (slot == WindowStore::absent) return;
  const Look look{slot, event, event.time_ns(), order, true};
  switch (window_.on) {
    case On::every:
      if (is_true(look)) fire(look, output);
      break;
    case On::close:
      if (store_.closes() && is_true(look)) fire(look, output);
      break;
    case On::rise:
    case On::fall: change(look, is_true(look), output); break;
  }
}

void WindowMatcher::visit_all(std::span<const Visit> visits, KeySpace* keys, Output& output) {
  show_all(*this, visits, keys, output);
}

bool WindowMatcher::holds_otherwise(const Expression& condition, const Look& look) const {
  scratch_.reset();
  const View view(*this, look);
  Bindings bindings{look.event, {}, 0, look.at_ns};
  bindings.window = &view;
  return condition.holds(bindings, scratch_);
}

// The condition was looked at, and is `raw` from now on.
void WindowMatcher::change(const Look& look, bool raw, Output& output) {
  State& state = state_of(look.slot);
  if (raw) {
    state.falls = 0;
    if (state.holds) return;
    state.holds = true;
    if (window_.for_ns != plan::no_bound) {
      state.completes = ++last_number_;
      waits_.push_back({later(look.at_ns, window_.for_ns), state.completes, look.group, look.slot});
    } else if (window_.on == On::rise) {
      fire(look, output);
    }
  } else if (state.holds && state.falls == 0) {
    if (window_.keep_ns == plan::no_bound) return fall(look, state, output);
    state.falls = ++last_number_;
    keeps_.push_back({later(look.at_ns, window_.keep_ns), state.falls, look.group, look.slot});
  }
}

void WindowMatcher::fall(const Look& look, State& state, Output& output) {
  state = {};
  if (window_.on == On::fall) fire(look, output);
}

// Only of a rule that need not see events leave: `on rise`, and what leaves can't make it true.
void WindowMatcher::look_again(std::uint32_t slot) {
  if (window_.on != On::rise || window_.sees_instants) return;
  State& state = state_of(slot);
  if (!state.holds) return;
  const Look look{slot, window_.keeps_newest ? store_.newest(slot) : model::EventView(), 0, 0, false};
  state.holds = is_true(look);
}

bool WindowMatcher::forget(std::uint32_t slot, bool at_once) {
  if (slot >= states_.size()) return true;
  State& state = states_[slot];
  if (!at_once && window_.keep_ns != plan::no_bound && state.holds) return false;
  state = {};
  return true;
}

void WindowMatcher::fire(const Look& look, Output& output) {
  ++counters_.matches;
  const View view(*this, look);
  const model::MatchedEvent matched{0, look.event};
  Completion completion{{&matched, 1}, look.at_ns, look.group, false};
  completion.window = &view;
  output.report(program_, completion);
}

void WindowMatcher::prefetch(model::EventView event, std::uint32_t slot, PrefetchStage stage) const {
  store_.prefetch(event, slot, stage);
}

void WindowMatcher::prefetch_all(std::span<const Visit> visits, const KeySpace& keys,
                                 PrefetchStage stage) const {
  prefetch_each(*this, visits, keys, stage);
}

// A row is all that most aggregates need; others keep values apart.
unsigned WindowMatcher::prefetch_stages() const {
  using plan::WindowFunction;
  return std::any_of(window_.aggregates.begin(), window_.aggregates.end(),
                     [](const WindowAggregate& aggregate) {
                       return aggregate.function == WindowFunction::percentile ||
                              aggregate.function == WindowFunction::distinct ||
                              aggregate.function == WindowFunction::is_new ||
                              aggregate.function == WindowFunction::top;
                     })
             ? 3
             : 1;
}

// Timers.

Instant WindowMatcher::next_timer() const {
  Instant next = never;
  for (const auto* deadlines : {&keeps_, &waits_}) {
    if (!deadlines->empty())
      next = std::min(next, Instant{deadlines->front().at_ns, Instant::Phase::deadline});
  }
  if (window_.sees_instants)
    next = std::min(next, store_.instants() > seen_ ? store_.instant() : store_.next_instant());
  return next;
}

void WindowMatcher::run_timers(Output& output) {
  const Instant now = next_timer();
  if (now.phase == Instant::Phase::deadline) return run_deadlines(now.ns, output);
  if (store_.instants() == seen_) store_.go_on();
  seen_ = store_.instants();
  for (const WindowStore::Touched& touched : store_.touched()) {
    const bool closing = window_.on == On::close;
    const Look look{touched.slot, store_.newest(touched.slot), now.ns,
                    closing ? touched.order : touched.order | after_events, false};
    if (!closing) {
      change(look, is_true(look), output);
    } else if (is_true(look)) {
      fire(look, output);
    }
  }
}

// Deadlines of one time, in order of what they go back to: first what stops holding, then what has held.
void WindowMatcher::run_deadlines(std::int64_t now_ns, Output& output) {
  while (!keeps_.empty() && keeps_.front().at_ns == now_ns) {
    const Deadline deadline = keeps_.front();
    keeps_.pop_front();
    if (states_[deadline.slot].falls == deadline.number)
      fall(look_at(deadline), states_[deadline.slot], output);
  }
  while (!waits_.empty() && waits_.front().at_ns == now_ns) {
    const Deadline deadline = waits_.front();
    waits_.pop_front();
    if (states_[deadline.slot].completes != deadline.number) continue;
    states_[deadline.slot].completes = 0;
    fire(look_at(deadline), output);
  }
}

WindowMatcher::Look WindowMatcher::look_at(const Deadline& deadline) const {
  return {deadline.slot, store_.newest(deadline.slot), deadline.at_ns, deadline.group, false};
}

RuleCounters WindowMatcher::counters() const {
  RuleCounters counters = counters_;
  counters.dropped_events = store_.dropped();
  return counters;
}

}  // namespace tocsin::match
