// A table: rows found by their key, each laid out as an event. The rows of a file are put in once and then
// read by all shards; a table of events takes every event as it comes and so keeps the newest of each key.
//
// Cost: a look-up is that of a partition key; a row costs its bytes and some 100 more. Replacing a row
// allocates only where the new one is longer than any before it.
// Tested in tests/engine/table_test.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/match/key_table.hpp"
#include "engine/model/event.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::match {

class Table {
 public:
  enum class Put : std::uint8_t {
    added,
    replaced,  // the row of the same key
    ignored,   // a field of the key is null
  };

  /// An empty table that holds `max_rows` (> 0) at most. Beyond that the key goes for which nothing was put
  /// in for the longest time.
  Table(const plan::Table& table, const model::Catalog& catalog, std::size_t max_rows);

  /// Copies `row`. Amortised constant but for the bytes.
  Put put(model::EventView row);

  /// The row with this key, which holds until the next put(); an empty view where there is none. The values
  /// are of the keys' kinds and not null. `scratch` is working memory. Constant time; threads may share a
  /// table as long as none puts.
  model::EventView find(std::span<const model::Value> key, std::string& scratch) const;

  std::size_t size() const { return keys_.size(); }
  /// Rows that went as there were too many.
  std::uint64_t dropped() const { return dropped_; }

 private:
  static constexpr std::uint32_t none = KeyTable::absent;
  struct Row {
    std::vector<std::uint64_t> words;
    std::uint32_t older = none;
    std::uint32_t newer = none;
  };

  void link_newest(std::uint32_t slot);
  void unlink(std::uint32_t slot);

  const KeyFields fields_;
  const std::size_t max_rows_;
  KeyTable keys_;
  std::vector<Row> rows_;  // by slot
  std::uint32_t oldest_ = none;
  std::uint32_t newest_ = none;
  std::uint64_t dropped_ = 0;
  std::string scratch_;
};

}  // namespace tocsin::match
