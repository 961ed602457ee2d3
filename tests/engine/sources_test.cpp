// Sources that come and go: event time never goes back for one, waits for those that hold it and for no
// other, and whatever comes when, an order that is given is the order of one source that was there all along.
#include <algorithm>
#include <array>
#include <deque>
#include <random>

#include "engine/runtime/engine.hpp"
#include "engine/runtime/event_time.hpp"
#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;
using runtime::EventTime;

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr model::SourceOptions unawaited{.awaited = false};

// An EventTime, and its batches as text.
struct Times {
  explicit Times(std::size_t max_buffered = 1000, model::LateSink* late = nullptr)
      : time(max_buffered, late) {
    type.name = "E";
    type.layout();
  }
  std::string push(std::uint16_t source, std::initializer_list<std::int64_t> times) {
    for (const std::int64_t each : times)
      add_event(batch, type, each, {});
    time.admit(source, batch);
    return taken();
  }
  std::string advance(std::uint16_t source, std::int64_t to_ns) {
    time.advance(source, to_ns, batch);
    return taken();
  }
  std::string close(std::uint16_t source) {
    time.close(source, batch);
    return taken();
  }
  std::string finish() {
    time.finish(batch);
    return taken();
  }
  std::string tick(std::int64_t now_ns) {
    time.tick(now_ns, batch);
    return taken();
  }
  std::string taken() {
    std::string text;
    for (std::size_t i = 0; i < batch.size(); ++i)
      text += std::to_string(batch[i].time_ns()) + " ";
    batch.clear();
    return text;
  }
  std::uint64_t late(std::uint16_t source) const { return time.sources()[source].late; }

  model::EventType type;
  EventTime time;
  model::EventBatch batch;
};

}  // namespace

TEST_CASE("a source that comes later holds event time back from its first event that is not late") {
  Times t;
  const auto a = t.time.add_source({});
  CHECK(t.push(a, {10, 20}) == "10 20 ");
  const auto b = t.time.add_source(unawaited);
  CHECK(t.push(a, {30}) == "30 ");  // b has shown nothing
  CHECK(t.push(b, {25, 29}) == "");
  CHECK(t.late(b) == 2);
  CHECK(t.time.sources()[b].lateness_needed_ns == 5);
  CHECK(t.push(a, {40}) == "40 ");  // nor was anything that b has shown in time
  CHECK(t.push(b, {40, 45}) == "40 ");
  CHECK(t.push(a, {60}) == "45 ");  // now it holds
  CHECK(t.time.now_ns() == 45);
  CHECK(t.time.slowest() == b);
  CHECK(t.push(b, {50}) == "50 ");
  CHECK(t.close(b) == "60 ");
}

TEST_CASE("a source that is awaited holds event time where it is from the begin") {
  Times t;
  const auto a = t.time.add_source({});
  CHECK(t.push(a, {10, 20}) == "10 20 ");
  const auto b = t.time.add_source({});
  CHECK(t.push(a, {30}) == "");
  CHECK(t.time.now_ns() == 20);
  CHECK(t.time.slowest() == b);
  CHECK(t.push(b, {15, 25}) == "25 ");
  CHECK(t.late(b) == 1);
}

TEST_CASE("a source with lateness joins behind event time, which waits until its watermark is there") {
  Times t;
  const auto a = t.time.add_source({});
  CHECK(t.push(a, {100}) == "100 ");
  const auto b = t.time.add_source({.lateness_ns = 10, .awaited = false});
  CHECK(t.push(b, {104}) == "");
  CHECK(t.push(a, {105}) == "");
  CHECK(t.time.now_ns() == 100);
  CHECK(t.push(b, {99, 101, 112}) == "101 ");  // 99 is within its lateness, but not within event time
  CHECK(t.late(b) == 1);
  CHECK(t.time.sources()[b].lateness_needed_ns == 11);
  CHECK(t.time.now_ns() == 102);
  CHECK(t.close(b) == "104 105 ");  // what it said of the future waits for a
  CHECK(t.push(a, {120}) == "112 120 ");
}

TEST_CASE("advancing counts as an event does, and what is behind event time as a late one") {
  Times t;
  const auto a = t.time.add_source({});
  t.push(a, {50});
  const auto b = t.time.add_source(unawaited);
  t.advance(b, 40);
  CHECK(!t.time.holds(b));
  t.advance(b, 55);
  CHECK(t.time.holds(b));
  CHECK(t.push(a, {60, 70}) == "");
  CHECK(t.advance(b, 65) == "60 ");
}

TEST_CASE("ids are used again, and counts stay in the total") {
  Times t;
  const auto a = t.time.add_source({});
  const auto b = t.time.add_source(unawaited);
  t.push(a, {10});
  t.push(b, {20, 15, 30});
  t.close(b);
  CHECK(t.time.sources()[b].events == 2);  // still there, as long as the id is free
  CHECK(t.time.forgotten().events == 0);
  const auto c = t.time.add_source(unawaited);
  CHECK(c == b);
  CHECK(t.time.sources()[c].events == 0);
  CHECK(t.time.forgotten().events == 2);
  CHECK(t.time.forgotten().late == 1);
  CHECK(t.time.forgotten().lateness_needed_ns == 5);
  CHECK(!t.time.holds(c));
  CHECK(t.time.sources()[c].watermark_ns() == INT64_MIN);
  CHECK(t.time.sources().size() == 2);
}

TEST_CASE("as many sources as there are ids, and then an error") {
  Times t;
  for (std::size_t i = 0; i < model::max_sources; ++i)
    CHECK(t.time.add_source(unawaited) == i);
  CHECK_THROWS_AS(t.time.add_source(unawaited), std::runtime_error);
  t.close(4711);
  CHECK(t.time.add_source(unawaited) == 4711);
  CHECK_THROWS_WITH(t.time.add_source(unawaited), "no more than 65535 sources can be open");
}

TEST_CASE("a silent source stops holding event time back after its idle timeout, until its next event") {
  Times t;
  const auto a = t.time.add_source({});
  const auto b = t.time.add_source({.idle_timeout_ns = 5 * second});
  t.tick(1000 * second);  // wherever the clock begins
  t.push(b, {10});
  CHECK(t.push(a, {20, 30}) == "10 ");
  CHECK(t.tick(1004 * second) == "");
  CHECK(t.tick(1005 * second) == "");  // overdue from now on
  CHECK(t.time.holds(b));
  CHECK(t.tick(1006 * second) == "20 30 ");
  CHECK(!t.time.holds(b));
  CHECK(t.push(a, {40}) == "40 ");
  CHECK(t.push(b, {35}) == "");  // late, and still idle
  CHECK(t.late(b) == 1);
  CHECK(t.push(a, {50}) == "50 ");
  CHECK(t.push(b, {50}) == "50 ");  // back
  CHECK(t.time.holds(b));
  CHECK(t.push(a, {60}) == "");
  t.tick(1011 * second);
  t.push(b, {51});
  t.tick(1015 * second);  // 4 s after the last
  CHECK(t.tick(1015 * second) == "");
  CHECK(t.time.holds(b));
  t.tick(1016 * second);
  CHECK(t.tick(1017 * second) == "60 ");
}

TEST_CASE("a source is idle only at the second tick that finds it overdue") {
  Times t;
  const auto a = t.time.add_source({.idle_timeout_ns = second});
  t.tick(0);
  t.push(a, {10});
  t.tick(60 * second);  // the caller was busy; the source had no turn
  CHECK(t.time.holds(a));
  t.push(a, {11});
  t.tick(60 * second + 1);
  CHECK(t.time.holds(a));
}

TEST_CASE("late events alone don't keep a source from being idle") {
  Times t;
  const auto a = t.time.add_source({.idle_timeout_ns = second});
  const auto b = t.time.add_source({});
  t.push(a, {100});
  t.push(b, {200});
  for (int i = 0; i < 4; ++i) {
    t.push(a, {50});  // its clock has jumped back
    t.tick(i * second);
  }
  CHECK(!t.time.holds(a));
  CHECK(t.time.now_ns() == 200);
}

TEST_CASE("where all sources are idle event time stays; where all are closed nothing is waited for") {
  Times t;
  const auto a = t.time.add_source({.lateness_ns = 10, .idle_timeout_ns = second});
  const auto b = t.time.add_source({.lateness_ns = 10, .idle_timeout_ns = 2 * second});
  const auto never = t.time.add_source(unawaited);
  t.tick(0);
  t.push(a, {100});
  CHECK(t.push(b, {150}) == "");
  CHECK(t.time.now_ns() == 90);
  t.tick(second);
  CHECK(t.tick(2 * second) == "100 ");
  CHECK(t.time.now_ns() == 140);
  CHECK(t.tick(5 * second) == "");
  CHECK(!t.time.holds(a));
  CHECK(!t.time.holds(b));
  CHECK(t.time.now_ns() == 140);
  CHECK(t.close(b) == "");  // a may go on
  CHECK(t.time.now_ns() == 140);
  CHECK(t.push(a, {145}) == "");
  CHECK(t.time.now_ns() == 140);  // waits for a again
  CHECK(t.close(a) == "145 150 ");
  CHECK(t.time.now_ns() == 150);
  CHECK(t.close(never) == "");
  CHECK(t.time.now_ns() == 150);
}

TEST_CASE("event time is the least watermark of those that hold, whatever comes, goes and falls silent") {
  std::mt19937_64 random(11);
  Times t(1'000'000);
  struct Known {
    bool open = false;
    std::int64_t newest = INT64_MIN;
    std::int64_t lateness = 0;
  };
  std::array<Known, 40> known;
  std::int64_t clock = 0, now = INT64_MIN;
  std::uint64_t accepted = 0, released = 0, late = 0;
  const auto count = [&](const std::string& text) {
    released += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), ' '));
  };
  for (int i = 0; i < 20'000; ++i) {
    const auto id = static_cast<std::uint16_t>(random() % known.size());
    if (!known[id].open) {
      if (random() % 3 != 0) continue;
      const model::SourceOptions options{.lateness_ns = static_cast<std::int64_t>(random() % 3) * 20,
                                         .awaited = random() % 8 == 0,
                                         .idle_timeout_ns = static_cast<std::int64_t>(random() % 3) * 100};
      const auto given = t.time.add_source(options);
      known[given] = {true, INT64_MIN, options.lateness_ns};
    } else if (random() % 50 == 0) {
      count(t.close(id));
      known[id].open = false;
    } else if (random() % 10 == 0) {
      count(t.tick(clock += static_cast<std::int64_t>(random() % 40)));
    } else {
      const std::int64_t time = i / 4 + static_cast<std::int64_t>(random() % 60);
      const bool is_late =
          time < now || (known[id].newest != INT64_MIN && time < known[id].newest - known[id].lateness);
      late += is_late;
      accepted += !is_late;
      if (!is_late) known[id].newest = std::max(known[id].newest, time);
      count(t.push(id, {time}));
      REQUIRE(t.time.holds(id) >= !is_late);
    }
    // The least of those that hold, by looking at all of them.
    std::int64_t least = INT64_MAX;
    std::uint16_t slowest = 0;
    for (std::uint16_t each = 0; each < t.time.sources().size(); ++each) {
      if (!t.time.holds(each)) continue;
      REQUIRE(known[each].open);
      const std::int64_t newest = known[each].newest;
      const std::int64_t watermark = newest == INT64_MIN ? INT64_MIN : newest - known[each].lateness;
      if (watermark < least) slowest = each;
      least = std::min(least, watermark);
    }
    REQUIRE(t.time.slowest() == slowest);
    if (least != INT64_MAX) REQUIRE(t.time.now_ns() == std::max(now, least));
    REQUIRE(t.time.now_ns() >= now);
    now = t.time.now_ns();
  }
  CHECK(accepted > 5'000);
  CHECK(late > 500);
  for (std::uint16_t id = 0; id < known.size(); ++id) {
    if (known[id].open) count(t.close(id));
  }
  count(t.finish());
  CHECK(released == accepted);
  std::uint64_t counted = t.time.forgotten().late;
  for (const auto& source : t.time.sources())
    counted += source.late;
  CHECK(counted == late);
}

namespace {

constexpr const char* rules =
    "event P { card: string, n: int, at: time @timestamp }\n"
    "rule rise { match a: P -> b: P[n > a.n] -> c: P[n > b.n] partition by card within 20s }\n"
    "rule silent { match a: P[n == 1] -> not P for 3s partition by card emit Silent { card } }\n"
    "rule often { from Silent partition by card window sliding 60s when count() >= 3 }\n";

class LateRecorder final : public runtime::LateSink {
 public:
  void on_late(std::uint16_t source, model::EventView event) override {
    CHECK(event.header().source == source);
    CHECK(event.seq() == 0);
    events.emplace_back(source, event.time_ns());
  }
  std::vector<std::pair<std::uint16_t, std::int64_t>> events;
};

}  // namespace

TEST_CASE("connections that come and go give what one source gives, where the order is given") {
  const auto plan = plan_of(rules);
  const auto& type = plan.catalog.types[0];
  std::mt19937_64 random(5);
  struct Event {
    std::int64_t time_ns;
    std::string card;
    std::int64_t n;
  };
  std::vector<Event> events;
  for (std::int64_t i = 0; i < 3000; ++i) {
    events.push_back({i * second / 4 + second, "card " + std::to_string(random() % 9),
                      static_cast<std::int64_t>(random() % 9)});
  }
  const auto add = [&](model::EventBatch& batch, const Event& event) {
    add_event(batch, type, event.time_ns, {text_value(event.card), int_value(event.n)});
  };
  Recorder expected;
  {
    runtime::Engine engine(plan, {}, expected);
    const auto source = engine.add_source();
    model::EventBatch batch;
    for (const Event& event : events)
      add(batch, event);
    engine.push(source, batch);
    engine.finish();
  }
  CHECK(expected.matches.size() > 500);
  for (const unsigned shards : {1u, 3u}) {
    CAPTURE(shards);
    Recorder sink;
    LateRecorder late;
    runtime::EngineOptions options;
    options.shards = shards;
    options.late = &late;
    runtime::Engine engine(plan, options, sink);
    // Each connection sends some events in turn with the others, so that all arrive in the order given.
    std::deque<std::uint16_t> open;
    std::uint64_t opened = 0;
    model::EventBatch batch;
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (open.empty() || random() % 20 == 0) {
        open.push_back(engine.add_source(
            {.lateness_ns = static_cast<std::int64_t>(random() % 2) * second, .awaited = false}));
        ++opened;
      }
      if (open.size() > 1 && random() % 20 == 0) {
        engine.close_source(open.front());
        open.pop_front();
      }
      std::swap(open.front(), open[random() % open.size()]);
      add(batch, events[i]);
      engine.push(open.front(), batch);
    }
    engine.finish();
    CHECK(sink.matches == expected.matches);
    CHECK(late.events.empty());
    const runtime::Stats stats = engine.stats();
    CHECK(opened > 80);
    CHECK(stats.sources.size() < 30);
    std::uint64_t total = stats.earlier_sources.events;
    for (const auto& source : stats.sources)
      total += source.events;
    CHECK(total == events.size());
  }
}

TEST_CASE("a thousand silent connections hold nothing up") {
  const auto plan = plan_of(rules);
  Recorder sink;
  runtime::Engine engine(plan, {}, sink);
  for (int i = 0; i < 1000; ++i)
    engine.add_source({.awaited = false});
  const auto source = engine.add_source({.awaited = false});
  model::EventBatch batch;
  add_event(batch, plan.catalog.types[0], second, {text_value("c"), int_value(1)});
  engine.push(source, batch);
  engine.advance(source, 5 * second);
  CHECK(sink.matches == std::vector<std::string>{"1@4000000000[1]"});
  CHECK(engine.stats().event_time_ns == 5 * second);
}

TEST_CASE("the clock alone brings what an idle source held back") {
  const auto plan = plan_of(rules);
  for (const unsigned shards : {1u, 3u}) {
    Recorder sink;
    runtime::EngineOptions options;
    options.shards = shards;
    runtime::Engine engine(plan, options, sink);
    const auto a = engine.add_source();
    const auto b = engine.add_source({.idle_timeout_ns = second});
    model::EventBatch batch;
    add_event(batch, plan.catalog.types[0], second, {text_value("c"), int_value(1)});
    engine.push(a, batch);
    engine.advance(a, 10 * second);
    engine.tick(0);
    engine.tick(second);
    CHECK(engine.stats().reorder_events == 1);
    CHECK(engine.stats().event_time_ns == INT64_MIN);
    engine.tick(2 * second);
    CHECK(engine.stats().reorder_events == 0);
    CHECK(engine.stats().event_time_ns == 10 * second);
    CHECK(!engine.stats().sources[b].holds);
    if (shards == 1) CHECK(sink.matches.size() == 1);
    engine.finish();
    CHECK(sink.matches.size() == 1);
  }
}

TEST_CASE("late events go to their sink with their source") {
  const auto plan = plan_of(rules);
  const auto& type = plan.catalog.types[0];
  Recorder sink;
  LateRecorder late;
  runtime::EngineOptions options;
  options.late = &late;
  runtime::Engine engine(plan, options, sink);
  const auto a = engine.add_source();
  const auto b = engine.add_source({.awaited = false});
  model::EventBatch batch;
  for (const std::int64_t time : {5, 9, 4, 8, 10})
    add_event(batch, type, time, {text_value("c"), int_value(time)});
  engine.push(a, batch);
  for (const std::int64_t time : {9, 10})
    add_event(batch, type, time, {text_value("c"), int_value(time)});
  engine.push(b, batch);
  engine.finish();
  CHECK(late.events == std::vector<std::pair<std::uint16_t, std::int64_t>>{{a, 4}, {a, 8}, {b, 9}});
  CHECK(engine.stats().sources[a].late == 2);
  CHECK(engine.stats().events == 4);
}

TEST_CASE("a client that comes back within its lateness is not late") {
  const auto plan = plan_of("event E { x: int, at: time @timestamp }\nrule r { match E }\n");
  Recorder sink;
  runtime::Engine engine(plan, {}, sink);
  const model::SourceOptions connection{.lateness_ns = 100, .awaited = false};
  model::EventBatch batch;
  for (const std::int64_t time : {1000, 950, 1010}) {
    const auto source = engine.add_source(connection);
    add_event(batch, plan.catalog.types[0], time, {int_value(1)});
    engine.push(source, batch);
    engine.close_source(source);
  }
  engine.finish();
  CHECK(sink.matches == std::vector<std::string>{"0@950[2]", "0@1000[1]", "0@1010[3]"});
  CHECK(engine.stats().event_time_ns == 1010);
}
