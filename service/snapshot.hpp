// The state of a service at one moment, as the ingress thread gives it to the control thread, and the forms
// in which it is told: JSON for the control channel, Prometheus text for /metrics.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connectors/net/counters.hpp"
#include "connectors/net/server.hpp"
#include "engine/plan/plan.hpp"
#include "engine/runtime/engine.hpp"
#include "service/latency.hpp"

namespace tocsin::service {

enum class State : std::uint8_t { starting, running, draining };
std::string_view to_string(State state);

struct InputState {
  std::string name;
  std::uint64_t bad_records = 0;
  std::uint64_t bytes_read = 0;
  bool open = false;
  runtime::SourceStats counts;
};

struct Snapshot {
  State state = State::starting;
  std::int64_t steady_ns = 0;   // when it was made
  std::int64_t started_ns = 0;  // of the same clock
  std::shared_ptr<const plan::Plan> plan;
  runtime::Stats stats;
  std::vector<InputState> inputs;
  connectors::net::Counters net;
  std::vector<connectors::net::ConnectionInfo> connections;
  std::vector<std::string> addresses;
  std::uint64_t bad_records = 0;  // of connections and inputs
  std::uint64_t reloads = 0;
  std::uint64_t failed_reloads = 0;
  std::uint64_t tapped_dropped = 0;
  Latencies detection;
};

/// The rules of a plan that are in force, by id: those that were replaced or removed keep their place in it.
std::vector<std::uint32_t> rules_in_force(const plan::Plan& plan);

/// The answer to `status`: a few lines that say whether all is well.
std::string status_json(const Snapshot& snapshot);
/// The answer to `stats` and `top`: every counter.
std::string stats_json(const Snapshot& snapshot);
/// Text format 0.0.4.
std::string prometheus(const Snapshot& snapshot);

}  // namespace tocsin::service
