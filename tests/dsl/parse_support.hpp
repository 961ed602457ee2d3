// What the parser's tests share: parsing one text, and the place of an error.
#pragma once

#include <string>
#include <utility>

#include "dsl/parse.hpp"

namespace tocsin::dsl {

struct ParsedText {
  SourceMap sources;
  Parsed parsed;

  explicit ParsedText(std::string text) {
    sources.files.push_back({"test.tocsin", std::move(text)});
    parsed = parse(sources, 0);
  }

  const std::string& text() const { return sources.files[0].text; }

  /// "line:column-column message [hint]" of each error, a line each.
  std::string errors() const {
    std::string out;
    for (const Diagnostic& each : parsed.diagnostics) {
      const auto begin = line_column(sources.files[0], each.span.begin);
      const auto end = line_column(sources.files[0], each.span.end);
      out += std::to_string(begin.line) + ":" + std::to_string(begin.column) + "-" +
             std::to_string(end.column) + " " + each.message +
             (each.hint.empty() ? "" : " [" + each.hint + "]") + "\n";
    }
    return out;
  }
};

}  // namespace tocsin::dsl
