// The quantiles of a few figures. What there are many of is counted in a Histogram.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace tocsin::measure {

/// The value that `share` of the others are at most; 0 gives the least, 1 the greatest. Linear.
/// Preconditions: there are values, and share is from 0 to 1.
inline double quantile(std::vector<double> values, double share) {
  const auto last = static_cast<double>(values.size() - 1);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * last);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

inline double median(std::vector<double> values) {
  return quantile(std::move(values), 0.5);
}

}  // namespace tocsin::measure
