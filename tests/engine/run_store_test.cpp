// Where the arena's runs live: the log of nodes and cells.
#include "engine/match/run_store.hpp"

#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;
using match::Id;
using match::NewNode;
using match::NodeShape;
using match::none;
using match::RunStore;
using Unit = plan::Within::Unit;

namespace {

// A batch of one event of one text field.
model::EventBatch one_event(const std::string& text, std::int64_t time_ns) {
  model::EventType type;
  type.fields.push_back({.name = "s", .type = {.kind = model::Kind::string}});
  type.layout();
  model::EventBatch batch;
  add_event(batch, type, time_ns, {text_value(text)});
  return batch;
}

bool same(model::EventView a, model::EventView b) {
  return a.size() == b.size() && std::memcmp(a.bytes(), b.bytes(), a.size()) == 0;
}

// Every shape there is.
std::vector<NodeShape> shapes() {
  std::vector<NodeShape> all;
  for (const Unit starts : {Unit::none, Unit::time, Unit::events}) {
    for (unsigned bits = 0; bits < 8; ++bits) {
      if (starts == Unit::events && (bits & 2) == 0) continue;  // these count positions
      all.push_back({(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, starts});
    }
  }
  return all;
}

// What a shape does not keep is what it is where nothing needs it.
void check(const RunStore& store, Id id, const NewNode& expected, const NodeShape& shape,
           model::EventView event) {
  const RunStore::Node node = store.node(id);
  CHECK(node.parent() == expected.parent);
  CHECK(node.is_first() == (expected.parent == none));
  CHECK(node.order() == expected.order);
  CHECK(node.start_order() == expected.start_order);
  CHECK(node.start() == (shape.starts == Unit::none ? 0 : expected.start));
  CHECK(node.position() == (shape.positions ? expected.position : 0));
  CHECK(node.count() == (shape.counts ? expected.count : 1));
  CHECK(node.key() == expected.key);
  CHECK(node.arc() == expected.arc);
  CHECK(same(node.event(), event));
}

}  // namespace

TEST_CASE("a node holds what its shape says, first or not, in one store and copied to another") {
  const auto batch = one_event("some text", 77), later = one_event("another", 99);
  for (const NodeShape& shape : shapes()) {
    RunStore store(shape), fresh(shape);
    const bool by_time = shape.starts == Unit::time;
    const NewNode first{
        .order = 5, .start_order = 5, .start = by_time ? 77 : 3, .position = 3, .key = 9, .arc = 1};
    const Id a = store.add_node(first, batch[0], 77);
    NewNode second{.parent = a,
                   .order = 8,
                   .start_order = 5,
                   .start = first.start,
                   .position = 6,
                   .count = 12,
                   .key = 9,
                   .arc = 4};
    const Id b = store.add_node(second, later[0], 99);
    check(store, a, first, shape, batch[0]);
    check(store, b, second, shape, later[0]);
    CHECK(store.nodes() == 2);

    store.close(b, 6);
    store.open(b, 2);
    CHECK(store.node(b).closed() == (shape.closes ? 4 : 0));
    store.close_absence(b);
    store.set_extended(a);
    CHECK(store.note_report(a));
    CHECK_FALSE(store.note_report(a));

    fresh.add_cell(none, none, 0);  // so that ids differ
    const Id a_copy = fresh.copy_node(store.node(a), none, 99);
    const Id b_copy = fresh.copy_node(store.node(b), a_copy, 99);
    CHECK(a_copy != a);
    check(fresh, a_copy, first, shape, batch[0]);
    second.parent = a_copy;
    check(fresh, b_copy, second, shape, later[0]);
    CHECK(fresh.node(a_copy).extended());
    CHECK(fresh.node(a_copy).reported());
    CHECK_FALSE(fresh.node(b_copy).extended());
    CHECK_FALSE(fresh.node(a_copy).absence_closed());
    CHECK(fresh.node(b_copy).absence_closed());
    CHECK(fresh.node(b_copy).closed() == (shape.closes ? 4 : 0));
    CHECK(fresh.unreported() == 0);
  }
}

TEST_CASE("nodes of one event share it, over slabs and however long it is") {
  for (const std::size_t length : {5u, 3000u}) {
    RunStore store({.starts = Unit::time});
    std::vector<model::EventBatch> events;
    std::vector<Id> ids;
    for (std::uint64_t order = 1; order <= 5; ++order) {
      const auto time_ns = static_cast<std::int64_t>(order);
      events.push_back(one_event(std::string(length, static_cast<char>('a' + order)), time_ns));
      for (int i = 0; i < 700; ++i)
        ids.push_back(store.add_node({.order = order, .start_order = order, .start = time_ns, .arc = 2},
                                     events.back()[0], time_ns));
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const RunStore::Node node = store.node(ids[i]);
      REQUIRE(node.order() == i / 700 + 1);
      REQUIRE(node.start() == static_cast<std::int64_t>(i / 700 + 1));
      REQUIRE(same(node.event(), events[i / 700][0]));
    }
    // A word each, but for the first of an event in each slab.
    const std::size_t slabs = ids.size() * 3 / RunStore::slab_words + 1;
    CHECK(store.bytes() <= 8 * (3 * ids.size() + (slabs + 5) * (events[0][0].size() / 8 + 3)));
  }
}

TEST_CASE("a node that nobody asks for its event has none, and takes none from others") {
  const auto batch = one_event("some text", 1);
  RunStore store({.starts = Unit::time}), fresh({.starts = Unit::time});
  const Id a = store.add_node({.order = 1, .start_order = 1, .start = 1}, batch[0], 1);
  const NewNode second{.parent = a, .order = 2, .start_order = 1, .start = 1, .arc = 1};
  const Id without = store.add_node(second, {}, 2);
  const Id with = store.add_node(second, batch[0], 2);
  const Id shared = store.add_node(second, batch[0], 2);
  CHECK_FALSE(store.node(without).event());
  CHECK(store.node(without).start() == 1);
  CHECK(store.node(without).order() == 2);
  CHECK(same(store.node(with).event(), batch[0]));
  CHECK(store.node(shared).event().bytes() == store.node(with).event().bytes());
  const Id a_copy = fresh.copy_node(store.node(a), none, 2);
  const Id copy = fresh.copy_node(store.node(without), a_copy, 2);
  CHECK_FALSE(fresh.node(copy).event());
  CHECK(fresh.node(copy).start_order() == 1);
}

TEST_CASE("orders may be far from one another, which takes a word a node") {
  const auto batch = one_event("x", 1);
  for (const int bits : {1, 20, 32, 39, 40, 41, 50}) {
    RunStore store({.starts = Unit::time}), fresh({.starts = Unit::time});
    std::vector<Id> nodes, copies;
    constexpr std::uint64_t count = 2'000;
    const auto order_of = [&](std::uint64_t i) { return 7 + (i << bits); };
    for (std::uint64_t i = 0; i < count; ++i) {
      const Id parent = i % 3 == 0 ? none : nodes.back();
      const std::uint64_t start_order = order_of(i - i % 3);
      nodes.push_back(store.add_node(
          {.parent = parent, .order = order_of(i), .start_order = start_order, .start = 1}, batch[0], 1));
      copies.push_back(fresh.copy_node(store.node(nodes.back()), i % 3 == 0 ? none : copies.back(), 1));
    }
    for (const auto& [in, ids] : {std::pair(&store, &nodes), std::pair(&fresh, &copies)}) {
      for (std::uint64_t i = 0; i < count; ++i) {
        const RunStore::Node node = in->node((*ids)[i]);
        REQUIRE(node.order() == order_of(i));
        REQUIRE(node.start_order() == order_of(i - i % 3));
        REQUIRE(node.start() == 1);
        REQUIRE(same(node.event(), batch[0]));
      }
      const std::size_t node_words = RunStore::head_words + 3 + batch[0].size() / 8;
      CHECK(in->bytes() <= 8 * count * node_words * 102 / 100);
    }
  }
}

TEST_CASE("a slab is reused once everything in it is too old, and its ids are told as dead") {
  const auto batch = one_event("", 0);
  RunStore store;
  const Id first = store.add_node({}, batch[0], 0);
  Id list = store.add_cell(first, none, 0), last = none;
  for (std::int64_t i = 1; i < 10'000; ++i) {
    const NewNode node{.order = static_cast<std::uint64_t>(i), .start_order = static_cast<std::uint64_t>(i)};
    last = store.add_node(node, batch[0], i);
    list = store.add_cell(last, list, i);
    store.expire(i - 500);
  }
  CHECK(store.nodes() >= 500);
  CHECK(store.nodes() <= 500 + 2 * RunStore::nodes_per_slab);
  CHECK(store.unreported() == store.nodes());
  CHECK(store.expired() == 10'000 - store.nodes());
  CHECK_FALSE(store.alive(first));
  CHECK_FALSE(store.alive(none));
  REQUIRE(store.alive(last));
  CHECK(store.node(last).order() == 9999);
  std::size_t listed = 0;  // those that live, the newest first
  for (Id cell = list; store.alive(cell) && store.alive(store.node_of(cell)); cell = store.next(cell))
    CHECK(store.node(store.node_of(cell)).order() == 9999 - listed++);
  CHECK(listed >= 500);
  CHECK(listed <= store.nodes());
}

TEST_CASE("a cell is taken out of its list, and links to what is gone lead nowhere") {
  const auto batch = one_event("", 0);
  RunStore store;
  std::vector<Id> nodes, cells;
  for (std::uint64_t i = 0; i < 4; ++i) {
    nodes.push_back(store.add_node({.order = i}, batch[0], 0));
    cells.push_back(store.add_cell(nodes.back(), cells.empty() ? none : cells.back(), 0));
  }
  store.drop_next(cells[3]);
  CHECK(store.next(cells[3]) == cells[1]);
  store.drop_next(cells[3]);
  store.drop_next(cells[3]);
  CHECK(store.next(cells[3]) == none);
  CHECK(store.node_of(cells[3]) == nodes[3]);
  CHECK(store.node_of(store.add_cell(nodes[3] + 5000, none, 0)) == none);
}

TEST_CASE("a store that distances can't span is full until its oldest go") {
  const auto batch = one_event("", 0);
  RunStore store({}, 8192);
  std::uint64_t order = 0;
  while (!store.is_full())
    store.add_node({.order = order++}, batch[0], 0);
  CHECK(store.can_drop());
  CHECK(store.drop_oldest_nodes() > 0);
  CHECK_FALSE(store.is_full());
}
