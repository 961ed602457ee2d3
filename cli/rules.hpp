// Rule files as every subcommand takes them: paths and --set, compiled, with the diagnostics on stderr.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "dsl/compile.hpp"

namespace tocsin::cli {

struct RuleArguments {
  std::vector<std::string> paths;
  std::vector<std::pair<std::string, std::string>> params;
};

/// Adds RULES and --set to `app`; `arguments` must outlive it.
void add_rule_arguments(CLI::App& app, RuleArguments& arguments);

/// Compiles the files and prints all diagnostics to stderr. Throws UsageError where no file is given, or one
/// that is an input rather than rules.
dsl::Compiled compile_rules(const RuleArguments& arguments);

/// `2 errors, 1 warning`; empty where there is neither.
std::string summary(const dsl::Diagnostics& diagnostics);

}  // namespace tocsin::cli
