// The key table, slabs, and that state stays bounded.
#include <algorithm>
#include <map>
#include <random>

#include "engine/match/key_table.hpp"
#include "engine/match/slab_ring.hpp"
#include "engine/runtime/engine.hpp"
#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;

TEST_CASE("the key table is a map") {
  match::KeyTable table;
  std::map<std::string, std::uint32_t> truth;
  std::mt19937_64 random(11);
  for (int i = 0; i < 20'000; ++i) {
    const std::string bytes(random() % 12, static_cast<char>('a' + random() % 3));
    match::KeyView key;
    key.bytes = bytes;
    key.hash = bytes.size() % 4;  // many keys a hash
    const std::uint32_t slot = table.find(key);
    const auto known = truth.find(bytes);
    REQUIRE((slot != match::KeyTable::absent) == (known != truth.end()));
    if (known == truth.end()) {
      truth[bytes] = table.add(key);
    } else {
      REQUIRE(slot == known->second);
      if (random() % 2 == 0) {
        table.erase(slot);
        truth.erase(known);
      }
    }
    REQUIRE(table.size() == truth.size());
  }
  CHECK(table.capacity() < 100);  // slots are used again
}

namespace {

match::KeyView number_key(std::uint64_t hash) {
  match::KeyView key;
  key.is_number = true;
  key.hash = hash;
  return key;
}

}  // namespace

// Hashes near the greatest have their homes at the end of the table, behind which it must grow.
TEST_CASE("the key table is a map while it grows and shrinks, whatever the hashes") {
  const std::uint64_t greatest = ~std::uint64_t{0};
  struct Hashes {
    const char* what;
    std::uint64_t (*hash)(std::uint64_t);
    std::uint64_t keys;
  };
  for (const Hashes& hashes : std::initializer_list<Hashes>{
           {"good", [](std::uint64_t i) { return hash_number(i); }, 100'000},
           {"one half for all", [](std::uint64_t i) { return i; }, 1'000},
           {"the greatest", [](std::uint64_t i) { return ~i; }, 1'000},
           {"in few places", [](std::uint64_t i) { return hash_number(i % 10) + i; }, 5'000}}) {
    CAPTURE(hashes.what);
    match::KeyTable table;
    std::vector<std::uint32_t> slots;
    const auto check = [&](std::uint64_t from, std::uint64_t to, bool is_there) {
      for (std::uint64_t i = from; i < to; ++i) {
        const std::uint32_t slot = table.find(number_key(hashes.hash(i)));
        if (slot != (is_there ? slots[i] : match::KeyTable::absent)) FAIL_CHECK(i);
        if (is_there) REQUIRE(table.in_use(slot));
      }
    };
    for (std::uint64_t i = 0; i < hashes.keys; ++i)
      slots.push_back(table.add(number_key(hashes.hash(i))));
    match::KeyView text;  // with the hash of a number, and with that of entries that are free
    text.bytes = "a text of more than seven bytes";
    for (const std::uint64_t hash : {hashes.hash(3), greatest}) {
      text.hash = hash;
      CHECK(table.find(text) == match::KeyTable::absent);
      const std::uint32_t slot = table.add(text);
      CHECK(table.find(text) == slot);
      CHECK(table.bytes(slot) == text.bytes);
      table.erase(slot);
      CHECK(table.find(text) == match::KeyTable::absent);
    }
    check(0, hashes.keys, true);
    check(hashes.keys, 2 * hashes.keys, false);
    const std::size_t full = table.entry_bytes();
    const std::uint64_t left = hashes.keys / 50;
    for (std::uint64_t i = hashes.keys; i-- > left;)
      table.erase(slots[i]);
    check(0, left, true);
    check(left, hashes.keys, false);
    CHECK(table.size() == left);
    if (full > 1'000'000) CHECK(table.entry_bytes() < full / 4);
    for (std::uint64_t i = left; i < hashes.keys; ++i)
      slots[i] = table.add(number_key(hashes.hash(i)));
    check(0, hashes.keys, true);
    CHECK(table.capacity() == hashes.keys + 1);  // slots are used again
  }
}

TEST_CASE("no two numbers share a hash, and a key takes 21 bytes of a table") {
  std::vector<std::uint64_t> hashes;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    for (const std::uint64_t number : {i, i << 20, i << 44, ~i})
      hashes.push_back(hash_number(number));
  }
  std::sort(hashes.begin(), hashes.end());
  const auto same = std::unique(hashes.begin(), hashes.end());
  CHECK(hashes.end() - same == 2);  // of 0, which is three of the numbers
  match::KeyTable table;
  for (std::uint64_t i = 0; i < 300'000; ++i) {
    table.add(number_key(hash_number(i)));
    if (i > 20'000) REQUIRE(table.entry_bytes() < (i + 1) * 21);
  }
}

TEST_CASE("keys: different values never share one, whatever their length") {
  const auto plan = plan_of(
      "event E { s: string, t: string, i: int, at: time @timestamp }\n"
      "rule one { match a: E partition by s }\n"
      "rule two { match a: E partition by s, t }");
  const auto one = match::build_program(plan, 0);
  const auto two = match::build_program(plan, 1);
  std::map<std::pair<std::uint64_t, std::string>, std::string> seen_one, seen_two;
  for (std::size_t length = 0; length < 12; ++length) {
    for (std::size_t other = 0; other < 12; ++other) {
      for (const char fill : {'a', 'b', '\0'}) {
        model::EventBatch batch;
        const std::string s = std::string(length, fill);
        const std::string t = std::string(other, 'a');
        add_event(batch, plan.catalog.types[0], 0, {text_value(s), text_value(t)});
        std::string scratch;
        match::KeyView key;
        REQUIRE(match::make_key(batch[0], one.keys[0], scratch, key));
        auto [place, added] = seen_one.try_emplace(
            {key.is_number ? key.hash : 0, std::string(key.is_number ? "" : key.bytes)}, s);
        CHECK(place->second == s);
        REQUIRE(match::make_key(batch[0], two.keys[0], scratch, key));
        auto [pair_place, pair_added] = seen_two.try_emplace({0, std::string(key.bytes)}, s + "|" + t);
        CHECK(pair_place->second == s + "|" + t);
      }
    }
  }
}

TEST_CASE("slabs give a burst's memory back, and ask for none while their load varies by a half") {
  struct Head {
    void reset() {}
  };
  constexpr match::Id slab = 1024;
  match::SlabRing<std::uint64_t, slab, Head> ring;
  const auto load = [&](std::size_t slabs) {
    while (ring.size() < slabs * slab) {
      ring.grow();
      ring.grow();  // again: the slab is begun once
      const match::Id id = ring.add(0);
      ring.item(id) = id * 7;
    }
    while (ring.size() > slabs * slab)
      ring.drop_oldest();
    for (match::Id id = ring.base(); id < ring.end(); ++id) {
      if (ring.item(id) != id * 7) FAIL_CHECK(id);
    }
  };
  load(300);
  CHECK(ring.slabs() == 512);
  const std::uint64_t mapped = large_mappings();
  for (int turn = 0; turn < 20; ++turn) {
    load(150);
    load(300);
  }
  CHECK(ring.slabs() == 512);
  CHECK(large_mappings() == mapped);
  load(20);
  // Those in use are of any block: as time goes on, of the first.
  for (int turn = 0; turn < 200; ++turn) {
    load(30);
    load(20);
  }
  CHECK(ring.slabs() == 64);
  load(300);
  CHECK(ring.slabs() == 512);
}

namespace {

// Pushes `count` events of type A with ever new keys, and gives the counters.
runtime::Stats run_one_time_keys(const std::string& rule, std::size_t count, std::size_t limit,
                                 runtime::MatcherChoice matcher) {
  const auto plan = plan_of("event A { k: int, x: int, at: time @timestamp }\n" + rule);
  Recorder sink;
  runtime::EngineOptions options;
  options.limits.run_nodes_per_rule = limit;
  options.matcher = matcher;
  runtime::Engine engine(plan, options, sink);
  const auto source = engine.add_source();
  model::EventBatch batch;
  for (std::size_t i = 0; i < count; ++i) {
    const auto number = static_cast<std::int64_t>(i);
    add_event(batch, plan.catalog.types[0], number, {int_value(number), int_value(1), int_value(number)});
    if (batch.size() == 1000) engine.push(source, batch);
  }
  engine.push(source, batch);
  engine.finish();
  return engine.stats();
}

}  // namespace

TEST_CASE("at a rule's limit the oldest runs go and are counted; below it none do") {
  for (const auto matcher : {runtime::MatcherChoice::grouped, runtime::MatcherChoice::arena}) {
    const char* open_ended = "rule r { match a: A[x == 1] -> b: A[x == 2] partition by k }";
    auto stats = run_one_time_keys(open_ended, 20'000, 4096, matcher);
    CHECK(stats.rules[0].started == 20'000);
    CHECK(stats.rules[0].dropped_runs >= 20'000 - 4096);
    CHECK(stats.rules[0].dropped_runs < 20'000);
    stats = run_one_time_keys(open_ended, 20'000, 1 << 20, matcher);
    CHECK(stats.rules[0].dropped_runs == 0);
    // A window of 100 ns holds a hundred runs: far from the limit, though twenty thousand keys came by.
    const char* bounded = "rule r { match a: A[x == 1] -> b: A[x == 2] partition by k within 100ns }";
    stats = run_one_time_keys(bounded, 20'000, 4096, matcher);
    CHECK(stats.rules[0].dropped_runs == 0);
  }
}

TEST_CASE("of contiguous runs the oldest go at the limit as well") {
  const char* rule = "rule r { match a: A[x == 1] , b: A[x == 2] partition by k }";
  auto stats = run_one_time_keys(rule, 20'000, 4096, runtime::MatcherChoice::automatic);
  CHECK(stats.rules[0].started == 20'000);
  CHECK(stats.rules[0].dropped_runs == 20'000 - stats.states[0].runs);
  CHECK(stats.states[0].runs <= 4096);
  CHECK(stats.states[0].runs > 2048);
  stats = run_one_time_keys(rule, 20'000, 1 << 20, runtime::MatcherChoice::automatic);
  CHECK(stats.rules[0].dropped_runs == 0);
  const char* bounded = "rule r { match a: A[x == 1] , b: A[x == 2] partition by k within 100ns }";
  stats = run_one_time_keys(bounded, 20'000, 4096, runtime::MatcherChoice::automatic);
  CHECK(stats.rules[0].dropped_runs == 0);
  CHECK(stats.states[0].keys <= 2048);
}

TEST_CASE("the oldest contiguous runs are those of the earliest events, in whichever order these came") {
  const auto plan = plan_of(
      "event A { k: int, x: int, at: time @timestamp }\n"
      "rule r { match a: A[x == 1] , b: A[x == 2] partition by k }");
  Recorder sink;
  runtime::EngineOptions options;
  options.limits.run_nodes_per_rule = 512;
  runtime::Engine engine(plan, options, sink);
  const auto source = engine.add_source({.lateness_ns = 1000});
  model::EventBatch batch;
  const auto add = [&](std::int64_t time_ns, std::int64_t key, std::int64_t x) {
    add_event(batch, plan.catalog.types[0], time_ns, {int_value(key), int_value(x), int_value(time_ns)});
  };
  constexpr std::int64_t keys = 600;
  for (std::int64_t key = keys; key > 0; --key)
    add(key, key, 1);
  for (std::int64_t key = 1; key <= keys; ++key)
    add(keys + key, key, 2);
  engine.push(source, batch);
  engine.finish();
  // The 513th run is one too many, and a quarter of the limit goes with it.
  const std::int64_t gone = 513 - 384;
  CHECK(engine.stats().rules[0].dropped_runs == gone);
  REQUIRE(sink.matches.size() == keys - gone);
  for (std::int64_t i = 0; i < keys - gone; ++i) {
    const std::int64_t key = gone + 1 + i;
    CHECK(sink.matches[i] == "0@" + std::to_string(keys + key) + "[" + std::to_string(keys + 1 - key) + " " +
                                 std::to_string(keys + key) + "]");
  }
}

TEST_CASE("runs that were used up do not count against the limit") {
  const auto plan = plan_of(
      "event A { k: int, x: int, at: time @timestamp }\n"
      "rule r { match a: A[x == 1] -> b: A[x == 2] partition by k }");
  for (const auto matcher : {runtime::MatcherChoice::grouped, runtime::MatcherChoice::arena}) {
    Recorder sink;
    runtime::EngineOptions options;
    options.limits.run_nodes_per_rule = 2048;
    options.matcher = matcher;
    runtime::Engine engine(plan, options, sink);
    const auto source = engine.add_source();
    model::EventBatch batch;
    // A run that waits from the begin, while others come and go a hundred times the limit.
    add_event(batch, plan.catalog.types[0], 0, {int_value(-1), int_value(1), int_value(0)});
    for (std::int64_t i = 1; i <= 100'000; ++i) {
      add_event(batch, plan.catalog.types[0], i, {int_value(i % 7), int_value(1 + i / 7 % 2), int_value(i)});
      if (batch.size() == 1000) engine.push(source, batch);
    }
    add_event(batch, plan.catalog.types[0], 200'000, {int_value(-1), int_value(2), int_value(200'000)});
    engine.push(source, batch);
    engine.finish();
    CHECK(engine.stats().rules[0].dropped_runs == 0);
    CHECK(sink.matches.back() == "0@200000[1 100002]");
  }
}
