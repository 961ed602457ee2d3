// `tocsin check`: everything that is wrong with rule files, before anything runs.
#include <algorithm>
#include <fmt/format.h>
#include <memory>

#include "cli/command.hpp"
#include "cli/rules.hpp"
#include "cli/text.hpp"

namespace tocsin::cli {
namespace {

int check(const RuleArguments& arguments) {
  const dsl::Compiled compiled = compile_rules(arguments);
  const std::string findings = summary(compiled.diagnostics);
  if (!compiled.plan) {
    fmt::print(stderr, "{}\n", findings);
    return exit_failed;
  }
  for (const plan::Rule& rule : compiled.plan->rules) {
    if (!rule.partition_found) continue;
    std::string keys;
    for (const plan::PartitionKey& key : rule.partition)
      keys += (keys.empty() ? "" : ", ") + key.name;
    fmt::print("rule {}: its equality joins make it 'partition by {}'\n", rule.name, keys);
  }
  const auto& types = compiled.plan->catalog.types;
  const auto declared = static_cast<std::uint64_t>(
      std::count_if(types.begin(), types.end(), [](const model::EventType& type) { return !type.derived; }));
  const std::string tests = compiled.tests.empty() ? "" : ", " + count_of(compiled.tests.size(), "test");
  fmt::print("{}, {}{}: {}\n", count_of(compiled.plan->rules.size(), "rule"), count_of(declared, "event type"),
             tests, findings.empty() ? "fine" : findings);
  return exit_fine;
}

}  // namespace

Command add_check(CLI::App& app) {
  CLI::App* command = app.add_subcommand("check", "Find every error in rule files");
  command->group("Commands");
  const auto arguments = std::make_shared<RuleArguments>();
  add_rule_arguments(*command, *arguments);
  command->footer(
      "Examples:\n"
      "  tocsin check fraud.tocsin\n"
      "  tocsin check --set probe_limit=3 rules/*.tocsin\n"
      "\n"
      "Exit code 0 where there is no error, else 1.");
  return {command, [arguments] { return check(*arguments); }};
}

}  // namespace tocsin::cli
