#include "bench/common/workloads.hpp"

#include <cstdio>
#include <cstdlib>

namespace tocsin::bench {
namespace {

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
  const std::vector<double> all = bounds();
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::snprintf(number, sizeof number, "%.17g", all[i]);
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

}  // namespace

std::string symbol_rules(int count) {
  std::string rules;
  for (int i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    rules += "rule r" + n + " { from Tick[symbol == \"S" + n + "\" and price > " +
             std::to_string(90 + i % 10) + "] emit Alert { symbol, price } }\n";
  }
  return rules;
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

}  // namespace tocsin::bench
