#include "engine/match/window_sums.hpp"

#include <limits>

namespace tocsin::match {

void NonFinite::count(std::uint64_t sum, double value, int step) {
  Counts& counts = counts_[sum];
  (std::isnan(value) ? counts.nan : counts.infinite[value < 0]) += static_cast<std::uint32_t>(step);
  if (counts.is_empty()) counts_.erase(sum);
}

void NonFinite::subtract(std::uint64_t sum, std::uint64_t part) {
  const auto taken = counts_.find(part);
  if (taken == counts_.end()) return;
  Counts& counts = counts_.at(sum);
  for (const int sign : {0, 1})
    counts.infinite[sign] -= taken->second.infinite[sign];
  counts.nan -= taken->second.nan;
  if (counts.is_empty()) counts_.erase(sum);
  counts_.erase(part);
}

std::optional<double> NonFinite::value(std::uint64_t sum) const {
  const auto found = counts_.find(sum);
  if (found == counts_.end()) return std::nullopt;
  const Counts& counts = found->second;
  if (counts.nan > 0 || (counts.infinite[0] > 0 && counts.infinite[1] > 0))
    return std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  return counts.infinite[0] > 0 ? infinity : -infinity;
}

void WindowSum::add_square(std::uint64_t* words, double value, bool out) {
  if (std::isfinite(value)) floats(words).add_square(value, out);
}

}  // namespace tocsin::match
