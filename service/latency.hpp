// How long batches take from when they were found to have come until their matches are where they leave from:
// a histogram with buckets of one digit, 1 µs, 2 µs, … 9 µs, 10 µs, 20 µs, … 1 s, and one for what takes
// longer. Recording is two additions to atomics, a batch; any thread may record while another reads.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tocsin::service {

struct Latencies {
  static constexpr std::size_t bounds_count = 55;
  /// Upper bounds of the buckets in ns, rising; each bucket holds its bound.
  static constexpr std::array<std::int64_t, bounds_count> bounds_ns = [] {
    std::array<std::int64_t, bounds_count> bounds{};
    std::int64_t unit = 1'000;
    for (std::size_t i = 0; i < bounds_count; ++i) {
      bounds[i] = static_cast<std::int64_t>(i % 9 + 1) * unit;
      if (i % 9 == 8) unit *= 10;
    }
    return bounds;
  }();

  std::array<std::uint64_t, bounds_count + 1> counts{};  // by bucket; the last one has no bound
  std::uint64_t sum_ns = 0;

  std::uint64_t count() const {
    std::uint64_t count = 0;
    for (const std::uint64_t each : counts)
      count += each;
    return count;
  }
};
static_assert(Latencies::bounds_ns.back() == 1'000'000'000);

class LatencyHistogram {
 public:
  void record(std::int64_t latency_ns) {
    const std::int64_t ns = std::max<std::int64_t>(latency_ns, 0);
    const auto bucket = static_cast<std::size_t>(
        std::lower_bound(Latencies::bounds_ns.begin(), Latencies::bounds_ns.end(), ns) -
        Latencies::bounds_ns.begin());
    counts_[bucket].fetch_add(1, std::memory_order_relaxed);
    sum_ns_.fetch_add(static_cast<std::uint64_t>(ns), std::memory_order_relaxed);
  }
  Latencies read() const {
    Latencies now;
    for (std::size_t i = 0; i < counts_.size(); ++i)
      now.counts[i] = counts_[i].load(std::memory_order_relaxed);
    now.sum_ns = sum_ns_.load(std::memory_order_relaxed);
    return now;
  }

 private:
  std::array<std::atomic<std::uint64_t>, Latencies::bounds_count + 1> counts_{};
  std::atomic<std::uint64_t> sum_ns_{0};
};

/// The latency below which a share (0.5, 0.99) of the batches stays, in ns, taken as evenly spread within a
/// bucket; what takes longer than the last bound counts as it. 0 where there are none.
inline double quantile_ns(const Latencies& latencies, double share) {
  const double wanted = share * static_cast<double>(latencies.count());
  double below = 0;
  for (std::size_t i = 0; i < Latencies::bounds_count; ++i) {
    const auto here = static_cast<double>(latencies.counts[i]);
    if (here > 0 && below + here >= wanted) {
      const double from = i == 0 ? 0 : static_cast<double>(Latencies::bounds_ns[i - 1]);
      return from + (static_cast<double>(Latencies::bounds_ns[i]) - from) * (wanted - below) / here;
    }
    below += here;
  }
  return latencies.count() == 0 ? 0 : static_cast<double>(Latencies::bounds_ns.back());
}

}  // namespace tocsin::service
