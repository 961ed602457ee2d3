#include "cli/report.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/json_text.hpp"
#include "service/snapshot.hpp"
#include "service/text.hpp"

namespace tocsin::cli {
using namespace service;
namespace {

using runtime::RuleCounters;
using runtime::RuleState;

template <class Values>
struct Column {
  std::string_view title;  // of the table, and with underscores the key in JSON
  std::uint64_t Values::*value;
};
constexpr std::array<Column<RuleCounters>, 10> rule_columns{{
    {"events", &RuleCounters::events},
    {"started", &RuleCounters::started},
    {"advanced", &RuleCounters::advanced},
    {"matches", &RuleCounters::matches},
    {"timeouts", &RuleCounters::timeouts},
    {"expired", &RuleCounters::expired},
    {"throttled", &RuleCounters::throttled},
    {"dropped runs", &RuleCounters::dropped_runs},
    {"dropped matches", &RuleCounters::dropped_matches},
    {"dropped events", &RuleCounters::dropped_events},
}};
constexpr std::array<Column<RuleState>, 5> state_columns{{
    {"runs", &RuleState::runs},
    {"nodes", &RuleState::nodes},
    {"entries", &RuleState::entries},
    {"keys", &RuleState::keys},
    {"bytes", &RuleState::bytes},
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

/// Rows of cells, each column as wide as it must be, the first one to the left.
class Table {
 public:
  void add(std::vector<std::string> row) {
    widths_.resize(std::max(widths_.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths_[i] = std::max(widths_[i], row[i].size());
    rows_.push_back(std::move(row));
  }
  void print() const {
    std::string text = "\n";
    for (const auto& row : rows_) {
      text += fmt::format("{:<{}}", row[0], widths_[0]);
      for (std::size_t i = 1; i < row.size(); ++i)
        text += fmt::format("  {:>{}}", row[i], widths_[i]);
      text += '\n';
    }
    fmt::print(stderr, "{}", text);
  }

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> widths_;
};

template <class Columns>
std::vector<std::string> titles(std::string_view first, const Columns& columns) {
  std::vector<std::string> row{std::string(first)};
  for (const auto& column : columns)
    row.emplace_back(column.title);
  return row;
}

template <class Columns, class Values>
std::vector<std::string> cells(std::string_view first, const Columns& columns, const Values& values) {
  std::vector<std::string> row{std::string(first)};
  for (const auto& column : columns)
    row.push_back(show_number(values.*column.value));
  return row;
}

template <class Columns, class Values>
std::string json_members(const Columns& columns, const Values& values) {
  std::string json;
  for (const auto& column : columns)
    json +=
        fmt::format(R"({}"{}":{})", json.empty() ? "" : ",", json_key(column.title), values.*column.value);
  return json;
}

}  // namespace

void print_losses(const RunReport& report) {
  std::uint64_t late = 0;
  std::int64_t needed = 0;
  for (const InputReport& input : report.inputs) {
    late += input.counts.late;
    needed = std::max(needed, input.counts.lateness_needed_ns);
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
  const runtime::Stats& stats = report.stats;
  Table rules, states, inputs;
  auto head = titles("rule", rule_columns);
  head.emplace_back("busy");
  rules.add(std::move(head));
  states.add(titles("held at the end", state_columns));
  for (const std::uint32_t id : rules_in_force(*report.plan)) {
    const std::string& name = report.plan->rules[id].name;
    auto row = cells(name, rule_columns, stats.rules[id]);
    row.push_back(show_duration(static_cast<std::int64_t>(stats.rules[id].busy_ns)));
    rules.add(std::move(row));
    states.add(cells(name, state_columns, stats.states[id]));
  }
  inputs.add({"input", "events", "late", "bad records"});
  for (const InputReport& input : report.inputs) {
    inputs.add({input.name, show_number(input.counts.events), show_number(input.counts.late),
                show_number(input.bad_records)});
  }
  for (const Table* table : {&rules, &states, &inputs})
    table->print();
}

void print_stats_json(const RunReport& report) {
  const runtime::Stats& stats = report.stats;
  std::string json = fmt::format(R"({{"events":{},"derived":{},"matches":{},"seconds":{:.6f},"rules":[)",
                                 stats.events, stats.derived, stats.matches, report.elapsed.count());
  const char* comma = "";
  for (const std::uint32_t id : rules_in_force(*report.plan)) {
    json += fmt::format(R"({}{{"rule":{},{},"busy_ns":{},"state":{{{}}}}})", std::exchange(comma, ","),
                        json_text(report.plan->rules[id].name), json_members(rule_columns, stats.rules[id]),
                        stats.rules[id].busy_ns, json_members(state_columns, stats.states[id]));
  }
  json += R"(],"inputs":[)";
  comma = "";
  for (const InputReport& input : report.inputs) {
    json += fmt::format(R"({}{{"input":{},"events":{},"late":{},"lateness_needed_ns":{},"bad_records":{}}})",
                        std::exchange(comma, ","), json_text(input.name), input.counts.events,
                        input.counts.late, input.counts.lateness_needed_ns, input.bad_records);
  }
  fmt::print(stderr, "{}]}}\n", json);
}

}  // namespace tocsin::cli
