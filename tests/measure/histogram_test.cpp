#include "bench/measure/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <doctest/doctest.h>
#include <random>
#include <vector>

using tocsin::measure::Histogram;

namespace {

/// Values of all sizes.
std::vector<std::uint64_t> values(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back((random() & Histogram::highest) >> (random() % 42));
  return all;
}

Histogram of(const std::vector<std::uint64_t>& all) {
  Histogram histogram;
  for (const auto value : all)
    histogram.record(value);
  return histogram;
}

}  // namespace

TEST_CASE("a percentile of a histogram is that of the values, to 1 in 1024") {
  auto all = values(1, 20'000);
  const Histogram histogram = of(all);
  std::sort(all.begin(), all.end());
  for (const double percent : {0.0, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto rank = static_cast<std::size_t>(
        std::max(1.0, std::ceil(percent / 100 * static_cast<double>(all.size()) - 1e-6)));
    const std::uint64_t exact = all[rank - 1];
    const std::uint64_t told = histogram.at_percentile(percent);
    CAPTURE(percent);
    CHECK(told >= exact);
    CHECK(told - exact <= exact / 1024);
  }
  CHECK(histogram.max() == all.back());
  CHECK(histogram.min() == all.front());
  CHECK(histogram.total() == all.size());
}

TEST_CASE("a bucket ends where the next begins, at every power of two") {
  for (unsigned bit = 1; bit < 42; ++bit) {
    for (const std::uint64_t value :
         {(std::uint64_t{1} << bit) - 1, std::uint64_t{1} << bit, (std::uint64_t{1} << bit) + 1}) {
      Histogram histogram;
      histogram.record(value);
      const auto buckets = histogram.buckets();
      REQUIRE(buckets.size() == 1);
      CHECK(buckets[0].upper >= value);
      CHECK(buckets[0].upper - value <= value / 1024);
      CHECK(histogram.at_percentile(50) == value);  // never above the maximum
    }
  }
}

TEST_CASE("merged histograms are that of all values") {
  auto first = values(2, 5'000);
  const auto second = values(3, 700);
  Histogram merged = of(first);
  merged.merge(of(second));
  first.insert(first.end(), second.begin(), second.end());
  const Histogram all = of(first);
  CHECK(merged.total() == all.total());
  CHECK(merged.max() == all.max());
  CHECK(merged.min() == all.min());
  for (const double percent : {10.0, 50.0, 99.0, 99.99})
    CHECK(merged.at_percentile(percent) == all.at_percentile(percent));
}

TEST_CASE("an empty histogram, and values beyond its end") {
  Histogram histogram;
  CHECK(histogram.at_percentile(99) == 0);
  CHECK(histogram.max() == 0);
  CHECK(histogram.min() == 0);
  CHECK(histogram.mean() == 0);
  histogram.record(UINT64_MAX);
  CHECK(histogram.max() == Histogram::highest);
  histogram.clear();
  CHECK(histogram.total() == 0);
}

TEST_CASE("99.9 % of a thousand is the one before the last") {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 1000; ++value)
    histogram.record(value);
  CHECK(histogram.at_percentile(99.9) == 999);
  CHECK(histogram.at_percentile(50) == 500);
  CHECK(histogram.at_percentile(100) == 1000);
  CHECK(histogram.mean() == doctest::Approx(500.5));
}
