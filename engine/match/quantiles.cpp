#include "engine/match/quantiles.hpp"

#include <algorithm>
#include <cmath>

namespace tocsin::match {

namespace {

constexpr double accuracy = 0.01;
const double log_base = std::log((1 + accuracy) / (1 - accuracy));
constexpr std::int32_t shift = 37'300;  // makes the bucket of the least positive double number 1 or more

std::int32_t bucket_of(double value) {
  if (value == 0) return 0;
  const double size = std::min(std::fabs(value), 1.7e308);
  const auto bucket = std::max(1, static_cast<std::int32_t>(std::ceil(std::log(size) / log_base)) + shift);
  return value < 0 ? -bucket : bucket;
}

double value_of(std::int32_t bucket) {
  if (bucket == 0) return 0;
  const double size = std::exp((std::abs(bucket) - shift) * log_base) * (1 - accuracy);
  return bucket < 0 ? -size : size;
}

}  // namespace

std::uint32_t& Quantiles::Side::at(std::int32_t bucket) {
  constexpr std::int32_t step = 64;
  if (counts.empty()) {
    first = bucket - step / 2;
    counts.resize(step);
  }
  if (bucket < first) {
    const std::int32_t more = first - bucket + step;
    counts.insert(counts.begin(), static_cast<std::size_t>(more), 0);
    first -= more;
  }
  const auto index = static_cast<std::size_t>(bucket - first);
  if (index >= counts.size()) counts.resize(index + step);
  return counts[index];
}

std::uint32_t Quantiles::Side::count(std::int32_t bucket) const {
  const std::int64_t index = std::int64_t{bucket} - first;
  return index < 0 || index >= static_cast<std::int64_t>(counts.size())
             ? 0
             : counts[static_cast<std::size_t>(index)];
}

void Quantiles::change(double value, std::uint32_t by) {
  const std::int32_t bucket = bucket_of(value);
  (bucket == 0 ? zeros_ : bucket > 0 ? positive_.at(bucket) : negative_.at(-bucket)) += by;
  for (Cursor& cursor : cursors_) {
    if (bucket < cursor.bucket) cursor.below += static_cast<std::uint64_t>(static_cast<std::int32_t>(by));
  }
}

void Quantiles::add(double value) {
  if (std::isnan(value)) return;
  ++count_;
  if (!exact_) return change(value, 1);
  if (sorted_.size() < most_exact) {
    sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), value), value);
    return;
  }
  exact_ = false;
  for (const double known : sorted_)
    change(known, 1);
  sorted_.clear();
  change(value, 1);
}

void Quantiles::remove(double value) {
  if (std::isnan(value)) return;
  if (--count_ == 0) return clear();
  if (!exact_) return change(value, ~std::uint32_t{0});
  sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), value));
}

void Quantiles::clear() {
  sorted_.clear();
  count_ = 0;
  if (exact_) return;
  exact_ = true;
  std::fill(positive_.counts.begin(), positive_.counts.end(), 0);
  std::fill(negative_.counts.begin(), negative_.counts.end(), 0);
  zeros_ = 0;
  cursors_.clear();
}

// The neighbour of a bucket in the direction of `by`, past those that neither side has.
std::int32_t Quantiles::next_bucket(std::int32_t bucket, std::int32_t by) const {
  bucket += by;
  const auto end = [](const Side& side) {
    return side.first + static_cast<std::int32_t>(side.counts.size());
  };
  if (by > 0) {
    if (bucket > 0 && bucket < positive_.first) return positive_.first;
    if (bucket < 0 && -bucket < negative_.first) return 0;
  } else {
    if (bucket < 0 && -bucket < negative_.first) return -negative_.first;
    if (bucket > 0 && bucket < positive_.first) return 0;
    if (bucket > 0 && bucket >= end(positive_)) return end(positive_) - 1;
  }
  return bucket;
}

double Quantiles::percentile(double percent, std::uint32_t number) {
  const double place = static_cast<double>(count_ - 1) * percent / 100;
  const auto rank = std::min(static_cast<std::uint64_t>(place), count_ - 1);
  if (exact_) {
    const double low = sorted_[rank];
    if (rank + 1 == sorted_.size()) return low;
    const double part = place - static_cast<double>(rank);
    return part == 0 ? low : low + part * (sorted_[rank + 1] - low);
  }
  if (number >= cursors_.size()) {  // new ones start at the least bucket there is
    Cursor start;
    start.bucket = -(negative_.first + static_cast<std::int32_t>(negative_.counts.size()));
    cursors_.resize(number + 1, start);
  }
  Cursor& cursor = cursors_[number];
  while (cursor.below > rank) {
    cursor.bucket = next_bucket(cursor.bucket, -1);
    cursor.below -= count_of(cursor.bucket);
  }
  for (std::uint32_t here; cursor.below + (here = count_of(cursor.bucket)) <= rank;) {
    cursor.below += here;
    cursor.bucket = next_bucket(cursor.bucket, 1);
  }
  return value_of(cursor.bucket);
}

}  // namespace tocsin::match
