#include "engine/runtime/event_time.hpp"

#include <algorithm>
#include <random>

#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;
using runtime::EventTime;

namespace {

model::EventType plain_type() {
  model::EventType type;
  type.name = "E";
  type.layout();
  return type;
}

void add(model::EventBatch& batch, std::initializer_list<std::int64_t> times) {
  static const model::EventType type = plain_type();
  for (const std::int64_t time : times)
    add_event(batch, type, time, {});
}

std::string times_of(model::EventBatch& batch) {
  std::string text;
  for (std::size_t i = 0; i < batch.size(); ++i)
    text += std::to_string(batch[i].time_ns()) + " ";
  batch.clear();
  return text;
}

}  // namespace

TEST_CASE("without lateness events pass at once and what comes late is dropped and counted") {
  EventTime time(100);
  const auto source = time.add_source({});
  model::EventBatch batch;
  add(batch, {5, 7, 7, 6, 3, 8});
  time.admit(source, batch);
  CHECK(times_of(batch) == "5 7 7 8 ");
  CHECK(time.sources()[0].events == 4);
  CHECK(time.sources()[0].late == 2);
  CHECK(time.sources()[0].lateness_needed_ns == 4);
  CHECK(time.last_seq() == 4);
}

TEST_CASE("with lateness events are put in order of time, then arrival") {
  EventTime time(100);
  const auto source = time.add_source({.lateness_ns = 3});
  model::EventBatch batch;
  add(batch, {5, 3, 4, 8, 6, 4, 5, 9});  // 4 comes when 8 has been seen: late
  time.admit(source, batch);
  CHECK(times_of(batch) == "3 4 5 5 6 ");
  CHECK(time.sources()[0].late == 1);
  CHECK(time.sources()[0].lateness_needed_ns == 4);
  time.close(source, batch);
  CHECK(times_of(batch) == "8 9 ");
}

TEST_CASE("event time is the least watermark of the open sources") {
  EventTime time(100);
  const auto a = time.add_source({});
  const auto b = time.add_source({});
  model::EventBatch batch;
  CHECK(time.slowest() == a);
  add(batch, {1, 5, 9});
  time.admit(a, batch);
  CHECK(times_of(batch) == "");
  CHECK(time.slowest() == b);
  add(batch, {2, 6});
  time.admit(b, batch);
  CHECK(times_of(batch) == "1 2 5 6 ");
  time.close(b, batch);
  CHECK(times_of(batch) == "9 ");
}

TEST_CASE("a full buffer lets the oldest go and takes nothing earlier any more") {
  EventTime time(2);
  const auto source = time.add_source({.lateness_ns = 1000});
  model::EventBatch batch;
  add(batch, {10, 20, 30});
  time.admit(source, batch);
  CHECK(times_of(batch) == "10 ");
  add(batch, {5, 15});
  time.admit(source, batch);
  CHECK(time.sources()[0].late == 1);
  CHECK(times_of(batch) == "15 ");
}

TEST_CASE("whatever the batches, the order is that of a stable sort, when lateness suffices") {
  std::mt19937_64 random(4);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::int64_t> times(500);
    for (std::size_t i = 0; i < times.size(); ++i) {
      times[i] = static_cast<std::int64_t>(i / 3 + random() % 40);
    }
    EventTime time(1'000'000);
    const auto source = time.add_source({.lateness_ns = 200});
    std::vector<std::pair<std::int64_t, std::uint64_t>> released;
    model::EventBatch batch;
    const auto take = [&] {
      for (std::size_t i = 0; i < batch.size(); ++i)
        released.emplace_back(batch[i].time_ns(), batch[i].seq());
      batch.clear();
    };
    for (std::size_t i = 0; i < times.size();) {
      for (std::size_t n = random() % 9; n > 0 && i < times.size(); --n)
        add(batch, {times[i++]});
      time.admit(source, batch);
      take();
    }
    time.close(source, batch);
    take();
    CHECK(time.sources()[0].late == 0);
    CHECK(released.size() == times.size());
    CHECK(std::is_sorted(released.begin(), released.end()));
  }
}

TEST_CASE("a source advances without an event: what waited is released, and what is older is late") {
  EventTime time(100);
  const auto a = time.add_source({});
  const auto b = time.add_source({.lateness_ns = 2});
  model::EventBatch batch;
  CHECK(time.now_ns() == INT64_MIN);
  add(batch, {1, 5, 9});
  time.admit(a, batch);
  CHECK(times_of(batch) == "");
  CHECK(time.now_ns() == INT64_MIN);  // b has shown nothing
  time.advance(b, 7, batch);
  CHECK(times_of(batch) == "1 5 ");
  CHECK(time.now_ns() == 5);
  time.advance(b, 6, batch);  // it has been there
  CHECK(time.now_ns() == 5);
  add(batch, {4, 5});
  time.admit(b, batch);
  CHECK(times_of(batch) == "5 ");
  CHECK(time.sources()[b].late == 1);
  time.advance(b, 50, batch);
  CHECK(times_of(batch) == "9 ");
  CHECK(time.now_ns() == 9);
  time.close(a, batch);
  CHECK(time.now_ns() == 48);
  time.close(b, batch);
  CHECK(time.now_ns() == 50);
}

TEST_CASE("an only source advances") {
  EventTime time(100);
  const auto source = time.add_source({});
  model::EventBatch batch;
  time.advance(source, 7, batch);
  CHECK(time.now_ns() == 7);
  add(batch, {6, 7, 9});
  time.admit(source, batch);
  CHECK(times_of(batch) == "7 9 ");
  CHECK(time.now_ns() == 9);
  CHECK(time.sources()[0].late == 1);
  CHECK(time.sources()[0].lateness_needed_ns == 1);
}
