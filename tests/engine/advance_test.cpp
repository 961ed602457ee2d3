// Engine::advance: time that passes without events runs timers, at the places where events would have run
// them, with any number of sources, shards and layers.
#include <algorithm>
#include <random>

#include "engine/runtime/engine.hpp"
#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;

namespace {

constexpr std::int64_t second = 1'000'000'000;

constexpr const char* rules =
    "event P { card: string, n: int, at: time @timestamp }\n"
    "rule silent { match a: P -> not P for 10s partition by card emit Silent { card } }\n"
    "rule still { match a: Silent -> not P for 5s partition by card emit Still { card } }\n"
    "rule slow { match a: P[n == 1] -> b: P[n == 2] partition by card within 7s\n"
    "  emit Both { card } on timeout emit Slow { card } }\n";

struct Push {
  std::int64_t time_ns = 0;
  std::string card;  // empty: time alone
  std::int64_t n = 0;
};

// All of `pushes`, in batches of at most `batch_size` events. Where `by_event`, time moves by events of a
// card that no rule reads, as they have no key.
std::vector<std::string> run(const plan::Plan& plan, const std::vector<Push>& pushes, unsigned shards,
                             std::size_t batch_size, bool by_event = false) {
  Recorder sink;
  runtime::EngineOptions options;
  options.shards = shards;
  runtime::Engine engine(plan, options, sink);
  const auto source = engine.add_source();
  model::EventBatch batch;
  for (const Push& push : pushes) {
    if (!push.card.empty() || by_event) {
      add_event(batch, plan.catalog.types[push.card.empty() ? 1 : 0], push.time_ns,
                {text_value(push.card), int_value(push.n)});
    }
    if (batch.size() == batch_size || push.card.empty()) engine.push(source, batch);
    if (push.card.empty() && !by_event) engine.advance(source, push.time_ns);
  }
  engine.push(source, batch);
  engine.finish();
  return sink.matches;
}

}  // namespace

TEST_CASE("time that passes runs the timers before it") {
  const auto plan = plan_of(rules);
  Recorder sink;
  runtime::Engine engine(plan, {}, sink);
  const auto source = engine.add_source();
  model::EventBatch batch;
  add_event(batch, plan.catalog.types[0], second, {text_value("c"), int_value(1)});
  engine.push(source, batch);
  CHECK(sink.matches.empty());
  engine.advance(source, 8 * second);  // an event of that very time may still come
  CHECK(sink.matches.empty());
  engine.advance(source, 8 * second + 1);
  CHECK(sink.matches == std::vector<std::string>{"2@8000000000[1]"});
  engine.advance(source, 5 * second);  // it has been there
  engine.advance(source, 60 * second);
  CHECK(sink.matches == std::vector<std::string>{"2@8000000000[1]", "0@11000000000[1]", "1@16000000000[1]"});
  add_event(batch, plan.catalog.types[0], 59 * second, {text_value("c"), int_value(1)});  // late
  add_event(batch, plan.catalog.types[0], 60 * second, {text_value("c"), int_value(1)});
  engine.push(source, batch);
  engine.finish();
  CHECK(sink.matches.size() == 3);
  CHECK(engine.stats().sources[0].late == 1);
}

TEST_CASE("what time alone brings is what events would have brought, for any shards and batches") {
  // The second type moves time as an event.
  const auto plan = plan_of(
      std::string(rules).insert(std::string(rules).find("rule"), "event Other { card: string, n: int }\n"));
  std::mt19937_64 random(7);
  std::vector<Push> pushes;
  std::int64_t time = 0;
  for (int i = 0; i < 400; ++i) {
    time += static_cast<std::int64_t>(random() % 3) * second;
    if (random() % 4 == 0) {
      pushes.push_back({time += static_cast<std::int64_t>(random() % 12) * second, "", 0});
    } else {
      pushes.push_back(
          {time, "card " + std::to_string(random() % 6), static_cast<std::int64_t>(1 + random() % 2)});
    }
  }
  // Numbers of events differ where time moves by events, so they are left out.
  const auto without_events = [](std::vector<std::string> matches) {
    for (std::string& match : matches)
      match.erase(match.find('['));
    return matches;
  };
  const auto expected = run(plan, pushes, 1, 1000);
  CHECK(expected.size() > 100);
  CHECK(without_events(run(plan, pushes, 1, 1000, true)) == without_events(expected));
  for (const unsigned shards : {1u, 2u, 3u, 7u}) {
    for (const std::size_t batch_size : {1ul, 3ul, 1000ul}) {
      CAPTURE(shards);
      CAPTURE(batch_size);
      CHECK(run(plan, pushes, shards, batch_size) == expected);
    }
  }
}

TEST_CASE("of several sources the slowest holds time back") {
  const auto plan = plan_of(rules);
  for (const unsigned shards : {1u, 3u}) {
    Recorder sink;
    runtime::EngineOptions options;
    options.shards = shards;
    runtime::Engine engine(plan, options, sink);
    const auto a = engine.add_source();
    const auto b = engine.add_source({.lateness_ns = second});
    model::EventBatch batch;
    add_event(batch, plan.catalog.types[0], second, {text_value("c"), int_value(1)});
    engine.push(a, batch);
    engine.advance(a, 100 * second);
    CHECK(engine.slowest_source() == b);
    engine.advance(b, 9 * second);  // less a second of lateness
    add_event(batch, plan.catalog.types[0], 8 * second, {text_value("c"), int_value(2)});
    engine.push(b, batch);  // in time for the timer at 8 s
    engine.advance(b, 9 * second + 2);
    engine.advance(b, 19 * second + 2);
    engine.finish();
    CHECK(engine.stats().sources[b].late == 0);
    // Time went on to 100 s, as far as a source has shown: 11 s without an event after the last.
    CHECK(sink.matches ==
          std::vector<std::string>{"2@8000000000[1 2]", "0@18000000000[2]", "1@23000000000[2]"});
  }
}
