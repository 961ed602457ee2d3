// The two stacks of a key's entries, for what can't be taken out again: see window_state.hpp.
#include <cmath>
#include <utility>

#include "engine/match/window_state.hpp"

namespace tocsin::match {

// Puts the event at hand on the back stack or, in an empty window, on the front stack.
void WindowState::stack(const Cell& cell, Row& row, Entry entry, std::int64_t time_ns) {
  const Argument& argument = arguments_[cell.argument];
  const bool to_front = evicts_ && row.count == 0;
  Decayed& sums = state<Decayed>(row, cell);
  const double value = argument.null ? 0 : number(argument, argument.bits);
  const double weight = argument.null ? 0 : 1;
  if (evicts_) {
    log_.at(cell.weighted, entry) = to_front ? 0 : value;
    log_.at(cell.weights, entry) = to_front ? 0 : weight;
  }
  if (to_front) {
    sums.front_weighted = value;
    sums.front_weights = weight;
    sums.front_ns = time_ns;
    return;
  }
  if (argument.null) return;
  if (sums.weights > 0) {
    const double decay = std::exp2(-static_cast<double>(time_ns - sums.back_ns) * cell.decay);
    sums.weighted *= decay;
    sums.weights *= decay;
  }
  sums.weighted += value;
  sums.weights += 1;
  sums.back_ns = time_ns;
}

// The oldest entry goes; front stays the oldest of those that are left.
void WindowState::unlink_front(Row& row) {
  --row.entries;
  if (--row.in_front == 0) {
    if (row.entries > 0) turn(row);
    return;
  }
  for (const std::uint32_t number : decayed_) {
    const Cell& cell = cells_[number];
    Decayed& sums = state<Decayed>(row, cell);
    sums.front_weighted = log_.at(cell.weighted, row.front);
    sums.front_weights = log_.at(cell.weights, row.front);
  }
  row.front = log_.at(links_, row.front);
}

// The front stack is used up: the back stack becomes it.
void WindowState::turn(Row& row) {
  for (const std::uint32_t number : decayed_) {
    Decayed& sums = state<Decayed>(row, cells_[number]);
    sums = {0, 0, 0, 0, 0, sums.back_ns};
  }
  Entry newer = no_entry;
  Entry entry = row.newest;
  for (std::uint32_t left = row.entries; left > 0; --left) {
    for (const std::uint32_t number : decayed_) {  // each gets what there is so far, and adds its own
      const Cell& cell = cells_[number];
      Decayed& sums = state<Decayed>(row, cell);
      const double own = std::exchange(log_.at(cell.weighted, entry), sums.front_weighted);
      const double weight = std::exchange(log_.at(cell.weights, entry), sums.front_weights);
      if (weight == 0) continue;
      const double decay =
          std::exp2(-static_cast<double>(sums.front_ns - log_.at(linked_times_, entry)) * cell.decay);
      sums.front_weights += decay;
      sums.front_weighted += decay * own;
    }
    const Entry older = log_.at(links_, entry);
    log_.at(links_, entry) = newer;
    newer = entry;
    entry = older;
  }
  row.front = newer;
  row.in_front = row.entries;
}

}  // namespace tocsin::match
