// Events and expected matches of test files: a JSON object a line. Kept apart from the connectors' codec, so
// that neither can hide the other's mistakes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/model/batch.hpp"
#include "tests/oracle/oracle.hpp"

namespace tocsin::oracle {

/// Appends the event that `line` describes: its type by the key `type`, the rest by field. Times are RFC 3339
/// text or integers in the field's unit, durations text such as `1h30m` or integers in ns. An event whose
/// type has no time carries that of the latest event before it. Throws std::runtime_error with a sentence.
void read_event(const std::string& line, const model::Catalog& catalog, model::EventBatch& out);

/// Empty where `match` agrees with the keys that `line` gives (rule, timeout, type, at, fields, seqs, steps),
/// else a sentence that says which does not. `steps` are the names of the steps that took the events, in
/// order; without `timeout` it must be none.
std::string disagreement(const std::string& line, const Match& match, const plan::Plan& plan);

/// `90s`, `1h30m`, `500us` in ns.
std::optional<std::int64_t> parse_duration(const std::string& text);
/// `2026-01-31T12:00:00.5Z`, or with an offset, in ns since the epoch.
std::optional<std::int64_t> parse_time(const std::string& text);

}  // namespace tocsin::oracle
