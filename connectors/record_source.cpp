#include "connectors/record_source.hpp"

#include <fmt/format.h>
#include <utility>

namespace tocsin::connectors {

using model::ReadStatus;

RecordSource::RecordSource(LineReader lines, std::unique_ptr<Decoder> decoder, MakeDecoder make,
                           BadRecords bad)
    : lines_(std::move(lines)), decoder_(std::move(decoder)), make_(std::move(make)), bad_(std::move(bad)) {}

std::string RecordSource::use(const model::Catalog& catalog) {
  auto decoder = make_(catalog);
  if (!decoder) return fmt::format("{}: {}", name(), decoder.error);
  decoder_ = std::move(decoder.value);
  return {};
}

/// The number of events that came of it.
std::size_t RecordSource::take(const Record& record, model::EventBatch& out) {
  line_ = record.line;
  switch (decoder_->decode(record.text, out)) {
    case Decoder::Decoded::event: return 1;
    case Decoder::Decoded::nothing: return 0;
    case Decoder::Decoded::bad: break;
  }
  if (decoder_->fault_kind() == BadKind::unknown_type) bad_.count_type(decoder_->unknown_type());
  bad_.add(record.line, decoder_->fault_kind(), decoder_->fault(), record.raw);
  return 0;
}

ReadStatus RecordSource::read(model::EventBatch& out, std::size_t max_events) {
  bool filled = false;
  Record record;
  for (std::size_t events = 0; events < max_events;) {
    switch (lines_.next(record)) {
      case LineReader::Next::record: events += take(record, out); break;
      case LineReader::Next::overlong:
        bad_.add_piece(record.line, "the line is longer than the limit", record.raw, record.first,
                       record.last);
        break;
      case LineReader::Next::need_input:
        if (filled || events > 0) return ReadStatus::more;
        lines_.fill();
        filled = true;
        break;
      case LineReader::Next::end: return ReadStatus::end;
      case LineReader::Next::failed: return ReadStatus::failed;
    }
  }
  return ReadStatus::more;
}

}  // namespace tocsin::connectors
