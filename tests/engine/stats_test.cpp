// What the engine says of itself while it runs: counters that add up for every matcher, state that is what is
// held, the same numbers with one shard at once and with several after a while.
#include <random>
#include <set>
#include <thread>

#include "engine/runtime/engine.hpp"
#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr const char* schema = "event P { card: string, n: int, at: time @timestamp }\n";

// The first events of the runs of which something was reported, by rule.
class Starts final : public model::MatchSink {
 public:
  void on_match(const model::MatchView& match) override {
    of_rule.resize(std::max<std::size_t>(of_rule.size(), match.rule + 1));
    of_rule[match.rule].insert(match.events.front().event.seq());
  }
  std::vector<std::set<std::uint64_t>> of_rule{8};
};

// Matches and the stamps of batches, in the order in which they come: a match is its last event.
class Stamps final : public model::MatchSink {
 public:
  void on_match(const model::MatchView& match) override {
    seen.push_back(static_cast<std::int64_t>(match.trigger_seq));
  }
  void on_batch(std::int64_t stamp) override { seen.push_back(-stamp); }
  std::vector<std::int64_t> seen;
};

struct Feed {
  Feed(runtime::Engine& to, const plan::Plan& plan)
      : engine(to), type(plan.catalog.types[0]), source(to.add_source()) {}
  void push(std::int64_t time_ns, std::string_view card, std::int64_t n) {
    add_event(batch, type, time_ns, {text_value(card), int_value(n)});
    if (batch.size() >= 100) flush();
  }
  void flush() { engine.push(source, batch); }

  runtime::Engine& engine;
  const model::EventType& type;
  std::uint16_t source;
  model::EventBatch batch;
};

void push_random(Feed& feed, int events) {
  std::mt19937_64 random(3);
  for (int i = 0; i < events; ++i) {
    feed.push(i * (second / 50), "card " + std::to_string(random() % 40),
              static_cast<std::int64_t>(random() % 12));
  }
  feed.flush();
}

}  // namespace

TEST_CASE("the sink gets a batch's stamp behind its matches, and none where nothing was released") {
  const auto plan = plan_of(std::string(schema) + "rule r { match a: P[n > 0] }\n");
  for (const unsigned shards : {1u, 3u}) {
    Stamps sink;
    runtime::EngineOptions options;
    options.shards = shards;
    runtime::Engine engine(plan, options, sink);
    const std::uint16_t source = engine.add_source();
    const std::uint16_t late = engine.add_source({.lateness_ns = 0, .awaited = true});
    model::EventBatch batch;
    const auto push = [&](std::uint16_t to, std::int64_t time, std::int64_t n, std::int64_t stamp) {
      add_event(batch, plan.catalog.types[0], time, {text_value("c"), int_value(n)});
      engine.push(to, batch, stamp);
    };
    engine.mark(50);           // before there is any event time
    push(source, 10, 1, 100);  // waits for the other source
    push(late, 20, 0, 200);
    push(source, 15, 0, 300);
    push(source, 30, 1, 0);
    push(late, 40, 1, 500);
    engine.mark(600);  // behind what came of the pushes, not what still waits
    engine.advance(late, 45);
    engine.mark(700);
    engine.mark(800);
    engine.finish();
    CHECK(sink.seen == std::vector<std::int64_t>{-50, 1, -200, -300, 4, -500, -600, -700, -800, 5});
    engine.mark(900);
    CHECK(sink.seen.back() == -900);
  }
}

TEST_CASE("every run that began is reported, expired, dropped or still there") {
  const auto plan =
      plan_of(std::string(schema) +
              // within a time: runs go with their slabs
              "rule timed { match a: P[n == 1] -> b: P[n == 2] -> c: P[n == 3] partition by card "
              "within 5s }\n"
              "rule joined { match a: P[n < 3] -> b: P[n > a.n + 7] partition by card within 2s "
              "report all after match skip none }\n"
              // within events or for ever: they go when memory is compacted
              "rule counted { match a: P[n == 1] -> b: P[n == 2] partition by card within 6 events }\n"
              "rule closed { match a: P[n < 6] -> not P[n == 7] -> b: P[n == a.n + 1] partition by "
              "card }\n"
              "rule ended { match a: P[n == 1] -> b: P[n == 2] partition by card within 3s emit E { "
              "card } on timeout emit T { card } }\n"
              // a key's runs share its last events
              "rule next { match a: P[n < 8] , b: P[n < 6] , c: P[n < 4] partition by card within 5s after "
              "match skip none }\n");
  for (const auto matcher :
       {runtime::MatcherChoice::automatic, runtime::MatcherChoice::grouped, runtime::MatcherChoice::arena}) {
    for (const std::size_t limit : {std::size_t{1} << 20, std::size_t{1000}}) {
      CAPTURE(static_cast<int>(matcher));
      CAPTURE(limit);
      Starts sink;
      runtime::EngineOptions options;
      options.matcher = matcher;
      options.limits.run_nodes_per_rule = limit;
      runtime::Engine engine(plan, options, sink);
      Feed feed(engine, plan);
      push_random(feed, 60'000);
      const runtime::Stats stats = engine.stats();
      for (std::size_t rule = 0; rule < plan.rules.size(); ++rule) {
        CAPTURE(plan.rules[rule].name);
        const auto& counters = stats.rules[rule];
        const auto& state = stats.states[rule];
        CHECK(counters.started > 4'000);
        CHECK(counters.advanced > 100);
        CHECK(counters.advanced + counters.started >= counters.matches * 2);
        CHECK(counters.started ==
              sink.of_rule[rule].size() + counters.expired + counters.dropped_runs + state.runs);
        CHECK(counters.expired + counters.dropped_runs > 100);
        CHECK(state.nodes >= state.runs);
        CHECK(state.nodes < 10'000);
        CHECK(state.keys > 0);
        CHECK(state.keys <= 40);
        CHECK(state.bytes >= state.nodes * 24);  // a record of a grouped run, without its event
        CHECK(state.entries == 0);
      }
      CHECK(stats.rules[4].timeouts > 1'000);
    }
  }
}

TEST_CASE("of a total, starts are counted on each arc that they wait on") {
  const auto plan =
      plan_of(std::string(schema) +
              "rule sum { match a: P[n == 1] ~> b: P[n == 2] partition by card within 5s report total "
              "emit S { card, n: count(b) } }\n");
  Starts sink;
  runtime::Engine engine(plan, {}, sink);
  Feed feed(engine, plan);
  push_random(feed, 20'000);
  const runtime::Stats stats = engine.stats();
  CHECK(stats.rules[0].started > 1000);
  CHECK(stats.rules[0].started == stats.rules[0].expired + stats.states[0].runs);
  CHECK(stats.rules[0].advanced == stats.rules[0].matches);
}

TEST_CASE("windows show what they hold") {
  const auto plan =
      plan_of(std::string(schema) +
              "rule often { from P partition by card window sliding 10s when count() >= 100 emit O { card } "
              "}\n");
  Starts sink;
  runtime::Engine engine(plan, {}, sink);
  Feed feed(engine, plan);
  push_random(feed, 20'000);
  const runtime::Stats stats = engine.stats();
  CHECK(stats.states[0].entries >= 500);  // fifty a second
  CHECK(stats.states[0].entries <= 501);
  CHECK(stats.states[0].keys == 40);
  CHECK(stats.states[0].bytes > 500 * 8);
  CHECK(stats.states[0].runs == 0);
}

TEST_CASE("a rule's time is that of its visits, whoever takes turns with it") {
  // Where rules take turns, one that is looked at every other time must not be the only one that is timed.
  const auto plan = plan_of(std::string(schema) +
                            "rule one { match a: P -> b: P[n > a.n + 10] partition by card within 5s }\n"
                            "rule two { match a: P -> b: P[n > a.n + 10] partition by card within 5s }\n"
                            "rule never { match a: P[n > 100] -> b: P[n > 100] }\n");
  Starts sink;
  runtime::Engine engine(plan, {}, sink);
  Feed feed(engine, plan);
  push_random(feed, 200'000);
  const runtime::Stats stats = engine.stats();
  CHECK(stats.rules[0].busy_ns > 0);
  CHECK(stats.rules[1].busy_ns > 0);
  CHECK(stats.rules[2].busy_ns == 0);
}

TEST_CASE("statistics are exact at any time with one shard") {
  const auto plan = plan_of(std::string(schema) +
                            "rule all { match a: P[n >= 0] emit A { card } }\n"
                            "rule again { from A emit B { card } }\n");
  Starts sink;
  runtime::Engine engine(plan, {}, sink);
  CHECK(engine.stats().rules.size() == 2);
  Feed feed(engine, plan);
  for (std::uint64_t i = 1; i <= 50; ++i) {
    feed.push(static_cast<std::int64_t>(i) * second, "c", 1);
    feed.flush();
    const runtime::Stats stats = engine.stats();
    CHECK(stats.events == i);
    CHECK(stats.derived == i);
    CHECK(stats.matches == 2 * i);
    CHECK(stats.rules[0].matches == i);
    CHECK(stats.rules[1].events == i);
    CHECK(stats.event_time_ns == static_cast<std::int64_t>(i) * second);
    CHECK(stats.batches_under_way == std::vector<std::uint64_t>{0});
  }
}

TEST_CASE("with several shards they are as of some time ago, and come to what is exact") {
  const auto plan =
      plan_of(std::string(schema) +
              "rule rise { match a: P -> b: P[n > a.n + 9] partition by card within 5s emit R { card } }\n"
              "rule often { from R partition by card window sliding 60s when count() >= 3 emit O { card } }\n"
              "rule all { from P emit All { card } }\n");
  runtime::Stats expected;
  {
    Starts sink;
    runtime::Engine engine(plan, {}, sink);
    Feed feed(engine, plan);
    push_random(feed, 50'000);
    expected = engine.stats();
  }
  for (const auto idle : {runtime::Idle::spin, runtime::Idle::park}) {
    Starts sink;
    runtime::EngineOptions options;
    options.shards = 3;
    options.idle = idle;
    runtime::Engine engine(plan, options, sink);
    CHECK(engine.stats().rules.size() == 3);
    Feed feed(engine, plan);
    std::mt19937_64 random(3);
    std::uint64_t before = 0;
    for (int i = 0; i < 50'000; ++i) {
      feed.push(i * (second / 50), "card " + std::to_string(random() % 40),
                static_cast<std::int64_t>(random() % 12));
      if (i % 500 != 0) continue;
      const runtime::Stats stats = engine.stats();
      CHECK(stats.rules[2].events >= before);
      CHECK(stats.rules[2].events <= stats.events);
      before = stats.rules[2].events;
      CHECK(stats.batches_under_way.size() == 3);
      for (const std::uint64_t batches : stats.batches_under_way)
        CHECK(batches <= options.limits.batches_in_flight);
    }
    feed.flush();
    // Each call asks for what is newer; it comes to the end however slow the machine is.
    const auto is_there = [&](const runtime::Stats& stats) {
      if (stats.batches_under_way != std::vector<std::uint64_t>{0, 0, 0}) return false;
      return stats.rules[1].events == expected.rules[1].events && stats.matches == expected.matches;
    };
    runtime::Stats stats = engine.stats();
    for (int tries = 0; tries < 1'000'000 && !is_there(stats); ++tries) {
      std::this_thread::yield();
      stats = engine.stats();
    }
    CHECK(stats.batches_under_way == std::vector<std::uint64_t>{0, 0, 0});
    CHECK(stats.derived == expected.derived);
    CHECK(stats.matches == expected.matches);
    for (std::size_t rule = 0; rule < 3; ++rule) {
      CHECK(stats.rules[rule].events == expected.rules[rule].events);
      CHECK(stats.rules[rule].started == expected.rules[rule].started);
      CHECK(stats.rules[rule].advanced == expected.rules[rule].advanced);
      CHECK(stats.rules[rule].matches == expected.rules[rule].matches);
      CHECK(stats.states[rule].keys == expected.states[rule].keys);
    }
    engine.finish();
    CHECK(engine.stats().matches == expected.matches);
    CHECK(engine.stats().rules[0].events == expected.rules[0].events);
  }
}
