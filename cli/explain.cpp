// `tocsin explain`: what becomes of rules on their way to a matcher, each stage as text.
#include <fmt/format.h>
#include <memory>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/rules.hpp"
#include "cli/setting_options.hpp"
#include "dsl/parse.hpp"
#include "engine/base/words.hpp"
#include "engine/runtime/engine.hpp"
#include "service/text.hpp"

namespace tocsin::cli {
using namespace service;
namespace {

struct Arguments {
  RuleArguments rules;
  SettingOptions settings;
  std::string dot;  // the rule to draw
  bool ast = false;
  bool plan = false;
  bool matchers = false;
};

void print_ast(const dsl::SourceMap& sources) {
  for (std::uint32_t file = 0; file < sources.files.size(); ++file) {
    fmt::print("// {}\n{}", sources.files[file].name, dsl::ast::dump(dsl::parse(sources, file).file));
  }
}

int print_dot(const plan::Plan& plan, const std::string& name) {
  std::vector<std::string> names;
  for (std::uint32_t rule = 0; rule < plan.rules.size(); ++rule) {
    if (plan.rules[rule].name == name) {
      fmt::print("{}", runtime::explain_dot(plan, rule));
      return exit_fine;
    }
    names.push_back(plan.rules[rule].name);
  }
  const std::string near = nearest(name, names);
  say(fmt::format("there is no rule '{}'{}", name,
                  near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  return exit_failed;
}

int explain(const Arguments& arguments) {
  const dsl::Compiled compiled = compile_rules(arguments.rules);
  if (arguments.ast) print_ast(compiled.sources);
  if (!compiled.plan) {
    fmt::print(stderr, "{}\n", summary(compiled.diagnostics));
    return exit_failed;
  }
  if (!arguments.dot.empty()) return print_dot(*compiled.plan, arguments.dot);
  const bool all = !arguments.ast && !arguments.plan && !arguments.matchers;
  if (arguments.plan || all) fmt::print("{}", plan::dump(*compiled.plan));
  if (all) fmt::print("\n");
  if (arguments.matchers || all)
    fmt::print("{}", runtime::explain(*compiled.plan, config_of(arguments.settings).engine));
  return exit_fine;
}

}  // namespace

Command add_explain(CLI::App& app) {
  CLI::App* command = app.add_subcommand("explain", "Show what becomes of rules: plan, matchers, automata");
  command->group("Commands");
  const auto arguments = std::make_shared<Arguments>();
  add_rule_arguments(*command, arguments->rules);
  for (const char* hidden : {"engine.matcher", "engine.predicate_index"})
    add_settings(*command, arguments->settings, hidden);
  command->add_flag("--ast", arguments->ast, "The syntax tree of each file");
  command->add_flag("--plan", arguments->plan, "The typed plan");
  command->add_flag("--matchers", arguments->matchers,
                    "Each rule's matcher and why, its automaton, the predicate index");
  add_value(*command, "--dot", "RULE", "The automaton of one rule as a Graphviz digraph",
            [arguments](const std::string& rule) { arguments->dot = rule; });
  command->footer(
      "Without an option: the plan and the matchers.\n"
      "\n"
      "Examples:\n"
      "  tocsin explain fraud.tocsin\n"
      "  tocsin explain fraud.tocsin --plan\n"
      "  tocsin explain fraud.tocsin --dot card_testing | dot -Tsvg > card_testing.svg");
  return {command, [arguments] { return explain(*arguments); }};
}

}  // namespace tocsin::cli
