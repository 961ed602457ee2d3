// `tocsin check`: everything that is wrong with rule files, before anything runs.
#include <algorithm>
#include <fmt/format.h>
#include <memory>

#include "cli/command.hpp"
#include "cli/rules.hpp"
#include "service/table_files.hpp"
#include "service/text.hpp"

namespace tocsin::cli {
using namespace service;
namespace {

// What is wrong with a table's file is told, and is no error of the rules: it may be written yet.
std::uint64_t check_table(const plan::Plan& plan, std::uint32_t number) {
  if (plan.tables[number].path.empty()) return 0;
  ReadTable read = read_table(plan, number, Limits().table_rows);
  if (!read.warning.empty()) read.problems.push_back(std::move(read.warning));
  for (const std::string& problem : read.problems)
    fmt::print(stderr, "warning: table {}: {}\n", plan.tables[number].name, problem);
  return read.problems.size();
}

int check(const RuleArguments& arguments) {
  const dsl::Compiled compiled = compile_rules(arguments);
  std::string findings = summary(compiled.diagnostics);
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
  std::uint64_t warnings = 0;
  for (std::uint32_t table = 0; table < compiled.plan->tables.size(); ++table)
    warnings += check_table(*compiled.plan, table);
  if (warnings > 0) findings += (findings.empty() ? "" : ", ") + count_of(warnings, "warning") + " of tables";
  const auto& types = compiled.plan->catalog.types;
  const auto declared = static_cast<std::uint64_t>(std::count_if(
      types.begin(), types.end(), [](const model::EventType& type) { return type.is_input(); }));
  std::string counts =
      count_of(compiled.plan->rules.size(), "rule") + ", " + count_of(declared, "event type");
  if (const std::size_t tables = compiled.plan->tables.size()) counts += ", " + count_of(tables, "table");
  if (const std::size_t tests = compiled.tests.size()) counts += ", " + count_of(tests, "test");
  fmt::print("{}: {}\n", counts, findings.empty() ? "fine" : findings);
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
