// What is wrong with a rule file, where, and the likely fix. Collected, never thrown.
#pragma once

#include <string>
#include <vector>

#include "dsl/source.hpp"

namespace tocsin::dsl {

enum class Severity : std::uint8_t { error, warning };

struct Diagnostic {
  Severity severity = Severity::error;
  Span span;
  std::string message;  // one sentence without its place: "unknown field 'ammount' of Payment"
  std::string hint;     // the likely fix, or empty: "did you mean 'amount'?"
};

using Diagnostics = std::vector<Diagnostic>;

bool has_errors(const Diagnostics& diagnostics);

/// Renders one diagnostic:
///
///   rules.tocsin:7:21: error: unknown field 'ammount' of Payment
///      7 |   from Payment[ammount > 5]
///        |                ^^^^^^^
///        = did you mean 'amount'?
///
/// Tabs count as one column and are shown as one space; long lines are cut around the caret (120 columns).
/// `color` adds ANSI colours.
std::string render(const Diagnostic& diagnostic, const SourceMap& sources, bool color = false);

/// All of them in order of place, each once, at most `limit`, and a line that says how many more there are.
std::string render(const Diagnostics& diagnostics, const SourceMap& sources, bool color = false,
                   std::size_t limit = 50);

}  // namespace tocsin::dsl
