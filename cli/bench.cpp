// `tocsin bench`: a load at a rate, through the real service, and what its latency is. The measuring is in
// bench/load and bench/measure; here are the options, the course of it and its
// exit code; what is shown is in bench_report.cpp.
#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/load/open_loop.hpp"
#include "bench/load/scenarios.hpp"
#include "bench/load/target.hpp"
#include "bench/measure/assertion.hpp"
#include "bench/measure/machine.hpp"
#include "bench/measure/pin.hpp"
#include "bench/measure/writers.hpp"
#include "cli/arguments.hpp"
#include "cli/bench_report.hpp"
#include "cli/command.hpp"
#include "cli/rules.hpp"
#include "service/text.hpp"
#include "service/values.hpp"

namespace tocsin::cli {
using namespace service;
namespace {

using load::Via;

constexpr Choice<Via> ways[] = {
    {"engine", Via::engine}, {"shm", Via::shm}, {"unix", Via::unix_socket}, {"tcp", Via::tcp}};

struct Arguments {
  RuleArguments rules;
  InputOptions input;
  std::string scenario;
  Via via = Via::tcp;
  double rate = 100'000;
  bool rate_given = false;
  std::int64_t duration_ns = 2'000'000'000;
  std::int64_t warmup_ns = 500'000'000;
  std::uint64_t count = UINT64_MAX;  // of events, instead of a time
  std::uint64_t repeats = 3;
  std::int64_t lateness_ns = 0;
  std::vector<int> cores;
  bool sweep = false, busy = false, list = false, json = false;
  std::string hgrm, svg;
  std::vector<measure::Assertion> assertions;
};

void add_up(load::Outcome& all, const load::Outcome& one) {
  all.rate = one.rate;
  all.due += one.due;
  all.sent += one.sent;
  all.late += one.late;
  all.rejected += one.rejected;
  all.matches += one.matches;
  all.settled = all.settled && one.settled;
  all.latency.merge(one.latency);
}

class Bench {
 public:
  Bench(const Arguments& arguments, const dsl::Compiled& compiled, const model::EventBatch& events)
      : arguments_(arguments), compiled_(compiled), events_(events) {
    const std::vector<int> cores = arguments.cores.empty() ? measure::usable_cores() : arguments.cores;
    client_core_ = cores.empty() ? -1 : cores.back();
    if (client_core_ >= 0 && !measure::pin_to(client_core_))
      throw std::runtime_error(fmt::format("cannot be kept on core {}", client_core_));
    server_core_ = cores.empty() ? -1 : cores.front();
    report_.via = via();
    report_.pinning = pinning();
    report_.busy_poll = arguments.busy;
    report_.clock = measure::TickClock::calibrated();
    report_.idle_ns = 200'000'000;
    report_.hiccups = measure::hiccups(report_.clock, report_.idle_ns);
  }

  int operator()() {
    if (arguments_.sweep) {
      double rate = arguments_.rate_given ? arguments_.rate : 10'000;
      for (; rate <= 1e9; rate *= 2) {
        report_.steps.push_back(step(rate));
        if (saturated(report_.steps.back().all)) break;
      }
    } else {
      report_.steps.push_back(step(arguments_.rate));
    }
    if (arguments_.json) {
      fmt::print("{}\n", to_json(report_));
    } else {
      print_bench(report_);
    }
    write_files();
    return judge();
  }

 private:
  BenchStep step(double rate) {
    BenchStep step;
    step.all.settled = true;
    for (std::uint64_t i = 0; i < arguments_.repeats; ++i) {
      say(fmt::format("{:.0f} events/s, {} of {}", rate, i + 1, arguments_.repeats));
      step.repeats.push_back(once(rate));
      add_up(step.all, step.repeats.back());
      if (step.all.rejected > 0)
        throw std::runtime_error(fmt::format("the service rejected {} events", step.all.rejected));
    }
    double achieved = 0;
    for (const auto& one : step.repeats)
      achieved += one.achieved / static_cast<double>(step.repeats.size());
    step.all.achieved = achieved;
    return step;
  }

  /// A service of its own each time, so that no repeat starts from the state of another.
  load::Outcome once(double rate) {
    const auto target = load::open_target(compiled_, {.via = arguments_.via,
                                                      .core = server_core_,
                                                      .busy_poll = arguments_.busy,
                                                      .lateness_ns = arguments_.lateness_ns});
    load::EventLoop events(events_, compiled_.plan->catalog);
    load::OpenLoop loop(*target, events, report_.clock);
    if (arguments_.warmup_ns > 0) loop.run({.rate = rate, .duration_ns = arguments_.warmup_ns});
    const load::Outcome outcome =
        loop.run({.rate = rate, .duration_ns = arguments_.duration_ns, .count = arguments_.count});
    if (outcome.settled) target->close();
    return outcome;
  }

  std::string pinning() const {
    if (client_core_ < 0) return "not pinned";
    if (arguments_.via == Via::engine) return fmt::format("engine on core {}", client_core_);
    return fmt::format("service on core {}, client on core {}{}", server_core_, client_core_,
                       server_core_ == client_core_ ? " (the same)" : "");
  }

  std::string_view via() const {
    for (const auto& way : ways) {
      if (way.value == arguments_.via) return way.name;
    }
    return {};
  }

  static void write(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    if (!file.flush()) throw std::runtime_error(fmt::format("cannot write {}", path));
  }

  void write_files() const {
    if (!arguments_.hgrm.empty()) write(arguments_.hgrm, measure::to_hgrm(report_.steps.back().all.latency));
    if (!arguments_.svg.empty()) write(arguments_.svg, to_svg(report_));
  }

  int judge() const {
    int code = exit_fine;
    for (const BenchStep& step : report_.steps) {
      if (step.all.latency.total() == 0) {
        say("no event completed a match, so that no latency could be measured");
        code = arguments_.assertions.empty() ? code : exit_failed;
        break;
      }
    }
    for (const measure::Assertion& assertion : arguments_.assertions) {
      const measure::Histogram& latency = report_.steps.back().all.latency;
      if (assertion.holds(latency) && !saturated(report_.steps.back().all)) continue;
      say(fmt::format("{} does not hold: it is {} µs{}", assertion.text,
                      show_micros(latency.at_percentile(assertion.percent)),
                      saturated(report_.steps.back().all) ? ", and not all events could be sent" : ""));
      code = exit_failed;
    }
    return code;
  }

  const Arguments& arguments_;
  const dsl::Compiled& compiled_;
  const model::EventBatch& events_;
  int client_core_ = -1, server_core_ = -1;
  BenchReport report_;
};

void check(const Arguments& arguments) {
  const bool own = !arguments.rules.paths.empty();
  if (own && !arguments.scenario.empty()) throw UsageError("give rules, or --scenario, not both");
  if (own && arguments.input.specs.empty())
    throw UsageError("rules of your own need events: give --events FILE");
  if (!own && !arguments.input.specs.empty()) throw UsageError("--events needs rules of your own");
  if (!own && arguments.scenario.empty())
    throw UsageError("give rules with --events FILE, or --scenario NAME (tocsin bench --list)");
  if (arguments.sweep && !arguments.assertions.empty())
    throw UsageError("--assert needs one rate: it can't be used with --sweep");
  if (arguments.sweep && arguments.count != UINT64_MAX) throw UsageError("give --count or --sweep, not both");
  const std::vector<int> usable = measure::usable_cores();
  for (const int core : arguments.cores) {
    if (std::find(usable.begin(), usable.end(), core) == usable.end())
      throw UsageError(fmt::format("core {} is not there for this process", core));
  }
}

int bench(Arguments& arguments) {
  if (arguments.list) {
    for (const auto& scenario : load::scenarios())
      fmt::print("{:<10} {}\n", scenario.name, scenario.about);
    return exit_fine;
  }
  check(arguments);
  dsl::Compiled compiled;
  if (arguments.scenario.empty()) {
    compiled = compile_rules(arguments.rules);
    if (!compiled.plan) {
      fmt::print(stderr, "{}\n", summary(compiled.diagnostics));
      return exit_failed;
    }
  } else {
    const auto all = load::scenarios();
    const auto found = std::find_if(
        all.begin(), all.end(), [&](const auto& scenario) { return scenario.name == arguments.scenario; });
    if (found == all.end())
      throw UsageError(fmt::format("there is no scenario '{}'; --list shows them", arguments.scenario));
    compiled = dsl::compile_text(arguments.scenario, found->rules());
    if (!compiled.plan) throw std::runtime_error(dsl::render(compiled.diagnostics, compiled.sources, false));
  }
  const model::Catalog& catalog = compiled.plan->catalog;
  const model::EventBatch events = arguments.scenario.empty()
                                       ? load::events_of_files(arguments.input, catalog)
                                       : load::built_in_events(catalog);
  return Bench(arguments, compiled, events)();
}

/// What a parser of bench/measure says, as other options say it.
template <class Parse>
auto measured(Parse parse, const std::string& text) {
  try {
    return parse(text);
  } catch (const std::invalid_argument& error) {
    throw BadValue(error.what());
  }
}

std::int64_t duration_of(const std::string& text, std::int64_t least_ns) {
  const std::int64_t ns = parse_duration(text);
  if (ns < least_ns || ns > 3'600'000'000'000) throw BadValue("it must be from a millisecond to an hour");
  return ns;
}

}  // namespace

Command add_bench(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("bench", "Measure latency at a rate, on your rules or built-in ones");
  command->group("Commands");
  const auto a = std::make_shared<Arguments>();
  add_rule_arguments(*command, a->rules);
  command->add_flag("--list", a->list, "Show the built-in scenarios");
  add_value(*command, "--scenario", "NAME", "A built-in scenario instead of rules",
            [a](const std::string& text) { a->scenario = text; });
  add_values(*command, "--events", "FILE", "Events for your rules: NDJSON or CSV, also .zst (repeatable)",
             [a](const std::string& text) { a->input.specs.push_back(checked_input(text)); });
  add_value(*command, "--event", "TYPE", "The type of the events, where a file does not say it",
            [a](const std::string& text) { a->input.events = {text}; });
  add_value(*command, "--lateness", "DURATION", "How far the events of the files may be out of order",
            [a](const std::string& text) { a->lateness_ns = parse_duration(text); });
  add_value(*command, "--via", "WAY", "engine, shm, unix or tcp (default)",
            [a](const std::string& text) { a->via = choose(text, ways); });
  add_value(*command, "--rate", "RATE", "Events a second: 50_000, 250k, 1M; default 100k",
            [a](const std::string& text) {
              a->rate = measured(measure::parse_rate, text);
              a->rate_given = true;
            });
  command->add_flag("--sweep", a->sweep, "Double the rate from --rate (or 10k) on until it can't be kept up");
  add_value(*command, "--duration", "DURATION", "Of each repeat; default 2s",
            [a](const std::string& text) { a->duration_ns = duration_of(text, 1'000'000); });
  add_value(*command, "--count", "N", "End each repeat after so many events (and an hour)",
            [a](const std::string& text) {
              a->count = parse_number(text, 1, 10'000'000'000);
              a->duration_ns = 3'600'000'000'000;
            });
  add_value(*command, "--warmup", "DURATION", "Before each repeat, not counted; default 500ms, 0 for none",
            [a](const std::string& text) { a->warmup_ns = text == "0" ? 0 : duration_of(text, 1'000'000); });
  add_value(*command, "--repeats", "N", "Each with a service of its own; default 3",
            [a](const std::string& text) { a->repeats = parse_number(text, 1, 1000); });
  add_value(*command, "--cores", "A,B",
            "Core of the service, core of the client; default: the first and last",
            [a](const std::string& text) {
              a->cores.clear();
              for (const std::string& core : parse_list(text))
                a->cores.push_back(static_cast<int>(parse_number(core, 0, 4095)));
              if (a->cores.size() > 2) throw BadValue("two cores at most");
            });
  command->add_flag("--busy-poll", a->busy, "The service polls without pause instead of sleeping");
  command->add_flag("--json", a->json, "The results as JSON");
  add_value(*command, "--hgrm", "FILE",
            "The latencies' distribution (at the last rate), as HdrHistogram plots it",
            [a](const std::string& text) { a->hgrm = text; });
  add_value(*command, "--svg", "FILE", "A picture of latency by rate",
            [a](const std::string& text) { a->svg = text; });
  add_values(
      *command, "--assert", "WHAT<LIMIT",
      "Exit code 1 where it does not hold: p99<20us, max<=1ms (repeatable)",
      [a](const std::string& text) { a->assertions.push_back(measured(measure::parse_assertion, text)); });
  command->footer(
      "Events are sent when they are due, whatever became of those before; latency counts from then to when "
      "the\n"
      "match is there. Those that could not be sent in time are counted as late, or unsent. "
      "docs/benchmarks.md\n"
      "explains the method.\n"
      "\n"
      "Examples:\n"
      "  tocsin bench --scenario filter --via shm --rate 1M --busy-poll\n"
      "  tocsin bench --scenario sequence --sweep --svg sequence.svg\n"
      "  tocsin bench fraud.tocsin --events payments.ndjson --rate 200k --assert 'p99<500us'\n"
      "\n"
      "Exit code 0; 1 where an assertion does not hold or something failed; 2 where the command line is "
      "wrong.");
  return {command, [a] { return bench(*a); }};
}

}  // namespace tocsin::cli
