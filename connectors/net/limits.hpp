// Every limit of the server, with a default. Tests also run with tiny ones.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tocsin::connectors::net {

struct NetLimits {
  std::size_t max_frame_bytes = std::size_t{4} << 20;   // payload; checked before anything is allocated
  std::size_t max_line_bytes = std::size_t{1} << 20;    // of NDJSON
  std::size_t max_connections = 4096;                   // further ones are refused
  std::int64_t handshake_timeout_ns = 5'000'000'000;    // from accept to HELLO, or to the first line
  std::int64_t idle_timeout_ns = 60'000'000'000;        // a silent connection is closed
  std::int64_t linger_ns = 1'000'000'000;               // that a refused client has to read why
  std::uint32_t ack_window = 65'536;                    // events that a client may have sent unacknowledged
  std::size_t queue_bytes = std::size_t{8} << 20;       // of a subscriber, unless it asks for less
  std::size_t max_queue_bytes = std::size_t{64} << 20;  // that it may ask for
  /// A queue with the policy block stops the reading of events, but what was read may complete more matches
  /// than it has room for. Beyond so much the subscriber is disconnected after all.
  std::size_t max_overshoot_bytes = std::size_t{64} << 20;
  std::size_t handover_bytes = std::size_t{16} << 20;  // matches on their way from the engine's thread
  std::size_t control_bytes = std::size_t{256}
                              << 10;              // answers that a client has not read; then its input rests
  std::size_t ring_bytes = std::size_t{1} << 20;  // of each ring of a client that does not say
  std::size_t max_ring_bytes = std::size_t{64} << 20;
  std::size_t read_bytes = std::size_t{64} << 10;  // of one connection in a round, about
  std::size_t batch_events = 1024;                 // handed to the engine at once
  std::uint32_t rejects_per_second = 16;           // told to one client one by one
};

}  // namespace tocsin::connectors::net
