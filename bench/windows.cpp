// Windows over a steady stream: payments on 10,000 cards, 10,000 a second of event time, without end. Each
// workload runs beside hand-written C++ for that one rule in the same process; both must give the same
// matches over the first window and a million events more before anything is timed. Windows of several widths
// show what the number of live events costs, `bytes/event` what each of them takes (resident memory, all in
// all). Items are events.
#include <algorithm>
#include <benchmark/benchmark.h>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <malloc.h>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/common/answer.hpp"
#include "bench/common/engine_run.hpp"
#include "bench/common/events.hpp"
#include "bench/common/memory.hpp"
#include "engine/base/hash.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::bench;

constexpr std::size_t round_events = Stream::round_events;
constexpr std::int64_t gap_ns = 100'000;
constexpr std::int64_t round_ns = static_cast<std::int64_t>(round_events) * gap_ns;

// The payments of a round; each round has them again, later.
const std::vector<Event>& payments() {
  static const std::vector<Event> all = [] {
    std::vector<Event> made(round_events);
    for (std::size_t i = 0; i < round_events; ++i) {
      const std::uint64_t a = hash_mix(2 * i + 1);
      const std::uint64_t b = hash_mix(2 * i + 2);
      const double uniform = (static_cast<double>(b >> 11) + 0.5) * 0x1p-53;
      made[i] = {Key("C" + std::to_string(a % 10'000)), std::floor(-100 * std::log(uniform)),
                 static_cast<std::int64_t>((a >> 32) % 100), static_cast<std::int64_t>(i) * gap_ns};
    }
    return made;
  }();
  return all;
}

class ByEngine {
 public:
  explicit ByEngine(const std::string& rule)
      : engine_("Payment",
                "event Payment { card: string, amount: float, item: int, at: time @timestamp }\n" + rule) {
    prepare();
    round_ = 0;
    malloc_trim(0);  // what earlier benchmarks have freed is not to be used again unseen
    base_bytes_ = resident_bytes();
  }

  /// Makes the events of the next round, which run() takes: outside what is timed.
  void prepare() {
    const auto fill = [](model::EventWriter& writer, const Event& payment) {
      writer.set_string(0, payment.key.view());
      writer.set_float(1, payment.number);
      writer.set_int(2, payment.volume);
    };
    engine_.write(std::span(payments()), fill, 1024, round_++ * round_ns);
  }
  void run() { engine_.push(); }
  const Answer& answer() const { return engine_.sink().answer; }
  std::size_t bytes() const { return resident_bytes() - base_bytes_; }

 private:
  EngineWith<AnswerSink> engine_;
  std::int64_t round_ = 0;
  std::size_t base_bytes_ = 0;
};

// By hand: what the window holds in a queue, and a state for each card, found by its text in a flat hash map.
// `State` takes a payment in and out, and says when the rule fires.
struct Live {
  std::int64_t at_ns;
  std::uint32_t card;
  double amount;
  std::int64_t item;
};

template <class State>
class ByHand {
 public:
  explicit ByHand(std::int64_t width_ns) : width_ns_(width_ns) {}
  void run() {
    for (const Event& payment : payments()) {
      const std::int64_t at_ns = static_cast<std::int64_t>(number_++) * gap_ns;
      for (; !live_.empty() && live_.front().at_ns < at_ns - width_ns_; live_.pop_front())
        states_[live_.front().card].remove(live_.front());
      const auto [found, added] = cards_.try_emplace(payment.key, static_cast<std::uint32_t>(states_.size()));
      if (added) states_.emplace_back();
      live_.push_back({at_ns, found->second, payment.number, payment.volume});
      if (states_[found->second].add(live_.back())) answer_.add(Answer::Events(0) << number_);
    }
  }
  const Answer& answer() const { return answer_; }

 private:
  const std::int64_t width_ns_;
  std::uint64_t number_ = 0;
  KeyMap<std::uint32_t> cards_;
  std::vector<State> states_;
  std::deque<Live> live_;
  Answer answer_;
};

// A condition that fires when it becomes true.
struct Rise {
  bool held = false;
  bool operator()(bool holds) {
    const bool rises = holds && !held;
    held = holds;
    return rises;
  }
};

double least_sum = 0;  // of the window at hand

struct CountSum {
  std::int64_t count = 0;
  double sum = 0;
  bool holds() const { return count > 5 && sum > least_sum; }
  void remove(const Live& live) {
    --count;
    sum -= live.amount;
  }
  bool add(const Live& live) {
    ++count;
    sum += live.amount;
    return holds();
  }
};

struct CountSumRise {
  CountSum window;
  Rise rise;
  void remove(const Live& live) {
    window.remove(live);
    rise.held = rise.held && window.holds();
  }
  bool add(const Live& live) { return rise(window.add(live)); }
};

// By hand, of a hopping window with ten hops to its width: the sums of each hop, and of the window.
class ByHandHopping {
 public:
  explicit ByHandHopping(std::int64_t width_ns) : hop_ns_(width_ns / hops) {}
  void run() {
    for (const Event& payment : payments()) {
      const std::int64_t at_ns = static_cast<std::int64_t>(number_++) * gap_ns;
      for (; hop_ < at_ns / hop_ns_; ++hop_)
        close();
      const auto [found, added] =
          cards_.try_emplace(payment.key, static_cast<std::uint32_t>(windows_.size()));
      if (added) windows_.emplace_back();
      Window& window = windows_[found->second];
      window.last = number_;
      for (Sums* sums : {&window.sums, &window.of_hop[static_cast<std::size_t>(hop_ % hops)]}) {
        ++sums->count;
        sums->sum += payment.number;
      }
    }
  }
  const Answer& answer() const { return answer_; }

 private:
  static constexpr std::int64_t hops = 10;
  struct Sums {
    std::int64_t count = 0;
    double sum = 0;
  };
  struct Window {
    Sums sums;
    Sums of_hop[hops];
    std::uint64_t last = 0;
  };

  void close() {
    for (Window& window : windows_) {
      if (window.sums.count > 5 && window.sums.sum > least_sum) answer_.add(Answer::Events(0) << window.last);
      Sums& oldest = window.of_hop[static_cast<std::size_t>((hop_ + 1) % hops)];
      window.sums.count -= oldest.count;
      window.sums.sum -= oldest.sum;
      oldest = {};
    }
  }

  const std::int64_t hop_ns_;
  std::int64_t hop_ = 0;
  std::uint64_t number_ = 0;
  KeyMap<std::uint32_t> cards_;
  std::vector<Window> windows_;
  Answer answer_;
};

struct Count {
  std::int64_t count = 0;
  void remove(const Live&) { --count; }
  bool add(const Live&) { return ++count > 5; }
};

struct Max {
  std::deque<std::pair<std::int64_t, double>> falling;  // no later one is greater
  Rise rise;
  void remove(const Live& live) {
    if (!falling.empty() && falling.front().first == live.at_ns) falling.pop_front();
    rise.held = rise.held && !falling.empty() && falling.front().second > 700;
  }
  bool add(const Live& live) {
    while (!falling.empty() && falling.back().second <= live.amount)
      falling.pop_back();
    falling.emplace_back(live.at_ns, live.amount);
    return rise(falling.front().second > 700);
  }
};

struct Distinct {
  std::vector<std::uint32_t> counts = std::vector<std::uint32_t>(100);
  std::int64_t distinct = 0;
  Rise rise;
  static constexpr std::int64_t bound = 50;
  void remove(const Live& live) {
    distinct -= --counts[static_cast<std::size_t>(live.item)] == 0;
    rise.held = rise.held && distinct > bound;
  }
  bool add(const Live& live) {
    distinct += ++counts[static_cast<std::size_t>(live.item)] == 1;
    return rise(distinct > bound);
  }
};

struct Median {
  std::vector<double> sorted;
  void remove(const Live& live) { sorted.erase(std::lower_bound(sorted.begin(), sorted.end(), live.amount)); }
  bool add(const Live& live) {
    sorted.insert(std::upper_bound(sorted.begin(), sorted.end(), live.amount), live.amount);
    const std::size_t half = (sorted.size() - 1) / 2;
    const double median =
        sorted.size() % 2 == 1 ? sorted[half] : sorted[half] + (sorted[half + 1] - sorted[half]) / 2;
    return median > 100;
  }
};

// Rounds that fill a window of so many seconds, and one more.
int rounds_for(std::int64_t seconds) {
  return static_cast<int>(seconds * 1'000'000'000 / round_ns) + 2;
}

// The window of so many seconds as the rule says it.
std::string window_text(const char* kind, std::int64_t seconds) {
  if (std::string_view(kind) == "hopping")
    return "hopping " + std::to_string(seconds) + "s every " + std::to_string(100 * seconds) + "ms";
  return std::string(kind) + " " + std::to_string(seconds) + "s";
}

template <class Hand>
void by_hand(benchmark::State& state) {
  Hand hand(state.range(0) * 1'000'000'000);
  least_sum = 117 * static_cast<double>(state.range(0));
  for (int i = 0; i < rounds_for(state.range(0)); ++i)
    hand.run();
  for (auto _ : state)
    hand.run();
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * round_events));
}

template <class Hand>
void by_engine(benchmark::State& state, const char* kind, const char* when) {
  const std::int64_t seconds = state.range(0);
  least_sum = 117 * static_cast<double>(seconds);
  std::string condition = when;
  if (const auto at = condition.find('#'); at != std::string::npos)
    condition.replace(at, 1, std::to_string(least_sum));
  ByEngine engine("rule r { from Payment partition by card window " + window_text(kind, seconds) + " when " +
                  condition + " emit Out { card } }");
  {
    for (int i = 0; i < rounds_for(seconds); ++i) {
      engine.prepare();
      engine.run();
    }
    state.counters["bytes/event"] =
        static_cast<double>(engine.bytes()) / static_cast<double>(seconds * 10'000);
    Hand hand(seconds * 1'000'000'000);
    for (int i = 0; i < rounds_for(seconds); ++i)
      hand.run();
    if (!(engine.answer() == hand.answer()) || hand.answer().matches == 0) {
      std::fprintf(stderr, "wrong answer: %llu matches, by hand %llu\n",
                   static_cast<unsigned long long>(engine.answer().matches),
                   static_cast<unsigned long long>(hand.answer().matches));
      std::exit(1);
    }
    state.counters["matches"] = static_cast<double>(hand.answer().matches);
  }
  for (auto _ : state) {
    state.PauseTiming();
    engine.prepare();
    state.ResumeTiming();
    engine.run();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * round_events));
}

template <class Hand>
void compare(const std::string& name, const char* kind, const char* when,
             const std::vector<std::int64_t>& widths_s) {
  for (const std::int64_t width_s : widths_s) {
    benchmark::RegisterBenchmark(("by_hand/" + name).c_str(), by_hand<Hand>)
        ->Arg(width_s)
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(("by_engine/" + name).c_str(),
                                 [=](benchmark::State& state) { by_engine<Hand>(state, kind, when); })
        ->Arg(width_s)
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const char* const count_sum = "count() > 5 and sum(amount) > # on every";
  compare<ByHand<CountSum>>("count_sum", "sliding", count_sum, {6, 60, 600, 3600});
  compare<ByHand<CountSumRise>>("count_sum_rise", "sliding", "count() > 5 and sum(amount) > # on rise",
                                {60, 600, 3600});
  compare<ByHandHopping>("count_sum_hopping", "hopping", "count() > 5 and sum(amount) > # on close",
                         {60, 600, 3600});
  compare<ByHand<Count>>("count_every", "sliding", "count() > 5 on every", {60});
  compare<ByHand<Max>>("max_rise", "sliding", "max(amount) > 700.0 on rise", {6, 60, 600});
  compare<ByHand<Distinct>>("distinct_rise", "sliding", "distinct(item) > 50 on rise", {60, 600});
  compare<ByHand<Median>>("median", "sliding", "median(amount) > 100.0 on every", {60, 600});
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
