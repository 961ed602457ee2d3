#include "cli/report.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>
#include <string_view>

#include "cli/text.hpp"
#include "connectors/json_text.hpp"

namespace tocsin::cli {
namespace {

struct Column {
  std::string_view title;  // of the table, and with underscores the key in JSON
  std::uint64_t runtime::RuleCounters::*counter;
};
constexpr std::array<Column, 8> rule_columns{{
    {"events", &runtime::RuleCounters::events},
    {"started", &runtime::RuleCounters::started},
    {"matches", &runtime::RuleCounters::matches},
    {"timeouts", &runtime::RuleCounters::timeouts},
    {"dropped runs", &runtime::RuleCounters::dropped_runs},
    {"dropped matches", &runtime::RuleCounters::dropped_matches},
    {"dropped events", &runtime::RuleCounters::dropped_events},
    {"throttled", &runtime::RuleCounters::throttled},
}};

std::string_view was(std::uint64_t number) {
  return number == 1 ? "was" : "were";
}

std::string json_text(std::string_view text) {
  fmt::memory_buffer json;
  connectors::append_json_string(json, text);
  return fmt::to_string(json);
}

std::string json_key(std::string_view title) {
  std::string key(title);
  std::replace(key.begin(), key.end(), ' ', '_');
  return key;
}

std::uint64_t rate(const RunReport& report) {
  const double seconds = std::max(report.elapsed.count(), 1e-6);
  return static_cast<std::uint64_t>(static_cast<double>(report.stats.events) / seconds);
}

std::size_t width_of_names(const RunReport& report) {
  std::size_t width = 6;
  for (const plan::Rule& rule : report.plan->rules)
    width = std::max(width, rule.name.size());
  for (const InputReport& input : report.inputs)
    width = std::max(width, input.name.size());
  return width;
}

}  // namespace

void print_losses(const RunReport& report) {
  std::uint64_t late = 0;
  std::int64_t needed = 0;
  for (const runtime::SourceStats& source : report.stats.sources) {
    late += source.late;
    needed = std::max(needed, source.lateness_needed_ns);
  }
  if (late > 0) {
    say(fmt::format("{} came late and {} dropped; --lateness {} would have kept {}{}",
                    count_of(late, "event"), was(late), show_duration(needed), late == 1 ? "it" : "them all",
                    report.late_output.empty() ? "" : "; see " + report.late_output));
  }
  if (const std::uint64_t faults = report.stats.arithmetic_faults; faults > 0) {
    say(fmt::format("{} overflowed or divided by zero and gave null", count_of(faults, "calculation")));
  }
  for (std::size_t id = 0; id < report.stats.dropped_rows.size(); ++id) {
    const std::uint64_t dropped = report.stats.dropped_rows[id];
    if (dropped == 0) continue;
    say(fmt::format("table {}: {} {} dropped at --limit-table-rows {}", report.plan->tables[id].name,
                    count_of(dropped, "row"), was(dropped), report.limits.table_rows));
  }
  for (std::size_t id = 0; id < report.stats.rules.size(); ++id) {
    const runtime::RuleCounters& counters = report.stats.rules[id];
    const std::string& name = report.plan->rules[id].name;
    if (counters.dropped_runs > 0) {
      say(fmt::format("rule {}: {} {} dropped at --limit-runs {}", name,
                      count_of(counters.dropped_runs, "unfinished run"), was(counters.dropped_runs),
                      report.limits.run_nodes_per_rule));
    }
    if (counters.dropped_events > 0) {
      say(
          fmt::format("rule {}: {} {} dropped out of its windows at --limit-window-events {} or "
                      "--limit-window-keys {}",
                      name, count_of(counters.dropped_events, "event"), was(counters.dropped_events),
                      report.limits.window_events_per_rule, report.limits.window_keys_per_rule));
    }
    if (counters.dropped_matches > 0) {
      say(fmt::format("rule {}: {} {} dropped at --limit-matches {}", name,
                      count_of(counters.dropped_matches, "match", "matches"), was(counters.dropped_matches),
                      report.limits.matches_per_event));
    }
  }
}

void print_totals(const RunReport& report) {
  say(fmt::format("{}, {} in {:.2f} s ({} events/s)", count_of(report.stats.events, "event"),
                  count_of(report.stats.matches, "match", "matches"), report.elapsed.count(),
                  show_number(rate(report))));
}

void print_stats_table(const RunReport& report) {
  const std::size_t width = width_of_names(report);
  std::string table = fmt::format("\n{:<{}}", "rule", width);
  for (const Column& column : rule_columns)
    table += fmt::format("  {:>15}", column.title);
  for (std::size_t id = 0; id < report.stats.rules.size(); ++id) {
    table += fmt::format("\n{:<{}}", report.plan->rules[id].name, width);
    for (const Column& column : rule_columns) {
      table += fmt::format("  {:>15}", show_number(report.stats.rules[id].*column.counter));
    }
  }
  table +=
      fmt::format("\n\n{:<{}}  {:>15}  {:>15}  {:>15}\n", "input", width, "events", "late", "bad records");
  for (std::size_t id = 0; id < report.inputs.size(); ++id) {
    const runtime::SourceStats& source = report.stats.sources[id];
    table += fmt::format("{:<{}}  {:>15}  {:>15}  {:>15}\n", report.inputs[id].name, width,
                         show_number(source.events), show_number(source.late),
                         show_number(report.inputs[id].bad_records));
  }
  fmt::print(stderr, "{}", table);
}

void print_stats_json(const RunReport& report) {
  std::string json =
      fmt::format(R"({{"events":{},"derived":{},"matches":{},"seconds":{:.6f},"rules":[)",
                  report.stats.events, report.stats.derived, report.stats.matches, report.elapsed.count());
  for (std::size_t id = 0; id < report.stats.rules.size(); ++id) {
    json += fmt::format(R"({}{{"rule":{})", id == 0 ? "" : ",", json_text(report.plan->rules[id].name));
    for (const Column& column : rule_columns) {
      json += fmt::format(R"(,"{}":{})", json_key(column.title), report.stats.rules[id].*column.counter);
    }
    json += '}';
  }
  json += R"(],"inputs":[)";
  for (std::size_t id = 0; id < report.inputs.size(); ++id) {
    const runtime::SourceStats& source = report.stats.sources[id];
    json += fmt::format(R"({}{{"input":{},"events":{},"late":{},"lateness_needed_ns":{},"bad_records":{}}})",
                        id == 0 ? "" : ",", json_text(report.inputs[id].name), source.events, source.late,
                        source.lateness_needed_ns, report.inputs[id].bad_records);
  }
  fmt::print(stderr, "{}]}}\n", json);
}

}  // namespace tocsin::cli
