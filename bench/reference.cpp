// The reference workloads: the engine beside hand-written C++ for the same rules, in one process, over the
// same events in memory. Both must have found the same matches after each piece of the stream before it
// counts, and where the reference data are at hand, as many as other engines found in them.
//
//   usage: bench_reference [WORKLOAD…]          the table: rates, ratios, latency, memory; or only these rows
//          bench_reference --list               the names of the workloads
//          bench_reference --latency            latency alone
//          bench_reference --memory             memory alone
//          bench_reference --count WORKLOAD     its events once, for callgrind (./dev perf-check)
//          bench_reference --rates WORKLOAD…    engine, workload, matches, events a second: what ./dev peers
//                                               puts beside the same lines of other engines
//          bench_reference --write WORKLOAD     its first million events, one a line, for those
//
// TOCSIN_DATA names the folder of the reference data; without it events of the same distributions are made
// from a seed. Times are the thread's CPU times. A run is a million events (1,048,576), a rate the median of
// seven runs, a ratio the median of the runs' ratios. Engine and hand-written program take turns every 16,384
// events, so that what else the machine does hits both.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/common/answer.hpp"
#include "bench/common/by_hand.hpp"
#include "bench/common/engine_run.hpp"
#include "bench/common/events.hpp"
#include "bench/common/latency.hpp"
#include "bench/common/memory.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::bench;

constexpr std::size_t piece = 16'384;
constexpr int runs = 7;

struct Workload {
  const char* name;
  const char* what;
  Stream::Kind kind;
  std::uint64_t keys;
  std::string rules;
  std::function<std::unique_ptr<ByHand>()> by_hand;
  double reach_m = 0;         // million events, or matches, a second on the machine of the issue
  double reach_fraction = 0;  // of the hand-written program's rate, where that is known of that machine
  std::optional<std::uint64_t> known = {};  // matches in the recorded events, as other engines found them
  std::uint64_t warm_rounds = 1;            // rounds of the stream before anything is timed
  std::uint64_t per_ms = 10;
  bool is_any = false;      // which candidate is reported is open: only the number is compared
  bool is_rare = false;     // a million events may have no match
  bool by_matches = false;  // the rate is that of matches
};

std::string symbol_rules(int count) {
  std::string rules;
  for (int i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    rules += "rule r" + n + " { from Tick[symbol == \"S" + n + "\" and price > " +
             std::to_string(90 + i % 10) + "] emit Alert { symbol, price } }\n";
  }
  return rules;
}

// Even prices satisfy 4.9 of these on average.
std::vector<double> bounds() {
  std::vector<double> bounds;
  for (int i = 0; i < 1000; ++i)
    bounds.push_back(99.02 + 0.00098 * i);
  return bounds;
}

std::string threshold_rules() {
  std::string rules;
  char number[32];
  for (std::size_t i = 0; i < 1000; ++i) {
    std::snprintf(number, sizeof number, "%.17g", bounds()[i]);
    rules += "rule r" + std::to_string(i) + " { from Tick[price > " + number + "] emit High { price } }\n";
  }
  return rules;
}

std::string steps_rule(int steps, const char* rest) {
  std::string pattern;
  for (int i = 0; i < steps; ++i)
    pattern +=
        (i > 0 ? " ~> s" : "s") + std::to_string(i) + ": Tick[symbol == \"S" + std::to_string(i) + "\"]";
  return "rule r { match " + pattern + "\n  " + rest + " }";
}

template <class Hand, class... Args>
std::function<std::unique_ptr<ByHand>()> hand(Args... args) {
  return [=] { return std::make_unique<Hand>(args...); };
}

std::vector<Workload> workloads() {
  using enum Stream::Kind;
  const std::string sequence =
      "rule r { match a: Payment[amount < 5] -> b: Payment[amount < 5] -> c: Payment[amount > 500]\n"
      "  partition by card within 60s report all emit Hit { card, amount: c.amount } }";
  const auto window = [](const char* when) {
    return std::string("rule r { from Payment partition by card window sliding 60s when ") + when +
           " on every emit Busy { card, n: count() } }";
  };
  const auto any = [](const char* name, const char* what, int steps, double reach_m) {
    return Workload{.name = name,
                    .what = what,
                    .kind = ticks,
                    .keys = 500,
                    .rules = steps_rule(steps, "within 1000 events report any after match skip none"),
                    .by_hand = hand<AnyByHand>(static_cast<std::uint32_t>(steps), std::int64_t{1000}),
                    .reach_m = reach_m,
                    .is_any = true,
                    .is_rare = steps > 6};
  };
  return {
      {.name = "filter",
       .what = "filter: price > 95",
       .kind = ticks,
       .keys = 1000,
       .rules = "rule r { from Tick[price > 95] emit High { symbol, price } }",
       .by_hand = hand<FilterByHand>(95.0),
       .reach_m = 200,
       .reach_fraction = 200.0 / 900,
       .known = 52'312},
      {.name = "sequence",
       .what = "keyed sequence, all matches, 10,000 keys",
       .kind = payments,
       .keys = 10'000,
       .rules = sequence,
       .by_hand = hand<SequenceByHand>(),
       .reach_m = 30,
       .reach_fraction = 30.0 / 115,
       .known = 28'386},
      {.name = "sequence_million",
       .what = "the same, a million keys",
       .kind = payments,
       .keys = 1'000'000,
       .rules = sequence,
       .by_hand = hand<SequenceByHand>(),
       .reach_m = 12,
       .reach_fraction = 12.0 / 27,
       .warm_rounds = 16,
       .per_ms = 1000},
      {.name = "contiguous",
       .what = "three immediately following, per key",
       .kind = payments,
       .keys = 10'000,
       .rules = "rule r { match a: Payment[amount < 5] , b: Payment[amount < 5] , c: Payment[amount > 500]\n"
                "  partition by card emit Hit { card, amount: c.amount } }",
       .by_hand = hand<ContiguousByHand>(),
       .reach_m = 50,
       .known = 90},
      {.name = "count_sum",
       .what = "sliding 60 s count and sum per key",
       .kind = payments,
       .keys = 10'000,
       .rules = window("count() > 5 and sum(amount) > 16000"),
       .by_hand = hand<CountSumByHand>(16'000.0),
       .reach_m = 20},
      {.name = "count_every",
       .what = "sliding 60 s count, true at most events",
       .kind = payments,
       .keys = 10'000,
       .rules = window("count() > 5"),
       .by_hand = hand<CountSumByHand>(-1.0),
       .known = 998'576},
      {.name = "rules_1000",
       .what = "1,000 rules on symbol and price",
       .kind = ticks,
       .keys = 1000,
       .rules = symbol_rules(1000),
       .by_hand = hand<SymbolsByHand>(1000u),
       .reach_m = 50,
       .known = 57'496},
      {.name = "rules_10000",
       .what = "10,000 rules and symbols",
       .kind = ticks,
       .keys = 10'000,
       .rules = symbol_rules(10'000),
       .by_hand = hand<SymbolsByHand>(10'000u),
       .reach_m = 40},
      {.name = "thresholds",
       .what = "1,000 thresholds, 4.9 matches an event",
       .kind = ticks,
       .keys = 1000,
       .rules = threshold_rules(),
       .by_hand = hand<ThresholdsByHand>(bounds()),
       .reach_m = 20},
      any("any_3", "~>, 3 steps, 500 symbols, 1,000 events", 3, 30),
      any("any_6", "~>, 6 steps", 6, 15),
      any("any_12", "~>, 12 steps", 12, 8),
      {.name = "enumerate",
       .what = "~>, 3 steps, 20 matches an event (matches)",
       .kind = ticks,
       .keys = 10,
       .rules = steps_rule(3, "within 200 events report all"),
       .by_hand = hand<AllByHand>(std::uint64_t{200}),
       .reach_m = 30,
       .by_matches = true},
  };
}

Stream stream_of(const Workload& workload) {
  const char* const folder = std::getenv("TOCSIN_DATA");
  const bool is_recorded =
      workload.per_ms == 10 && workload.keys == (workload.kind == Stream::Kind::ticks ? 1000 : 10'000);
  if (folder && is_recorded) return Stream::of_file(workload.kind, folder);
  return {workload.kind, workload.keys, workload.per_ms};
}

void fail(const Workload& workload, std::uint64_t matches, std::uint64_t expected) {
  std::fprintf(stderr, "%s: wrong answer: %llu matches, expected %llu\n", workload.name,
               static_cast<unsigned long long>(matches), static_cast<unsigned long long>(expected));
  std::exit(1);
}

void compare(const Workload& workload, const Answer& engine, const Answer& expected) {
  const bool same = workload.is_any ? engine.matches == expected.matches : engine == expected;
  if (!same) fail(workload, engine.matches, expected.matches);
}

struct Measured {
  std::uint64_t first_matches = 0;  // among the first million events
  double per_event = 0;             // matches, while it was timed
  double engine_m = 0, hand_m = 0, ratio = 0;
};

Measured measure(const Workload& workload) {
  Stream stream = stream_of(workload);
  EngineRun engine(workload.kind, workload.rules);
  const auto by_hand = workload.by_hand();
  std::vector<Event> events;
  double engine_s = 0, hand_s = 0;  // of the round at hand
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
    }
  };
  round();
  if (engine.answer().matches == 0 && !workload.is_rare) fail(workload, 0, 1);
  if (stream.is_recorded() && workload.known && engine.answer().matches != *workload.known)
    fail(workload, engine.answer().matches, *workload.known);
  Measured measured;
  measured.first_matches = engine.answer().matches;
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
  measured.per_event = static_cast<double>(engine.answer().matches - matches_before) /
                       static_cast<double>(runs * Stream::round_events);
  measured.engine_m = median(engine_rates);
  measured.hand_m = median(hand_rates);
  measured.ratio = median(ratios);
  return measured;
}

void print_row(const Workload& workload) {
  const Measured measured = measure(workload);
  std::printf("%-44s %9.4f %9.1f %9.1f %7.3f", workload.what, measured.per_event, measured.engine_m,
              measured.hand_m, measured.ratio);
  if (workload.reach_m > 0) std::printf(" %9.0f", workload.reach_m);
  if (workload.reach_fraction > 0) std::printf(" %7.3f", workload.reach_fraction);
  std::printf("\n");
  std::fflush(stdout);
}

void print_rate(const Workload& workload) {
  const Measured measured = measure(workload);
  std::printf("tocsin\t%s\t%llu\t%.0f\n", workload.name,
              static_cast<unsigned long long>(measured.first_matches), 1e6 * measured.engine_m);
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
  std::printf("load %s: %.0f ms\n", what, median(times));
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
      print_rate(find(arguments[i]));
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
