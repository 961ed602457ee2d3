// The engine on events in memory, each workload beside hand-written C++ for that one rule in the same run.
//
// Events are generated from a seed: payments on 10,000 cards, ten a millisecond,
// with amounts as skewed as in the reference workloads. The hand-written code reads plain structs and finds a
// card's state by its text in a flat hash map, as any program must that is given the same events; the engine
// reads its own event layout and goes through the whole path: event time, predicate index, matcher, emit,
// sink. Both must give the same number of matches and the same checksum before anything is
// timed. Items are events.
#include <benchmark/benchmark.h>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/compile.hpp"
#include "engine/base/hash.hpp"
#include "engine/runtime/engine.hpp"

namespace {

using namespace tocsin;

constexpr std::size_t event_count = std::size_t{1} << 20;
constexpr std::int64_t window_ns = 60'000'000'000;

struct Payment {
  std::string card;
  double amount;
  std::int64_t at_ns;
  std::uint64_t seq;
};

// What a run of matches amounts to: their number and a sum over the events in them, in any order.
struct Answer {
  std::uint64_t matches = 0;
  std::uint64_t checksum = 0;
  void add(std::uint64_t seqs) {
    ++matches;
    checksum += hash_mix(seqs);
  }
  friend bool operator==(const Answer&, const Answer&) = default;
};

const std::vector<Payment>& payments() {
  static const std::vector<Payment> all = [] {
    std::vector<Payment> made(event_count);
    for (std::size_t i = 0; i < event_count; ++i) {
      const std::uint64_t a = hash_mix(2 * i + 1);
      const std::uint64_t b = hash_mix(2 * i + 2);
      const double uniform = (static_cast<double>(b >> 11) + 0.5) * 0x1p-53;
      made[i] = {"C" + std::to_string(a % 10'000), -100 * std::log(uniform),
                 static_cast<std::int64_t>(i / 10) * 1'000'000, i + 1};
    }
    return made;
  }();
  return all;
}

constexpr const char* schema = "event Payment { card: string, amount: float, at: time @timestamp }\n";

class CountingSink final : public model::MatchSink {
 public:
  void on_match(const model::MatchView& match) override {
    std::uint64_t seqs = 0;
    for (const auto& taken : match.events)
      seqs = hash_mix(taken.event.seq(), seqs);
    answer.add(seqs);
  }
  Answer answer;
};

struct Prepared {
  explicit Prepared(const std::string& rule) : compiled(dsl::compile_text("bench.tocsin", schema + rule)) {
    if (!compiled.plan) {
      std::fputs(dsl::render(compiled.diagnostics, compiled.sources).c_str(), stderr);
      std::exit(1);
    }
    const model::EventType& type = *compiled.plan->catalog.find("Payment");
    constexpr std::size_t per_batch = 1024;
    for (std::size_t i = 0; i < event_count; ++i) {
      if (i % per_batch == 0) batches.emplace_back();
      model::EventWriter writer(batches.back());
      const Payment& payment = payments()[i];
      writer.begin(type);
      writer.set_string(0, payment.card);
      writer.set_float(1, payment.amount);
      writer.commit(payment.at_ns, 0, 0);
    }
  }

  // push() takes the events, so each run needs a copy of them: made here, outside what is timed.
  void refill() { input = batches; }

  Answer run() {
    CountingSink sink;
    runtime::Engine engine(*compiled.plan, {}, sink);
    const auto source = engine.add_source();
    for (auto& batch : input)
      engine.push(source, batch);
    engine.finish();
    return sink.answer;
  }

  dsl::Compiled compiled;
  std::deque<model::EventBatch> batches;
  std::deque<model::EventBatch> input;
};

std::uint64_t seqs_of(std::initializer_list<std::uint64_t> seqs) {
  std::uint64_t hash = 0;
  for (const std::uint64_t seq : seqs)
    hash = hash_mix(seq, hash);
  return hash;
}

Answer filter_by_hand() {
  Answer answer;
  for (const Payment& payment : payments()) {
    if (payment.amount > 300) answer.add(seqs_of({payment.seq}));
  }
  return answer;
}

// a (amount < 5) -> b (amount < 5) -> c (amount > 500), a card, within 60 s, every candidate.
Answer sequence_by_hand() {
  struct Start {
    std::int64_t at_ns;
    std::uint64_t seq;
  };
  struct Pair {
    Start a;
    std::uint64_t b;
  };
  struct Card {
    std::vector<Start> started;
    std::vector<Pair> paired;
  };
  boost::unordered_flat_map<std::string_view, Card> cards;
  Answer answer;
  for (const Payment& payment : payments()) {
    if (payment.amount < 5) {
      Card& card = cards[payment.card];
      for (const Start& a : card.started) {
        if (payment.at_ns - a.at_ns <= window_ns) card.paired.push_back({a, payment.seq});
      }
      card.started.assign(1, {payment.at_ns, payment.seq});
    } else if (payment.amount > 500) {
      Card& card = cards[payment.card];
      for (const Pair& pair : card.paired) {
        if (payment.at_ns - pair.a.at_ns <= window_ns) answer.add(seqs_of({pair.a.seq, pair.b, payment.seq}));
      }
      card.paired.clear();
    }
  }
  return answer;
}

// The same three, each the very next payment of its card.
Answer contiguous_by_hand() {
  struct Card {
    std::uint64_t first = 0, second = 0;  // the last two payments where both, or the last, were small
  };
  boost::unordered_flat_map<std::string_view, Card> cards;
  Answer answer;
  for (const Payment& payment : payments()) {
    Card& card = cards[payment.card];
    if (payment.amount < 5) {
      card.first = card.second;
      card.second = payment.seq;
      continue;
    }
    if (payment.amount > 500 && card.first != 0) answer.add(seqs_of({card.first, card.second, payment.seq}));
    card = {};
  }
  return answer;
}

void by_hand(benchmark::State& state, Answer (*run)()) {
  payments();
  for (auto _ : state)
    benchmark::DoNotOptimize(run());
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * event_count));
}

void by_engine(benchmark::State& state, Answer (*expected)(), const char* rule) {
  Prepared prepared(rule);
  prepared.refill();
  const Answer answer = prepared.run();
  if (!(answer == expected()) || answer.matches == 0) {
    std::fprintf(stderr, "wrong answer: %llu matches, by hand %llu\n",
                 static_cast<unsigned long long>(answer.matches),
                 static_cast<unsigned long long>(expected().matches));
    std::exit(1);
  }
  for (auto _ : state) {
    state.PauseTiming();
    prepared.refill();
    state.ResumeTiming();
    benchmark::DoNotOptimize(prepared.run());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * event_count));
  state.counters["matches"] = static_cast<double>(answer.matches);
}

constexpr const char* filter_rule = "rule r { from Payment[amount > 300] emit Out { card, amount } }";
constexpr const char* sequence_rule =
    "rule r { match a: Payment[amount < 5] -> b: Payment[amount < 5] -> c: Payment[amount > 500]\n"
    "  partition by card within 60s report all emit Out { card } }";
constexpr const char* contiguous_rule =
    "rule r { match a: Payment[amount < 5] , b: Payment[amount < 5] , c: Payment[amount > 500]\n"
    "  partition by card emit Out { card } }";

BENCHMARK_CAPTURE(by_hand, filter, filter_by_hand)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(by_engine, filter, filter_by_hand, filter_rule)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(by_hand, sequence, sequence_by_hand)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(by_engine, sequence, sequence_by_hand, sequence_rule)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(by_hand, contiguous, contiguous_by_hand)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(by_engine, contiguous, contiguous_by_hand, contiguous_rule)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
