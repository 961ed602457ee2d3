// What one event takes that is pushed alone, beside what the clock takes and what the machine does to a loop
// that only reads it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
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
  struct Group {
    std::size_t events = 0;
    std::int64_t total_ns = 0;
  };
  std::array<Group, 9> by_matches;  // of the engine's; the last are those with that many or more
  constexpr std::size_t piece = 4096;
  const auto time = [](measure::Histogram& times, auto work, auto note) {
    for (std::size_t i = 0; i < piece; ++i) {
      const std::int64_t begin = measure::steady_ns();
      work(i);
      const std::int64_t took_ns = measure::steady_ns() - begin;
      times.record(static_cast<std::uint64_t>(took_ns));
      note(took_ns);
    }
  };
  const auto no_note = [](std::int64_t) {};
  std::uint64_t matches = 0;
  const auto note_group = [&](std::int64_t took_ns) {
    const std::uint64_t of_event = engine.answer().matches - std::exchange(matches, engine.answer().matches);
    Group& group = by_matches[std::min<std::size_t>(of_event, by_matches.size() - 1)];
    ++group.events;
    group.total_ns += took_ns;
  };
  for (std::size_t i = 0; i < 2 * Stream::round_events; i += piece) {
    if (i == Stream::round_events) {  // the first round warms up
      for (auto* times : {&clock, &hand, &engines})
        times->clear();
      by_matches = {};
    }
    stream.next(events, piece);
    engine.write(events, 1);
    time(
        clock, [](std::size_t) {}, no_note);
    time(
        hand, [&](std::size_t j) { by_hand.run(std::span(events).subspan(j, 1)); }, no_note);
    time(
        engines, [&](std::size_t j) { engine.push_batch(j); }, note_group);
  }
  std::printf("%-44s %9s %9s %9s %9s %9s\n", "one event, ns (to reach: 60, 250, 1,000)", "p50", "p99",
              "p99.9", "p99.99", "max");
  print_latency("nothing: clock and machine", clock);
  print_latency("keyed sequence by hand", hand);
  print_latency("keyed sequence by the engine", engines);
  std::printf("  its mean by the number of matches that the event completes:");
  for (std::size_t count = 0; count < by_matches.size(); ++count) {
    const Group& group = by_matches[count];
    if (group.events == 0) continue;
    std::printf(" %zu%s %lld", count, count + 1 < by_matches.size() ? ":" : "+:",
                static_cast<long long>(group.total_ns) / static_cast<long long>(group.events));
  }
  std::printf("\n");
}

}  // namespace tocsin::bench
