// What the connector tests share: a catalog with every type of field, sources over text, events as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/open_source.hpp"
#include "engine/model/batch.hpp"
#include "engine/model/schema.hpp"
#include "engine/model/source.hpp"

namespace tocsin::connectors::test {

/// Payment { card: string, amount: float, country: string?, at: time(ms) @timestamp }
/// All { b: bool, i: int, f: float, s: string, t: time(s), d: duration, e: enum(buy, sell), and each once
///       more as bn … en, nullable, and is: int[], ss: string[]?, ts: time[](s)? }
/// Bare { x: int }, without a timestamp; Alert { x: int }, derived; Empty {}.
model::Catalog catalog();

/// A type made of fields, laid out.
model::EventType event_type(std::string name, std::vector<model::Field> fields, int timestamp = -1);

/// `Payment{"card":"A","amount":1.5,"country":null,"at":"1970-…Z"}`; types without a timestamp end in `@` and
/// the time in ns.
std::string to_text(model::EventView event, const model::Catalog& catalog);

/// All that a source gave.
struct Result {
  std::string open_error;
  model::ReadStatus status = model::ReadStatus::more;
  std::vector<std::string> events;
  std::vector<std::string> bad;  // `name:line: message`
  std::uint64_t bad_count = 0;
  std::string error;

  friend bool operator==(const Result&, const Result&) = default;
};

struct Reading {
  SourceSpec spec;
  LineOptions lines = {};
  std::size_t piece = SIZE_MAX;   // bytes that the input gives at once
  std::size_t max_events = 1024;  // asked for in one read
  std::int64_t now_ns = 777;      // arrival time
  Output* dead_letters = nullptr;
};

/// Reads text to its end.
Result read_all(std::string_view text, const Reading& reading);
Result read_ndjson(std::string_view text);
Result read_csv(std::string_view text, std::string event = "Payment");

/// Reads a source to its end.
void drain(model::Source& source, const model::Catalog& catalog, std::size_t max_events, Result& result);

/// A file that is gone with the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view suffix, std::string_view content = {});
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }
  std::string content() const;

 private:
  std::string path_;
};

/// One zstd frame.
std::string compressed(std::string_view text);

}  // namespace tocsin::connectors::test
