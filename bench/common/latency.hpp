// What one event takes that is pushed alone, beside what the clock takes and what the machine does to a loop
// that only reads it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "bench/common/by_hand.hpp"
#include "bench/common/engine_run.hpp"

namespace tocsin::bench {

inline void print_latency(const char* what, std::vector<std::int64_t>& times_ns) {
  std::sort(times_ns.begin(), times_ns.end());
  std::printf("%-44s", what);
  for (const double part : {0.5, 0.99, 0.999, 0.9999})
    std::printf(" %9lld",
                static_cast<long long>(
                    times_ns[static_cast<std::size_t>(part * static_cast<double>(times_ns.size()))]));
  std::printf(" %9lld\n", static_cast<long long>(times_ns.back()));
}

/// Pushes payments one by one; the times are those of the calls, and hold the clock's.
inline void measure_latency(Stream stream, const std::string& rules, ByHand& by_hand) {
  EngineRun engine(Stream::Kind::payments, rules);
  std::vector<Event> events;
  std::vector<std::int64_t> clock, hand, engines;
  const auto timed = [](std::vector<std::int64_t>& times, auto work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    times.push_back((std::chrono::steady_clock::now() - begin).count());
  };
  constexpr std::size_t piece = 4096;
  for (std::size_t i = 0; i < 2 * Stream::round_events; i += piece) {
    if (i == Stream::round_events) {  // the first round warms up
      for (auto* times : {&clock, &hand, &engines})
        times->clear();
    }
    stream.next(events, piece);
    engine.write(events, 1);
    for (std::size_t j = 0; j < piece; ++j)
      timed(clock, [] {});
    for (std::size_t j = 0; j < piece; ++j)
      timed(hand, [&] { by_hand.run(std::span(events).subspan(j, 1)); });
    for (std::size_t j = 0; j < piece; ++j)
      timed(engines, [&] { engine.push_batch(j); });
  }
  std::printf("%-44s %9s %9s %9s %9s %9s\n", "one event, ns (to reach: 60, 250, 1,000)", "p50", "p99",
              "p99.9", "p99.99", "max");
  print_latency("nothing: clock and machine", clock);
  print_latency("keyed sequence by hand", hand);
  print_latency("keyed sequence by the engine", engines);
}

}  // namespace tocsin::bench
