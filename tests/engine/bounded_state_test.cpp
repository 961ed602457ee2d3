// Memory is what the live window needs, however many events and keys have passed.
#include <fstream>
#include <random>
#include <unistd.h>

#include "engine/runtime/engine.hpp"
#include "tests/engine/support.hpp"

using namespace tocsin;

namespace {

// Sanitizers keep what is freed and see each event dearly.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool measures = false;
constexpr int keys = 20'000;
#else
constexpr bool measures = true;
constexpr int keys = 1'000'000;
#endif
constexpr int events_per_key = 10;

struct Discard final : model::MatchSink {
  void on_match(const model::MatchView&) override { ++matches; }
  std::uint64_t matches = 0;
};

std::size_t resident_bytes() {
  std::size_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Ten events a key, a thousand keys under way at a time; a key never comes back. One second is 10,000 events.
class Stream {
 public:
  Stream(runtime::Engine& engine, const model::EventType& type)
      : engine_(engine), type_(type), source_(engine.add_source()) {}

  void push(int count) {
    for (int k = 0; k < count; k += 1000) {
      for (int i = 0; i < 1000 * events_per_key; ++i) {
        time_ns_ += 100'000;
        model::EventWriter writer(batch_);
        writer.begin(type_);
        writer.set_int(0, next_key_ + static_cast<std::int64_t>(random_() % 1000));
        writer.set_float(1, static_cast<double>(random_() % 100));
        writer.commit(time_ns_, 0, 0);
        if (batch_.size() == 1000) engine_.push(source_, batch_);
      }
      next_key_ += 1000;
    }
  }

 private:
  runtime::Engine& engine_;
  const model::EventType& type_;
  const std::uint16_t source_;
  model::EventBatch batch_;
  std::mt19937_64 random_{11};
  std::int64_t time_ns_ = 0;
  std::int64_t next_key_ = 0;
};

}  // namespace

TEST_CASE("keys that never come back cost nothing once their window has passed") {
  const auto plan = test::plan_of(
      "event P { key: int, x: float, at: time @timestamp }\n"
      "rule grouped { match a: P[x < 10.0] -> b: P[x > 90.0] partition by key within 2s }\n"
      "rule all { match a: P[x < 10.0] ~> b: P[x > 95.0] partition by key within 2s report all }\n"
      "rule arena { match a: P[x < 10.0] -> b: P[x > 9 * a.x] partition by key within 2s }\n"
      "rule absent { match a: P[x < 10.0] -> not P[x > 90.0] for 1s partition by key within 1s }\n"
      "rule before { match not P[x > 50.0] for 1s -> a: P[x < 5.0] partition by key within 1s }\n"
      "rule slow { match a: P[x < 5.0] -> b: P[x > 90.0] partition by key within 1s\n"
      "  emit F { key } on timeout emit S { key } }\n"
      "rule total { match a: P[x < 10.0] ~> b: P[x > 95.0] partition by key within 2s\n"
      "  report total emit T { n: match_count } }\n");
  Discard sink;
  runtime::Engine engine(plan, {}, sink);
  Stream stream(engine, plan.catalog.types[0]);
  stream.push(keys / 5);
  const std::size_t early = resident_bytes();
  stream.push(keys / 5 * 4);
  const std::size_t late = resident_bytes();
  engine.finish();
  CHECK(sink.matches > 1000);
  if (measures) CHECK(late < early + (std::size_t{32} << 20));
  MESSAGE("resident after a fifth of the events " << (early >> 20) << " MB, after all " << (late >> 20)
                                                  << " MB");
}

TEST_CASE("without a bound a limit holds, and what it drops is counted") {
  const auto plan = test::plan_of(
      "event P { key: int, x: float, at: time @timestamp }\n"
      "rule arena { match a: P -> b: P[x > 100 + a.x] partition by key }\n"
      "rule grouped { match a: P[x < 50.0] -> b: P[x > 100.0] partition by key }\n");
  Discard sink;
  runtime::EngineOptions options;
  options.limits.run_nodes_per_rule = 5000;
  runtime::Engine engine(plan, options, sink);
  Stream stream(engine, plan.catalog.types[0]);
  stream.push(10'000);
  engine.finish();
  const auto stats = engine.stats();
  CHECK(stats.rules[0].dropped_runs > 90'000 - 5000);
  CHECK(stats.rules[1].dropped_runs > 40'000 - 5000);
}

TEST_CASE("the limit for all rules together takes from the one that holds the most") {
  const auto plan = test::plan_of(
      "event P { key: int, x: float, at: time @timestamp }\n"
      "rule large { match a: P -> b: P[x > 100 + a.x] partition by key }\n"
      "rule small { match a: P[x < 1.0] -> b: P[x > 100.0] partition by key }\n");
  Discard sink;
  runtime::EngineOptions options;
  options.limits.run_nodes_in_all = 40'000;
  runtime::Engine engine(plan, options, sink);
  Stream stream(engine, plan.catalog.types[0]);
  stream.push(40'000);
  engine.finish();
  const auto stats = engine.stats();
  CHECK(stats.rules[0].dropped_runs > 100'000);
  CHECK(stats.rules[1].dropped_runs == 0);
}
