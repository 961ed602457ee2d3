// `tocsin test`: runs the tests that rule files carry.
#include <cerrno>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <system_error>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/rules.hpp"
#include "service/match_output.hpp"
#include "service/text.hpp"
#include "tester/junit.hpp"
#include "tester/run.hpp"

namespace tocsin::cli {
using namespace service;
namespace {

struct Arguments {
  RuleArguments rules;
  std::string filter;
  std::string junit;
  bool coverage = false;
};

constexpr const char* green = "\033[32m";
constexpr const char* red = "\033[31m";

std::string colored(const char* color, const char* text) {
  return stdout_has_color() ? fmt::format("{}{}\033[0m", color, text) : text;
}

void print_result(const tester::Result& result) {
  fmt::print("{}  {}  ({}:{}:{})\n", result.passed() ? colored(green, "ok    ") : colored(red, "FAILED"),
             result.test->name, result.file, result.place.line, result.place.column);
  for (const auto& failure : result.failures) {
    for (const std::string& line : failure)
      fmt::print("  {}\n", line);
  }
}

void print_coverage(const tester::Coverage& coverage, const plan::Plan& plan) {
  fmt::print("\n{} of {} matched in the tests\n", coverage.matched(), count_of(plan.rules.size(), "rule"));
  for (const std::string& line : coverage.lines(plan))
    fmt::print("  {}\n", line);
}

void write_junit(const std::string& path, const std::vector<tester::Result>& results) {
  const auto output = open_output(path);
  const std::string text = tester::junit_text(results);
  output->append(text);
  if (!output->flush()) throw std::runtime_error(output->error());
}

int test(const Arguments& arguments) {
  const dsl::Compiled compiled = compile_rules(arguments.rules);
  if (!compiled.plan) {
    fmt::print(stderr, "{}\n", summary(compiled.diagnostics));
    return exit_failed;
  }
  tester::Coverage coverage(*compiled.plan);
  std::vector<tester::Result> results;
  std::uint64_t failed = 0, all = 0;
  double seconds = 0;
  for (const dsl::TestBlock& each : compiled.tests) {
    if (each.imported) continue;
    ++all;
    if (!tester::is_chosen(each.name, arguments.filter)) continue;
    results.push_back(tester::run_test(compiled, each, arguments.coverage ? &coverage : nullptr));
    print_result(results.back());
    failed += !results.back().passed();
    seconds += results.back().elapsed.count();
  }
  if (!arguments.junit.empty()) write_junit(arguments.junit, results);
  if (results.empty() && all > 0) {
    say(fmt::format("none of {} has a name like '{}'", count_of(all, "test"), arguments.filter));
    return exit_failed;
  }
  if (results.empty()) say("there are no tests in these files");
  if (arguments.coverage) print_coverage(coverage, *compiled.plan);
  if (results.empty()) return exit_fine;
  fmt::print("\n{} passed, {} failed, in {}\n", count_of(results.size() - failed, "test"), failed,
             show_duration(static_cast<std::int64_t>(seconds * 1e9)));
  return failed == 0 ? exit_fine : exit_failed;
}

}  // namespace

Command add_test(CLI::App& app) {
  CLI::App* command = app.add_subcommand("test", "Run the tests that rule files carry");
  command->group("Commands");
  const auto arguments = std::make_shared<Arguments>();
  add_rule_arguments(*command, arguments->rules);
  add_value(*command, "--filter", "TEXT", "Only tests whose name holds TEXT, or is like it where it has a *",
            [arguments](const std::string& text) { arguments->filter = text; });
  add_value(*command, "--junit", "FILE", "Write the results as JUnit XML, too",
            [arguments](const std::string& text) { arguments->junit = text; });
  command->add_flag("--coverage", arguments->coverage, "Show which rules and steps no test reached");
  command->footer(
      "A test gives events with their times and says what must come of them:\n"
      "\n"
      "  test \"three probes, then a hit\" {\n"
      "    0s..2s every 1s  Payment { card: \"A\", amount: 1 }\n"
      "    9s               Payment { card: \"A\", amount: 500 }\n"
      "    expect CardTesting { card: \"A\", probes: 3 } at 9s\n"
      "  }\n"
      "\n"
      "Tests of the files named are run, with the rules of these files and of all that they import.\n"
      "\n"
      "Examples:\n"
      "  tocsin test fraud.tocsin\n"
      "  tocsin test rules/*.tocsin --coverage --junit results.xml\n"
      "  tocsin test fraud.tocsin --filter 'three probes*' --set probe_limit=3\n"
      "\n"
      "Exit code 0 where all tests passed, or there are none; 1 where one failed, none has a name like the\n"
      "filter, or the rules are wrong; 2 where the command line is wrong.");
  return {command, [arguments] { return test(*arguments); }};
}

}  // namespace tocsin::cli
