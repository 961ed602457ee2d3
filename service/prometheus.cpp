// /metrics: the text format of Prometheus. Names are part of the interface; docs/operations.md lists them.
#include <array>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <unistd.h>

#include "service/counters.hpp"
#include "service/snapshot.hpp"

namespace tocsin::service {
namespace {

std::string label(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '\n') {
      quoted += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

class Metrics {
 public:
  void head(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(text_), "# HELP tocsin_{} {}\n# TYPE tocsin_{} {}\n", name, help, name,
                   type);
  }
  void sample(std::string_view name, const auto& value, std::string_view labels = {}) {
    fmt::format_to(std::back_inserter(text_), "tocsin_{}{} {}\n", name,
                   labels.empty() ? "" : fmt::format("{{{}}}", labels), value);
  }
  void counter(std::string_view name, std::string_view help, std::uint64_t value) {
    head(name, "counter", help);
    sample(name, value);
  }
  void gauge(std::string_view name, std::string_view help, const auto& value) {
    head(name, "gauge", help);
    sample(name, value);
  }
  std::string text() const { return fmt::to_string(text_); }

 private:
  fmt::memory_buffer text_;
};

void put_rules(Metrics& metrics, const Snapshot& snapshot) {
  const auto put = [&](const auto& counters, const auto& values, std::string_view type,
                       std::string_view end) {
    for (const auto& counter : counters) {
      const std::string name = fmt::format("rule_{}{}", counter.name, end);
      metrics.head(name, type, counter.help);
      for (const std::uint32_t id : rules_in_force(*snapshot.plan)) {
        if (id < values.size())
          metrics.sample(name, values[id].*counter.counter, "rule=" + label(snapshot.plan->rules[id].name));
      }
    }
  };
  put(rule_counters, snapshot.stats.rules, "counter", "_total");
  put(rule_states, snapshot.stats.states, "gauge", "");
}

void put_engine(Metrics& metrics, const runtime::Stats& stats) {
  metrics.counter("events_total", "Events accepted from all sources.", stats.events);
  metrics.counter("derived_events_total", "Emitted events that other rules read.", stats.derived);
  metrics.counter("matches_total", "Matches of all rules.", stats.matches);
  metrics.counter("arithmetic_faults_total", "Overflows and divisions by zero, each of which gave null.",
                  stats.arithmetic_faults);
  std::uint64_t late = stats.earlier_sources.late;
  std::uint64_t open = 0;
  for (const runtime::SourceStats& source : stats.sources) {
    late += source.late;
    open += source.open ? 1 : 0;
  }
  metrics.counter("late_events_total", "Events that came too late to be processed.", late);
  metrics.gauge("sources_open", "Sources of events: inputs, and connections that have sent some.", open);
  metrics.gauge("reorder_events", "Events that wait for event time.", stats.reorder_events);
  metrics.head("shard_batches", "gauge", "Batches handed to a shard and not run yet.");
  for (std::size_t shard = 0; shard < stats.batches_under_way.size(); ++shard)
    metrics.sample("shard_batches", stats.batches_under_way[shard], fmt::format("shard=\"{}\"", shard));
  if (stats.event_time_ns != INT64_MIN) {
    metrics.gauge("event_time_seconds", "How far event time has come, since the epoch.",
                  static_cast<double>(stats.event_time_ns) * 1e-9);
  }
}

void put_detection(Metrics& metrics, const Latencies& latencies) {
  metrics.head("detection_seconds", "histogram",
               "Of batches: from the look that found their bytes until their matches are handed out.");
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < latencies.counts.size(); ++i) {
    below += latencies.counts[i];
    const std::string bound = i == Latencies::bounds_count
                                  ? "+Inf"
                                  : fmt::format("{}", static_cast<double>(Latencies::bounds_ns[i]) / 1e9);
    metrics.sample("detection_seconds_bucket", below, "le=" + label(bound));
  }
  metrics.sample("detection_seconds_sum", static_cast<double>(latencies.sum_ns) / 1e9);
  metrics.sample("detection_seconds_count", below);
}

void put_net(Metrics& metrics, const connectors::net::Counters& net) {
  metrics.head("connections", "gauge", "Open connections, by what they speak.");
  const std::array<std::pair<std::string_view, std::uint64_t>, 4> forms{{{"handshake", net.handshaking},
                                                                         {"frames", net.frame_clients},
                                                                         {"ring", net.ring_clients},
                                                                         {"lines", net.line_clients}}};
  for (const auto& [form, count] : forms)
    metrics.sample("connections", count, "form=" + label(form));
  metrics.gauge("subscribers", "Connections that get matches.", net.subscribers);
  metrics.gauge("subscriber_queue_bytes", "What waits for all subscribers.", net.queued_bytes);
  metrics.gauge("input_blocked", "1 while a subscriber with the policy block holds the input up.",
                net.blocked ? 1 : 0);
  metrics.counter("connections_accepted_total", "Connections accepted.", net.accepted);
  metrics.counter("connections_closed_total", "Connections closed.", net.closed);
  metrics.counter("accept_pauses_total", "How often there was no descriptor left for a connection.",
                  net.accept_pauses);
  metrics.head("connections_refused_total", "counter",
               "Connections refused or ended by the service, by reason.");
  for (std::size_t i = 0; i < net.refused.size(); ++i) {
    metrics.sample("connections_refused_total", net.refused[i],
                   "reason=" + label(name_of(static_cast<connectors::net::Refusal>(i))));
  }
  metrics.counter("received_bytes_total", "Bytes received.", net.bytes_in);
  metrics.counter("sent_bytes_total", "Bytes sent.", net.bytes_out);
  metrics.counter("received_events_total", "Events taken from connections.", net.events);
  metrics.counter("rejected_events_total", "Events of connections that were no good.", net.rejected);
  metrics.counter("delivered_matches_total", "Matches put into queues of subscribers.", net.matches_out);
  metrics.counter("dropped_matches_total", "Matches dropped from queues of subscribers.",
                  net.matches_dropped);
  metrics.counter("input_blocks_total", "How often a subscriber held the input up.", net.blocks);
}

// Resident pages of the process, or 0.
std::uint64_t resident_bytes() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"),
                                                             std::fclose);
  unsigned long long size = 0;
  unsigned long long resident = 0;
  if (!file || std::fscanf(file.get(), "%llu %llu", &size, &resident) != 2) return 0;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

std::string prometheus(const Snapshot& snapshot) {
  Metrics metrics;
  metrics.gauge("uptime_seconds", "Since the start.",
                static_cast<double>(snapshot.steady_ns - snapshot.started_ns) * 1e-9);
  metrics.gauge("rules", "Rules that run.", snapshot.plan->order.size());
  metrics.counter("reloads_total", "Changes of the rules that were taken.", snapshot.reloads);
  metrics.counter("failed_reloads_total", "Changes of the rules that were refused.", snapshot.failed_reloads);
  metrics.counter("bad_records_total", "Lines and events that could not be read.", snapshot.bad_records);
  metrics.counter("tap_dropped_total", "Matches that no tap had room for.", snapshot.tapped_dropped);
  put_engine(metrics, snapshot.stats);
  put_detection(metrics, snapshot.detection);
  put_rules(metrics, snapshot);
  put_net(metrics, snapshot.net);
  metrics.gauge("resident_memory_bytes", "Memory of the process.", resident_bytes());
  return metrics.text();
}

}  // namespace tocsin::service
