// The generators: the same events for a seed, whatever the batch size; frauds that are really there.
#include "connectors/generator.hpp"

#include <cstdint>
#include <doctest/doctest.h>
#include <map>
#include <string>
#include <vector>

#include "tests/connectors/support.hpp"

namespace tocsin::connectors {

using model::Kind;

namespace {

model::Catalog one_type(model::EventType type) {
  model::Catalog catalog;
  catalog.types.push_back(std::move(type));
  return catalog;
}

model::Catalog payments() {
  return one_type(test::event_type("Payment",
                                   {{"card", {Kind::string}},
                                    {"merchant", {Kind::string}},
                                    {"amount", {Kind::floating}},
                                    {"country", {Kind::string, Kind::null, true}},
                                    {"at", {Kind::time}}},
                                   4));
}

std::vector<std::string> generate(const GeneratorSpec& spec, const model::Catalog& catalog,
                                  std::size_t max_events = 100) {
  auto source = open_generator(spec, catalog);
  REQUIRE(source);
  test::Result result;
  test::drain(*source, catalog, max_events, result);
  CHECK(result.status == model::ReadStatus::end);
  return result.events;
}

}  // namespace

TEST_CASE("a seed gives the same events on every machine") {
  const auto catalog = payments();
  const GeneratorSpec spec{.seed = 42, .count = 5'000};
  const auto events = generate(spec, catalog);
  REQUIRE(events.size() == 5'000);
  CHECK(events == generate(spec, catalog, 1));
  CHECK(events == generate(spec, catalog, 5'000));
  CHECK(events != generate({.seed = 43, .count = 5'000}, catalog));
  CHECK(events[0] == R"(Payment{"card":"C03789","merchant":"streaming","amount":188.71,)"
                     R"("country":"US","at":"2026-01-01T00:00:00Z"})");
  std::uint64_t hash = 14'695'981'039'346'656'037u;  // FNV-1a
  for (const auto& event : events) {
    for (const char c : event)
      hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211u;
  }
  CHECK(hash == 6'066'886'563'742'333'728u);
}

TEST_CASE("ticks are the same too") {
  const auto catalog = one_type(test::event_type("Tick", {{"symbol", {Kind::string}},
                                                          {"price", {Kind::floating}},
                                                          {"volume", {Kind::integer}},
                                                          {"note", {Kind::string, Kind::null, true}}}));
  const GeneratorSpec spec{.name = "ticks", .count = 1'000, .per_second = 10, .keys = 5};
  const auto events = generate(spec, catalog);
  REQUIRE(events.size() == 1'000);
  CHECK(events == generate(spec, catalog, 7));
  CHECK(events[0] == R"(Tick{"symbol":"S0","price":143.13,"volume":382,"note":null}@1767225600000000000)");
  CHECK(events[999].ends_with("\"note\":null}@1767225699900000000"));
}

TEST_CASE("the planted frauds are there, and nothing that looks like them by chance") {
  const auto catalog = payments();
  auto source = open_generator({.count = 200'000, .fraud_every = 1'000}, catalog);
  REQUIRE(source);
  model::EventBatch batch;
  source->read(batch, SIZE_MAX);
  REQUIRE(batch.size() == 200'000);
  const auto& fields = catalog.types[0].fields;

  struct Card {
    std::vector<std::int64_t> probes;  // since the last hit
    std::string country;
    std::int64_t time_ns = 0;
  };
  std::map<std::string, Card, std::less<>> cards;
  int tested = 0;
  int travelled = 0;
  std::int64_t previous_ns = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto event = batch[i];
    REQUIRE(event.time_ns() >= previous_ns);
    previous_ns = event.time_ns();
    Card& card = cards[std::string(event.load_text(fields[0].slot))];
    const double amount = event.load_float(fields[2].slot);
    const std::string country(event.load_text(fields[3].slot));
    if (amount < 2) card.probes.push_back(event.time_ns());
    if (amount > 500) {
      REQUIRE(card.probes.size() == 3);
      REQUIRE(event.time_ns() - card.probes.front() <= 60'000'000'000);
      card.probes.clear();
      ++tested;
    }
    if (!card.country.empty() && card.country != country &&
        event.time_ns() - card.time_ns <= 60'000'000'000) {
      ++travelled;
    }
    card.country = country;
    card.time_ns = event.time_ns();
  }
  CHECK(tested > 50);
  CHECK(travelled > 50);
}

TEST_CASE("the declared type decides which fields there are") {
  const auto refused = [](std::vector<model::Field> fields, std::string name = "payments") {
    const auto catalog = one_type(test::event_type("Payment", std::move(fields)));
    return open_generator({.name = std::move(name), .count = 1}, catalog).error;
  };
  CHECK(refused({{"card", {Kind::string}}, {"note", {Kind::string, Kind::null, true}}}) == "");
  CHECK(refused({{"card", {Kind::integer}}}) ==
        "the generator 'payments' needs field 'card' of Payment to be of type string");
  CHECK(refused({{"note", {Kind::string}}}) ==
        "the generator 'payments' has no field 'note', which Payment must have");
  CHECK(refused({}, "ticks") ==
        "the generator 'ticks' makes events of type Tick, which the rules do not declare");
  CHECK(refused({}, "rain") == "there is no generator 'rain'; there are payments and ticks");
  SUBCASE("the timestamp may have any name") {
    const auto catalog =
        one_type(test::event_type("Payment", {{"card", {Kind::string}}, {"when", {Kind::time}}}, 1));
    CHECK(generate({.count = 1}, catalog)[0].ends_with(R"("when":"2026-01-01T00:00:00Z"})"));
  }
}

}  // namespace tocsin::connectors
