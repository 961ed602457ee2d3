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

void Quantiles::Sketch::change(double value, std::int32_t by) {
  const std::int32_t bucket = bucket_of(value);
  (bucket == 0  ? zeros
   : bucket > 0 ? positive.at(bucket)
                : negative.at(-bucket)) += static_cast<std::uint32_t>(by);
  count += static_cast<std::uint64_t>(by);
  for (Cursor& cursor : cursors) {
    if (bucket < cursor.bucket) cursor.below += static_cast<std::uint64_t>(by);
  }
}

void Quantiles::add(double value) {
  if (std::isnan(value)) return;
  if (!sketch_) {
    if (exact_.size() < most_exact) return exact_.insert(value);
    sketch_ = std::make_unique<Sketch>();
    exact_.for_each([&](double known) { sketch_->change(known, 1); });
    exact_.release();
  }
  sketch_->change(value, 1);
}

void Quantiles::remove(double value) {
  if (std::isnan(value)) return;
  if (!sketch_) return exact_.remove(value);
  sketch_->change(value, -1);
  if (sketch_->count == 0) sketch_.reset();
}

void Quantiles::clear() {
  exact_.clear();
  sketch_.reset();
}

// The neighbour of a bucket in the direction of `by`, past those that neither side has.
std::int32_t Quantiles::Sketch::next_bucket(std::int32_t bucket, std::int32_t by) const {
  bucket += by;
  const auto end = [](const Side& side) {
    return side.first + static_cast<std::int32_t>(side.counts.size());
  };
  if (by > 0) {
    if (bucket > 0 && bucket < positive.first) return positive.first;
    if (bucket < 0 && -bucket < negative.first) return 0;
  } else {
    if (bucket < 0 && -bucket < negative.first) return -negative.first;
    if (bucket > 0 && bucket < positive.first) return 0;
    if (bucket > 0 && bucket >= end(positive)) return end(positive) - 1;
  }
  return bucket;
}

double Quantiles::Sketch::value_at(std::uint64_t rank, std::uint32_t number) {
  if (number >= cursors.size()) {  // new ones start at the least bucket there is
    Cursor start;
    start.bucket = -(negative.first + static_cast<std::int32_t>(negative.counts.size()));
    cursors.resize(number + 1, start);
  }
  Cursor& cursor = cursors[number];
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

double Quantiles::percentile(double percent, std::uint32_t cursor) {
  const double place = static_cast<double>(count() - 1) * percent / 100;
  const auto rank = std::min(static_cast<std::uint64_t>(place), count() - 1);
  if (sketch_) return sketch_->value_at(rank, cursor);
  const auto [low, high] = exact_.at(static_cast<std::uint32_t>(rank));
  const double part = place - static_cast<double>(rank);
  return part == 0 || low == high ? low : low + part * (high - low);
}

}  // namespace tocsin::match
