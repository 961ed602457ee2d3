// No allocation per event or match once the buffers have grown.
#include <cstddef>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <string>
#include <utility>

#include "connectors/generator.hpp"
#include "connectors/match_writer.hpp"
#include "tests/allocations.hpp"
#include "tests/connectors/support.hpp"

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
      before = tocsin::test::allocations();
      steady = true;
    }
    batch.clear();
    source.read(batch, 100);
    got += batch.size();
  }
  REQUIRE(source.bad_records() == 0);
  return tocsin::test::allocations() - before;
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
  const std::size_t before = tocsin::test::allocations();
  for (int i = 0; i < 10'000; ++i)
    writer.on_match(match);
  CHECK(tocsin::test::allocations() == before);
}

}  // namespace tocsin::connectors
