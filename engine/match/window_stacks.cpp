// The two stacks of a key's entries, for what can't be taken out again: see window_state.hpp.
#include <bit>
#include <cmath>
#include <limits>

#include "engine/match/window_state.hpp"

namespace tocsin::match {

std::uint64_t WindowState::combine(const Cell& cell, std::uint64_t a, std::uint64_t b) {
  const bool least = cell.kind == Cell::Kind::least;
  const bool a_less = cell.floating ? std::bit_cast<double>(a) < std::bit_cast<double>(b)
                                    : static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b);
  return a_less == least ? a : b;
}

// What changes nothing when it is combined with another: the extreme of no values.
std::uint64_t WindowState::nothing(const Cell& cell) {
  const bool least = cell.kind == Cell::Kind::least;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return cell.floating ? std::bit_cast<std::uint64_t>(least ? infinity : -infinity)
                       : static_cast<std::uint64_t>(least ? INT64_MAX : INT64_MIN);
}

// Puts the event at hand on the back stack or, in an empty window, on the front stack.
void WindowState::stack(const Cell& cell, Row& row, Entry entry, std::int64_t time_ns) {
  const Argument& argument = arguments_[cell.argument];
  const bool to_front = evicts_ && row.count == 0;
  if (cell.kind != Cell::Kind::decayed) {
    Extreme& extreme = state<Extreme>(row, cell);
    const bool is_value =
        !argument.null && !(cell.floating && std::isnan(std::bit_cast<double>(argument.bits)));
    const std::uint64_t bits = is_value ? argument.bits : nothing(cell);
    if (evicts_) log_.at(cell.column, entry) = to_front ? nothing(cell) : bits;
    if (to_front) {
      extreme.front = bits;
    } else {
      extreme.back = row.count == row.in_front ? bits : combine(cell, extreme.back, bits);
    }
    return;
  }
  Decayed& sums = state<Decayed>(row, cell);
  const double value = argument.null ? 0 : number(argument, argument.bits);
  const double weight = argument.null ? 0 : 1;
  if (evicts_) {
    log_.at(cell.column, entry) = std::bit_cast<std::uint64_t>(to_front ? 0.0 : value);
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
  if (--row.in_front == 0) {
    if (row.count > 0) turn(row);
    return;
  }
  for (const std::uint32_t number : stacked_) {
    const Cell& cell = cells_[number];
    const std::uint64_t rest = log_.at(cell.column, row.front);
    if (cell.kind != Cell::Kind::decayed) {
      state<Extreme>(row, cell).front = rest;
    } else {
      state<Decayed>(row, cell).front_weighted = std::bit_cast<double>(rest);
      state<Decayed>(row, cell).front_weights = log_.at(cell.weights, row.front);
    }
  }
  row.front = log_.at(links_, row.front);
}

// The front stack is used up: the back stack becomes it.
void WindowState::turn(Row& row) {
  for (const std::uint32_t number : stacked_) {
    const Cell& cell = cells_[number];
    if (cell.kind != Cell::Kind::decayed) {
      state<Extreme>(row, cell).front = nothing(cell);
    } else {
      Decayed& sums = state<Decayed>(row, cell);
      sums = {0, 0, 0, 0, 0, sums.back_ns};
    }
  }
  Entry newer = no_entry;
  Entry entry = row.newest;
  for (std::uint32_t left = row.count; left > 0; --left) {
    for (const std::uint32_t number : stacked_) {  // each gets what there is so far, and adds its own
      const Cell& cell = cells_[number];
      std::uint64_t& bits = log_.at(cell.column, entry);
      const std::uint64_t own = bits;
      if (cell.kind != Cell::Kind::decayed) {
        std::uint64_t& front = state<Extreme>(row, cell).front;
        bits = front;
        front = combine(cell, front, own);
        continue;
      }
      Decayed& sums = state<Decayed>(row, cell);
      const double weight = log_.at(cell.weights, entry);
      bits = std::bit_cast<std::uint64_t>(sums.front_weighted);
      log_.at(cell.weights, entry) = sums.front_weights;
      if (weight == 0) continue;
      const double decay =
          std::exp2(-static_cast<double>(sums.front_ns - log_.at(times_, entry)) * cell.decay);
      sums.front_weights += decay;
      sums.front_weighted += decay * std::bit_cast<double>(own);
    }
    const Entry older = log_.at(links_, entry);
    log_.at(links_, entry) = newer;
    newer = entry;
    entry = older;
  }
  row.front = newer;
  row.in_front = row.count;
}

}  // namespace tocsin::match
