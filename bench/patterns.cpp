// What patterns cost as their state grows: long sequences of `~>` under wide bounds, a repeat in the middle,
// a million live runs, a million timers. Each checks its answer against a plain computation first. Items are
// events; a rate should not fall with the bound, the runs or the timers.
#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "dsl/compile.hpp"
#include "engine/base/hash.hpp"
#include "engine/runtime/engine.hpp"

namespace {

using namespace tocsin;

class CountingSink final : public model::MatchSink {
 public:
  void on_match(const model::MatchView&) override { ++matches; }
  std::uint64_t matches = 0;
};

/// A rule over events with two ints and a time, prepared outside what is timed.
class Workload {
 public:
  explicit Workload(const std::string& rule)
      : compiled_(
            dsl::compile_text("bench.tocsin", "event E { k: int, v: int, at: time @timestamp }\n" + rule)) {
    if (compiled_.plan) return;
    std::fputs(dsl::render(compiled_.diagnostics, compiled_.sources).c_str(), stderr);
    std::exit(1);
  }

  void add(std::int64_t key, std::int64_t value, std::int64_t time_ns) {
    if (batches_.empty() || batches_.back().size() == 1024) batches_.emplace_back();
    model::EventWriter writer(batches_.back());
    writer.begin(*compiled_.plan->catalog.find("E"));
    writer.set_int(0, key);
    writer.set_int(1, value);
    writer.commit(time_ns, 0, 0);
    ++events_;
  }

  /// Times all but the first `warm` events, which bring the state to its size.
  void run(benchmark::State& state, std::uint64_t expected, std::size_t warm = 0) {
    for (auto _ : state) {
      state.PauseTiming();
      auto input = batches_;
      CountingSink sink;
      runtime::Engine engine(*compiled_.plan, {}, sink);
      const auto source = engine.add_source();
      std::size_t batch = 0;
      for (; batch < input.size() && (batch + 1) * 1024 <= warm; ++batch)
        engine.push(source, input[batch]);
      state.ResumeTiming();
      for (; batch < input.size(); ++batch)
        engine.push(source, input[batch]);
      state.PauseTiming();
      engine.finish();
      if (sink.matches != expected) {
        std::fprintf(stderr, "wrong answer: %llu matches, expected %llu\n",
                     static_cast<unsigned long long>(sink.matches),
                     static_cast<unsigned long long>(expected));
        std::exit(1);
      }
      state.ResumeTiming();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * (events_ - warm / 1024 * 1024)));
    state.counters["matches"] = static_cast<double>(expected);
  }

 private:
  dsl::Compiled compiled_;
  std::deque<model::EventBatch> batches_;
  std::size_t events_ = 0;
};

constexpr std::int64_t symbols = 500;

// Steps of one symbol each, joined by `~>`; with `repeat` the middle one is taken any number of times. One
// match is reported for each event that completes any, found without looking at the others.
void sequence(benchmark::State& state, bool repeat) {
  const auto steps = static_cast<std::size_t>(state.range(0));
  const auto bound = static_cast<std::size_t>(state.range(1));
  std::string pattern;
  for (std::size_t i = 0; i < steps; ++i) {
    pattern += (i > 0 ? " ~> s" : "s") + std::to_string(i) + ": E[k == " + std::to_string(i) + "]";
    if (repeat && i == steps / 2) pattern += "{1.. any}";
  }
  Workload workload("rule r { match " + pattern + "\n  within " + std::to_string(bound) +
                    " events report any after match skip none }");
  constexpr std::size_t count = std::size_t{1} << 20;
  std::vector<std::int64_t> latest(steps, -1);  // by step: the latest start of a run that has got there
  std::uint64_t expected = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto key = static_cast<std::int64_t>(hash_mix(i + 1) % symbols);
    workload.add(key, 0, static_cast<std::int64_t>(i) * 1000);
    if (key >= static_cast<std::int64_t>(steps)) continue;
    const auto step = static_cast<std::size_t>(key);
    const std::int64_t start = step == 0 ? static_cast<std::int64_t>(i) : latest[step - 1];
    const bool lives = start >= 0 && i - static_cast<std::size_t>(start) < bound;
    if (step + 1 == steps) {
      expected += lives ? 1 : 0;
    } else if (lives) {
      latest[step] = std::max(latest[step], start);
    }
  }
  workload.run(state, expected);
}

// Each key has one run that waits; one event in two takes it on, and the next begins another.
void live_runs(benchmark::State& state) {
  const auto keys = static_cast<std::size_t>(state.range(0));
  const std::int64_t bound_ns = static_cast<std::int64_t>(keys) * 4000;  // four rounds
  Workload workload("rule r { match a: E[v == 0] -> b: E[v == 1] partition by k within " +
                    std::to_string(bound_ns) + "ns }");
  std::vector<std::int64_t> since(keys, -1);  // the key's run began, if one waits
  std::uint64_t expected = 0;
  for (std::size_t i = 0; i < keys + (std::size_t{1} << 20); ++i) {
    const std::size_t key = i < keys ? i : hash_mix(i) % keys;
    const auto now = static_cast<std::int64_t>(i) * 1000;
    const bool completes = since[key] >= 0;
    expected += completes && now - since[key] <= bound_ns ? 1 : 0;
    since[key] = completes ? -1 : now;
    workload.add(static_cast<std::int64_t>(key), completes ? 1 : 0, now);
  }
  workload.run(state, expected, keys);
}

// Heartbeats of many terminals: each event ends a wait and begins another; some terminals fall silent.
void absences(benchmark::State& state) {
  const auto keys = static_cast<std::size_t>(state.range(0));
  const std::int64_t wait_ns = static_cast<std::int64_t>(keys) * 3000;  // three rounds
  Workload workload("rule r { match a: E -> not E for " + std::to_string(wait_ns) +
                    "ns partition by k report all }");
  std::vector<std::int64_t> last(keys, -1);
  std::uint64_t expected = 0;
  std::int64_t now = 0;
  for (std::size_t i = 0; i < keys + (std::size_t{1} << 20); ++i) {
    const std::size_t key = i < keys ? i : hash_mix(i) % keys;
    now += 1000;
    if (last[key] >= 0 && now - last[key] > wait_ns) ++expected;
    last[key] = now;
    workload.add(static_cast<std::int64_t>(key), 0, now);
  }
  for (const std::int64_t at : last)
    expected += at >= 0 && now - at > wait_ns ? 1 : 0;
  workload.run(state, expected, keys);
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  for (const int steps : {3, 6, 12}) {
    for (const int bound : {100, 1000, 10'000})
      benchmark->Args({steps, bound});
  }
  benchmark->ArgNames({"steps", "bound"})->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(sequence, plain, false)->Apply(sizes);
BENCHMARK_CAPTURE(sequence, repeat, true)->Apply(sizes);
BENCHMARK(live_runs)->Arg(1000)->Arg(1'000'000)->ArgName("runs")->Unit(benchmark::kMillisecond);
BENCHMARK(absences)->Arg(1000)->Arg(1'000'000)->ArgName("timers")->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
