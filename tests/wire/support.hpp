// What the wire tests share: a catalog with every type of field, and bytes as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/wire/frame.hpp"
#include "connectors/wire/payload.hpp"
#include "engine/model/batch.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::connectors::wire::test {

/// 0 Payment { card: string, amount: float, country: string?, at: time @timestamp }
/// 1 All { b: bool, i: int, f: float, s: string, t: time, d: duration, e: enum(buy, sell), and each once more
/// as
///       bn … en, nullable, and bs: bool[], fs: float[]?, is: int[], ss: string[]? }, without a timestamp
/// 2 Alert { card: string, score: float?, names: string[] }, derived; 3 List { x: int }, a table's row
/// 4 Late { at: time? @timestamp, x: int }; 5 Wide { 70 ints f0 to f69, of which f69 is nullable }; 6 Empty
/// {}
model::Catalog catalog();

/// A good event of type `id` with values made from `seed`; every nullable field is null now and then. Source
/// and number are 0, as a client sends it.
void write_event(model::EventBatch& batch, const model::Catalog& catalog, model::EventTypeId id,
                 std::uint64_t seed);

/// Aligned bytes that can be changed and cut.
class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(std::span<const std::byte> bytes);
  std::byte* data() { return reinterpret_cast<std::byte*>(words_.data()); }
  std::span<const std::byte> span() const {
    return {reinterpret_cast<const std::byte*>(words_.data()), size_};
  }
  std::size_t size() const { return size_; }
  void resize(std::size_t size);

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_ = 0;
};

/// The payload of an EVENTS frame with all events of the batch.
Bytes events_payload(std::uint64_t first, const model::EventBatch& batch);

/// `01 ff …`, and back; white space in hex is of no account.
std::string to_hex(std::span<const std::byte> bytes);
Bytes from_hex(std::string_view hex);

/// A small generator, so that a seed means the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  /// From 0 to `bound` - 1.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace tocsin::connectors::wire::test
