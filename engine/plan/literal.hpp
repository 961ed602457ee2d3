// Values as rule files write them, for dumps. Reading the text as a rule gives the same value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/plan/expr.hpp"

namespace tocsin::plan {

/// `"a \"b\""`, control characters escaped.
std::string quoted_text(std::string_view text);
/// `1h30m`, `500ms`, `0s`: the largest units first.
std::string duration_text(std::int64_t ns);
/// Any constant; an enumeration's as its number, as the labels are not known here.
std::string constant_text(const Constant& constant);

}  // namespace tocsin::plan
