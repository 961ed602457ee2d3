// A source of records: bytes → records → events. It owns the loop; what a record is and how it becomes an
// event are its parts' work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "connectors/bad_records.hpp"
#include "connectors/decoder.hpp"
#include "connectors/line_reader.hpp"
#include "engine/model/source.hpp"

namespace tocsin::connectors {

class RecordSource final : public model::Source {
 public:
  RecordSource(LineReader lines, std::unique_ptr<Decoder> decoder, MakeDecoder make, BadRecords bad);

  /// Reads from the input at most once, and only where no whole record is left from before: what a pipe has
  /// given is decoded and returned before more is waited for.
  model::ReadStatus read(model::EventBatch& out, std::size_t max_events) override;

  std::string use(const model::Catalog& catalog) override;

  const std::string& name() const override { return bad_.source(); }
  const std::string& error() const override { return lines_.input().error(); }
  std::uint64_t bad_records() const override { return bad_.total(); }
  std::uint64_t bytes_read() const override { return lines_.input().bytes_read(); }
  std::uint64_t bytes_total() const override { return lines_.input().bytes_total(); }

  /// The line on which the record begins that was read last.
  std::uint64_t line() const { return line_; }

  /// Bad records by kind, and unknown types by name.
  const BadRecords& bad() const { return bad_; }

 private:
  std::size_t take(const Record& record, model::EventBatch& out);

  LineReader lines_;
  std::unique_ptr<Decoder> decoder_;
  MakeDecoder make_;
  BadRecords bad_;
  std::uint64_t line_ = 0;
};

}  // namespace tocsin::connectors
