// Rule, time, last event and number name one match, and every derived event knows the one that emitted it:
// over rules that feed each other by different partitions, in event-time order, at events and timers.
#include <random>
#include <set>
#include <tuple>

#include "engine/runtime/engine.hpp"
#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;

namespace {

constexpr const char* rules =
    "event P { card: int, shop: int, amount: int, at: time @timestamp }\n"
    "rule pair { match a: P[amount < 30] -> b: P[amount > 60] partition by card within 50ns report all\n"
    "  emit Pair { card, shop: a.shop } on timeout emit Lone { shop: a.shop } }\n"
    "rule shop { match a: Pair -> b: Pair partition by shop within 200ns report all emit Shop { shop, card: "
    "a.card } }\n"
    "rule back { match s: Shop -> p: P partition by card within 100ns emit Back { card } }\n"
    "rule either { match x: Lone | y: P[amount == 50] }\n"
    "rule quiet { match l: Lone -> not Pair for 20ns partition by shop emit Quiet { shop } }\n"
    "rule every { from Quiet emit Every { shop } }\n"
    "rule all { match x: any[true]{2} from Every, Back, Shop emit All { n: count(x) } }\n";

using Name = std::tuple<std::uint32_t, bool, std::int64_t, std::uint64_t, std::uint32_t>;

class Causes final : public model::MatchSink {
 public:
  explicit Causes(const plan::Plan& plan) : plan_(plan) {}

  void on_match(const model::MatchView& match) override {
    const Name name{match.rule, match.timeout, match.at_ns, match.trigger_seq, match.ordinal};
    twice += !names_.insert(name).second;
    numbered += match.ordinal > 0;
    early += match.at_ns < last_ns_;
    last_ns_ = match.at_ns;
    text += to_text(name);
    for (const auto& taken : match.events) {
      if (!plan_.catalog[taken.event.type()].derived) continue;
      const model::Origin origin = taken.event.origin();
      const Name cause{origin.rule, origin.timeout, taken.event.time_ns(), taken.event.seq(), origin.ordinal};
      text += " <" + to_text(cause);
      unknown += names_.count(cause) == 0;
      wrong += (origin.timeout ? plan_.rules[origin.rule].timeout : plan_.rules[origin.rule].emit)->type !=
               taken.event.type();
      ++causes;
    }
    text += '\n';
  }

  std::string text;
  int twice = 0, numbered = 0, early = 0, unknown = 0, wrong = 0, causes = 0;

 private:
  static std::string to_text(const Name& name) {
    const auto& [rule, timeout, at, seq, n] = name;
    return std::to_string(rule) + (timeout ? "!" : "@") + std::to_string(at) + "/" + std::to_string(seq) +
           "/" + std::to_string(n);
  }
  const plan::Plan& plan_;
  std::set<Name> names_;
  std::int64_t last_ns_ = 0;
};

}  // namespace

TEST_CASE("matches have names of their own, and derived events know theirs, on any number of shards") {
  const auto plan = plan_of(rules);
  std::string expected;
  for (const unsigned shards : {1u, 2u, 3u, 7u}) {
    for (const std::size_t batch_size : {1ul, 17ul, 3000ul}) {
      CAPTURE(shards);
      CAPTURE(batch_size);
      Causes sink(plan);
      runtime::EngineOptions options;
      options.shards = shards;
      runtime::Engine engine(plan, options, sink);
      const auto source = engine.add_source();
      model::EventBatch batch;
      std::mt19937_64 random(8);
      for (std::int64_t i = 0; i < 3000; ++i) {
        const auto roll = [&](std::uint64_t n) { return int_value(static_cast<std::int64_t>(random() % n)); };
        const auto card = roll(12), shop = roll(4), amount = roll(100);
        add_event(batch, plan.catalog.types[0], i / 3 * 10, {card, shop, amount});
        if (batch.size() == batch_size) engine.push(source, batch);
      }
      engine.push(source, batch);
      engine.finish();
      CHECK(sink.twice == 0);
      CHECK(sink.unknown == 0);
      CHECK(sink.wrong == 0);
      CHECK(sink.early == 0);
      CHECK(sink.numbered > 50);
      CHECK(sink.causes > 1000);
      for (const auto& rule : engine.stats().rules)
        CHECK(rule.matches > 10);
      if (expected.empty()) expected = sink.text;
      CHECK((sink.text == expected));
    }
  }
}
