// Windows and thresholds against a plain computation of both, for every kind of window, on one shard and on
// several, in batches of any size.
#include <functional>
#include <random>
#include <tuple>

#include "engine/runtime/engine.hpp"
#include "tests/engine/window_reference.hpp"

using namespace tocsin;
using namespace tocsin::test;

namespace {

using Events = std::vector<const Reading*>;

std::vector<Reading> random_readings(std::uint64_t seed, int count, int keys, int most_gap) {
  std::mt19937_64 random(seed);
  std::vector<Reading> readings;
  std::int64_t now = 1000;
  for (int i = 0; i < count; ++i) {
    now += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most_gap + 1)) *
           static_cast<std::int64_t>(random() % 3 / 2 + random() % 2);
    Reading r;
    r.at_ns = now;
    r.key = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(keys));
    if (random() % 4 != 0) r.x = static_cast<std::int64_t>(random() % 20) - 10;
    if (random() % 4 != 0) r.y = static_cast<double>(random() % 1000) / 8 - 50;
    r.s = random() % 2 == 0 ? std::string(1 + random() % 3, static_cast<char>('a' + random() % 3))
                            : "a longer text " + std::to_string(random() % 4);
    readings.push_back(r);
  }
  return readings;
}

std::vector<std::string> run(const plan::Plan& plan, const std::vector<Reading>& readings, unsigned shards,
                             std::size_t per_batch) {
  EmitRecorder sink(plan);
  runtime::EngineOptions options;
  options.shards = shards;
  runtime::Engine engine(plan, options, sink);
  const auto source = engine.add_source();
  model::EventBatch batch;
  for (const Reading& reading : readings) {
    add_reading(batch, plan.catalog.types[0], reading);
    if (batch.size() == per_batch) engine.push(source, batch);
  }
  engine.push(source, batch);
  engine.finish();
  return sink.matches;
}

void check(const std::string& rule, const std::vector<Reading>& readings,
           const std::vector<std::string>& expected) {
  const auto plan = plan_of(reading_schema + rule);
  CHECK(expected.size() > 0);
  for (const auto& [shards, per_batch] : {std::pair<unsigned, std::size_t>{1, 1000}, {1, 1}, {3, 7}}) {
    const auto found = run(plan, readings, shards, per_batch);
    INFO(rule << " on " << shards << " shards, batches of " << per_batch);
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i)
      REQUIRE(found[i] == expected[i]);
  }
}

std::string match_text(std::int64_t at_ns, const std::string& fields, std::size_t event) {
  return "0@" + std::to_string(at_ns) + "{" + fields + "}#" + std::to_string(event + 1);
}

std::string rule_text(const std::string& window, const std::string& when, const std::string& fields) {
  return "rule r { from E partition by k " + window + " " + when + " emit O { " + fields + " } }";
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0);
}

// The events of the window of event i when it has just come in, as `member` says of an earlier one.
Events window_at(const std::vector<Reading>& readings, std::size_t i,
                 const std::function<bool(const Events& later, const Reading&)>& member) {
  Events events;
  for (std::size_t j = i + 1; j-- > 0;) {
    if (readings[j].key != readings[i].key) continue;
    if (!member(events, readings[j])) break;
    events.insert(events.begin(), &readings[j]);
  }
  return events;
}

}  // namespace

TEST_CASE("windows looked at with each event: all aggregates, all kinds") {
  struct Kind {
    const char* window;
    std::function<bool(const std::vector<Reading>&, std::size_t, const Events&, const Reading&)> member;
  };
  const auto tumbling_by_count = [](const std::vector<Reading>& all, std::size_t i, const Events& later,
                                    const Reading&) {
    std::size_t place = 0;  // of event i among those of its key
    for (std::size_t j = 0; j < i; ++j)
      place += all[j].key == all[i].key;
    return later.size() <= place % 7;
  };
  const std::vector<Kind> kinds = {
      {"window sliding 40ns", [](const auto& all, std::size_t i, const Events&,
                                 const Reading& r) { return r.at_ns >= all[i].at_ns - 40; }},
      {"window sliding 9 events",
       [](const auto&, std::size_t, const Events& later, const Reading&) { return later.size() < 9; }},
      {"window tumbling 50ns",
       [](const auto& all, std::size_t i, const Events&, const Reading& r) {
         return floor_div(r.at_ns, 50) == floor_div(all[i].at_ns, 50);
       }},
      {"window tumbling 7 events", tumbling_by_count},
      {"window session gap 12ns",
       [](const auto&, std::size_t, const Events& later, const Reading& r) {
         return later.empty() || r.at_ns >= later.front()->at_ns - 12;
       }},
  };
  for (const Kind& kind : kinds) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      const auto readings = random_readings(seed, 600, seed == 4 ? 1 : 5, 6);
      std::vector<std::string> expected;
      for (std::size_t i = 0; i < readings.size(); ++i) {
        const Events events = window_at(readings, i, [&](const Events& later, const Reading& r) {
          return kind.member(readings, i, later, r);
        });
        std::size_t same = 0;
        for (const Reading* e : events)
          same += e->s == readings[i].s;
        expected.push_back(match_text(readings[i].at_ns, window_text(events) + (same == 1 ? ",1" : ",0"), i));
      }
      check(rule_text(kind.window, "when count() > 0 on every",
                      std::string(all_aggregates) + ", nw: is_new(s)"),
            readings, expected);
    }
  }
}

TEST_CASE("windows that close: all aggregates, bounds, order") {
  struct Closed {
    std::int64_t at_ns;
    bool after_events;
    std::size_t first, last;
    Events events;
    std::int64_t start_ns;
  };
  const auto check_closed = [](const std::string& window, const std::vector<Reading>& readings,
                               std::vector<Closed> closed) {
    std::erase_if(closed, [&](const Closed& c) {
      return c.after_events ? c.at_ns >= readings.back().at_ns : c.at_ns > readings.back().at_ns;
    });
    std::sort(closed.begin(), closed.end(), [](const Closed& a, const Closed& b) {
      return std::tuple(a.at_ns, a.after_events, a.first) < std::tuple(b.at_ns, b.after_events, b.first);
    });
    std::vector<std::string> expected, by_pane;
    for (const Closed& c : closed) {
      const std::string all = window_text(c.events);
      const std::string bounds = "," + std::to_string(c.start_ns) + "," + std::to_string(c.at_ns) + "," +
                                 std::to_string(c.events.back()->key);
      expected.push_back(match_text(c.at_ns, all + bounds, c.last));
      by_pane.push_back(match_text(c.at_ns, pane_text(all) + bounds, c.last));
    }
    const std::string bounds = ", ws: window_start, we: window_end, key: k";
    check(rule_text(window, "", all_aggregates + bounds), readings, expected);
    check(rule_text(window, "", pane_aggregates + bounds), readings, by_pane);
  };
  for (std::uint64_t seed = 11; seed <= 14; ++seed) {
    const auto readings = random_readings(seed, 500, seed == 14 ? 1 : 6, 9);
    const auto windows = [&](std::int64_t width, std::int64_t hop) {
      std::vector<Closed> closed;
      for (std::int64_t k = floor_div(readings.front().at_ns - width, hop); k * hop <= readings.back().at_ns;
           ++k) {
        for (std::int64_t key = 0; key < 6; ++key) {
          Closed c{k * hop + width, false, readings.size(), 0, {}, k * hop};
          for (std::size_t i = 0; i < readings.size(); ++i) {
            const Reading& r = readings[i];
            if (r.key != key || r.at_ns < k * hop || r.at_ns >= k * hop + width) continue;
            c.first = std::min(c.first, i);
            c.last = i;
            c.events.push_back(&r);
          }
          if (!c.events.empty()) closed.push_back(std::move(c));
        }
      }
      return closed;
    };
    check_closed("window tumbling 60ns", readings, windows(60, 60));
    check_closed("window hopping 60ns every 20ns", readings, windows(60, 20));
    check_closed("window hopping 50ns every 30ns", readings, windows(50, 30));
    check_closed("window hopping 10ns every 30ns", readings, windows(10, 30));
    std::vector<Closed> sessions;
    std::vector<Closed> counted;
    for (std::int64_t key = 0; key < 6; ++key) {
      Closed open{};
      Closed block{};
      for (std::size_t i = 0; i < readings.size(); ++i) {
        const Reading& r = readings[i];
        if (r.key != key) continue;
        if (!open.events.empty() && open.events.back()->at_ns + 15 < r.at_ns) {
          sessions.push_back(open);
          open = {};
        }
        for (Closed* c : {&open, &block}) {
          if (c->events.empty()) {
            c->first = i;
            c->start_ns = r.at_ns;
          }
          c->events.push_back(&r);
          c->last = i;
        }
        open.at_ns = r.at_ns + 15;
        open.after_events = true;
        block.at_ns = r.at_ns;
        if (block.events.size() == 5) {
          counted.push_back(block);
          block = {};
        }
      }
      if (!open.events.empty()) sessions.push_back(open);
    }
    check_closed("window session gap 15ns", readings, sessions);
    std::sort(counted.begin(), counted.end(), [](const auto& a, const auto& b) { return a.last < b.last; });
    std::vector<std::string> expected;
    for (const Closed& c : counted)
      expected.push_back(match_text(c.at_ns, window_text(c.events), c.last));
    check(rule_text("window tumbling 5 events", "when true on close", all_aggregates), readings, expected);
  }
}
