// What the tests of the compiler share: a file of declared events, and diagnostics as short lines.
#pragma once

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <tuple>

#include "dsl/compile.hpp"

namespace tocsin::dsl::test {

/// Stands behind the rules under test, so that their lines count from 1.
inline constexpr const char* events = R"(
event Payment {
  card: string
  merchant: string
  amount: float
  count: int
  country: string?
  note: string?
  side: enum(buy, sell)
  tags: string[]
  took: duration
  ok: bool
  at: time @timestamp
}
event Login { user: string, ip: string, card: string?, tries: int, at: time(ms) @timestamp }
event Tick { symbol: string, price: float, volume: int }
)";

inline Compiled compile_with_events(const std::string& rules, const CompileOptions& options = {}) {
  return compile_text("rules.tocsin", rules + events, options);
}

/// `2:7 error: message | hint`, a line each, in order of place; `file:` before it where it is not the first.
inline std::string summary(const Compiled& compiled) {
  auto ordered = compiled.diagnostics;
  std::stable_sort(ordered.begin(), ordered.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.span.file, a.span.begin) < std::tie(b.span.file, b.span.begin);
  });
  std::string out;
  for (const auto& each : ordered) {
    const auto& file = compiled.sources.files.at(each.span.file);
    const auto [line, column] = line_column(file, each.span.begin);
    if (each.span.file != 0) out += file.name + ":";
    out +=
        fmt::format("{}:{} {}{}{}{}\n", line, column, each.severity == Severity::warning ? "warning: " : "",
                    each.message, each.hint.empty() ? "" : " | ", each.hint);
  }
  return out;
}

}  // namespace tocsin::dsl::test
