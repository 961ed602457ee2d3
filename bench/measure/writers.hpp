// Figures as other programs read them.
#pragma once

#include <string>
#include <vector>

#include "bench/measure/histogram.hpp"

namespace tocsin::measure {

/// The percentile distribution of a histogram in ns, as HdrHistogram's tools write and plot it (.hgrm):
/// values in µs, percentiles that halve the distance to 100 % five times a step.
std::string to_hgrm(const Histogram& latency);

struct RatePoint {
  double rate = 0;                // events a second
  std::vector<std::uint64_t> ns;  // of each curve
};
/// A picture of latency over rate, both logarithmic: a curve for each name, a point for each rate. Points
/// that are 0 are left out.
std::string to_svg(const std::string& title, const std::vector<std::string>& curves,
                   const std::vector<RatePoint>& points);

}  // namespace tocsin::measure
