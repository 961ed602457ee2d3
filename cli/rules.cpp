#include "cli/rules.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "service/text.hpp"
#include "service/values.hpp"

namespace tocsin::cli {
using namespace service;
namespace {

// An input among the rule files would give pages of syntax errors; its name says enough.
bool looks_like_input(const std::string& path) {
  constexpr std::string_view endings[] = {".ndjson", ".jsonl", ".json", ".csv", ".tsv", ".zst"};
  return path == "-" || std::any_of(std::begin(endings), std::end(endings),
                                    [&](std::string_view ending) { return path.ends_with(ending); });
}

}  // namespace

void add_rule_arguments(CLI::App& app, RuleArguments& arguments) {
  app.add_option("RULES", arguments.paths, "Rule files")->option_text("...");
  add_values(app, "--set", "NAME=VALUE", "Give a param of the rules its value (repeatable)",
             [&arguments](const std::string& text) { arguments.params.push_back(parse_assignment(text)); });
}

dsl::Compiled compile_rules(const RuleArguments& arguments) {
  if (arguments.paths.empty()) throw UsageError("no rule file is given");
  for (const std::string& path : arguments.paths) {
    if (looks_like_input(path)) {
      throw UsageError(fmt::format("'{}' looks like an input, not like rules; write --input {}", path, path));
    }
  }
  dsl::CompileOptions options;
  options.params = arguments.params;
  dsl::Compiled compiled = dsl::compile_files(arguments.paths, options);
  fmt::print(stderr, "{}", dsl::render(compiled.diagnostics, compiled.sources, stderr_has_color()));
  return compiled;
}

std::string summary(const dsl::Diagnostics& diagnostics) {
  const auto errors = static_cast<std::uint64_t>(
      std::count_if(diagnostics.begin(), diagnostics.end(),
                    [](const dsl::Diagnostic& d) { return d.severity == dsl::Severity::error; }));
  const std::uint64_t warnings = diagnostics.size() - errors;
  std::string text;
  if (errors > 0) text = count_of(errors, "error");
  if (warnings > 0) text += (text.empty() ? "" : ", ") + count_of(warnings, "warning");
  return text;
}

}  // namespace tocsin::cli
