// Where grouped runs live: the log of records, and events packed and made again.
#include "engine/match/run_log.hpp"

#include <cstring>
#include <numeric>

#include "engine/match/packed_event.hpp"
#include "engine/runtime/engine.hpp"
#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;
using match::EventForm;
using match::Id;
using match::RunLog;

namespace {

std::vector<std::uint64_t> words_from(std::uint64_t first, std::size_t count) {
  std::vector<std::uint64_t> words(count);
  std::iota(words.begin(), words.end(), first);
  return words;
}

bool holds(const RunLog& log, Id node, const std::vector<std::uint64_t>& words) {
  const auto event = log.event(node);
  return std::vector(event.begin(), event.end()) == words;
}

// Packs an event, and trims it, makes it again beside `other`, which has the same key, and compares the
// fields.
void check_same(const model::EventType& type, model::EventView event, const std::vector<std::uint32_t>& keys,
                model::EventView other, const EventForm& other_form) {
  const EventForm form = match::make_event_form(type, keys);
  std::vector<std::uint64_t> words;
  const std::size_t count = match::pack(event, form, words);
  CHECK(8 * count <= event.size());
  const std::span<const std::uint64_t> packed(words.data(), count);
  CHECK(match::type_of(packed) == type.id);
  match::EventRoom room;
  const auto made = match::unpack(packed, form, other, other_form, room);
  const auto further = match::unpack(packed, form, other, other_form, room);
  CHECK(further.bytes() >= made.bytes() + made.size());

  const auto trimmed = match::trim(event, form, words);
  CHECK(trimmed.size() <= event.size());
  CHECK(trimmed.time_ns() == event.time_ns());
  for (const EventForm::Field& field : form.fields) {
    REQUIRE(trimmed.is_null(field.index) == event.is_null(field.index));
    if (field.key != EventForm::no_key || field.element != model::Kind::null) continue;
    const model::Value a = model::read_slot(event.bytes() + field.slot, field.kind);
    const model::Value b = model::read_slot(trimmed.bytes() + field.trimmed, field.kind);
    CHECK((a.kind == model::Kind::string ? a.text() == b.text() : a.i == b.i));
  }
  const auto whole = match::untrim(trimmed, form, other, other_form, room);
  CHECK(whole.bytes() >= further.bytes() + further.size());
  for (const auto view : {made, further, whole}) {
    CHECK(view.size() % 8 == 0);
    CHECK(view.type() == event.type());
    CHECK(view.header().source == event.header().source);
    CHECK(view.time_ns() == event.time_ns());
    CHECK(view.seq() == event.seq());
    for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
      CAPTURE(type.fields[i].name);
      REQUIRE(view.is_null(i) == event.is_null(i));
      if (event.is_null(i)) continue;
      const model::Value a = event.get(type.fields[i], i);
      const model::Value b = view.get(type.fields[i], i);
      if (a.kind == model::Kind::string) {
        CHECK(a.text() == b.text());
      } else if (a.kind == model::Kind::array) {
        REQUIRE(a.size == b.size);
        for (std::uint32_t j = 0; j < a.size; ++j) {
          const auto x = model::element_of(a, j), y = model::element_of(b, j);
          if (x.kind == model::Kind::string) {
            CHECK(x.text() == y.text());
          } else {
            CHECK(x.i == y.i);
          }
        }
      } else {
        CHECK(a.i == b.i);  // all bits: -0.0 is not 0.0
      }
    }
    if (type.derived) {
      CHECK(view.origin().rule == event.origin().rule);
      CHECK(view.origin().ordinal == event.origin().ordinal);
      CHECK(view.origin().timeout == event.origin().timeout);
    }
  }
}

}  // namespace

TEST_CASE("a log keeps records of all sizes, none across the end of a slab") {
  RunLog log;
  std::vector<std::pair<Id, std::vector<std::uint64_t>>> nodes;
  for (std::size_t i = 0; i < 5'000; ++i) {
    auto event = words_from(i * 1000, i * 7 % 90);  // those of more than 64 words stand apart
    const Id id = log.add_node(1, match::none, 0, event, false, 0);
    if (!nodes.empty()) CHECK(id > nodes.back().first);
    const std::size_t size = RunLog::record_words + log.at(id).event_words;
    CHECK(id / RunLog::slab_words == (id + size - 1) / RunLog::slab_words);
    nodes.emplace_back(id, std::move(event));
  }
  CHECK(log.nodes() == 5'000);
  CHECK(log.unreported() == 5'000);
  for (const auto& [id, event] : nodes)
    REQUIRE(holds(log, id, event));
}

TEST_CASE("nodes of one event share it where they stand in one slab, and have it all the same elsewhere") {
  for (const std::size_t size : {4, 64, 200}) {
    RunLog log;
    for (std::size_t i = 0; i < 1'000; ++i) {
      const auto event = words_from(i * 1000, size);
      std::vector<Id> nodes{log.add_node(0, match::none, 0, event, false, 0)};
      nodes.push_back(log.add_node(1, match::none, 0, {}, false, 0));  // keeps no event
      for (std::uint16_t arc = 2; arc < 5; ++arc)
        nodes.push_back(log.add_node(arc, match::none, 0, event, true, 0));
      CHECK(log.event(nodes[1]).empty());
      nodes.erase(nodes.begin() + 1);
      for (const Id node : nodes)
        REQUIRE(holds(log, node, event));
    }
    CHECK(log.bytes() < 1'000 * 8 * (size + 5 * RunLog::record_words + 3) * 11 / 10);
  }
}

TEST_CASE("what a link leads to is told as gone once its slab is, by age or as the log is full") {
  RunLog log(std::size_t{1} << 21);
  const auto event = words_from(0, 4);
  const Id first = log.add_node(0, match::none, 5, event, false, 0);
  Id last = first;
  std::int64_t now = 0;
  while (log.nodes() < 2'000) {
    const Id node = log.add_node(1, last, 5, event, false, ++now);
    log.make_entry(node, last);
    CHECK(log.list_of(node) == last);
    CHECK(log.next(node) == last);
    last = node;
  }
  const Id cell = log.add_cell(first, 5, last, 1, now);
  CHECK(log.node_of(cell) == first);
  CHECK(log.next(cell) == last);
  CHECK(log.alive(first));
  CHECK(log.note_report(first));
  CHECK_FALSE(log.note_report(first));
  log.expire(now);
  CHECK_FALSE(log.alive(first));
  CHECK_FALSE(log.alive(log.node_of(cell)));
  CHECK_FALSE(log.alive(match::none));
  CHECK_FALSE(log.alive(RunLog::lost));
  CHECK(log.alive(cell));
  CHECK(log.expired() == 0);  // of the one run something was reported
  CHECK(log.nodes() < 2 * RunLog::nodes_per_slab);
  std::size_t entries = 0;
  for (Id id = cell; log.alive(id); id = log.next(id))
    ++entries;
  CHECK(entries == log.nodes() + 1);

  CHECK_FALSE(log.is_full());
  while (!log.is_full())
    log.add_node(0, match::none, 5, event, false, now);
  while (log.is_full())
    log.drop_oldest_nodes();
  CHECK_FALSE(log.alive(cell));
}

TEST_CASE("events of all kinds are packed and made again") {
  auto plan = plan_of(
      "event E { s: string?, i: int?, f: float?, b: bool?, d: duration?, n: int[]?, t: string[]?, at: time "
      "@timestamp }\n"
      "rule r { match a: E }");
  const model::EventType& type = plan.catalog.types[0];
  const std::string long_text(300, 'x');
  const std::string edge(255, 'y');
  const std::vector<model::Value> none;
  for (const std::string& text : {std::string(), std::string("a"), edge.substr(1), edge, long_text}) {
    for (std::uint32_t nulls = 0; nulls < 128; ++nulls) {
      model::EventBatch batch;
      model::EventWriter writer(batch);
      writer.begin(type);
      const auto is_set = [&](std::uint32_t field) { return ((nulls >> field) & 1) == 0; };
      const std::vector<model::Value> numbers{int_value(-1), int_value(INT64_MAX), int_value(nulls)};
      const std::vector<model::Value> texts{text_value(""), text_value(text), text_value("bc")};
      if (is_set(0)) writer.set_string(0, text);
      if (is_set(1)) writer.set_int(1, INT64_MIN);
      if (is_set(2)) writer.set_float(2, -0.0);
      if (is_set(3)) writer.set_int(3, 1);
      if (is_set(4)) writer.set_int(4, 60);
      if (is_set(5)) writer.set_array(5, text.empty() ? none : numbers);
      if (is_set(6)) writer.set_array(6, text.empty() ? none : texts);
      writer.commit(-7, UINT64_MAX, 0xFFFE);
      const EventForm no_keys = match::make_event_form(type, {});
      check_same(type, batch[0], {}, batch[0], no_keys);
      if (!is_set(0) || !is_set(2)) continue;
      // The key, a text and a float, comes from another event.
      model::EventWriter other(batch);
      other.begin(type);
      other.set_string(0, text);
      other.set_float(2, -0.0);
      other.commit(9, 9, 9);
      const std::vector<std::uint32_t> keys{type.fields[2].slot, type.fields[0].slot};
      check_same(type, batch[0], keys, batch[1], match::make_event_form(type, keys));
    }
  }
}

TEST_CASE("an event of 65 fields, and a derived one, are packed and made again") {
  model::EventType type;
  for (int i = 0; i < 65; ++i)
    type.fields.push_back({.name = "f" + std::to_string(i), .type = {.kind = model::Kind::integer}});
  type.derived = true;
  type.layout();
  for (std::uint32_t null = 0; null < 66; ++null) {
    model::EventBatch batch;
    model::EventWriter writer(batch);
    writer.begin(type);
    for (std::uint32_t i = 0; i < 65; ++i) {
      if (i != null) writer.set_int(i, 1000 + i);
    }
    writer.commit(3, 4, model::Origin{.rule = 7, .ordinal = 8, .timeout = true});
    check_same(type, batch[0], {}, batch[0], match::make_event_form(type, {}));
  }
}

TEST_CASE("an event without fields is packed and made again") {
  const auto plan = plan_of("event E {}\nrule r { match a: E -> b: E }");
  const model::EventType& type = plan.catalog.types[0];
  model::EventBatch batch;
  model::EventWriter writer(batch);
  writer.begin(type);
  writer.commit(5, 6, 1);
  check_same(type, batch[0], {}, batch[0], match::make_event_form(type, {}));
}

TEST_CASE("a key whose number another had before starts without that one's runs") {
  const auto plan = plan_of(
      "event E { k: int, x: int, at: time @timestamp }\n"
      "rule r { match a: E[x == 1] -> b: E[x == 2] partition by k within 3 events }");
  Recorder sink;
  runtime::EngineOptions options;
  options.matcher = runtime::MatcherChoice::grouped;
  runtime::Engine engine(plan, options, sink);
  const auto source = engine.add_source();
  model::EventBatch batch;
  std::int64_t now = 0;
  const auto add = [&](std::int64_t key, std::int64_t x) {
    add_event(batch, plan.catalog.types[0], ++now, {int_value(key), int_value(x), int_value(now)});
    engine.push(source, batch);
  };
  // Runs at position 6 of each key, which their bound has ended at position 9.
  for (std::int64_t key = 0; key < 1'030; ++key) {
    for (const int x : {1, 0, 0, 0, 0, 1, 0, 0, 0})
      add(key, x);
  }
  // New keys take the numbers of those that were swept; what waits is out of the bound.
  for (std::int64_t key = 10'000; key < 11'000; ++key) {
    add(key, 1);
    add(key, 0);
    add(key, 0);
    add(key, 2);
  }
  engine.finish();
  CHECK(sink.matches.empty());
}
