// NDJSON: one JSON object a line, decoded in a single pass over its fields with simdjson On-Demand.
//
// Lines of one type mostly have their fields in the same order. So each field remembers which field came
// next the last time, and one comparison of raw bytes confirms it; only where that fails is the key hashed.
// An object that does not begin with its type is gone through twice, once to find the type.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/decoder.hpp"
#include "connectors/opened.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::connectors {

struct NdjsonOptions {
  std::optional<std::string> event = {};  // every line is of this type
  std::string type_field = "type";        // else: the field that names it
};

/// Nested deeper than this a line is bad.
inline constexpr int max_json_depth = 64;

/// A decoder of JSON lines. Fields by name; unknown ones are passed over, of repeated ones the last counts.
/// Fails where `event` names no type that can be read. `catalog` must outlive the decoder; `clock` gives the
/// time of events whose type has no timestamp.
Opened<Decoder> ndjson_decoder(const model::Catalog& catalog, const NdjsonOptions& options, Clock clock);

}  // namespace tocsin::connectors
