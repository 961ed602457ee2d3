// The JSON forms; prometheus.cpp has the other.
#include "service/snapshot.hpp"

#include <algorithm>

#include "connectors/time_text.hpp"
#include "service/counters.hpp"
#include "service/json.hpp"

namespace tocsin::service {
namespace {

double seconds(std::int64_t ns) {
  return static_cast<double>(ns) * 1e-9;
}

void put_time(Json& json, std::string_view name, std::int64_t time_ns) {
  if (time_ns == INT64_MIN) {
    json.key(name).raw("null");
    return;
  }
  char buffer[connectors::time_text_size];
  json.field(name, std::string_view(
                       buffer, static_cast<std::size_t>(connectors::write_time(buffer, time_ns) - buffer)));
}

void put_head(Json& json, const Snapshot& snapshot) {
  json.field("state", to_string(snapshot.state));
  json.field("uptime_seconds", seconds(snapshot.steady_ns - snapshot.started_ns));
  json.key("listen").array();
  for (const std::string& address : snapshot.addresses)
    json.value(address);
  json.end_array();
  json.field("rule_count", snapshot.plan->order.size());
  json.field("events", snapshot.stats.events).field("derived", snapshot.stats.derived);
  json.field("matches", snapshot.stats.matches).field("connections", snapshot.net.connections);
  json.field("reloads", snapshot.reloads).field("failed_reloads", snapshot.failed_reloads);
  put_time(json, "event_time", snapshot.stats.event_time_ns);
}

void put_detection(Json& json, const Latencies& latencies) {
  json.key("detection").object().field("batches", latencies.count()).field("sum_ns", latencies.sum_ns);
  json.field("p50_ns", quantile_ns(latencies, 0.5)).field("p99_ns", quantile_ns(latencies, 0.99));
  json.key("buckets").array();
  for (const std::uint64_t count : latencies.counts)
    json.value(count);
  json.end_array().end_object();
}

void put_rules(Json& json, const Snapshot& snapshot) {
  json.key("rules").array();
  for (const std::uint32_t id : rules_in_force(*snapshot.plan)) {
    json.object().field("rule", snapshot.plan->rules[id].name);
    if (id < snapshot.stats.rules.size()) {
      for (const auto& counter : rule_counters)
        json.field(counter.name, snapshot.stats.rules[id].*counter.counter);
    }
    if (id < snapshot.stats.states.size()) {
      for (const auto& state : rule_states)
        json.field(state.name, snapshot.stats.states[id].*state.counter);
    }
    json.end_object();
  }
  json.end_array();
}

void put_inputs(Json& json, const Snapshot& snapshot) {
  json.key("inputs").array();
  for (const InputState& input : snapshot.inputs) {
    json.object().field("input", input.name).field("open", input.open);
    json.field("events", input.counts.events).field("late", input.counts.late);
    json.field("bytes_read", input.bytes_read).field("bad_records", input.bad_records).end_object();
  }
  json.end_array();
}

void put_connections(Json& json, const Snapshot& snapshot) {
  json.key("connections_open").array();
  for (const connectors::net::ConnectionInfo& c : snapshot.connections) {
    json.object().field("id", c.id).field("peer", c.peer).field("client", c.client).field("form", c.form);
    json.field("bytes_in", c.bytes_in).field("bytes_out", c.bytes_out).field("events", c.events);
    json.field("rejected", c.rejected).field("subscribed", c.subscribed).field("matches", c.matches);
    json.field("dropped", c.dropped).field("queued_bytes", c.queued_bytes).end_object();
  }
  json.end_array();
}

void put_net(Json& json, const connectors::net::Counters& net) {
  json.key("net").object();
  json.field("handshaking", net.handshaking).field("frame_clients", net.frame_clients);
  json.field("ring_clients", net.ring_clients).field("line_clients", net.line_clients);
  json.field("sources", net.sources).field("subscribers", net.subscribers);
  json.field("queued_bytes", net.queued_bytes).field("blocked", net.blocked);
  json.field("accepted", net.accepted).field("closed", net.closed).field("accept_pauses", net.accept_pauses);
  json.field("bytes_in", net.bytes_in).field("bytes_out", net.bytes_out);
  json.field("events", net.events).field("rejected", net.rejected);
  json.field("matches_out", net.matches_out).field("matches_dropped", net.matches_dropped);
  json.field("blocks", net.blocks).key("refused").object();
  for (std::size_t i = 0; i < net.refused.size(); ++i)
    json.field(name_of(static_cast<connectors::net::Refusal>(i)), net.refused[i]);
  json.end_object().end_object();
}

std::uint64_t late(const runtime::Stats& stats) {
  std::uint64_t late = stats.earlier_sources.late;
  for (const runtime::SourceStats& source : stats.sources)
    late += source.late;
  return late;
}

}  // namespace

std::vector<std::uint32_t> rules_in_force(const plan::Plan& plan) {
  std::vector<std::uint32_t> ids = plan.order;
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::string_view to_string(State state) {
  switch (state) {
    case State::starting: return "starting";
    case State::running: return "running";
    case State::draining: return "draining";
  }
  return "";
}

std::string status_json(const Snapshot& snapshot) {
  Json json;
  json.object().field("ok", true);
  put_head(json, snapshot);
  return json.end_object().text();
}

std::string stats_json(const Snapshot& snapshot) {
  Json json;
  json.object().field("ok", true);
  put_head(json, snapshot);
  json.field("steady_ns", snapshot.steady_ns);
  json.field("late", late(snapshot.stats)).field("bad_records", snapshot.bad_records);
  json.field("arithmetic_faults", snapshot.stats.arithmetic_faults);
  json.field("reorder_events", snapshot.stats.reorder_events);
  json.field("tap_dropped", snapshot.tapped_dropped);
  json.key("batches_under_way").array();
  for (const std::uint64_t batches : snapshot.stats.batches_under_way)
    json.value(batches);
  json.end_array();
  put_detection(json, snapshot.detection);
  put_rules(json, snapshot);
  put_inputs(json, snapshot);
  put_net(json, snapshot.net);
  put_connections(json, snapshot);
  return json.end_object().text();
}

}  // namespace tocsin::service
