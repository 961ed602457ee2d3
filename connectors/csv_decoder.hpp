// CSV after RFC 4180: fields by column name, types from the schema. The framing of quoted line ends is the
// line reader's work; a record comes in whole.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/decoder.hpp"
#include "connectors/opened.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::connectors {

struct CsvOptions {
  std::vector<std::string> columns = {};  // their names, from a header line or given
  std::optional<std::string> event = {};  // every record is of this type
  std::string type_field = "type";        // else: the column that names it
  char separator = ',';
};

/// A decoder of CSV records. Columns without a field are passed over. An empty unquoted value is null, or ""
/// for text that can't be null. Fails with a sentence where no event could be read: an unknown type, no type
/// column, a column twice, a field that must be there without a column, a field of array type.
Opened<Decoder> csv_decoder(const model::Catalog& catalog, const CsvOptions& options, Clock clock);

/// The names in a header line, without quotes and blanks around them. Fails where a quote is misplaced.
Opened<std::vector<std::string>> csv_header(std::string_view record, char separator);

}  // namespace tocsin::connectors
