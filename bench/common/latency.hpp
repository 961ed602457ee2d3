// What one event takes that is pushed alone, beside what the clock takes and what the machine does to a loop
// that only reads it.
#pragma once

#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "bench/common/by_hand.hpp"
#include "bench/common/engine_run.hpp"
#include "bench/measure/clock.hpp"
#include "bench/measure/histogram.hpp"

namespace tocsin::bench {

inline void print_latency(const char* what, const measure::Histogram& times_ns) {
  std::printf("%-44s", what);
  for (const double percent : {50.0, 99.0, 99.9, 99.99, 100.0})
    std::printf(" %9llu", static_cast<unsigned long long>(times_ns.at_percentile(percent)));
  std::printf("\n");
}

/// Pushes payments one by one; the times are those of the calls, and hold the clock's.
inline void measure_latency(Stream stream, const std::string& rules, ByHand& by_hand) {
  EngineRun engine(Stream::Kind::payments, rules);
  std::vector<Event> events;
  measure::Histogram clock, hand, engines;
  constexpr std::size_t piece = 4096;
  const auto time = [](measure::Histogram& times, auto work) {
    for (std::size_t i = 0; i < piece; ++i) {
      const std::int64_t begin = measure::steady_ns();
      work(i);
      times.record(static_cast<std::uint64_t>(measure::steady_ns() - begin));
    }
  };
  for (std::size_t i = 0; i < 2 * Stream::round_events; i += piece) {
    if (i == Stream::round_events) {  // the first round warms up
      for (auto* times : {&clock, &hand, &engines})
        times->clear();
    }
    stream.next(events, piece);
    engine.write(events, 1);
    time(clock, [](std::size_t) {});
    time(hand, [&](std::size_t j) { by_hand.run(std::span(events).subspan(j, 1)); });
    time(engines, [&](std::size_t j) { engine.push_batch(j); });
  }
  std::printf("%-44s %9s %9s %9s %9s %9s\n", "one event, ns (to reach: 60, 250, 1,000)", "p50", "p99",
              "p99.9", "p99.99", "max");
  print_latency("nothing: clock and machine", clock);
  print_latency("keyed sequence by hand", hand);
  print_latency("keyed sequence by the engine", engines);
}

}  // namespace tocsin::bench
