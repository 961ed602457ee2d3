// From what a user wrote (`--input payments.csv.zst --event Payment`) to a source.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "connectors/bad_records.hpp"
#include "connectors/decoder.hpp"
#include "connectors/line_reader.hpp"
#include "connectors/opened.hpp"
#include "connectors/output.hpp"
#include "connectors/record_source.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::connectors {

enum class Format : std::uint8_t {
  automatic,  // by extension: .csv, .tsv; .ndjson, .jsonl, .json; NDJSON for stdin and without extension
  ndjson,
  csv,
};

struct SourceSpec {
  std::string path;                       // "-": stdin
  Format format = Format::automatic;      // .zst is looked through
  std::optional<std::string> event = {};  // every record is of this type; none: the type field says it
  std::string type_field = "type";
  std::vector<std::string> columns = {};  // CSV without a header line
  std::optional<char> separator = {};     // CSV; none: a tab for .tsv, else a comma
};

/// What sources are given from outside.
struct SourceContext {
  Clock clock = system_clock_ns;
  BadRecordReport report = {};     // may be empty
  Output* dead_letters = nullptr;  // may be shared by sources of one thread; outlives them
  LineOptions lines = {};          // limits; csv_separator is set as needed
};

/// Opens a file or stdin. CSV without `columns` reads its header line now, so that missing columns are found
/// before anything runs (for stdin this waits for the line). Fails with a sentence that names the input.
/// `catalog` must outlive the source.
Opened<RecordSource> open_source(const SourceSpec& spec, const model::Catalog& catalog,
                                 const SourceContext& context = {});

/// The same from any bytes, known as `spec.path`.
Opened<RecordSource> open_source(std::unique_ptr<ByteInput> input, const SourceSpec& spec,
                                 const model::Catalog& catalog, const SourceContext& context = {});

}  // namespace tocsin::connectors
