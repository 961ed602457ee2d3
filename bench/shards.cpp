// Two shards beside one. One shard runs on the thread that pushes; two have a thread each, beside the one
// that pushes and routes, and hand the matches out in order (engine/runtime/pipeline.hpp). All are given the
// same events, in turn, and must have found the same matches after each turn; those of reference workloads
// also what the hand-written program finds.
//
//   usage: bench_shards [ROUNDS [WORKLOAD…]]     11 rounds
//
// A turn is 262,144 events, until all matches are with the sink. Wall clock, as several threads work; a gain
// is how many times faster than one shard, the median over the rounds of the ratios within a round, with a
// tenth and nine tenths of them.
//
//   apart  two engines of one shard that share nothing, on a thread each, with half of the events: what the
//   machine
//          lets the workload gain at most
//   ready  two shards; events lie in batches before the time begins
//   made   the same, and for one shard too the thread that pushes first writes each batch, as a decoder would
//
// CPU times an event say who had what to do in `ready`: one shard; the thread that pushes, both shards. The
// bounds are from them: no division of this work among two cores, or a core a thread, could gain
// more.
//
// The trip is what a word takes from one core to the other and back, in ns: some 100 where they are near, 400
// where they are far apart.
//
// Even: each of 10,000 keys is as frequent. Skewed: one of them has 30 % of the events, so that its shard has
// 65 % of the work.
#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/common/engine_run.hpp"
#include "bench/common/workloads.hpp"
#include "bench/measure/clock.hpp"
#include "bench/measure/machine.hpp"
#include "bench/measure/pin.hpp"
#include "bench/measure/quantile.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::bench;

constexpr std::size_t turn_events = 262'144, batch_events = 1024;
constexpr unsigned shards = 2;

// The cores of a virtual machine may be near or far apart, and that changes while it runs. It decides what
// threads that share memory gain, so it is told: how long a word takes there and back, undisturbed.
double round_trip_ns() {
  constexpr int trips = 500;
  std::atomic<int> word = 0;
  std::int64_t least_ns = INT64_MAX;
  std::thread other([&] {
    measure::pin_to(1);
    for (int i = 0; i < 8 * trips; ++i) {
      while (word.load(std::memory_order_acquire) != 2 * i + 1)
        ;
      word.store(2 * i + 2, std::memory_order_release);
    }
  });
  std::thread([&] {
    measure::pin_to(0);
    for (int i = 0; i < 8 * trips;) {
      const std::int64_t begin = measure::steady_ns();
      for (const int end = i + trips; i < end; ++i) {
        word.store(2 * i + 1, std::memory_order_release);
        while (word.load(std::memory_order_acquire) != 2 * i + 2)
          ;
      }
      least_ns = std::min(least_ns, measure::steady_ns() - begin);
    }
  }).join();
  other.join();
  return static_cast<double>(least_ns) / trips;
}

double process_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void check(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("wrong answer: " + what);
}

/// Tells when a mark has come.
class MarkedSink final : public AnswerSink {
 public:
  void on_batch(std::int64_t stamp) override {
    has_come_.store(stamp, std::memory_order_release);
    has_come_.notify_one();
  }
  void wait_for(std::int64_t stamp) const {
    for (std::int64_t come; (come = has_come_.load(std::memory_order_acquire)) != stamp;)
      has_come_.wait(come);
  }

 private:
  std::atomic<std::int64_t> has_come_{0};
};

/// Seconds of a turn: by the clock, and of the processor.
struct Turn {
  double wall = 0;
  double pusher = 0, shards = 0;
};

class Run {
 public:
  Run(const Workload& workload, unsigned shards_of_it)
      : engine_(workload.kind, workload.rules, options(shards_of_it)) {}

  Turn ready(std::span<const Event> events) {
    engine_.write(events);
    return timed([&] { engine_.push(); });
  }
  Turn made(std::span<const Event> events) {
    return timed([&] {
      for (std::size_t at = 0; at < events.size(); at += batch_events) {
        engine_.write(events.subspan(at, batch_events));
        engine_.push();
      }
    });
  }
  void write(std::span<const Event> events) { engine_.write(events); }
  void push() { engine_.push(); }
  const Answer& answer() const { return engine_.answer(); }

 private:
  static runtime::EngineOptions options(unsigned shards_of_it) {
    runtime::EngineOptions options;
    options.shards = shards_of_it;
    return options;
  }
  template <class Work>
  Turn timed(Work work) {
    const double all_before = process_cpu_seconds(), pusher_before = cpu_seconds();
    const std::int64_t begin = measure::steady_ns();
    work();
    engine_.mark(++mark_);
    engine_.sink().wait_for(mark_);
    Turn turn;
    turn.wall = 1e-9 * static_cast<double>(measure::steady_ns() - begin);
    turn.pusher = cpu_seconds() - pusher_before;
    turn.shards = process_cpu_seconds() - all_before - turn.pusher;
    return turn;
  }

  EngineRunWith<MarkedSink> engine_;
  std::int64_t mark_ = 0;
};

/// Two engines of one shard, each on a thread of its own and with its share of the events: nothing is routed,
/// shared or put in order. What the machine lets this workload gain at most.
class Apart {
 public:
  explicit Apart(const Workload& workload) : engines_{Run(workload, 1), Run(workload, 1)} {}

  /// Seconds until the later one is through. Of events without a key every other one is a share.
  double ready(std::span<const Event> events, bool by_key) {
    std::array<std::vector<Event>, 2> shares;
    for (std::size_t i = 0; i < events.size(); ++i)
      shares[(by_key ? KeyHash()(events[i].key) >> 32 : i) % 2].push_back(events[i]);
    std::array<std::int64_t, 2> ends{};
    std::int64_t begin = 0;
    std::barrier both(2, [&]() noexcept { begin = measure::steady_ns(); });
    const auto work = [&](std::size_t i) {
      engines_[i].write(shares[i]);
      both.arrive_and_wait();
      engines_[i].push();
      ends[i] = measure::steady_ns();
    };
    std::thread other(work, 1);
    work(0);
    other.join();
    return 1e-9 * static_cast<double>(std::max(ends[0], ends[1]) - begin);
  }
  std::uint64_t matches() const { return engines_[0].answer().matches + engines_[1].answer().matches; }

 private:
  std::array<Run, 2> engines_;
};

/// Ten rules on a card: what one event costs where a rule file does more than one thing.
std::string ten_rules() {
  std::string rules;
  for (int i = 0; i < 4; ++i)
    rules += fmt::format(
        "rule s{0} {{ match a: Payment[amount < {1}] -> b: Payment[amount < {1}] -> c: Payment[amount > "
        "{2}]\n"
        "  partition by card within 60s emit Hit{0} {{ card, amount: c.amount }} }}\n",
        i, 2 + i, 700 + 50 * i);
  for (int i = 0; i < 4; ++i)
    rules += fmt::format(
        "rule w{0} {{ from Payment partition by card window sliding {1}s when count() > {2} and sum(amount) "
        "> {3}\n"
        "  on rise emit Busy{0} {{ card, n: count() }} }}\n",
        i, 10 * (i + 1), 20 * (i + 1), 6000 * (i + 1));
  return rules +
         "rule median { from Payment partition by card window sliding 60s when median(amount) > 300 on rise\n"
         "  emit Middle { card, n: count() } }\n"
         "rule spread { from Payment partition by card window sliding 60s when max(amount) > 990 on rise\n"
         "  emit Most { card, n: count() } }\n";
}

std::vector<Workload> all_workloads() {
  std::vector<Workload> chosen;
  for (Workload& workload : workloads()) {
    const std::string name = workload.name;
    if (name == "filter" || name == "sequence" || name == "count_sum" || name == "count_every" ||
        name == "rules_1000" || name == "thresholds" || name == "enumerate")
      chosen.push_back(std::move(workload));
  }
  chosen.push_back({.name = "ten_rules",
                    .what = "ten rules a card: sequences, windows",
                    .kind = Stream::Kind::payments,
                    .keys = 10'000,
                    .rules = ten_rules(),
                    .by_hand = {}});
  return chosen;
}

bool has_key(const Workload& workload) {
  return workload.kind == Stream::Kind::payments;
}

/// Three of ten events become those of one key.
void skew(std::vector<Event>& events, Key key, std::uint64_t& number) {
  for (Event& event : events) {
    if (hash_mix(++number) % 10 < 3) event.key = key;
  }
}

void compare_number(const Workload& workload, std::uint64_t matches, std::uint64_t expected) {
  check(matches == expected, fmt::format("{}: {} matches, expected {}", workload.name, matches, expected));
}

void compare(const Workload& workload, const Answer& answer, const Answer& expected) {
  compare_number(workload, answer.matches, expected.matches);
  check(answer == expected, fmt::format("{}: the matches differ", workload.name));
}

std::string gains(const std::vector<double>& ratios) {
  if (ratios.empty()) return "-";
  return fmt::format("{:.2f} ({:.2f} to {:.2f})", measure::quantile(ratios, 0.5),
                     measure::quantile(ratios, 0.1), measure::quantile(ratios, 0.9));
}

void measure_one(const Workload& workload, bool is_skewed, int rounds) {
  Stream stream(workload.kind, workload.keys, workload.per_ms);
  Run one(workload, 1), two(workload, shards);
  Apart apart(workload);
  const bool is_splittable =
      std::string_view(workload.name) != "enumerate";  // a pattern over events of all keys
  const auto by_hand = workload.by_hand ? workload.by_hand() : nullptr;
  std::vector<Event> events;
  std::vector<double> apart_gains, ready_gains, made_gains, one_wall, two_wall, one_cpu, pusher, of_shards,
      trips;
  std::uint64_t number = 0;
  const auto next = [&] {
    stream.next(events, turn_events);
    if (is_skewed) skew(events, Key("C7"), number);
    if (by_hand) by_hand->run(events);
  };
  const auto agree = [&] {
    compare(workload, two.answer(), one.answer());
    if (by_hand) compare(workload, one.answer(), by_hand->answer());
    if (is_splittable) compare_number(workload, apart.matches(), one.answer().matches);
  };
  const auto ns = [](double seconds) { return 1e9 * seconds / turn_events; };
  for (int round = -2; round < rounds; ++round) {  // the first two bring windows and memory to their size
    next();
    const Turn a = one.ready(events), b = two.ready(events);
    const double halves = is_splittable ? apart.ready(events, has_key(workload)) : 0;
    agree();
    next();
    const Turn c = one.made(events), d = two.made(events);
    if (is_splittable) apart.ready(events, has_key(workload));
    agree();
    if (round < 0) continue;
    trips.push_back(round_trip_ns());
    if (is_splittable) apart_gains.push_back(a.wall / halves);
    ready_gains.push_back(a.wall / b.wall);
    made_gains.push_back(c.wall / d.wall);
    one_wall.push_back(ns(a.wall));
    two_wall.push_back(ns(b.wall));
    one_cpu.push_back(ns(a.pusher));
    pusher.push_back(ns(b.pusher));
    of_shards.push_back(ns(b.shards));
  }
  check(one.answer().matches > 0, "no matches");
  const double work = measure::median(one_cpu), push = measure::median(pusher),
               in_shards = measure::median(of_shards);
  const double busiest = std::max(push, in_shards * (is_skewed ? 0.65 : 0.5));
  const double all = push + in_shards;
  fmt::print(
      "{:<12}{:<8}{:>6.0f}{:>8.1f}{:>8.1f}   {:<21}{:<21}{:<21}{:>7.1f}{:>8.1f}{:>8.1f}{:>9.2f}{:>9.2f}\n",
      workload.name, is_skewed ? "skewed" : "even", measure::median(trips), measure::median(one_wall),
      measure::median(two_wall), gains(apart_gains), gains(ready_gains), gains(made_gains), work, push,
      in_shards, work / std::max(busiest, all / 2), work / busiest);
  std::fflush(stdout);
}

void run(int rounds, const std::vector<std::string>& names) {
  const measure::Machine machine = measure::this_machine();
  fmt::print("{}, {} cores, {}, load {}; ns an event\n", machine.cpu, machine.cores, machine.kernel,
             machine.load);
  fmt::print("{:<12}{:<8}{:>6}{:>16}   {:<63}{:>23}{:>18}\n", "", "", "", "wall clock", "gain over one shard",
             "CPU", "at most, on");
  fmt::print("{:<12}{:<8}{:>6}{:>8}{:>8}   {:<21}{:<21}{:<21}{:>7}{:>8}{:>8}{:>9}{:>9}\n", "workload", "keys",
             "trip", "one", "two", "apart", "ready", "made", "one", "pusher", "shards", "2 cores", "4 cores");
  for (const Workload& workload : all_workloads()) {
    if (!names.empty() && std::find(names.begin(), names.end(), workload.name) == names.end()) continue;
    measure_one(workload, false, rounds);
    if (has_key(workload)) measure_one(workload, true, rounds);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && argv[1][0] == '-') return 0;  // options of the other benchmarks: they choose among those
  try {
    run(argc > 1 ? std::atoi(argv[1]) : 11, {argv + std::min(argc, 2), argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
