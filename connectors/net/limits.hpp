// Every limit of the server: those of the protocol, and what it keeps for itself. Tests also run with tiny
// ones.
#pragma once

#include <cstddef>
#include <cstdint>

#include "connectors/wire/frame.hpp"

namespace tocsin::connectors::net {

struct NetLimits : wire::Limits {
  std::size_t max_line_bytes = std::size_t{1} << 20;  // of NDJSON
  std::int64_t linger_ns = 1'000'000'000;             // that a client has to read why, or the rest, and to go
  /// A queue with the policy block stops the reading of events, but what was read may complete more matches
  /// than it has room for. Beyond so much the subscriber is disconnected after all.
  std::size_t max_overshoot_bytes = std::size_t{64} << 20;
  std::size_t control_bytes = std::size_t{256}
                              << 10;               // answers that a client has not read; then its input rests
  std::size_t read_bytes = std::size_t{64} << 10;  // of one connection in a round, about
  std::size_t batch_events = 1024;                 // of one connection handed on at once, about
};

}  // namespace tocsin::connectors::net
