// The way of keyed events to their rules: each rule of a file finds what it finds alone, event by event,
// whatever stands beside it in a block of visits: other types, other rules of the same partition, rules that
// copy, keys that come and go within the block, keys that are null.
#include <random>

#include "engine/runtime/engine.hpp"
#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;

namespace {

constexpr const char* schema =
    "event P { card: string?, amount: int, at: time @timestamp }\n"
    "event Q { card: string?, amount: int, at: time @timestamp }\n";

// `falling` shares the windows of `risen`; but once `pair` has joined the key space of `session`, that would
// be the first to serve its partition.
constexpr const char* rules[] = {
    "rule session { from Q partition by card window session gap 6s when count() > 2 }\n",
    "rule risen { from P partition by card window sliding 30s when count() > 3 on rise keep 5s }\n",
    "rule pair { match a: P[amount < 40] -> b: Q[amount > 50] partition by card within 40s report all }\n",
    "rule falling { from P partition by card window sliding 30s when max(amount) > 70 on fall }\n",
    "rule every { from P, Q partition by card window sliding 20s when count() > 2 on every }\n",
    "rule three { match a: P[amount < 60] , b: P[amount < 60] , c: P[amount > 30] partition by card }\n",
    "rule mixed { match a: P[amount < 60] , b: Q[amount < 60] , c: P partition by card }\n",
    "rule copies { from P[amount > 80] emit High { card, amount } }\n",
    "rule joined { match a: P -> b: P[amount > a.amount + 20] -> c: Q partition by card within 30s }\n",
    "rule two_keys { match a: P , b: P partition by card, amount }\n",
    "rule total { match a: P -> b: Q partition by card within 9s report total emit T { n: count(a) } }\n",
};

struct Input {
  bool is_p;
  std::int64_t time_ns;
  std::string card;  // empty: null
  std::int64_t amount;
};

std::vector<Input> random_inputs(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Input> inputs;
  std::int64_t time_ns = 0;
  for (int i = 0; i < 1500; ++i) {
    time_ns += static_cast<std::int64_t>(random() % 3) * 400'000'000;
    std::string card = "C" + std::to_string(random() % 25);
    if (random() % 8 == 0) card = "a card with a long name " + card;
    if (random() % 15 == 0) card.clear();
    inputs.push_back({random() % 5 < 3, time_ns, card, static_cast<std::int64_t>(random() % 10 * 10)});
  }
  return inputs;
}

/// Matches by rule.
std::vector<std::vector<std::string>> run(const std::string& text, const std::vector<Input>& inputs,
                                          std::size_t per_batch, const runtime::EngineOptions& options) {
  const auto plan = plan_of(schema + text);
  class ByRule final : public model::MatchSink {
   public:
    void on_match(const model::MatchView& match) override {
      Recorder one;
      one.on_match(match);
      if (match.rule >= of_rule.size()) of_rule.resize(match.rule + 1);
      of_rule[match.rule].push_back(one.matches[0].substr(one.matches[0].find('@')));
    }
    std::vector<std::vector<std::string>> of_rule;
  } sink;
  runtime::Engine engine(plan, options, sink);
  const auto source = engine.add_source();
  model::EventBatch batch;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = inputs[i];
    const auto card = input.card.empty() ? model::Value::null() : text_value(input.card);
    add_event(batch, *plan.catalog.find(input.is_p ? "P" : "Q"), input.time_ns,
              {card, int_value(input.amount)});
    if ((i + 1) % per_batch == 0 || i + 1 == inputs.size()) engine.push(source, batch);
  }
  engine.finish();
  sink.of_rule.resize(plan.rules.size());
  return sink.of_rule;
}

}  // namespace

TEST_CASE("each rule finds beside others, in blocks, what it finds alone, event by event") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const auto inputs = random_inputs(seed);
    std::string all;
    std::vector<std::vector<std::string>> expected;
    for (const char* rule : rules) {
      all += rule;
      expected.push_back(run(rule, inputs, 1, {})[0]);
      CAPTURE(rule);
      CHECK(!expected.back().empty());
    }
    for (const std::size_t per_batch : {1, 5, 64, 700}) {
      for (const std::size_t near_keys : {0, 8192}) {
        for (const unsigned shards : {1u, 2u}) {
          runtime::EngineOptions options;
          options.shards = shards;
          options.limits.near_keys = near_keys;
          const auto found = run(all, inputs, per_batch, options);
          for (std::size_t i = 0; i < std::size(rules); ++i) {
            CAPTURE(seed);
            CAPTURE(per_batch);
            CAPTURE(near_keys);
            CAPTURE(shards);
            CAPTURE(rules[i]);
            CHECK(found[i] == expected[i]);
          }
        }
      }
    }
  }
}
