// `tocsin top`: what a service does, as a table that is drawn anew each second. Rates are differences of two
// answers of the service over the time between them, by its clock.
#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/control_client.hpp"
#include "cli/json_fields.hpp"
#include "service/json.hpp"
#include "service/latency.hpp"
#include "service/text.hpp"
#include "service/values.hpp"

namespace tocsin::cli {
using namespace service;
namespace {

struct TopArguments {
  std::string control;
  std::int64_t interval_ns = 1'000'000'000;
  bool once = false;
  bool json = false;
};

struct RuleNumbers {
  std::string name;
  std::uint64_t events = 0;
  std::uint64_t matches = 0;
  std::uint64_t busy_ns = 0;
  std::uint64_t bytes = 0;
  std::uint64_t dropped = 0;
};

struct Numbers {
  std::string state;
  double uptime_seconds = 0;
  std::int64_t steady_ns = 0;
  std::uint64_t events = 0;
  std::uint64_t matches = 0;
  std::uint64_t connections = 0;
  std::uint64_t late = 0;
  std::uint64_t bad = 0;
  std::uint64_t reorder = 0;
  std::uint64_t queued_bytes = 0;
  std::uint64_t matches_dropped = 0;
  std::vector<std::uint64_t> batches;
  Latencies detection;  // since the start
  std::vector<RuleNumbers> rules;
};

std::uint64_t number(simdjson::dom::object object, std::string_view name) {
  return field_or<std::uint64_t>(object, name, 0);
}

Numbers parse(const std::string& line) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(line).get(object) != simdjson::SUCCESS)
    throw std::runtime_error("the answer can't be read");
  if (!field_or(object, "ok", false))
    throw std::runtime_error(
        std::string(field_or<std::string_view>(object, "error", "the service can't answer")));
  Numbers numbers;
  numbers.state = field_or(object, "state", std::string_view());
  numbers.uptime_seconds = field_or(object, "uptime_seconds", 0.0);
  numbers.steady_ns = static_cast<std::int64_t>(number(object, "steady_ns"));
  numbers.events = number(object, "events");
  numbers.matches = number(object, "matches");
  numbers.connections = number(object, "connections");
  numbers.late = number(object, "late");
  numbers.bad = number(object, "bad_records");
  numbers.reorder = number(object, "reorder_events");
  simdjson::dom::object net;
  if (object["net"].get(net) == simdjson::SUCCESS) {
    numbers.queued_bytes = number(net, "queued_bytes");
    numbers.matches_dropped = number(net, "matches_dropped");
  }
  for (const auto element : elements(object, "batches_under_way"))
    numbers.batches.push_back(element.get_uint64().value_unsafe());
  simdjson::dom::object detection;
  if (object["detection"].get(detection) == simdjson::SUCCESS) {
    std::size_t bucket = 0;
    for (const auto element : elements(detection, "buckets")) {
      if (bucket < numbers.detection.counts.size())
        numbers.detection.counts[bucket++] = element.get_uint64().value_unsafe();
    }
  }
  for (const auto element : elements(object, "rules")) {
    simdjson::dom::object rule;
    if (element.get(rule) != simdjson::SUCCESS) continue;
    RuleNumbers& row = numbers.rules.emplace_back();
    row.name = field_or(rule, "rule", std::string_view());
    row.events = number(rule, "events");
    row.matches = number(rule, "matches");
    row.busy_ns = number(rule, "busy_ns");
    row.bytes = number(rule, "bytes");
    row.dropped =
        number(rule, "dropped_runs") + number(rule, "dropped_matches") + number(rule, "dropped_events");
  }
  return numbers;
}

/// What went up by how much a second.
struct Rates {
  double seconds;

  Rates(const Numbers& before, const Numbers& now)
      : seconds(std::max(1e-9, static_cast<double>(now.steady_ns - before.steady_ns) * 1e-9)) {}
  double operator()(std::uint64_t before, std::uint64_t now) const {
    return now < before ? 0 : static_cast<double>(now - before) / seconds;
  }
};

// A rule that began anew counts from zero; one that was not there before, too.
RuleNumbers before_of(const Numbers& before, const RuleNumbers& rule) {
  const auto at = std::find_if(before.rules.begin(), before.rules.end(),
                               [&](const RuleNumbers& r) { return r.name == rule.name; });
  return at == before.rules.end() || at->events > rule.events ? RuleNumbers{} : *at;
}

// Of the batches in between.
Latencies between(const Latencies& before, const Latencies& now) {
  Latencies latencies;
  for (std::size_t i = 0; i < now.counts.size(); ++i)
    latencies.counts[i] = now.counts[i] - before.counts[i];
  return latencies;
}

std::string as_json(const Numbers& before, const Numbers& now) {
  const Rates rate(before, now);
  Json json;
  json.object().field("state", now.state).field("uptime_seconds", now.uptime_seconds);
  json.field("events", now.events).field("events_per_second", rate(before.events, now.events));
  json.field("matches", now.matches).field("matches_per_second", rate(before.matches, now.matches));
  json.field("connections", now.connections).field("late", now.late).field("bad_records", now.bad);
  json.field("reorder_events", now.reorder).field("queued_bytes", now.queued_bytes);
  const Latencies detection = between(before.detection, now.detection);
  json.field("matches_dropped", now.matches_dropped).field("batches", detection.count());
  json.field("detection_p50_ns", quantile_ns(detection, 0.5));
  json.field("detection_p99_ns", quantile_ns(detection, 0.99)).key("batches_under_way").array();
  for (const std::uint64_t batches : now.batches)
    json.value(batches);
  json.end_array().key("rules").array();
  for (const RuleNumbers& rule : now.rules) {
    const RuleNumbers old = before_of(before, rule);
    json.object().field("rule", rule.name).field("events", rule.events);
    json.field("events_per_second", rate(old.events, rule.events)).field("matches", rule.matches);
    json.field("matches_per_second", rate(old.matches, rule.matches));
    json.field("busy_share", rate(old.busy_ns, rule.busy_ns) * 1e-9).field("state_bytes", rule.bytes);
    json.field("dropped", rule.dropped).end_object();
  }
  return json.end_array().end_object().text();
}

std::string whole(double number) {
  return show_number(static_cast<std::uint64_t>(number + 0.5));
}

// Bytes for people, to three digits.
std::string memory(std::uint64_t bytes) {
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1000 && unit < 4; ++unit)
    value /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.3g} {}", value, units[unit]);
}

std::string as_table(const Numbers& before, const Numbers& now, std::size_t most_rules) {
  const Rates rate(before, now);
  std::string out =
      fmt::format("{}, up {:.0f} s, {} connections\n", now.state, now.uptime_seconds, now.connections);
  out += fmt::format("events {} ({}/s), matches {} ({}/s), late {}, bad {}\n", show_number(now.events),
                     whole(rate(before.events, now.events)), show_number(now.matches),
                     whole(rate(before.matches, now.matches)), show_number(now.late), show_number(now.bad));
  out +=
      fmt::format("waiting: {} events for event time, batches {}, {} for subscribers ({} matches dropped)\n",
                  show_number(now.reorder), fmt::join(now.batches, " "), memory(now.queued_bytes),
                  show_number(now.matches_dropped));
  if (const Latencies detection = between(before.detection, now.detection); detection.count() > 0) {
    const auto duration = [&](double share) {
      return show_duration(static_cast<std::int64_t>(quantile_ns(detection, share)));
    };
    out += fmt::format("detection: p50 {}, p99 {} ({} batches)\n", duration(0.5), duration(0.99),
                       show_number(detection.count()));
  }
  out += '\n';
  std::vector<std::pair<RuleNumbers, RuleNumbers>> rules;  // before, now
  std::size_t width = 4;
  for (const RuleNumbers& rule : now.rules) {
    rules.emplace_back(before_of(before, rule), rule);
    width = std::max(width, rule.name.size());
  }
  std::stable_sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) {
    return a.second.busy_ns - a.first.busy_ns > b.second.busy_ns - b.first.busy_ns;
  });
  out += fmt::format("{:<{}}  {:>12}  {:>12}  {:>14}  {:>7}  {:>10}  {:>10}\n", "rule", width, "events/s",
                     "matches/s", "matches", "busy", "state", "dropped");
  for (std::size_t i = 0; i < std::min(rules.size(), most_rules); ++i) {
    const auto& [old, rule] = rules[i];
    out += fmt::format("{:<{}}  {:>12}  {:>12}  {:>14}  {:>6.1f}%  {:>10}  {:>10}\n", rule.name, width,
                       whole(rate(old.events, rule.events)), whole(rate(old.matches, rule.matches)),
                       show_number(rule.matches), rate(old.busy_ns, rule.busy_ns) * 1e-7, memory(rule.bytes),
                       show_number(rule.dropped));
  }
  if (rules.size() > most_rules)
    out += fmt::format("and {} more\n", count_of(rules.size() - most_rules, "rule"));
  return out;
}

int top(const TopArguments& arguments) {
  ControlClient client(arguments.control);
  const std::string ask = Json().object().field("command", "top").end_object().text();
  const bool live = !arguments.once && !arguments.json && isatty(STDOUT_FILENO) == 1;
  Numbers before = parse(client.ask(ask));
  do {
    ::poll(nullptr, 0, static_cast<int>(arguments.interval_ns / 1'000'000));
    Numbers now = parse(client.ask(ask));
    if (arguments.json) {
      fmt::print("{}\n", as_json(before, now));
    } else {
      // From the corner, the rest of each line and of the screen wiped.
      std::string table = as_table(before, now, live ? 40 : SIZE_MAX);
      if (live) {
        for (std::size_t at = 0; (at = table.find('\n', at)) != std::string::npos; at += 4)
          table.insert(at, "\x1b[K");
        table = "\x1b[H" + table + "\x1b[J";
      }
      fmt::print("{}", table);
    }
    if (std::fflush(stdout) != 0) return exit_fine;
    before = std::move(now);
  } while (!arguments.once);
  return exit_fine;
}

}  // namespace

Command add_top(CLI::App& app) {
  CLI::App* command = app.add_subcommand("top", "Show what a service does, each second anew");
  command->group("Commands for a running service");
  const auto arguments = std::make_shared<TopArguments>();
  add_control_option(*command, arguments->control);
  add_value(*command, "--interval", "DURATION=1s", "How often, and over how long rates are taken",
            [arguments](const std::string& text) {
              arguments->interval_ns =
                  std::clamp<std::int64_t>(parse_duration(text), 1'000'000, 3'600'000'000'000);
            });
  command->add_flag("--once", arguments->once, "One table, after one interval");
  command->add_flag("--json", arguments->json, "JSON, an object a line");
  command->footer(
      "'busy' is the share of one core that a rule takes, estimated; rules are sorted by it.\n"
      "\n"
      "Examples:\n"
      "  tocsin top --control /run/tocsin/control.sock\n"
      "  tocsin top --control /run/tocsin/control.sock --once --json");
  return {command, [arguments] { return top(*arguments); }};
}

}  // namespace tocsin::cli
