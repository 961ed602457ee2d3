// Aggregates over the events of many candidates at once, an event counted once for each candidate that holds
// it. Their numbers grow as powers of two, so they are floats: exact up to 2^53.
#pragma once

#include <vector>

#include "engine/model/value.hpp"

namespace tocsin::match {

/// What one expression comes to over all events of a step in all candidates.
struct Sum {
  double count = 0;  // values that are not null
  double sum = 0;
  model::Value least;
  model::Value greatest;

  /// `times` candidates take an event with this value, which must not be text or an array.
  void add(const model::Value& value, double times) {
    count += times;
    sum += (value.kind == model::Kind::floating ? value.f : static_cast<double>(value.i)) * times;
    widen(value, value);
  }
  void add(const Sum& other) {
    count += other.count;
    sum += other.sum;
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
  double matches = 0;
  const std::vector<Sum>& sums;  // by Program::totals
};

}  // namespace tocsin::match
