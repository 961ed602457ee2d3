// Sums of floats from which values are taken out again. What rounding loses is kept in a second number
// (Knuth's TwoSum), so that a sum that once held 1e18 is right again when that has gone.
#pragma once

#include <cmath>

namespace tocsin::match {

/// All bits 0 is the sum of nothing. For finite values.
struct Compensated {
  double high;
  double low;

  void add(double value) {
    const double sum = high + value;
    const double rounded = sum - high;
    low += (high - (sum - rounded)) + (value - rounded);
    high = sum;
  }
  /// Adds the square of `value`, or takes it out.
  void add_square(double value, bool out) {
    const double square = value * value;
    const double lost = std::fma(value, value, -square);
    add(out ? -square : square);
    add(out ? -lost : lost);
  }
  void subtract(const Compensated& other) {
    add(-other.high);
    add(-other.low);
  }
  double value() const { return high + low; }
};

}  // namespace tocsin::match
