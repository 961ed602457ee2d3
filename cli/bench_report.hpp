// What `tocsin bench` found: as a table, as JSON and as a picture.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/open_loop.hpp"
#include "bench/measure/clock.hpp"
#include "bench/measure/histogram.hpp"

namespace tocsin::cli {

/// Repeats at one rate, and all together.
struct BenchStep {
  std::vector<load::Outcome> repeats;
  load::Outcome all;
};

struct BenchReport {
  std::string_view via;
  std::string pinning;
  bool busy_poll = false;
  measure::TickClock clock;
  std::int64_t idle_ns = 0;    // that the client's core was watched before
  measure::Histogram hiccups;  // of which it stood still
  std::vector<BenchStep> steps;
};

/// It does not keep up: what was due was not sent, or what was sent was not taken.
bool saturated(const load::Outcome& outcome);

/// In µs, as the table has it.
std::string show_micros(std::uint64_t ns);

void print_bench(const BenchReport& report);
std::string to_json(const BenchReport& report);
/// Latency over rate, a curve for each percentile.
std::string to_svg(const BenchReport& report);

}  // namespace tocsin::cli
