// No allocation per event or match once the buffers have grown. This file replaces operator new for the
// whole test binary, to count.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <new>
#include <string>
#include <utility>

#include "connectors/generator.hpp"
#include "connectors/match_writer.hpp"
#include "tests/connectors/support.hpp"

namespace {

std::atomic<std::size_t> allocations{0};

void* counted(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size > 0 ? size : 1);
}
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
  return operator new(size, tag);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}

namespace tocsin::connectors {

namespace {

/// Allocations while reading the second half of a source's events.
std::size_t allocations_in_steady_state(model::Source& source, std::size_t events) {
  model::EventBatch batch;
  std::size_t got = 0;
  std::size_t before = 0;
  bool steady = false;
  while (got < events) {
    if (!steady && got >= events / 2) {
      before = allocations.load();
      steady = true;
    }
    batch.clear();
    source.read(batch, 100);
    got += batch.size();
  }
  REQUIRE(source.bad_records() == 0);
  return allocations.load() - before;
}

}  // namespace

TEST_CASE("decoding allocates nothing per event") {
  const auto types = test::catalog();
  std::string json;
  std::string csv = "card,amount,country,at\n";
  constexpr int count = 10'000;
  for (int i = 0; i < count; ++i) {
    json += fmt::format(R"({{"type":"Payment","card":"a card with a name {}","amount":{},"at":{}}})", i,
                        i / 7.0, i) +
            "\n";
    json +=
        fmt::format(R"({{"at":{},"unknown":[1,{{"a":2}}],"card":"\u0041{}","amount":{},"type":"Payment"}})",
                    i, i, i) +
        "\n";
    json += R"({"type":"All","b":true,"i":1,"f":2.5,"s":"x","t":"2016-12-10T06:55:46Z","d":"1s",)"
            R"("e":"buy","is":[1,2],"ss":["abc"]})"
            "\n";
    csv += fmt::format("\"a \"\"card\"\" with a name {}\",{},,{}\n", i, i / 7.0, i);
  }
  auto json_source = open_source(memory_input(json), {.path = "in"}, types);
  REQUIRE(json_source);
  CHECK(allocations_in_steady_state(*json_source, 3 * count) == 0);
  auto csv_source = open_source(memory_input(csv), {.path = "in.csv", .event = "Payment"}, types);
  REQUIRE(csv_source);
  CHECK(allocations_in_steady_state(*csv_source, count) == 0);
}

TEST_CASE("writing allocates nothing per match") {
  const auto types = test::catalog();
  const std::string line =
      R"({"type":"All","b":true,"i":1,"f":2.5,"s":"a long text with a \"quote\"","t":3,"d":"1s",)"
      R"("e":"buy","is":[1,2]})";
  auto source = open_source(memory_input(line), {.path = "in"}, types);
  model::EventBatch batch;
  while (source->read(batch, 1) == model::ReadStatus::more)
    continue;
  REQUIRE(batch.size() == 1);
  auto output = Output::open("/dev/null", Output::Mode::create);
  REQUIRE(output);
  MatchWriter writer(types, {{.name = "r", .steps = {{"a", 1}}, .emitted = 1}}, *output,
                     {.with_events = true});
  const model::MatchedEvent matched[] = {{0, batch[0]}, {0, batch[0]}};
  const model::MatchView match{
      .rule = 0, .at_ns = 1, .trigger_seq = 1, .events = matched, .emitted = batch[0]};
  const std::size_t before = allocations.load();
  for (int i = 0; i < 10'000; ++i)
    writer.on_match(match);
  CHECK(allocations.load() == before);
}

}  // namespace tocsin::connectors
