// Events made up from a seed, the same on every machine: `payments`, in which frauds are planted, and
// `ticks`. For demos, tests and benchmarks. The event's shape is the rule file's: a generator fills those
// fields that the declared type has.
#pragma once

#include <cstdint>
#include <string>

#include "connectors/opened.hpp"
#include "engine/model/schema.hpp"
#include "engine/model/source.hpp"

namespace tocsin::connectors {

struct GeneratorSpec {
  std::string name = "payments";  // or "ticks"
  std::uint64_t seed = 1;
  std::uint64_t count = 1'000'000;    // events in all
  std::uint64_t per_second = 1'000;   // events in a second of event time, > 0
  std::uint64_t keys = 10'000;        // cards or symbols, > 0
  std::uint64_t fraud_every = 2'000;  // a fraud begins after so many payments on average; 0: none
  std::int64_t start_ns = 1'767'225'600'000'000'000;  // of the first event: 2026-01-01T00:00:00Z
};

/// payments → `Payment` { card, merchant, country: string, amount: float, at: time }. An everyday payment is
/// between 5 and 450, in the card's home country. Two frauds are planted in turn: three probes below 2 and
/// then 900 or more on one card within a minute (as long as per_second ≥ 1); and one card in two countries
/// within a minute.
/// ticks → `Tick` { symbol: string, price: float, volume: int, at: time }: a random walk a symbol.
///
/// The field with the timestamp gets the time whatever its name. Declared fields that the generator does not
/// know are null. Fails with a sentence where the catalog has no such type, where one of its fields has
/// another type, or where an unknown one can't be null. `catalog` must outlive the source.
Opened<model::Source> open_generator(const GeneratorSpec& spec, const model::Catalog& catalog);

}  // namespace tocsin::connectors
