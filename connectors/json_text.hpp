// Values as JSON, appended to a buffer: the writing half of what the NDJSON decoder reads.
#pragma once

#include <fmt/format.h>
#include <string_view>

#include "engine/model/schema.hpp"
#include "engine/model/value.hpp"

namespace tocsin::connectors {

/// `"text"` with quotes, backslashes and control characters escaped. The text is UTF-8 already.
void append_json_string(fmt::memory_buffer& out, std::string_view text);

/// A value of `type`: times as RFC 3339 text, durations as `1h30m`, enums by label, floats in the shortest
/// form that reads back the same (null where JSON has no such number), null for null.
void append_json_value(fmt::memory_buffer& out, const model::Value& value, const model::Type& type,
                       const model::Catalog& catalog);

}  // namespace tocsin::connectors
