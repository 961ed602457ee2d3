// What a number of an event must lie in: `field > 5` and its like, several of one field as one. Floats are
// compared as integers that have their order, so that all kinds are one; NaN lies in no interval.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "engine/model/event.hpp"

namespace tocsin::match {

struct Interval {
  std::uint32_t field = 0;
  std::uint32_t slot = 0;
  bool floating = false;
  std::int64_t least = INT64_MIN;  // as order_of() gives it where the field is a float
  std::int64_t greatest = INT64_MAX;

  /// A number that orders floats as they are ordered, -0 just before 0. Its own inverse.
  static std::int64_t order_of(std::int64_t bits) {
    return bits ^ static_cast<std::int64_t>(static_cast<std::uint64_t>(bits >> 63) >> 1);
  }
  static std::int64_t order_of(double value) { return order_of(std::bit_cast<std::int64_t>(value)); }
  static double value_of(std::int64_t order) { return std::bit_cast<double>(order_of(order)); }

  /// All numbers of a field, and no NaN.
  static Interval all(std::uint32_t field, std::uint32_t slot, bool floating) {
    Interval interval{field, slot, floating};
    if (floating) {
      interval.least = order_of(-std::numeric_limits<double>::infinity());
      interval.greatest = order_of(std::numeric_limits<double>::infinity());
    }
    return interval;
  }
  bool has_least() const { return least != all(field, slot, floating).least; }

  /// The field's number, to compare with `least` and `greatest`; of a null field what its slot holds.
  std::int64_t number(model::EventView event) const {
    const std::int64_t bits = event.load_int(slot);
    return floating ? order_of(bits) : bits;
  }
  bool holds(model::EventView event) const {
    const std::int64_t value = number(event);
    const bool is_null = event.is_null(field);
    return (value >= least) & (value <= greatest) & !is_null;
  }
};

}  // namespace tocsin::match
