// `p99<20us`: what a figure is held to, for people's CI.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/measure/histogram.hpp"

namespace tocsin::measure {

/// A duration as rule files write it (`500ns`, `20us`, `1.5ms`, `2s`) in ns. Throws std::invalid_argument
/// with a sentence.
std::int64_t parse_duration(std::string_view text);
/// A rate in events a second: `250000`, `250_000`, `250k`, `1M`, `1.5M`. Throws as above.
double parse_rate(std::string_view text);

struct Assertion {
  std::string text;      // as it was written
  double percent = 100;  // 100: the maximum
  bool or_equal = false;
  std::uint64_t limit_ns = 0;

  bool holds(const Histogram& latency) const {
    const std::uint64_t value = latency.at_percentile(percent);
    return latency.total() > 0 && (value < limit_ns || (or_equal && value == limit_ns));
  }
};
/// `p50<1us`, `p99.9<=20us`, `max<1ms`. Throws as above.
Assertion parse_assertion(std::string_view text);

}  // namespace tocsin::measure
