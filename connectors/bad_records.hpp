// What could not be read: counted by kind, reported with its place, kept verbatim in a dead-letter file where
// one is wished. One object a source. How much of it is printed is the caller's affair.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "connectors/output.hpp"

namespace tocsin::connectors {

enum class BadKind : std::uint8_t {
  malformed,     // not the format, or a field that does not fit its type
  unknown_type,  // an event of a type that the rules do not declare
  overlong,      // beyond LineOptions::max_record_bytes
  sentinel,
};

struct BadRecord {
  std::string_view source;  // the source's name
  std::uint64_t line = 0;   // from 1; of a CSV record its first line
  BadKind kind = BadKind::malformed;
  std::string_view message;  // a sentence without place and full stop
  std::string_view raw;      // the line as it came; of an overlong one its beginning
};

using BadRecordReport = std::function<void(const BadRecord&)>;

class BadRecords {
 public:
  /// Distinct names of unknown types that are counted one by one; further ones count in the total only.
  static constexpr std::size_t max_type_names = 64;

  /// `report` (may be empty) is called for each bad record and must not keep its views. `dead_letters` (may
  /// be null) gets each bad line and outlives this; it may be shared by sources of one thread.
  BadRecords(std::string source, BadRecordReport report, Output* dead_letters);

  void add(std::uint64_t line, BadKind kind, std::string_view message, std::string_view raw);
  /// Counts one event of a type nobody declared; add() reports it.
  void count_type(std::string_view name);
  /// A piece of an overlong line: the first counts and is reported, all of them go to the dead letters.
  void add_piece(std::uint64_t line, std::string_view message, std::string_view piece, bool first, bool last);

  std::uint64_t total() const;
  std::uint64_t of(BadKind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
  /// How often each unknown type came.
  const std::map<std::string, std::uint64_t, std::less<>>& unknown_types() const { return unknown_types_; }
  const std::string& source() const { return source_; }

 private:
  void count_and_report(const BadRecord& record);

  std::string source_;
  BadRecordReport report_;
  Output* dead_letters_;
  std::array<std::uint64_t, static_cast<std::size_t>(BadKind::sentinel)> counts_{};
  std::map<std::string, std::uint64_t, std::less<>> unknown_types_;
};

}  // namespace tocsin::connectors
