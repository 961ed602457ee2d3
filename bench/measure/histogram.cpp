#include "bench/measure/histogram.hpp"

#include <cmath>

namespace tocsin::measure {

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i)
    counts_[i] += other.counts_[i];
  total_ += other.total_;
  max_ = std::max(max_, other.max_);
  min_ = std::min(min_, other.min_);
}

double Histogram::mean() const {
  double sum = 0;
  for (const Bucket& bucket : buckets())
    sum += static_cast<double>(bucket.upper) * static_cast<double>(bucket.count);
  return total_ == 0 ? 0 : sum / static_cast<double>(total_);
}

double Histogram::deviation() const {
  const double middle = mean();
  double sum = 0;
  for (const Bucket& bucket : buckets()) {
    const double away = static_cast<double>(bucket.upper) - middle;
    sum += away * away * static_cast<double>(bucket.count);
  }
  return total_ == 0 ? 0 : std::sqrt(sum / static_cast<double>(total_));
}

std::uint64_t Histogram::at_percentile(double percent) const {
  const double share = percent / 100 * static_cast<double>(total_);
  // Rounding must not ask for one more than there is: 99.9 % of 1,000 is 999.
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share * (1 - 1e-12))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted && counts_[i] > 0) return std::min(upper_of(i), max_);
  }
  return max_;
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> all;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] > 0) all.push_back({upper_of(i), counts_[i]});
  }
  return all;
}

}  // namespace tocsin::measure
