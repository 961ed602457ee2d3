#include "cli/bench_report.hpp"

#include <fmt/format.h>
#include <iterator>

#include "bench/measure/machine.hpp"
#include "bench/measure/writers.hpp"
#include "service/json.hpp"

namespace tocsin::cli {
namespace {

using service::Json;

constexpr double percents[] = {50, 90, 99, 99.9, 99.99, 100};
constexpr const char* percent_names[] = {"p50", "p90", "p99", "p99.9", "p99.99", "max"};

void print_row(const load::Outcome& outcome, std::string_view mark) {
  fmt::print("{:>12.0f}{:>12.0f}{:>11}{:>9}{:>9}{:>10}", outcome.rate, outcome.achieved, outcome.sent,
             outcome.due - outcome.sent, outcome.late, outcome.matches);
  for (const double percent : percents)
    fmt::print("{:>10}",
               outcome.latency.total() == 0 ? "-" : show_micros(outcome.latency.at_percentile(percent)));
  fmt::print("{}{}\n", mark, saturated(outcome) ? "  saturated" : "");
}

void put(Json& json, const load::Outcome& outcome) {
  json.object()
      .field("rate", outcome.rate)
      .field("achieved", outcome.achieved)
      .field("due", outcome.due)
      .field("sent", outcome.sent)
      .field("unsent", outcome.due - outcome.sent)
      .field("late", outcome.late)
      .field("matches", outcome.matches)
      .field("timed", outcome.latency.total())
      .field("saturated", saturated(outcome));
  json.key("latency_ns").object();
  for (std::size_t i = 0; i < std::size(percents); ++i)
    json.field(percent_names[i], outcome.latency.at_percentile(percents[i]));
  json.end_object().end_object();
}

}  // namespace

bool saturated(const load::Outcome& outcome) {
  return !outcome.settled || static_cast<double>(outcome.sent) < 0.99 * static_cast<double>(outcome.due);
}

std::string show_micros(std::uint64_t ns) {
  return fmt::format("{:.2f}", static_cast<double>(ns) / 1e3);
}

void print_bench(const BenchReport& report) {
  const measure::Machine machine = measure::this_machine();
  const measure::Build build = measure::this_build();
  fmt::print("machine   {}, {} cores, {}, load {}\n", machine.cpu, machine.cores, machine.kernel,
             machine.load);
  fmt::print("build     tocsin {} {}, {}, {}\n", build.version, build.commit, build.type, build.compiler);
  fmt::print("set-up    via {}, {}, {}\n", report.via, report.pinning,
             report.busy_poll ? "busy polling" : "sleeping when idle");
  fmt::print("clock     {:.1f} ns a reading (the system's: {:.1f} ns)\n", report.clock.read_ns(),
             report.clock.system_read_ns());
  fmt::print(
      "jitter    an idle loop on the client's core stood still {} times in {:.1f} s: p50 {}, p99 {}, max {} "
      "µs\n\n",
      report.hiccups.total(), static_cast<double>(report.idle_ns) / 1e9,
      show_micros(report.hiccups.at_percentile(50)), show_micros(report.hiccups.at_percentile(99)),
      show_micros(report.hiccups.max()));
  fmt::print("latency in µs, from when an event was due to when its match was there\n");
  fmt::print("{:>12}{:>12}{:>11}{:>9}{:>9}{:>10}", "rate/s", "sent/s", "sent", "unsent", "late", "matches");
  for (const char* name : percent_names)
    fmt::print("{:>10}", name);
  fmt::print("\n");
  for (const BenchStep& step : report.steps) {
    for (const load::Outcome& outcome : step.repeats)
      print_row(outcome, "");
    if (step.repeats.size() > 1) print_row(step.all, "  all");
  }
}

std::string to_json(const BenchReport& report) {
  const measure::Machine machine = measure::this_machine();
  const measure::Build build = measure::this_build();
  Json json;
  json.object();
  json.key("machine").object().field("cpu", machine.cpu).field("cores", machine.cores);
  json.field("kernel", machine.kernel).field("load", machine.load).end_object();
  json.key("build").object().field("version", build.version).field("commit", build.commit);
  json.field("type", build.type).field("compiler", build.compiler).end_object();
  json.field("via", report.via).field("pinning", report.pinning).field("busy_poll", report.busy_poll);
  json.key("clock").object().field("read_ns", report.clock.read_ns());
  json.field("system_read_ns", report.clock.system_read_ns()).end_object();
  json.key("hiccups_ns").object().field("duration", report.idle_ns).field("count", report.hiccups.total());
  json.field("p50", report.hiccups.at_percentile(50)).field("p99", report.hiccups.at_percentile(99));
  json.field("max", report.hiccups.max()).end_object();
  json.key("rates").array();
  for (const BenchStep& step : report.steps) {
    json.object().key("all");
    put(json, step.all);
    json.key("repeats").array();
    for (const load::Outcome& outcome : step.repeats)
      put(json, outcome);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return json.text();
}

std::string to_svg(const BenchReport& report) {
  std::vector<measure::RatePoint> points;
  for (const BenchStep& step : report.steps) {
    measure::RatePoint& point = points.emplace_back();
    point.rate = step.all.rate;
    for (const double percent : percents)
      point.ns.push_back(step.all.latency.at_percentile(percent));
  }
  return measure::to_svg(fmt::format("Latency by rate, via {}", report.via),
                         {std::begin(percent_names), std::end(percent_names)}, points);
}

}  // namespace tocsin::cli
