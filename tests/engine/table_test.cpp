// Tables by themselves, and in the engine: replaced while events flow, kept by every shard, bounded.
#include "engine/match/table.hpp"

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "engine/runtime/engine.hpp"
#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;
using match::Table;

namespace {

constexpr const char* lists =
    "event E { key: string, n: int, at: time @timestamp }\n"
    "table list from \"list.csv\" { key: string @key, n: int }\n"
    "table newest from E keyed by key\n"
    "table pairs from E keyed by key, n\n"
    "rule listed { from E[key in list] emit Listed { key, n: list[key].n } }\n"
    "rule again { from E[newest[key].n == n] emit Again { key } }\n"
    "rule pair { from E[(key, n) in pairs] emit Pair { key } }\n";

model::EventBatch row(const plan::Plan& plan, const std::string& key, std::int64_t n) {
  model::EventBatch batch;
  add_event(batch, *plan.catalog.find("list"), 0, {text_value(key), int_value(n)});
  return batch;
}

std::shared_ptr<const Table> list_of(const plan::Plan& plan,
                                     const std::vector<std::pair<std::string, int>>& rows) {
  auto table = std::make_shared<Table>(plan.tables[0], plan.catalog, 1000);
  for (const auto& [key, n] : rows)
    table->put(row(plan, key, n)[0]);
  return table;
}

// The emitted numbers, as text.
class Numbers final : public model::MatchSink {
 public:
  explicit Numbers(const plan::Plan& plan) : plan_(plan) {}
  void on_match(const model::MatchView& match) override {
    const auto& type = plan_.catalog[match.emitted.type()];
    if (type.name != "Listed") return;
    text += (text.empty() ? "" : " ") + std::to_string(match.emitted.get(type.fields[1], 1).i);
  }
  std::string text;

 private:
  const plan::Plan& plan_;
};

}  // namespace

TEST_CASE("a table is a map from keys to their newest rows") {
  const auto plan = plan_of(lists);
  Table table(plan.tables[0], plan.catalog, 40);
  std::map<std::string, std::int64_t> rows;
  std::vector<std::string> age;  // keys, oldest first
  std::mt19937_64 random(3);
  std::string scratch;
  std::uint64_t dropped = 0;
  for (std::int64_t i = 0; i < 20'000; ++i) {
    const std::string key(random() % 20, static_cast<char>('a' + random() % 5));
    const auto put = table.put(row(plan, key, i)[0]);
    CHECK((put == Table::Put::replaced) == (rows.count(key) > 0));
    std::erase(age, key);
    age.push_back(key);
    rows[key] = i;
    if (rows.size() > 40) {
      rows.erase(age.front());
      age.erase(age.begin());
      ++dropped;
    }
    const std::string asked(random() % 20, static_cast<char>('a' + random() % 5));
    const model::Value value = text_value(asked);
    const model::EventView found = table.find({&value, 1}, scratch);
    REQUIRE(static_cast<bool>(found) == (rows.count(asked) > 0));
    if (found) CHECK(found.load_int(plan.catalog[plan.tables[0].type].fields[1].slot) == rows[asked]);
    REQUIRE(table.size() == rows.size());
  }
  CHECK(table.dropped() == dropped);
  CHECK(dropped > 0);
}

TEST_CASE("an event with a null key is no row") {
  const auto plan = plan_of(
      "event E { key: string?, at: time @timestamp }\ntable t from E keyed by key\n"
      "rule r { from E[key in t] emit T { key } }\n");
  Table table(plan.tables[0], plan.catalog, 10);
  model::EventBatch batch;
  add_event(batch, plan.catalog.types[0], 1, {});
  CHECK(table.put(batch[0]) == Table::Put::ignored);
  CHECK(table.size() == 0);
}

TEST_CASE("the rows of a file change between batches, on any number of shards") {
  const auto plan = plan_of(lists);
  for (const unsigned shards : {1u, 3u}) {
    CAPTURE(shards);
    Numbers sink(plan);
    runtime::EngineOptions options;
    options.shards = shards;
    runtime::Engine engine(plan, options, sink);
    const auto source = engine.add_source();
    model::EventBatch batch;
    std::int64_t now = 0;
    const auto push = [&](const char* key) {
      add_event(batch, plan.catalog.types[0], ++now, {text_value(key), int_value(0)});
      engine.push(source, batch);
    };
    push("a");  // the table is empty yet
    engine.set_table(0, list_of(plan, {{"a", 1}, {"b", 2}}));
    push("a");
    push("b");
    engine.set_table(0, list_of(plan, {{"b", 3}}));
    push("a");
    push("b");
    engine.set_table(0, list_of(plan, {}));
    push("b");
    engine.finish();
    CHECK(sink.text == "1 2 3");
  }
}

TEST_CASE("a batch sees one state of a table, whoever replaces it meanwhile") {
  const auto plan = plan_of(
      "event E { key: string, n: int, at: time @timestamp }\n"
      "table list from \"list.csv\" { key: string @key, n: int }\n"
      "rule torn { from E[list[\"a\"].n != list[\"b\"].n] emit Torn { key } }\n"
      "rule seen { from E[list[\"a\"].n == list[\"b\"].n] emit Seen { key } }\n");
  for (const unsigned shards : {1u, 2u}) {
    Recorder sink;
    runtime::EngineOptions options;
    options.shards = shards;
    options.limits.batches_in_flight = 2;
    runtime::Engine engine(plan, options, sink);
    engine.set_table(0, list_of(plan, {{"a", 0}, {"b", 0}}));
    const auto source = engine.add_source();
    std::atomic<bool> stop = false;
    std::thread writer([&] {
      for (int n = 1; !stop; ++n)
        engine.set_table(0, list_of(plan, {{"a", n}, {"b", n}}));
    });
    model::EventBatch batch;
    std::int64_t now = 0;
    for (int i = 0; i < 300; ++i) {
      for (int k = 0; k < 10; ++k)
        add_event(batch, plan.catalog.types[0], ++now, {text_value("x"), int_value(0)});
      engine.push(source, batch);
    }
    stop = true;
    writer.join();
    engine.finish();
    CHECK(engine.stats().rules[0].matches == 0);
    CHECK(engine.stats().rules[1].matches == 3000);
  }
}

TEST_CASE("a table of events is the same on every shard, and the oldest keys go at the limit") {
  const auto plan = plan_of(
      "event E { key: int, n: int, at: time @timestamp }\n"
      "event Q { key: int, other: int, at: time @timestamp }\n"
      "table newest from E keyed by key\n"
      "rule big { match a: Q[newest[other].n > 50] -> b: Q[newest[a.other].n < newest[other].n]\n"
      "  partition by key within 1us emit Big { key } }\n"
      "rule found { from Q[other in newest] emit Found { key } }\n");
  std::vector<std::string> expected;
  for (const unsigned shards : {1u, 2u, 3u, 7u}) {
    for (const std::size_t batch_size : {1ul, 100ul, 5000ul}) {
      Recorder sink;
      runtime::EngineOptions options;
      options.shards = shards;
      options.limits.table_rows = 60;
      runtime::Engine engine(plan, options, sink);
      const auto source = engine.add_source();
      model::EventBatch batch;
      std::mt19937_64 random(5);
      for (std::int64_t i = 0; i < 5000; ++i) {
        const auto& type = plan.catalog.types[random() % 2];
        const auto a = static_cast<std::int64_t>(random() % 100),
                   b = static_cast<std::int64_t>(random() % 100);
        add_event(batch, type, i * 10, {int_value(a), int_value(b)});
        if (batch.size() == batch_size) engine.push(source, batch);
      }
      engine.push(source, batch);
      engine.finish();
      if (expected.empty()) expected = sink.matches;
      CAPTURE(shards);
      CAPTURE(batch_size);
      CHECK(sink.matches == expected);
      CHECK(engine.stats().dropped_rows[0] > 100);
    }
  }
  CHECK(expected.size() > 1000);
}

TEST_CASE("look-ups and replaced rows allocate nothing") {
  const auto plan = plan_of(
      "event E { key: string, n: int, at: time @timestamp }\n"
      "table newest from E keyed by key, n\n"
      "table list from \"list.csv\" { key: string @key, n: int }\n"
      "rule r { from E[newest[key, n].n > 100 or list[key].n > 100] emit T { key } }\n");
  Recorder sink;
  runtime::Engine engine(plan, {}, sink);
  const auto source = engine.add_source();
  model::EventBatch batch;
  std::int64_t now = 0;
  std::uint64_t allocated = 0;  // by the last push
  for (int i = 0; i < 5; ++i) {
    for (int k = 0; k < 1000; ++k)
      add_event(batch, plan.catalog.types[0], ++now, {text_value("a key of some length"), int_value(k % 10)});
    const auto before = allocations();
    engine.push(source, batch);
    allocated = allocations() - before;
  }
  CHECK(allocated == 0);
}
