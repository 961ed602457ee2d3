// The reference workloads: the engine beside hand-written C++ for the same rules, in one process, over the
// same events in memory. Both must have found the same matches after each piece of the stream before it
// counts, and where the reference data are at hand, as many as other engines found in them.
//
//   usage: bench_reference [WORKLOAD…]          the table: rates, ratios, latency, memory; or only these rows
//          bench_reference --list               the names of the workloads
//          bench_reference --latency            latency alone
//          bench_reference --memory             memory alone
//          bench_reference --count WORKLOAD     its events once, for callgrind (./dev perf-check)
//          bench_reference --rates WORKLOAD…    lines of engine (tocsin, by_hand, asked), workload, events,
//          matches,
//                                               events a second, as ./dev peers has them of other engines;
//                                               lines `matches` say how many there are among so many events
//          bench_reference --write WORKLOAD     its first million events, one a line, for those
//
// TOCSIN_DATA names the folder of the reference data; without it events of the same distributions are made
// from a seed. Times are the thread's CPU times. A run is a million events (1,048,576), a rate the median of
// seven runs, a ratio the median of the runs' ratios. Engine and hand-written program take turns every 16,384
// events, so that what else the machine does hits both.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/common/answer.hpp"
#include "bench/common/engine_run.hpp"
#include "bench/common/latency.hpp"
#include "bench/common/memory.hpp"
#include "bench/common/workloads.hpp"
#include "bench/measure/quantile.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::bench;

constexpr std::size_t piece = 16'384;
constexpr int runs = 7;

void fail(const Workload& workload, std::uint64_t matches, std::uint64_t expected) {
  std::fprintf(stderr, "%s: wrong answer: %llu matches, expected %llu\n", workload.name,
               static_cast<unsigned long long>(matches), static_cast<unsigned long long>(expected));
  std::exit(1);
}

void compare(const Workload& workload, const Answer& engine, const Answer& expected) {
  const bool same = workload.is_any ? engine.matches == expected.matches : engine == expected;
  if (!same) fail(workload, engine.matches, expected.matches);
}

constexpr std::size_t few_events = 8 * piece;

struct Measured {
  std::uint64_t first_matches = 0;  // among the first million events
  std::uint64_t few_matches = 0;    // among the first few_events
  double per_event = 0;             // matches, while it was timed
  double engine_m = 0, hand_m = 0, ratio = 0;
};

Measured measured(const Workload& workload) {
  Stream stream = stream_of(workload);
  EngineRun engine(workload.kind, workload.rules);
  const auto by_hand = workload.by_hand();
  std::vector<Event> events;
  double engine_s = 0, hand_s = 0;  // of the round at hand
  std::size_t pieces = 0;           // so far
  Measured figures;
  const auto round = [&] {
    engine_s = hand_s = 0;
    for (std::size_t i = 0; i < Stream::round_events; i += piece) {
      stream.next(events, piece);
      engine.write(events);
      double begin = cpu_seconds();
      engine.push();
      engine_s += cpu_seconds() - begin;
      begin = cpu_seconds();
      by_hand->run(events);
      hand_s += cpu_seconds() - begin;
      compare(workload, engine.answer(), by_hand->answer());
      if (++pieces == few_events / piece) figures.few_matches = engine.answer().matches;
    }
  };
  round();
  if (engine.answer().matches == 0 && !workload.is_rare) fail(workload, 0, 1);
  if (stream.is_recorded() && workload.known && engine.answer().matches != *workload.known)
    fail(workload, engine.answer().matches, *workload.known);
  figures.first_matches = engine.answer().matches;
  for (std::uint64_t i = 1; i < workload.warm_rounds; ++i)
    round();

  std::vector<double> engine_rates, hand_rates, ratios;
  const std::uint64_t matches_before = engine.answer().matches;
  for (int run = 0; run < runs; ++run) {
    const std::uint64_t before = engine.answer().matches;
    round();
    const std::uint64_t items = workload.by_matches ? engine.answer().matches - before : Stream::round_events;
    engine_rates.push_back(static_cast<double>(items) / engine_s / 1e6);
    hand_rates.push_back(static_cast<double>(items) / hand_s / 1e6);
    ratios.push_back(hand_s / engine_s);
  }
  figures.per_event = static_cast<double>(engine.answer().matches - matches_before) /
                      static_cast<double>(runs * Stream::round_events);
  figures.engine_m = measure::median(engine_rates);
  figures.hand_m = measure::median(hand_rates);
  figures.ratio = measure::median(ratios);
  return figures;
}

void print_row(const Workload& workload) {
  const Measured figures = measured(workload);
  std::printf("%-44s %9.4f %9.1f %9.1f %7.3f", workload.what, figures.per_event, figures.engine_m,
              figures.hand_m, figures.ratio);
  if (workload.reach_m > 0) std::printf(" %9.0f", workload.reach_m);
  if (workload.reach_fraction > 0) std::printf(" %7.3f", workload.reach_fraction);
  std::printf("\n");
  std::fflush(stdout);
}

void print_rates(const Workload& workload) {
  const Measured figures = measured(workload);
  const auto line = [&](const char* what, std::size_t events, std::uint64_t matches, double rate_m) {
    std::printf("%s\t%s\t%zu\t%llu\t%.0f\n", what, workload.name, events,
                static_cast<unsigned long long>(matches), 1e6 * rate_m);
  };
  line("tocsin", Stream::round_events, figures.first_matches, figures.engine_m);
  line("by_hand", Stream::round_events, figures.first_matches, figures.hand_m);
  if (workload.reach_m > 0) line("asked", Stream::round_events, figures.first_matches, workload.reach_m);
  line("matches", Stream::round_events, figures.first_matches, 0);
  line("matches", few_events, figures.few_matches, 0);
  std::fflush(stdout);
}

void write_events(const Workload& workload) {
  std::vector<Event> events;
  stream_of(workload).next(events, Stream::round_events);
  for (const Event& event : events) {
    const std::string key(event.key.view());
    std::printf("%s,%.17g,%lld\n", key.c_str(), event.number, static_cast<long long>(event.volume));
  }
}

}  // namespace

/// Where callgrind counts. Of this name, and not inline, as it is told by that.
extern "C" __attribute__((noinline)) void tocsin_counted(EngineRun& engine) {
  engine.push();
}

namespace {

// A few events warm up, and as many are counted. No clock, no file, nothing random.
void count(const Workload& workload) {
  constexpr std::size_t events_counted = 4 * piece;
  Stream stream(workload.kind, workload.keys, workload.per_ms);
  EngineRun engine(workload.kind, workload.rules);
  const auto by_hand = workload.by_hand();
  std::vector<Event> events;
  for (const bool counted : {false, true}) {
    stream.next(events, events_counted);
    engine.write(events);
    if (counted) {
      tocsin_counted(engine);
    } else {
      engine.push();
    }
    by_hand->run(events);
    compare(workload, engine.answer(), by_hand->answer());
  }
}

// From text to an engine that can take events.
void measure_load(const char* what, Stream::Kind kind, const std::string& rules) {
  std::vector<double> times;
  for (int run = 0; run < 5; ++run) {
    const double begin = cpu_seconds();
    const EngineRun engine(kind, rules);
    times.push_back(1e3 * (cpu_seconds() - begin));
  }
  std::printf("load %s: %.0f ms\n", what, measure::median(times));
}

}  // namespace

int main(int argc, char** argv) {
  const auto all = workloads();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto find = [&](const std::string& name) -> const Workload& {
    for (const Workload& workload : all) {
      if (name == workload.name) return workload;
    }
    std::fprintf(stderr, "no workload '%s'; see --list\n", name.c_str());
    std::exit(2);
  };
  if (!arguments.empty() && arguments[0] == "--list") {
    for (const Workload& workload : all)
      std::printf("%s\n", workload.name);
    return 0;
  }
  if (arguments.size() == 2 && arguments[0] == "--count") {
    count(find(arguments[1]));
    return 0;
  }
  if (arguments.size() == 2 && arguments[0] == "--write") {
    write_events(find(arguments[1]));
    return 0;
  }
  const auto latency = [&] {
    const Workload& sequence = find("sequence");
    measure_latency(stream_of(sequence), sequence.rules, *sequence.by_hand());
  };
  if (arguments == std::vector<std::string>{"--latency"}) {
    latency();
    return 0;
  }
  if (arguments == std::vector<std::string>{"--memory"}) {
    measure_memory();
    return 0;
  }
  if (!arguments.empty() && arguments[0] == "--rates") {
    for (std::size_t i = 1; i < arguments.size(); ++i)
      print_rates(find(arguments[i]));
    return 0;
  }
  std::vector<Workload> chosen;
  for (const std::string& name : arguments)
    chosen.push_back(find(name));
  if (chosen.empty()) chosen = all;

  std::printf("%-44s %9s %9s %9s %7s %9s %7s\n", "million a second", "matches/", "engine", "by hand", "ratio",
              "to reach", "ratio");
  for (const Workload& workload : chosen)
    print_row(workload);
  if (!arguments.empty()) return 0;
  std::printf("\n");
  measure_load("1,000 rules", Stream::Kind::ticks, symbol_rules(1000));
  measure_load("10,000 rules", Stream::Kind::ticks, symbol_rules(10'000));
  std::printf("\n");
  latency();
  std::printf("\n");
  measure_memory();
}
