// The parts that windows are made of, and what must hold of them: sums that recover, percentiles, estimates,
// limits, sharing, no allocation, throttle.
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "engine/match/compensated.hpp"
#include "engine/match/hyperloglog.hpp"
#include "engine/match/quantiles.hpp"
#include "engine/match/sorted_blocks.hpp"
#include "engine/match/text_pool.hpp"
#include "engine/match/value_table.hpp"
#include "engine/match/window_log.hpp"
#include "engine/runtime/engine.hpp"
#include "tests/engine/window_reference.hpp"

using namespace tocsin;
using namespace tocsin::test;

namespace {

plan::Plan readings_plan(const std::string& rules) {
  return plan_of(reading_schema + rules);
}

// One event a reading, all in one batch.
std::vector<std::string> emitted(const plan::Plan& plan, const std::vector<Reading>& readings,
                                 runtime::Stats* stats = nullptr, const Limits& limits = {}) {
  EmitRecorder sink(plan);
  runtime::EngineOptions options;
  options.limits = limits;
  runtime::Engine engine(plan, options, sink);
  const auto source = engine.add_source();
  model::EventBatch batch;
  for (const Reading& reading : readings)
    add_reading(batch, plan.catalog.types[0], reading);
  engine.push(source, batch);
  engine.finish();
  if (stats) *stats = engine.stats();
  return sink.matches;
}

}  // namespace

TEST_CASE("a value table is a map, however much comes and goes") {
  match::ValueTable table;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> truth;
  std::mt19937_64 random(3);
  for (int i = 0; i < 100'000; ++i) {
    const auto key = static_cast<std::uint32_t>(random() % 7);
    const std::uint64_t value = random() % 40;
    if (random() % 2 == 0) {
      ++table(key, value);
      ++truth[{key, value}];
    } else if (const auto found = truth.find({key, value}); found != truth.end()) {
      table.erase(key, value);
      truth.erase(found);
    }
    REQUIRE(table.size() == truth.size());
    const auto found = truth.find({key, value});
    REQUIRE(table.find(key, value) == (found == truth.end() ? 0 : found->second));
  }
}

TEST_CASE("texts are told apart and given back") {
  match::TextPool pool;
  std::map<std::uint64_t, std::string> by_code;
  for (const char* text : {"", "a", "b", "ab", "seven77", "eight888", "eight889", "a much longer text"}) {
    const std::uint64_t code = pool.hold(text);
    CHECK(pool.text(code) == text);
    CHECK(by_code.emplace(code, text).second);
    CHECK(pool.hold(text) == code);
    pool.release(code);
    CHECK(pool.text(code) == text);
  }
}

TEST_CASE("a window log as a queue: entries stay in their places while slabs go round") {
  match::WindowLog log;
  const auto a = log.add_column<std::uint64_t>();
  const auto b = log.add_column<std::uint32_t>();
  std::uint64_t pushed = 0, popped = 0;
  std::mt19937_64 random(9);
  for (int turn = 0; turn < 40; ++turn) {
    for (auto n = random() % 30'000; n > 0; --n, ++pushed) {
      const match::Entry entry = log.push();
      log.at(a, entry) = pushed;
      log.at(b, entry) = static_cast<std::uint32_t>(pushed * 7);
    }
    for (auto n = random() % 30'000; n > 0 && log.size() > 0; --n, ++popped) {
      REQUIRE(log.at(a, log.front()) == popped);
      REQUIRE(log.at(b, log.front()) == static_cast<std::uint32_t>(popped * 7));
      log.pop();
    }
    REQUIRE(log.size() == pushed - popped);
  }
}

TEST_CASE("a window log gives a burst\'s memory back, and asks for none while its load varies by a half") {
  match::WindowLog log;
  log.add_column<std::uint64_t>();
  const std::size_t slab = match::WindowLog::entries_per_slab;
  const auto push = [&](std::size_t slabs) {
    for (std::size_t i = 0; i < slabs * slab; ++i)
      log.push();
  };
  const auto pop = [&](std::size_t slabs) {
    for (std::size_t i = 0; i < slabs * slab; ++i)
      log.pop();
  };
  push(100);
  CHECK(log.slabs() == 100);
  const std::uint64_t mapped = large_mappings();
  CHECK(mapped >= 100);
  for (int turn = 0; turn < 10; ++turn) {
    pop(33);
    push(33);
  }
  CHECK(log.slabs() == 100);
  CHECK(large_mappings() == mapped);
  pop(90);
  CHECK(log.slabs() <= 10 + 2 + 10 / 2);
  pop(10);
  CHECK(log.slabs() <= 2);
}

TEST_CASE("what leaves a compensated sum leaves nothing behind") {
  match::Compensated sum{0, 0};
  sum.add(0.1);
  sum.add(1e18);
  sum.add(3);
  sum.add(-1e18);
  sum.add(-0.1);
  CHECK(sum.value() == 3);
}

TEST_CASE("a column of ascending numbers keeps small and large steps") {
  std::mt19937_64 random(5);
  match::WindowLog log;
  match::AscendingColumn column;
  log.add_column<std::uint64_t>();
  column.add_to(log);
  std::deque<std::uint64_t> truth;
  std::uint64_t number = static_cast<std::uint64_t>(INT64_MIN);
  const std::uint64_t steps[] = {0, 1, 0xFFFFFFFE, 0xFFFFFFFF, 0x100000000, std::uint64_t{1} << 40};
  for (int i = 0; i < 100'000; ++i) {
    const bool grows = (i / 20'000) % 2 == 0 ? random() % 3 != 0 : random() % 3 == 0;
    if (grows || truth.empty()) {
      number += steps[random() % 6];
      log.push();
      column.push(log, number);
      truth.push_back(number);
    } else {
      column.pop(log);
      log.pop();
      truth.pop_front();
    }
    if (truth.empty()) continue;
    REQUIRE(column.first() == truth.front());
    REQUIRE(column.last() == truth.back());
  }
}

// Fills and empties, with numbers from `next` put in and numbers at random places taken out, and compares
// with one array after each.
template <class Next>
void compare_with_one_array(Next next) {
  std::mt19937_64 random(9);
  match::SortedBlocks blocks;
  std::vector<double> truth;
  for (const std::size_t target : {1024U, 0U, 40U, 7U, 700U, 12U, 300U, 0U}) {
    while (truth.size() != target) {
      const bool grows = truth.empty() || (truth.size() < target) == (random() % 8 != 0);
      if (grows && truth.size() < match::SortedBlocks::most) {
        const double number = next(random);
        blocks.insert(number);
        truth.insert(std::upper_bound(truth.begin(), truth.end(), number), number);
      } else {
        const auto gone = truth.begin() + static_cast<std::ptrdiff_t>(random() % truth.size());
        blocks.remove(*gone);
        truth.erase(gone);
      }
      REQUIRE(blocks.size() == truth.size());
      std::vector<double> all;
      blocks.for_each([&](double number) { all.push_back(number); });
      REQUIRE(all == truth);
      if (truth.empty()) continue;
      const std::size_t rank = random() % truth.size();
      const auto [here, behind] = blocks.at(static_cast<std::uint32_t>(rank));
      REQUIRE(here == truth[rank]);
      REQUIRE(behind == truth[std::min(rank + 1, truth.size() - 1)]);
    }
  }
}

TEST_CASE("numbers in blocks are in order, whatever comes and goes") {
  compare_with_one_array([](auto& random) { return static_cast<double>(random() % 100'000); });
  compare_with_one_array([](auto& random) { return static_cast<double>(random() % 4); });
  compare_with_one_array([up = 0.0](auto&) mutable { return ++up; });
  compare_with_one_array([down = 0.0](auto&) mutable { return --down; });
  compare_with_one_array([](auto& random) {
    const double infinity = std::numeric_limits<double>::infinity();
    return random() % 3 == 0 ? infinity : random() % 2 == 0 ? -infinity : 1.0;
  });
}

TEST_CASE("numbers in blocks that were cleared are gone") {
  match::SortedBlocks blocks;
  for (int i = 0; i < 100; ++i)
    blocks.insert(i);
  blocks.clear();
  CHECK(blocks.size() == 0);
  blocks.insert(5);
  CHECK(blocks.at(0) == std::pair{5.0, 5.0});
}

TEST_CASE("the percentile of equal infinities is that infinity") {
  match::Quantiles quantiles;
  quantiles.add(std::numeric_limits<double>::infinity());
  quantiles.add(std::numeric_limits<double>::infinity());
  CHECK(quantiles.percentile(50, 0) == std::numeric_limits<double>::infinity());
}

TEST_CASE("percentiles: exact while few, then within one percent, and exact again") {
  std::mt19937_64 random(4);
  match::Quantiles quantiles;
  std::vector<double> truth;
  const auto rank = [&](double percent) {
    return truth[static_cast<std::size_t>(static_cast<double>(truth.size() - 1) * percent / 100)];
  };
  for (int i = 0; i < 20'000; ++i) {
    const double value =
        std::exp(static_cast<double>(random() % 2000) / 100 - 5) * (random() % 3 == 0 ? -1 : 1);
    quantiles.add(value);
    truth.insert(std::upper_bound(truth.begin(), truth.end(), value), value);
    if (truth.size() > 5000) {
      const double gone = truth[random() % truth.size()];
      quantiles.remove(gone);
      truth.erase(std::lower_bound(truth.begin(), truth.end(), gone));
    }
    for (const double percent : {50.0, 1.0, 99.9}) {
      const double found = quantiles.percentile(percent, percent == 50 ? 0 : percent == 1 ? 1 : 2);
      if (truth.size() > match::Quantiles::most_exact) {
        REQUIRE(std::fabs(found - rank(percent)) <= 0.01000001 * std::fabs(rank(percent)));
      } else {
        REQUIRE(text_of(found) == percentile_text(truth, percent));
      }
    }
  }
  for (const double value : std::vector<double>(truth))
    quantiles.remove(value);
  CHECK(quantiles.empty());
  quantiles.add(2);
  quantiles.add(4);
  CHECK(quantiles.percentile(50, 0) == 3);
}

TEST_CASE("an estimate of different values slides with the window") {
  match::SlidingHyperLogLog registers;
  const std::uint64_t window = 50'000;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const auto value = [](std::uint64_t place) { return hash_mix(place < 100'000 ? place % 100 : place); };
    registers.add(3, static_cast<std::uint32_t>(i), value(i));
    if (i >= window) registers.remove(3, static_cast<std::uint32_t>(i - window), value(i - window));
    if (i == 90'000) CHECK(std::abs(registers.estimate(3) - 100) <= 2);
    if (i == 199'999) CHECK(std::fabs(static_cast<double>(registers.estimate(3)) / window - 1) < 0.05);
  }
  CHECK(registers.estimate(2) == 0);
}

TEST_CASE("a sum that overflows is null and is right again afterwards") {
  const auto plan = readings_plan(
      "rule r { from E partition by k window sliding 2 events when true on every emit O { s: sum(x) } }");
  std::vector<Reading> readings;
  for (const std::int64_t x : {INT64_MAX, std::int64_t{5}, std::int64_t{6}})
    readings.push_back({static_cast<std::int64_t>(readings.size()), 1, x, {}, ""});
  runtime::Stats stats;
  CHECK(emitted(plan, readings, &stats) ==
        std::vector<std::string>{"0@0{9223372036854775807}#1", "0@1{-}#2", "0@2{11}#3"});
  CHECK(stats.arithmetic_faults == 1);
}

TEST_CASE("values that are not finite make a sum what they are, and leave nothing behind in any window") {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> values;
  for (const double odd : {infinity, -infinity, nan}) {
    for (const double value : {1.0, 2.0, odd, 3.0, 4.0, odd, odd, 0.5, 0.25, infinity, 8.0, -infinity, 16.0,
                               32.0, 64.0, 128.0, 256.0, 512.0})
      values.push_back(value);
  }
  const std::size_t count = values.size();
  using Windows = std::vector<std::pair<std::size_t, std::size_t>>;  // each from an event to before another
  Windows last_three, threes, hops;
  for (std::size_t i = 0; i < count; ++i)
    last_three.emplace_back(i < 2 ? 0 : i - 2, i + 1);
  for (std::size_t i = 0; i < count; i += 3)
    threes.emplace_back(i, i + 3);
  for (std::size_t end = 2; end <= count; end += 2)
    hops.emplace_back(end < 4 ? 0 : end - 4, end);
  struct Case {
    const char* clause;
    const Windows& windows;
  };
  // Of a field that may be null another way leads to the sums.
  for (const char* type : {"float", "float?"}) {
    for (const Case& each : std::initializer_list<Case>{{"sliding 2ns when true on every", last_three},
                                                        {"sliding 3 events when true on every", last_three},
                                                        {"tumbling 3ns", threes},
                                                        {"tumbling 3 events", threes},
                                                        {"hopping 4ns every 2ns", hops}}) {
      CAPTURE(type);
      CAPTURE(each.clause);
      const auto plan = plan_of("event E { k: int, y: " + std::string(type) +
                                ", at: time @timestamp }\nrule r { from E partition by k window " +
                                each.clause + " emit O { s: sum(y), a: avg(y), v: variance(y) } }");
      EmitRecorder sink(plan);
      runtime::Engine engine(plan, {}, sink);
      const auto source = engine.add_source();
      model::EventBatch batch;
      for (std::size_t i = 0; i < count; ++i) {
        for (const std::int64_t key : {1, 2}) {  // another whose values are finite
          model::EventWriter writer(batch);
          writer.begin(plan.catalog.types[0]);
          writer.set_int(0, key);
          writer.set_float(1, key == 1 ? values[i] : 1.0);
          writer.commit(static_cast<std::int64_t>(i), 0, 0);
        }
      }
      engine.push(source, batch);
      engine.finish();
      std::vector<std::string> found;
      for (const std::string& match : sink.matches) {
        std::string text = match.substr(match.find('{'), match.find('#') - match.find('{'));
        if (const auto nan_at = text.find("-nan"); nan_at != text.npos) text.erase(nan_at, 1);
        found.push_back(text);
      }
      const std::size_t closed = each.windows.size() - 1;  // the last one need not be
      REQUIRE(found.size() >= 2 * closed);
      for (std::size_t i = 0; i < closed; ++i) {
        const auto [begin, end] = each.windows[i];
        const std::vector<double> inside(values.begin() + static_cast<std::ptrdiff_t>(begin),
                                         values.begin() + static_cast<std::ptrdiff_t>(end));
        const double sum = std::accumulate(inside.begin(), inside.end(), 0.0);
        const auto text = [](double value) { return std::isnan(value) ? "nan" : text_of(value); };
        const auto n = static_cast<double>(inside.size());
        const std::string variance = std::isfinite(sum) ? deviation_text(inside, false) : n < 2 ? "-" : "nan";
        CAPTURE(i);
        CHECK(found[2 * i] == "{" + text(sum) + "," + text(sum / n) + "," + variance + "}");
        CHECK(found[2 * i + 1] == "{" + text(n) + "," + text(1) + "," + (n < 2 ? "-" : "0") + "}");
      }
    }
  }
}

TEST_CASE("rules with the same windows share them, whatever they ask") {
  const std::string shared = " from E partition by k window sliding 10ns when ";
  const auto plan =
      readings_plan("rule a {" + shared + "count() > 2 on rise emit A { n: count() } }\n" + "rule b {" +
                    shared + "sum(x) > 10 on fall emit B { s: sum(x) } }\n" + "rule c {" + shared +
                    "max(x) > 4 on every emit C { m: max(x) } }\n" +
                    "rule d { from E[x > 0] partition by k window sliding 10ns emit D { m: max(x) } }\n");
  const std::string text = runtime::explain(plan, {});
  CHECK(text.find("windows shared with: b, c") != std::string::npos);
  CHECK(text.find("windows shared with: a, c") != std::string::npos);
  CHECK(text.find("shared with: d") == std::string::npos);
  std::vector<Reading> readings;
  const std::vector<std::pair<std::int64_t, std::int64_t>> events = {{0, 5},  {1, 4},  {2, 3},
                                                                     {11, 1}, {12, 9}, {40, 1}};
  for (const auto& [at, x] : events)
    readings.push_back({at, 7, x, {}, ""});
  std::vector<std::string> expected = {"2@0{5}#1", "3@0{5}#1", "2@1{5}#2", "3@1{5}#2",
                                       "0@2{3}#3", "2@2{5}#3", "3@2{5}#3"};
  // 5 leaves as 10 passes: the sum is 7; then come 4, 3, 1 and, as 4 has left, 3, 1, 9, and as 3 leaves, 10.
  for (const char* match : {"1@10{7}#3", "0@11{3}#4", "3@11{4}#4", "0@12{3}#5", "2@12{9}#5", "3@12{9}#5",
                            "1@12{10}#5", "3@40{1}#6"})
    expected.emplace_back(match);
  const auto found = emitted(plan, readings);
  std::vector<std::string> sorted_found = found, sorted_expected = expected;
  std::sort(sorted_found.begin(), sorted_found.end());
  std::sort(sorted_expected.begin(), sorted_expected.end());
  CHECK(sorted_found == sorted_expected);
}

TEST_CASE("limits of windows drop the oldest events and the longest idle keys, and count them") {
  std::vector<Reading> readings;
  for (std::int64_t i = 0; i < 1000; ++i)
    readings.push_back({i, i % 100, i, {}, "text number " + std::to_string(i)});
  Limits limits;
  limits.window_events_per_rule = 50;
  runtime::Stats stats;
  auto plan = readings_plan("rule r { from E window sliding 1h when true on every emit O { n: count() } }");
  CHECK(emitted(plan, readings, &stats, limits).back() == "0@999{50}#1000");
  CHECK(stats.rules[0].dropped_events == 950);

  limits = {};
  limits.window_keys_per_rule = 10;
  for (const char* window : {"sliding 1h", "sliding 5 events", "tumbling 1h", "session gap 1h"}) {
    CAPTURE(window);
    plan = readings_plan("rule r { from E partition by k window " + std::string(window) +
                         " when true on every emit O { n: count(), d: distinct(s) } }");
    const auto found = emitted(plan, readings, &stats, limits);
    CHECK(found.back() == "0@999{1,1}#1000");
    CHECK(stats.rules[0].dropped_events >= 980);
  }
}

TEST_CASE("windows allocate nothing in a steady state") {
  const std::string by_key = " from E partition by k window ";
  const std::string all = std::string(" emit O { ") + all_aggregates + " }";
  auto numbered = [&](int n) {
    std::string text = all;
    return text.replace(text.find('O'), 1, "O" + std::to_string(n));
  };
  const auto plan = readings_plan(
      "rule a {" + by_key + "sliding 500ns when count() > 3 on every" + numbered(1) + "}\n" + "rule b {" +
      by_key + "sliding 300ns when avg(y) > 0.0 on rise for 20ns keep 40ns" + numbered(2) + "}\n" +
      "rule c {" + by_key + "sliding 9 events when sum(x) > 3 on fall" + numbered(3) + "}\n" + "rule d {" +
      by_key + "tumbling 100ns" + numbered(4) + "}\n" + "rule e {" + by_key + "hopping 100ns every 20ns" +
      numbered(5) + "}\n" + "rule f {" + by_key + "session gap 30ns" + numbered(6) + "}\n" + "rule g {" +
      by_key + "tumbling 5 events throttle 50ns" + numbered(7) + "}\n");
  struct Counter final : model::MatchSink {
    void on_match(const model::MatchView&) override { ++matches; }
    std::uint64_t matches = 0;
  } sink;
  runtime::Engine engine(plan, {}, sink);
  const auto source = engine.add_source();
  model::EventBatch batch;
  std::int64_t now = 0;
  const auto push = [&](int batches) {
    for (int b = 0; b < batches; ++b) {
      std::mt19937_64 random(5);  // the same batch again and again, so that peaks recur
      for (int i = 0; i < 1000; ++i) {
        now += 2;
        model::EventWriter writer(batch);
        writer.begin(plan.catalog.types[0]);
        writer.set_int(0, static_cast<std::int64_t>(random() % 20));
        writer.set_int(1, static_cast<std::int64_t>(random() % 50));
        writer.set_float(2, static_cast<double>(random() % 100) - 50);
        writer.set_string(3, random() % 2 == 0 ? "short" : "a text that is longer");
        writer.commit(now, 0, 0);
      }
      engine.push(source, batch);
    }
  };
  push(40);
  const std::uint64_t before = allocations();
  const std::uint64_t matches = sink.matches;
  push(20);
  CHECK(sink.matches > matches);
  CHECK(allocations() - before == 0);
}

TEST_CASE("throttle passes one match a partition in its time, of every kind of rule") {
  const std::vector<std::int64_t> times = {0, 1, 5, 9, 10, 11, 19, 20, 100};
  std::vector<Reading> readings;
  for (const std::int64_t at : times)
    for (std::int64_t key = 0; key < 2; ++key)
      readings.push_back({at, key, 1, 1.0, "s"});
  for (const char* rule :
       {"from E[x == 1] partition by k throttle 10ns emit O { k }",
        "match a: E[x == 1] partition by k throttle 10ns emit O { k }",
        "from E partition by k window sliding 1ns when count() > 0 on every throttle 10ns emit O { k }"}) {
    CAPTURE(rule);
    const auto plan = readings_plan(std::string("rule r { ") + rule + " }");
    runtime::Stats stats;
    CHECK(emitted(plan, readings, &stats) ==
          std::vector<std::string>{"0@0{0}#1", "0@0{1}#2", "0@10{0}#9", "0@10{1}#10", "0@20{0}#15",
                                   "0@20{1}#16", "0@100{0}#17", "0@100{1}#18"});
    CHECK(stats.rules[0].throttled == 10);
    CHECK(stats.rules[0].matches == 8);
    CHECK(stats.matches == 8);
  }
  const auto plan = readings_plan("rule r { from E throttle 10ns emit O { k } }");
  CHECK(emitted(plan, readings).size() == 4);
}
