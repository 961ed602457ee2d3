// What patterns cost as their state grows: long sequences of `~>` under wide bounds, a repeat in the middle,
// a million live runs, a million timers. A rate should not fall with the bound, the runs or the timers.
//
// Each workload is an endless stream of events from a seed, and hand-written C++ for that one rule beside the
// engine. First both run over several rounds of the stream, which bring the state to its size and let memory
// be used again, and must have found as many matches after each batch. Then a steady state is timed: the
// engine, and by hand over the same events. A batch is written just before it is pushed, as by a decoder, and
// that is not timed. Times are CPU times; items are events.
#include <algorithm>
#include <benchmark/benchmark.h>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "bench/common/answer.hpp"
#include "bench/common/engine_run.hpp"
#include "engine/base/hash.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::bench;

struct Item {
  std::int64_t key;
  std::int64_t value;
  std::int64_t at_ns;
};

class CountingSink final : public model::MatchSink {
 public:
  void on_match(const model::MatchView&) override { ++matches; }
  std::uint64_t matches = 0;
};

struct MixHash {
  using is_avalanching = void;
  std::size_t operator()(std::uint64_t value) const { return hash_mix(value); }
};

constexpr std::size_t batch_size = 1024;
constexpr std::size_t timed_events = std::size_t{1} << 20;  // an iteration

// `Workload` gives the text of the rule, the next event, and by_hand(event): the number of matches so far
// once the event and the timers before it are done.
template <class Workload>
void run(benchmark::State& state, Workload workload, std::size_t warm) {
  EngineWith<CountingSink> engine("E", "event E { k: int, v: int, at: time @timestamp }\n" + workload.rule());
  const auto push = [&](const Item* items) {  // takes seconds
    engine.write(std::span(items, batch_size), [](model::EventWriter& writer, const Item& item) {
      writer.set_int(0, item.key);
      writer.set_int(1, item.value);
    });
    const double begin = cpu_seconds();
    engine.push();
    return cpu_seconds() - begin;
  };
  const auto check = [&](std::uint64_t expected) {
    if (engine.sink().matches == expected) return;
    std::fprintf(stderr, "wrong answer: %llu matches, expected %llu\n",
                 static_cast<unsigned long long>(engine.sink().matches),
                 static_cast<unsigned long long>(expected));
    std::exit(1);
  };

  std::vector<Item> items(timed_events);
  std::uint64_t expected = 0;
  for (std::size_t done = 0; done < warm; done += batch_size) {
    std::generate_n(items.begin(), batch_size, [&] { return workload.next(); });
    push(items.data());
    for (std::size_t i = 0; i < batch_size; ++i)
      expected = workload.by_hand(items[i]);
    check(expected);
  }
  const std::uint64_t warm_matches = expected;
  double by_hand = 0;
  for (auto _ : state) {
    std::generate(items.begin(), items.end(), [&] { return workload.next(); });
    double seconds = 0;
    for (std::size_t i = 0; i < items.size(); i += batch_size)
      seconds += push(items.data() + i);
    state.SetIterationTime(seconds);
    const double begin = cpu_seconds();
    for (const Item& item : items)
      expected = workload.by_hand(item);
    by_hand += cpu_seconds() - begin;
    check(expected);
  }
  const auto events = static_cast<double>(state.iterations()) * static_cast<double>(timed_events);
  state.SetItemsProcessed(static_cast<std::int64_t>(events));
  state.counters["by_hand"] = benchmark::Counter(events / by_hand);
  state.counters["matches_per_event"] = static_cast<double>(expected - warm_matches) / events;
}

// Steps of one symbol each, joined by `~>`; with `repeat` the middle one is taken any number of times. One
// match is reported for each event that completes any, found without looking at the others.
class Sequence {
 public:
  Sequence(std::size_t steps, std::size_t bound, bool repeat)
      : bound_(bound), repeat_(repeat), latest_(steps, -1) {}

  std::string rule() const {
    std::string pattern;
    for (std::size_t i = 0; i < latest_.size(); ++i) {
      pattern += (i > 0 ? " ~> s" : "s") + std::to_string(i) + ": E[k == " + std::to_string(i) + "]";
      if (repeat_ && i == latest_.size() / 2) pattern += "{1.. any}";
    }
    return "rule r { match " + pattern + "\n  within " + std::to_string(bound_) +
           " events report any after match skip none }";
  }
  Item next() {
    const std::uint64_t i = made_++;
    return {static_cast<std::int64_t>(hash_mix(i + 1) % symbols), 0, static_cast<std::int64_t>(i) * 1000};
  }
  std::uint64_t by_hand(const Item& item) {
    const std::int64_t i = seen_++;
    const auto step = static_cast<std::size_t>(item.key);
    if (step >= latest_.size()) return matches_;
    const std::int64_t start = step == 0 ? i : latest_[step - 1];
    const bool lives = start >= 0 && i - start < static_cast<std::int64_t>(bound_);
    if (lives && step + 1 == latest_.size()) ++matches_;
    if (lives) latest_[step] = std::max(latest_[step], start);
    return matches_;
  }

 private:
  static constexpr std::uint64_t symbols = 500;
  const std::size_t bound_;
  const bool repeat_;
  std::uint64_t made_ = 0;
  std::int64_t seen_ = 0;
  std::vector<std::int64_t> latest_;  // by step: the latest start of a run that has got there
  std::uint64_t matches_ = 0;
};

// Three steps of one symbol of 20 each, joined by `~>`, and every match of them, some 60 an event, is looked
// at.
class Enumeration {
 public:
  std::string rule() const {
    return "rule r { match a: E[k == 0] ~> b: E[k == 1] ~> c: E[k == 2] within " + std::to_string(bound) +
           " events report all after match skip none }";
  }
  Item next() {
    const std::uint64_t i = made_++;
    return {static_cast<std::int64_t>(hash_mix(i + 1) % symbols), 0, static_cast<std::int64_t>(i) * 1000};
  }
  std::uint64_t by_hand(const Item& item) {
    const std::int64_t i = seen_++;
    for (auto* taken : {&firsts_, &seconds_}) {
      while (!taken->empty() && i - taken->front() >= bound)
        taken->pop_front();
    }
    if (item.key == 0) firsts_.push_back(i);
    if (item.key == 1) seconds_.push_back(i);
    if (item.key != 2) return matches_;
    for (const std::int64_t b : seconds_) {
      for (auto a = firsts_.begin(); a != firsts_.end() && *a < b; ++a) {
        std::int64_t events = *a ^ b ^ i;
        benchmark::DoNotOptimize(events);
        ++matches_;
      }
    }
    return matches_;
  }

 private:
  static constexpr std::uint64_t symbols = 20;
  static constexpr std::int64_t bound = 1000;
  std::uint64_t made_ = 0;
  std::int64_t seen_ = 0;
  std::deque<std::int64_t> firsts_, seconds_;
  std::uint64_t matches_ = 0;
};

// A stream over many keys, each seen once before they come at random.
class KeyedStream {
 public:
  explicit KeyedStream(std::size_t keys) : keys_(keys) {}

 protected:
  Item draw() {
    const std::uint64_t i = made_++;
    return {static_cast<std::int64_t>(i < keys_ ? i : hash_mix(i) % keys_), 0,
            static_cast<std::int64_t>(i) * 1000};
  }
  const std::size_t keys_;

 private:
  std::uint64_t made_ = 0;
};

// Each key has one run that waits; one event in two takes it on, and the next begins another.
class LiveRuns : KeyedStream {
 public:
  explicit LiveRuns(std::size_t keys) : KeyedStream(keys), waits_(keys) {}

  std::string rule() const {
    return "rule r { match a: E[v == 0] -> b: E[v == 1] partition by k within " + std::to_string(bound_ns()) +
           "ns }";
  }
  Item next() {
    Item item = draw();
    const auto key = static_cast<std::size_t>(item.key);
    item.value = waits_[key] ? 1 : 0;
    waits_[key] = !waits_[key];
    return item;
  }
  std::uint64_t by_hand(const Item& item) {
    std::int64_t& since = since_.try_emplace(static_cast<std::uint64_t>(item.key), -1).first->second;
    if (item.value == 1 && since >= 0 && item.at_ns - since <= bound_ns()) ++matches_;
    since = item.value == 0 ? item.at_ns : -1;
    return matches_;
  }

 private:
  std::int64_t bound_ns() const { return static_cast<std::int64_t>(keys_) * 4000; }  // four rounds

  std::vector<bool> waits_;
  boost::unordered_flat_map<std::uint64_t, std::int64_t, MixHash> since_;
  std::uint64_t matches_ = 0;
};

// Heartbeats of many terminals: each event ends a wait and begins another; some terminals fall silent.
class Absences : KeyedStream {
 public:
  explicit Absences(std::size_t keys) : KeyedStream(keys) {}

  std::string rule() const {
    return "rule r { match a: E -> not E for " + std::to_string(wait_ns()) + "ns partition by k report all }";
  }
  Item next() { return draw(); }
  std::uint64_t by_hand(const Item& item) {
    for (; !timers_.empty() && timers_.front().at_ns < item.at_ns; timers_.pop_front()) {
      const auto last = last_.find(timers_.front().key);
      matches_ += last->second + wait_ns() == timers_.front().at_ns ? 1 : 0;
    }
    const auto key = static_cast<std::uint64_t>(item.key);
    last_[key] = item.at_ns;
    timers_.push_back({item.at_ns + wait_ns(), key});
    return matches_;
  }

 private:
  struct Timer {
    std::int64_t at_ns;
    std::uint64_t key;
  };
  std::int64_t wait_ns() const { return static_cast<std::int64_t>(keys_) * 3000; }  // three rounds

  boost::unordered_flat_map<std::uint64_t, std::int64_t, MixHash> last_;
  std::deque<Timer> timers_;
  std::uint64_t matches_ = 0;
};

std::size_t argument(const benchmark::State& state, std::size_t i) {
  return static_cast<std::size_t>(state.range(i));
}

void sequence(benchmark::State& state, bool repeat) {
  run(state, Sequence(argument(state, 0), argument(state, 1), repeat), timed_events);
}
void enumeration(benchmark::State& state) {
  run(state, Enumeration(), timed_events / 16);
}
void live_runs(benchmark::State& state) {
  run(state, LiveRuns(argument(state, 0)), std::max(timed_events, 10 * argument(state, 0)));
}
void absences(benchmark::State& state) {
  run(state, Absences(argument(state, 0)), std::max(timed_events, 8 * argument(state, 0)));
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  for (const int steps : {3, 6, 12}) {
    for (const int bound : {100, 1000, 10'000})
      benchmark->Args({steps, bound});
  }
  benchmark->ArgNames({"steps", "bound"})->Unit(benchmark::kMillisecond)->UseManualTime();
}
void keys(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1000)->Arg(1'000'000)->ArgName("keys")->Unit(benchmark::kMillisecond)->UseManualTime();
}

BENCHMARK_CAPTURE(sequence, plain, false)->Apply(sizes);
BENCHMARK_CAPTURE(sequence, repeat, true)->Apply(sizes);
BENCHMARK(enumeration)->Unit(benchmark::kMillisecond)->UseManualTime();
BENCHMARK(live_runs)->Apply(keys);
BENCHMARK(absences)->Apply(keys);

}  // namespace

BENCHMARK_MAIN();
