#include "engine/match/contiguous.hpp"

#include <algorithm>

#include "engine/base/prefetch.hpp"
#include "engine/base/saturate.hpp"

namespace tocsin::match {

using plan::Contiguity;
using plan::Within;

namespace {

std::uint64_t bit(std::size_t i) {
  return std::uint64_t{1} << i;
}

std::size_t words_of(model::EventView event) {
  return event.size() / 8;
}

}  // namespace

bool is_contiguous_chain(const Program& program) {
  if (!program.watches.empty() || !program.counts_positions) return false;
  if (program.start.end - program.start.begin != 1) return false;
  const UnrolledAutomaton chain = unroll(program);
  if (chain.states.size() < 2) return false;
  if (program.within.unit == Within::Unit::events && program.within.events < chain.states.size())
    return false;
  // The start's arc leads to the first state, and that of each state to the next one.
  std::size_t place = 0;
  std::uint16_t state = chain.arcs.front().to;
  for (; chain.states[state].out.size() == 1 && !chain.states[state].accepts; ++place) {
    const auto& arc = chain.arcs[chain.states[state].out.front()];
    if (arc.contiguity != Contiguity::strict || place == chain.states.size()) return false;
    state = arc.to;
  }
  return place + 1 == chain.states.size() && chain.states[state].out.empty() && chain.states[state].accepts;
}

ContiguousMatcher::ContiguousMatcher(const Program& program, const Resources& resources)
    : program_(program), limits_(resources.limits), keys_(resources.keys), places_of_(program.steps.size()) {
  const UnrolledAutomaton chain = unroll(program);
  for (std::uint16_t state = chain.arcs.front().to;;) {
    places_of_[chain.states[state].step] |= bit(step_at_.size());
    step_at_.push_back(chain.states[state].step);
    if (chain.states[state].out.empty()) break;
    state = chain.arcs[chain.states[state].out.front()].to;
  }
  runs_.resize(1);
}

void ContiguousMatcher::prefetch(model::EventView, std::uint32_t slot, PrefetchStage stage) const {
  const std::uint32_t own = keys_.number_ahead(slot);
  if (own >= runs_.size()) return;
  if (stage == PrefetchStage::key) return tocsin::prefetch(&runs_[own]);
  tocsin::prefetch(runs_[own].events.data());
}

inline void ContiguousMatcher::visit(model::EventView event, std::uint64_t order, std::uint64_t steps,
                                     Output& output) {
  ++counters_.events;
  std::uint64_t places = 0;
  for (std::uint64_t left = steps; left != 0; left &= left - 1)
    places |= places_of_[static_cast<std::size_t>(std::countr_zero(left))];
  const bool starts = (places & 1) != 0;
  if (starts && keys_.size() >= key_room_) sweep_keys(event.time_ns());
  const std::uint32_t slot = program_.partitioned ? keys_.find(starts) : 0;
  if (slot != KeyTable::absent) take(slot, places, event, order, output);
}

void ContiguousMatcher::visit_all(std::span<const Visit> visits, KeySpace* keys, Output& output) {
  show_all(*this, visits, keys, output);
}

// An event that its key has runs for, or that may start one.
void ContiguousMatcher::take(std::uint32_t slot, std::uint64_t places, model::EventView event,
                             std::uint64_t order, Output& output) {
  if (slot >= runs_.size()) runs_.resize(slot + 1);
  Runs& runs = runs_[slot];
  const std::uint64_t takers = ((runs.waiting << 1) | 1) & places;
  counters_.started += takers & 1;
  counters_.advanced += static_cast<std::size_t>(std::popcount(takers & ~std::uint64_t{1}));
  live_runs_ += takers & 1;
  const std::uint64_t complete = takers & bit(step_at_.size() - 1);
  std::uint64_t waiting = takers & ~complete;
  const std::size_t counted = runs.count() + (takers & 1);
  if (complete != 0 && is_complete(runs, event)) {
    report(runs, event, order, output);
    if (program_.skip == plan::Skip::past_last) waiting = 0;
  }
  // Those events stay that a run still holds, this one with them.
  const auto needed = static_cast<std::size_t>(std::bit_width(waiting));
  std::size_t held = runs.length();
  std::size_t gone = 0;  // words
  held_words_ -= runs.events.size();
  held_events_ -= held;
  for (; held > 0 && held + 1 > needed; --held)
    gone += words_of(runs.event(gone));
  runs.events.erase(runs.events.begin(), runs.events.begin() + static_cast<std::ptrdiff_t>(gone));
  runs.waiting = waiting;
  live_runs_ -= counted - runs.count();
  if (waiting == 0) {
    if (program_.partitioned) keys_.erase(slot);
    return;
  }
  const auto* const words = reinterpret_cast<const std::uint64_t*>(event.bytes());
  runs.events.insert(runs.events.end(), words, words + words_of(event));
  held_words_ += runs.events.size();
  held_events_ += needed;
  const std::size_t limit = std::max<std::size_t>(limits_.run_nodes_per_rule, 512);
  if (held_events_ > limit) shrink(limit / 4 * 3);
}

// Of the run that has taken all events held: `within` holds. (A bound in events never is too small for all.)
bool ContiguousMatcher::is_complete(const Runs& runs, model::EventView last) const {
  return program_.within.unit != Within::Unit::time ||
         runs.event(0).time_ns() >= earlier(last.time_ns(), program_.within.time_ns);
}

void ContiguousMatcher::report(const Runs& runs, model::EventView last, std::uint64_t order, Output& output) {
  matched_.clear();
  std::size_t word = 0;
  for (std::size_t place = 0; place + 1 < step_at_.size(); ++place) {
    matched_.push_back({step_at_[place], runs.event(word)});
    word += words_of(runs.event(word));
  }
  matched_.push_back({step_at_.back(), last});
  ++counters_.matches;
  output.report(program_, {matched_, last.time_ns(), order, false});
}

// Ends the runs whose first event `is_over(event)` holds for: the oldest ones of each key.
template <class IsOver>
void ContiguousMatcher::end_runs(IsOver is_over) {
  const std::size_t slots = program_.partitioned ? keys_.capacity() : 1;
  for (std::uint32_t slot = 0; slot < std::min(slots, runs_.size()); ++slot) {
    Runs& runs = runs_[slot];
    if (runs.waiting == 0) continue;
    held_words_ -= runs.events.size();
    held_events_ -= runs.length();
    std::size_t gone = 0;
    while (runs.waiting != 0 && is_over(runs.event(gone))) {
      // The next run has taken fewer events, so those before its first go as well.
      std::size_t passed = runs.length();
      runs.waiting &= ~bit(passed - 1);
      --live_runs_;
      for (; passed > runs.length(); --passed)
        gone += words_of(runs.event(gone));
    }
    runs.events.erase(runs.events.begin(), runs.events.begin() + static_cast<std::ptrdiff_t>(gone));
    held_words_ += runs.events.size();
    held_events_ += runs.length();
    if (runs.waiting == 0 && program_.partitioned) keys_.erase(slot);
  }
}

// Called when the number of keys has doubled: amortised constant a key.
void ContiguousMatcher::sweep_keys(std::int64_t now_ns) {
  if (program_.within.unit == Within::Unit::time) {
    const std::int64_t cutoff_ns = earlier(now_ns, program_.within.time_ns);
    end_runs([&](model::EventView first) { return first.time_ns() < cutoff_ns; });
  }
  key_room_ = std::max<std::size_t>(1024, 2 * keys_.size());
}

// Finds the age that as many events have as are to go, and ends the runs that began before. Linear in the
// keys, and due only when a quarter of the limit has come.
void ContiguousMatcher::shrink(std::size_t nodes) {
  if (held_events_ <= nodes) return;
  ages_.clear();
  for (const Runs& runs : runs_) {
    std::size_t word = 0;
    for (std::size_t i = 0; i < runs.length(); ++i) {
      ages_.push_back(age_of(runs.event(word)));
      word += words_of(runs.event(word));
    }
  }
  const auto last = ages_.begin() + static_cast<std::ptrdiff_t>(held_events_ - nodes - 1);
  std::nth_element(ages_.begin(), last, ages_.end());
  const Age last_to_go = *last;
  const std::size_t before = live_runs_;
  end_runs([&](model::EventView first) { return age_of(first) <= last_to_go; });
  counters_.dropped_runs += before - live_runs_;
}

RuleCounters ContiguousMatcher::counters() const {
  RuleCounters counters = counters_;
  counters.expired = counters.started - counters.matches - counters.dropped_runs - live_runs_;
  return counters;
}

RuleState ContiguousMatcher::state() const {
  return {.runs = live_runs_,
          .nodes = held_events_,
          .keys = program_.partitioned ? keys_.size() : 0,
          .bytes = runs_.size() * sizeof(Runs) + 8 * held_words_};
}

}  // namespace tocsin::match
