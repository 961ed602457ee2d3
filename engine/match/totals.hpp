// Aggregates over the events of many candidates at once, an event counted once for each candidate that holds
// it. Numbers that no 64 bits hold are given up, and then null.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/model/value.hpp"

namespace tocsin::match {

/// A number of candidates, or of events in them.
struct Count {
  std::int64_t number = 0;
  bool overflow = false;

  void add(const Count& other) {
    overflow |= other.overflow;
    overflow |= __builtin_add_overflow(number, other.number, &number);
  }
  model::Value value() const { return overflow ? model::Value::null() : model::Value::integer(number); }
};

/// What one expression comes to over all events of a step in all candidates.
struct Sum {
  Count count;  // values that are not null
  std::int64_t int_sum = 0;
  bool overflow = false;
  double float_sum = 0;
  model::Value least;
  model::Value greatest;

  /// `times` candidates take an event with this value, which must not be text or an array.
  void add(const model::Value& value, const Count& times) {
    const bool floating = value.kind == model::Kind::floating;
    count.add(times);
    float_sum += (floating ? value.f : static_cast<double>(value.i)) * static_cast<double>(times.number);
    std::int64_t product = 0;
    overflow |= times.overflow;
    if (!floating) {
      overflow |= __builtin_mul_overflow(value.i, times.number, &product);
      overflow |= __builtin_add_overflow(int_sum, product, &int_sum);
    }
    widen(value, value);
  }
  void add(const Sum& other) {
    count.add(other.count);
    float_sum += other.float_sum;
    overflow |= other.overflow;
    overflow |= __builtin_add_overflow(int_sum, other.int_sum, &int_sum);
    if (!other.least.is_null()) widen(other.least, other.greatest);
  }

 private:
  static bool less(const model::Value& a, const model::Value& b) {
    return a.kind == model::Kind::floating ? a.f < b.f : a.i < b.i;
  }
  void widen(const model::Value& low, const model::Value& high) {
    if (least.is_null() || less(low, least)) least = low;
    if (greatest.is_null() || less(greatest, high)) greatest = high;
  }
};

struct Totals {
  Count matches;
  const std::vector<Sum>& sums;  // by Program::totals
};

}  // namespace tocsin::match
