#include "engine/match/total.hpp"

#include <algorithm>
#include <bit>

namespace tocsin::match {

using plan::Contiguity;

TotalMatcher::TotalMatcher(const Program& program, const Resources& resources)
    : RunMatcher(program, resources), automaton_(unroll(program)), scratch_(resources.scratch) {}

void TotalMatcher::visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) {
  ++counters_.events;
  now_ = event.time_ns();
  if (keys_.size() >= key_room_) sweep_keys();
  if (starts_ >= room_) make_room();
  const std::uint32_t slot = slot_for((steps & automaton_.start_steps) != 0);
  if (slot == KeyTable::absent) return;
  if (slot >= positions_.size()) {
    positions_.resize(slot + 1);
    waiting_.resize(positions_.size() * automaton_.arcs.size());
  }
  const std::uint64_t position = ++positions_[slot];
  set_bound(event, position);

  const std::uint64_t watches = program_.watches_in(steps);
  if (watches != 0) close(slot, watches, true);
  advance_count_ = 0;
  for (std::uint64_t left = program_.steps_in(steps); left != 0; left &= left - 1) {
    for (const std::uint16_t arc : automaton_.into[static_cast<std::size_t>(std::countr_zero(left))])
      advance(slot, arc, position, watches);
  }
  if (watches != 0) close(slot, watches, false);
  completed_.clear();
  for (std::size_t i = 0; i < advance_count_; ++i) {
    Advance& step = advances_[i];
    const auto& state = automaton_.states[automaton_.arcs[step.arc].to];
    take(event, state.step, step.runs);
    if (!state.accepts) continue;
    last_step_ = completed_.starts.empty() ? state.step : std::min<std::uint32_t>(last_step_, state.step);
    add(step.runs, completed_);
  }
  const bool reports = !completed_.starts.empty();
  if (reports) report(event, order, output);
  if (reports && program_.skip == plan::Skip::past_last) {
    for (std::uint16_t arc = 0; arc < automaton_.arcs.size(); ++arc)
      clear(waiting(slot, arc));
    return;
  }
  for (std::size_t i = 0; i < advance_count_; ++i) {
    for (const std::uint16_t arc : automaton_.states[automaton_.arcs[advances_[i].arc].to].out) {
      Waiting& runs = waiting(slot, arc);
      if (automaton_.arcs[arc].contiguity == Contiguity::strict && runs.position != position) clear(runs);
      runs.position = position;
      starts_ -= runs.starts.size();
      add(advances_[i].runs, runs);
      starts_ += runs.starts.size();
    }
  }
}

void TotalMatcher::close(std::uint32_t slot, std::uint64_t watches, bool first) {
  for (std::uint64_t left = watches; left != 0; left &= left - 1) {
    for (const auto& closed : automaton_.closed_by[static_cast<std::size_t>(std::countr_zero(left))]) {
      if (closed.first == first) clear(waiting(slot, closed.arc));
    }
  }
}

void TotalMatcher::advance(std::uint32_t slot, std::uint16_t arc_id, std::uint64_t position,
                           std::uint64_t watches) {
  const auto& arc = automaton_.arcs[arc_id];
  const bool starts = arc.from == start_state;
  if (starts && arc.until != no_watch && ((watches >> arc.until) & 1) != 0) return;
  Waiting* from = starts ? nullptr : &waiting(slot, arc_id);
  if (from) {
    if (arc.contiguity == Contiguity::strict && from->position + 1 != position) clear(*from);
    expire(*from);
    if (from->starts.empty()) return;
  }
  if (advance_count_ == advances_.size()) advances_.emplace_back();
  Advance& step = advances_[advance_count_++];
  step.arc = arc_id;
  step.runs.clear();
  if (starts) {
    ++counters_.started;
    step.runs.starts.push_back({stamp_, 1});
    step.runs.sums.resize(program_.totals.size());
    return;
  }
  ++counters_.advanced;
  add(*from, step.runs);
  if (arc.contiguity != Contiguity::any) clear(*from);
}

// All runs take the event as one of `step`.
void TotalMatcher::take(model::EventView event, std::uint32_t step, Waiting& runs) {
  for (std::size_t t = 0; t < program_.totals.size(); ++t) {
    const Total& total = program_.totals[t];
    if (total.step != step) continue;
    model::Value value = model::Value::integer(1);
    if (total.value) {
      scratch_.reset();
      scratch_.element_event = event;
      value = total.value->evaluate({event, {}, step, 0}, scratch_);
      if (value.is_null()) continue;
    }
    for (std::size_t i = 0; i < runs.starts.size(); ++i)
      runs.sums[i * program_.totals.size() + t].add(value, runs.starts[i].matches);
  }
}

// Takes out what began before the bound.
void TotalMatcher::expire(Waiting& runs) {
  std::size_t gone = 0;
  while (gone < runs.starts.size() && runs.starts[gone].stamp < cutoff_)
    ++gone;
  counters_.expired += gone;
  drop_first(runs, gone);
}

void TotalMatcher::drop_first(Waiting& runs, std::size_t count) {
  if (count == 0) return;
  const auto sums = static_cast<std::ptrdiff_t>(count * program_.totals.size());
  runs.starts.erase(runs.starts.begin(), runs.starts.begin() + static_cast<std::ptrdiff_t>(count));
  runs.sums.erase(runs.sums.begin(), runs.sums.begin() + sums);
  starts_ -= count;
}

RuleState TotalMatcher::state() const {
  RuleState state = state_of_runs(automaton_.arcs.size() * sizeof(Waiting) + sizeof(std::uint64_t));
  state.runs = state.nodes = starts_;
  state.bytes += starts_ * (sizeof(Start) + program_.totals.size() * sizeof(Sum));
  return state;
}

// At the limit the older half of the starts on each arc goes.
void TotalMatcher::make_room() {
  sweep_keys();
  if (starts_ >= node_limit()) shrink(0);
  room_ = program_.room_for(2 * starts_, node_limit());
}

void TotalMatcher::shrink(std::size_t) {
  for (Waiting& runs : waiting_) {
    const std::size_t half = (runs.starts.size() + 1) / 2;
    counters_.dropped_runs += half;
    drop_first(runs, half);
  }
}

// Merges by start.
void TotalMatcher::add(const Waiting& from, Waiting& to) {
  const std::size_t width = program_.totals.size();
  merged_.clear();
  const auto copy = [&](const Waiting& runs, std::size_t i) {
    merged_.starts.push_back(runs.starts[i]);
    const auto first = runs.sums.begin() + static_cast<std::ptrdiff_t>(i * width);
    merged_.sums.insert(merged_.sums.end(), first, first + static_cast<std::ptrdiff_t>(width));
  };
  std::size_t a = 0;
  std::size_t b = 0;
  while (a < from.starts.size() || b < to.starts.size()) {
    if (b == to.starts.size() || (a < from.starts.size() && from.starts[a].stamp < to.starts[b].stamp)) {
      copy(from, a++);
    } else if (a == from.starts.size() || to.starts[b].stamp < from.starts[a].stamp) {
      copy(to, b++);
    } else {
      copy(to, b++);
      merged_.starts.back().matches += from.starts[a].matches;
      for (std::size_t t = 0; t < width; ++t)
        merged_.sums[merged_.sums.size() - width + t].add(from.sums[a * width + t]);
      ++a;
    }
  }
  std::swap(to.starts, merged_.starts);
  std::swap(to.sums, merged_.sums);
}

void TotalMatcher::report(model::EventView event, std::uint64_t order, Output& output) {
  const std::size_t width = program_.totals.size();
  double matches = 0;
  std::vector<Sum>& sums = merged_.sums;
  sums.assign(width, {});
  for (std::size_t i = 0; i < completed_.starts.size(); ++i) {
    matches += completed_.starts[i].matches;
    for (std::size_t t = 0; t < width; ++t)
      sums[t].add(completed_.sums[i * width + t]);
  }
  ++counters_.matches;
  const model::MatchedEvent last{last_step_, event};
  const Totals totals{matches, sums};
  Completion completion{{&last, 1}, event.time_ns(), order, false, &totals};
  output.report(program_, completion);
}

void TotalMatcher::clear(Waiting& runs) {
  starts_ -= runs.starts.size();
  runs.clear();
}

// Frees keys for which nothing waits. Called when their number has doubled: amortised constant a key.
void TotalMatcher::sweep_keys() {
  for (std::uint32_t slot = 0; slot < slots() && slot < positions_.size(); ++slot) {
    if (!in_use(slot)) continue;
    cutoff_ = cutoff_at(positions_[slot]);
    bool waits = false;
    for (std::uint16_t arc = 0; arc < automaton_.arcs.size(); ++arc) {
      expire(waiting(slot, arc));
      waits |= !waiting(slot, arc).starts.empty();
    }
    if (waits || !program_.partitioned) continue;
    positions_[slot] = 0;
    keys_.erase(slot);
  }
  key_room_ = std::max<std::size_t>(1024, 2 * keys_.size());
}

}  // namespace tocsin::match
