// The engine's own promises: shards and batches change nothing, counters add up, nothing is allocated.
#include "engine/runtime/engine.hpp"

#include <random>

#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;

namespace {

constexpr const char* rules =
    "event P { card: string, amount: float, at: time @timestamp }\n"
    "rule probe { match a: P[amount < 5.0] -> b: P[amount < 5.0] -> c: P[amount > 80.0] partition by card "
    "within 1s\n"
    "  report all emit Probe { card, total: a.amount + c.amount } }\n"
    "rule rise { match a: P[amount > prev.amount]{3..} partition by card within 1s emit Rise { card } }\n"
    "rule both { match a: Probe -> b: Rise partition by card within 5s emit Both { card } }\n"
    "rule any { match x: Both{2..} emit Any { n: count(x) } }\n"
    "rule big { from P[amount > 99.0] emit Big { amount } }\n";

std::vector<std::string> run(const plan::Plan& plan, const runtime::EngineOptions& options,
                             std::size_t batch_size, runtime::Stats* stats = nullptr) {
  Recorder sink;
  runtime::Engine engine(plan, options, sink);
  const auto source = engine.add_source();
  model::EventBatch batch;
  std::mt19937_64 random(99);
  for (std::int64_t i = 0; i < 30'000; ++i) {
    const std::string card = "card number " + std::to_string(random() % 50);
    const double amount = static_cast<double>(random() % 1000) / 10;
    add_event(batch, plan.catalog.types[0], i / 4 * 10'000'000, {text_value(card), float_value(amount)});
    if (batch.size() == batch_size) engine.push(source, batch);
  }
  engine.push(source, batch);
  engine.finish();
  if (stats) *stats = engine.stats();
  return sink.matches;
}

}  // namespace

TEST_CASE("matches and their order are the same for 1, 2, 3 and 7 shards and any batch size") {
  const auto plan = plan_of(rules);
  runtime::Stats one;
  const auto expected = run(plan, {}, 1000, &one);
  CHECK(expected.size() > 1000);
  CHECK(one.rules[3].matches > 0);  // the third layer is reached
  for (const unsigned shards : {1u, 2u, 3u, 7u}) {
    for (const std::size_t batch_size : {1ul, 7ul, 1000ul, 100'000ul}) {
      if (batch_size == 1 && shards == 7) continue;  // slow under sanitizers, and nothing new
      runtime::EngineOptions options;
      options.shards = shards;
      options.limits.batches_in_flight = batch_size == 7 ? 2 : 64;
      runtime::Stats stats;
      CAPTURE(shards);
      CAPTURE(batch_size);
      CHECK(run(plan, options, batch_size, &stats) == expected);
      CHECK(stats.events == 30'000);
      CHECK(stats.matches == expected.size());
      CHECK(stats.derived == one.derived);
      for (std::size_t rule = 0; rule < plan.rules.size(); ++rule) {
        CHECK(stats.rules[rule].matches == one.rules[rule].matches);
        CHECK(stats.rules[rule].started == one.rules[rule].started);
        CHECK(stats.rules[rule].events == one.rules[rule].events);
      }
    }
  }
}

TEST_CASE("an engine that is not finished stops without hanging") {
  const auto plan = plan_of(rules);
  for (const unsigned shards : {1u, 3u}) {
    Recorder sink;
    runtime::EngineOptions options;
    options.shards = shards;
    runtime::Engine engine(plan, options, sink);
    const auto source = engine.add_source();
    model::EventBatch batch;
    add_event(batch, plan.catalog.types[0], 1, {text_value("c"), float_value(100)});
    engine.push(source, batch);
  }
}

TEST_CASE("every idle policy delivers") {
  const auto plan = plan_of(rules);
  const auto expected = run(plan, {}, 1000);
  for (const auto idle : {runtime::Idle::spin, runtime::Idle::yield, runtime::Idle::park}) {
    runtime::EngineOptions options;
    options.shards = 2;
    options.idle = idle;
    CHECK(run(plan, options, 1000) == expected);
  }
}

TEST_CASE("an impossible number of shards or core is refused") {
  const auto plan = plan_of(rules);
  Recorder sink;
  runtime::EngineOptions options;
  options.shards = 0;
  CHECK_THROWS_AS(runtime::Engine(plan, options, sink), std::runtime_error);
  options.shards = 65;
  CHECK_THROWS_AS(runtime::Engine(plan, options, sink), std::runtime_error);
  options.shards = 2;
  options.cores = {100'000};
  CHECK_THROWS_AS(runtime::Engine(plan, options, sink), std::runtime_error);
}

TEST_CASE("in a steady state no event allocates") {
  const auto plan = plan_of(
      "event P { card: string, amount: float, at: time @timestamp }\n"
      "rule grouped { match a: P[amount < 5.0] -> b: P[amount < 5.0] -> c: P[amount > 80.0] partition by "
      "card within 1s\n"
      "  report all emit Probe { card, total: a.amount + c.amount } }\n"
      "rule arena { match a: P[amount < 20.0] -> b: P[amount > 4 * a.amount] partition by card within 1s "
      "emit R { card } }\n"
      "rule strict { match a: P[amount < 50.0] , b: P[amount > 50.0] partition by card within 1s emit S { "
      "card } }\n"
      "rule filter { from P[amount > 99.0] emit Big { amount } }\n"
      "rule absent { match a: P[amount < 5.0] -> not P[amount > 50.0] for 500ms partition by card emit A { "
      "card "
      "} }\n"
      "rule quiet { match not P[amount > 90.0] for 1s -> a: P[amount < 3.0] partition by card emit Q { card "
      "} }\n"
      "rule slow { match a: P[amount < 5.0] -> b: P[amount > 90.0] partition by card within 100ms\n"
      "  emit F { card } on timeout emit Slow { card } }\n"
      "rule either { match a: P[amount < 2.0] & b: P[amount > 98.0] partition by card within 1s emit N { "
      "card } "
      "}\n"
      "rule series { match a: P[amount < 10.0]{1..}+ -> not P[amount < 10.0] for 300ms partition by card\n"
      "  within 5s emit L { card, n: count(a) } }\n"
      "rule ban { match a: P[amount < 5.0] -> not P[amount > a.amount * 15] -> b: P[amount > 70.0]\n"
      "  partition by card within 1s emit B { card } }\n"
      "rule total { match a: P[amount < 5.0]{1.. any} ~> b: P[amount > 80.0] partition by card within 1s\n"
      "  report total emit T { card, n: match_count } }\n");
  struct Counter final : model::MatchSink {
    void on_match(const model::MatchView&) override { ++matches; }
    std::uint64_t matches = 0;
  } sink;
  runtime::Engine engine(plan, {}, sink);
  const auto source = engine.add_source();
  std::vector<std::string> cards;
  for (int i = 0; i < 50; ++i)
    cards.push_back("card number " + std::to_string(i));
  model::EventBatch batch;
  std::int64_t time = 0;
  const auto push = [&](int batches) {
    for (int b = 0; b < batches; ++b) {
      std::mt19937_64 random(5);  // the same batch again and again, so that peaks recur
      for (int i = 0; i < 1000; ++i) {
        time += 3'000'000;
        model::EventWriter writer(batch);
        writer.begin(plan.catalog.types[0]);
        writer.set_string(0, cards[random() % cards.size()]);
        writer.set_float(1, static_cast<double>(random() % 1000) / 10);
        writer.commit(time, 0, 0);
      }
      engine.push(source, batch);
    }
  };
  push(500);  // buffers reach their size
  const std::uint64_t before = test::allocations();
  const std::uint64_t matches = sink.matches;
  push(300);
  CHECK(sink.matches > matches);
  CHECK(test::allocations() - before == 0);
}

TEST_CASE("rules that copy the same from an event emit the same, each in its own name") {
  const auto plan = plan_of(
      "event P { card: string, amount: float, n: int, at: time @timestamp }\n"
      "rule a { from P[amount > 1.0] emit O { card, n } }\n"
      "rule b { from P[amount > 2.0] emit O { card, n } }\n"
      "rule c { from P[amount > 2.0] emit Q { n, card } }\n"
      "rule d { from P[amount > 2.0] emit R { m: n + 1 } }\n"
      "rule e { from P[n > 0] emit O { card, n } throttle 1s }\n"
      "rule f { from P[n > 0] partition by card emit O { card, n } throttle 1s }\n"
      "rule g { from P emit O { card, n } }\n"
      "rule h { from P[n == 8] emit O { card: \"a constant text\", n } }\n"
      "rule i { from P[n == 8] emit O { card: \"h\", n: 1 } }\n"
      "rule j { from P[n == 8] emit O { card, n } }\n");
  class Emitted final : public model::MatchSink {
   public:
    explicit Emitted(const plan::Plan& plan) : plan_(plan) {}
    void on_match(const model::MatchView& match) override {
      const model::EventView event = match.emitted;
      const auto& fields = plan_.catalog[event.type()].fields;
      text += plan_.rules[event.origin().rule].name + std::to_string(event.origin().ordinal) + "(";
      for (std::uint32_t i = 0; i < fields.size(); ++i) {
        const model::Value value = event.get(fields[i], i);
        text += value.is_null()                     ? "-"
                : value.kind == model::Kind::string ? std::string(value.text())
                                                    : std::to_string(value.i);
        text += i + 1 < fields.size() ? " " : ")";
      }
      text += "@" + std::to_string(event.time_ns()) + "/" + std::to_string(event.seq()) + " ";
      CHECK(event.origin().rule == match.rule);
      CHECK(match.events[0].event.seq() == event.seq());
    }
    std::string text;

   private:
    const plan::Plan& plan_;
  };
  for (const unsigned shards : {1u, 2u}) {
    Emitted sink(plan);
    runtime::EngineOptions options;
    options.shards = shards;
    runtime::Engine engine(plan, options, sink);
    const auto source = engine.add_source();
    model::EventBatch batch;
    const auto add = [&](std::int64_t time_ns, model::Value card, double amount, model::Value n) {
      add_event(batch, plan.catalog.types[0], time_ns, {card, float_value(amount), n});
    };
    add(1, text_value("x"), 3, int_value(7));
    add(1, text_value("a longer text"), 3, model::Value::null());
    engine.push(source, batch);
    add(2, text_value("y"), 1.5, int_value(8));  // where the first event was
    engine.push(source, batch);
    engine.finish();
    CHECK(sink.text ==
          "a0(x 7)@1/1 b0(x 7)@1/1 c0(7 x)@1/1 d0(8)@1/1 e0(x 7)@1/1 f0(x 7)@1/1 g0(x 7)@1/1 "
          "a0(a longer text -)@1/2 b0(a longer text -)@1/2 c0(- a longer text)@1/2 d0(-)@1/2 "
          "g0(a longer text -)@1/2 "
          "a0(y 8)@2/3 f0(y 8)@2/3 g0(y 8)@2/3 h0(a constant text 8)@2/3 i0(h 1)@2/3 j0(y 8)@2/3 ");
  }
}
