// Thresholds on sliding windows against a plain computation: rise, fall, keep and for, at arrivals and as
// events leave, for conditions that fall as events leave and for those that may rise.
#include <functional>
#include <random>
#include <tuple>

#include "engine/runtime/engine.hpp"
#include "tests/engine/window_reference.hpp"

using namespace tocsin;
using namespace tocsin::test;

namespace {

constexpr std::int64_t width = 30;

struct Fired {
  std::int64_t at_ns;
  int phase;  // 0: at an event, 1: at a deadline, 2: as events leave
  bool changed_as_events_left;
  std::size_t order;  // of the event that led to it
  std::size_t event;  // at hand
  std::int64_t count;
};

struct Rule {
  bool rises = true;
  std::int64_t for_ns = -1;
  std::int64_t keep_ns = -1;
  bool by_time = true;
};

using Condition = std::function<bool(const std::vector<const Reading*>&)>;

// One key's condition through time. `own` are the places of the key's events.
void follow(const std::vector<Reading>& all, const std::vector<std::size_t>& own, const Rule& rule,
            const Condition& condition, std::int64_t end_ns, std::vector<Fired>& fired) {
  bool holds = false;
  struct Deadline {
    bool set = false;
    std::int64_t at_ns = 0;
    std::size_t order = 0;
    bool as_events_left = false;
  };
  Deadline keep, wait;
  std::vector<const Reading*> window;
  std::size_t newest = 0;
  const auto fire = [&](std::int64_t at_ns, int phase, bool left, std::size_t order) {
    fired.push_back({at_ns, phase, left, order, newest, static_cast<std::int64_t>(window.size())});
  };
  const auto fall = [&](std::int64_t at_ns, int phase, bool left, std::size_t order) {
    holds = false;
    wait.set = false;
    if (!rule.rises) fire(at_ns, phase, left, order);
  };
  const auto change = [&](bool raw, std::int64_t at_ns, int phase, std::size_t order) {
    const bool left = phase == 2;
    if (raw) {
      keep.set = false;
      if (holds) return;
      holds = true;
      if (rule.for_ns >= 0) {
        wait = {true, at_ns + rule.for_ns, order, left};
      } else if (rule.rises) {
        fire(at_ns, phase, left, order);
      }
    } else if (holds && !keep.set) {
      if (rule.keep_ns >= 0) {
        keep = {true, at_ns + rule.keep_ns, order, left};
      } else {
        fall(at_ns, phase, left, order);
      }
    }
  };
  // Everything that comes before the events of `until`, or before the expiries of `until`.
  const auto deadlines = [&](std::int64_t until, bool inclusive) {
    for (;;) {
      Deadline* next = nullptr;
      for (Deadline* d : {&keep, &wait}) {
        if (d->set && (d->at_ns < until || (inclusive && d->at_ns == until)) &&
            (!next || d->at_ns < next->at_ns))
          next = d;
      }
      if (!next) return;
      const Deadline now = *next;
      next->set = false;
      if (next == &keep) {
        fall(now.at_ns, 1, now.as_events_left, now.order);
      } else {
        fire(now.at_ns, 1, now.as_events_left, now.order);
      }
    }
  };
  const auto expire = [&](std::int64_t until) {  // before the events of `until`
    while (rule.by_time && !window.empty() && window.front()->at_ns + width < until) {
      const std::int64_t at_ns = window.front()->at_ns + width;
      deadlines(at_ns, true);
      const auto order = static_cast<std::size_t>(window.front() - all.data());
      while (!window.empty() && window.front()->at_ns + width == at_ns)
        window.erase(window.begin());
      change(!window.empty() && condition(window), at_ns, 2, order);
    }
    deadlines(until, false);
  };
  for (const std::size_t i : own) {
    expire(all[i].at_ns);
    if (!rule.by_time && window.size() == 6) window.erase(window.begin());
    window.push_back(&all[i]);
    newest = i;
    change(condition(window), all[i].at_ns, 0, i);
  }
  expire(end_ns);
}

}  // namespace

TEST_CASE("thresholds: rise and fall, keep and for") {
  struct Threshold {
    const char* text;
    Condition condition;
  };
  const auto sum = [](const std::vector<const Reading*>& window) {
    double total = 0;
    for (const Reading* e : window)
      total += e->y.value_or(0);
    return total;
  };
  const auto values = [](const std::vector<const Reading*>& window) {
    std::vector<std::int64_t> xs;
    for (const Reading* e : window) {
      if (e->x) xs.push_back(*e->x);
    }
    return xs;
  };
  const std::vector<Threshold> thresholds = {
      {"count() >= 3", [](const auto& window) { return window.size() >= 3; }},
      {"sum(y) > 20.0", [&](const auto& window) { return sum(window) > 20; }},
      {"max(x) > 5 and count() > 1",
       [&](const auto& window) {
         const auto xs = values(window);
         return window.size() > 1 && !xs.empty() && *std::max_element(xs.begin(), xs.end()) > 5;
       }},
      {"count() < 3", [](const auto& window) { return window.size() < 3; }},
      {"x > 0 and count() > 2",
       [](const auto& window) { return window.back()->x.value_or(0) > 0 && window.size() > 2; }},
      {"min(x) < -7 or first(x) == 3",
       [&](const auto& window) {
         const auto xs = values(window);
         return (!xs.empty() && *std::min_element(xs.begin(), xs.end()) < -7) || window.front()->x == 3;
       }},
  };
  std::mt19937_64 random(5);
  for (int trial = 0; trial < 400; ++trial) {
    const Threshold& threshold = thresholds[random() % thresholds.size()];
    Rule rule;
    rule.rises = random() % 2 == 0;
    rule.by_time = random() % 4 != 0;
    if (rule.rises && random() % 2 == 0) rule.for_ns = static_cast<std::int64_t>(1 + random() % 40);
    if (random() % 2 == 0) rule.keep_ns = static_cast<std::int64_t>(1 + random() % 40);
    const int keys = random() % 2 == 0 ? 1 : 4;
    const auto most_gap = 1 + random() % 12;

    std::vector<Reading> readings;
    std::int64_t now = 100;
    for (int i = 0; i < 120; ++i) {
      now += static_cast<std::int64_t>(random() % (most_gap + 1));
      if (random() % 16 == 0) now += 45;
      Reading r;
      r.at_ns = now;
      r.key = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(keys));
      if (random() % 5 != 0) r.x = static_cast<std::int64_t>(random() % 20) - 10;
      if (random() % 5 != 0) r.y = static_cast<double>(random() % 256) / 8 - 10;
      r.s = "s";
      readings.push_back(r);
    }
    std::vector<Fired> fired;
    for (std::int64_t key = 0; key < keys; ++key) {
      std::vector<std::size_t> own;
      for (std::size_t i = 0; i < readings.size(); ++i) {
        if (readings[i].key == key) own.push_back(i);
      }
      follow(readings, own, rule, threshold.condition, now, fired);
    }
    std::sort(fired.begin(), fired.end(), [](const Fired& a, const Fired& b) {
      return std::tuple(a.at_ns, a.phase, a.changed_as_events_left, a.order) <
             std::tuple(b.at_ns, b.phase, b.changed_as_events_left, b.order);
    });
    std::vector<std::string> expected;
    for (const Fired& f : fired)
      expected.push_back("0@" + std::to_string(f.at_ns) + "{" + std::to_string(f.count) + "," +
                         std::to_string(readings[f.event].key) + "}#" + std::to_string(f.event + 1));

    std::string text = "rule r { from E partition by k window sliding ";
    text += (rule.by_time ? std::to_string(width) + "ns" : std::string("6 events"));
    text += std::string(" when ") + threshold.text + (rule.rises ? " on rise" : " on fall");
    if (rule.for_ns >= 0) text += " for " + std::to_string(rule.for_ns) + "ns";
    if (rule.keep_ns >= 0) text += " keep " + std::to_string(rule.keep_ns) + "ns";
    text += " emit O { n: count(), key: k } }";
    const auto plan = plan_of(reading_schema + text);
    for (const auto& [shards, per_batch] : {std::pair<unsigned, std::size_t>{1, 1000}, {1, 1}, {2, 5}}) {
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
      INFO(text << " trial " << trial << " on " << shards << " shards, batches of " << per_batch);
      REQUIRE(sink.matches == expected);
    }
  }
}
