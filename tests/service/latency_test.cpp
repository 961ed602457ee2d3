// The histogram of latencies: which bucket takes what, and the shares that are read off it.
#include "service/latency.hpp"

#include <doctest/doctest.h>

namespace {

using namespace tocsin::service;

std::uint64_t at(const Latencies& latencies, std::int64_t bound_ns) {
  for (std::size_t i = 0; i < Latencies::bounds_count; ++i) {
    if (Latencies::bounds_ns[i] == bound_ns) return latencies.counts[i];
  }
  FAIL("no such bound");
  return 0;
}

}  // namespace

TEST_CASE("a bucket holds its bound and what is above the one before") {
  LatencyHistogram histogram;
  for (const std::int64_t ns : {-5, 0, 1'000, 1'001, 2'000, 9'001, 10'000, 10'001, 123'456'789})
    histogram.record(ns);
  histogram.record(1'000'000'001);
  const Latencies latencies = histogram.read();
  CHECK(at(latencies, 1'000) == 3);
  CHECK(at(latencies, 2'000) == 2);
  CHECK(at(latencies, 9'000) == 0);
  CHECK(at(latencies, 10'000) == 2);
  CHECK(at(latencies, 20'000) == 1);
  CHECK(at(latencies, 200'000'000) == 1);
  CHECK(at(latencies, 1'000'000'000) == 0);
  CHECK(latencies.counts.back() == 1);
  CHECK(latencies.count() == 10);
  CHECK(latencies.sum_ns == 1'000 + 1'001 + 2'000 + 9'001 + 10'000 + 10'001 + 123'456'789 + 1'000'000'001ull);
}

TEST_CASE("a share is read off as if a bucket's latencies were evenly spread") {
  LatencyHistogram histogram;
  CHECK(quantile_ns(histogram.read(), 0.5) == 0);
  for (int i = 0; i < 98; ++i)
    histogram.record(1'500);
  histogram.record(35'000);
  histogram.record(5'000'000'000);
  CHECK(quantile_ns(histogram.read(), 0.49) == doctest::Approx(1'500));
  CHECK(quantile_ns(histogram.read(), 0.98) == doctest::Approx(2'000));
  CHECK(quantile_ns(histogram.read(), 0.99) == doctest::Approx(40'000));
  CHECK(quantile_ns(histogram.read(), 1) == doctest::Approx(1e9));
}
