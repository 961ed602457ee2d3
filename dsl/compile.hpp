// The driver: rule files → plan. One readable list of passes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dsl/diagnostic.hpp"
#include "dsl/source.hpp"
#include "dsl/test_block.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::dsl {

struct CompileOptions {
  std::vector<std::pair<std::string, std::string>> params;  // --set name=value; the value as rule text
  /// Reads a file for `import`; none: from disk. Returns nothing where it can't be read.
  std::function<std::optional<std::string>(const std::string& path)> read_file;
};

struct Compiled {
  SourceMap sources;
  Diagnostics diagnostics;         // errors and warnings of all passes
  std::optional<plan::Plan> plan;  // present where there is no error
  std::vector<TestBlock> tests;    // in text order; empty where there is an error
};

/// Compiles the named files and all that they import, each once. A path that is imported is relative to the
/// importing file.
Compiled compile_files(const std::vector<std::string>& paths, const CompileOptions& options = {});

/// Compiles one text, known as `name`.
Compiled compile_text(std::string name, std::string text, const CompileOptions& options = {});

}  // namespace tocsin::dsl
