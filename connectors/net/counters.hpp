// What the server has done, in numbers: a plain struct of the ingress thread, read by it alone (a command
// from another thread is answered with a copy).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tocsin::connectors::net {

/// Why the server refused or ended a connection.
enum class Refusal : std::uint8_t {
  version,    // another version of the protocol
  protocol,   // bytes that are no frame, a frame out of its order
  schema,     // types or rules that are not as the client said
  token,      // none, or a wrong one
  tls,        // no TLS where it is needed, or no certificate; TLS where there is none
  peer,       // another user at a Unix socket
  limit,      // too many connections or sources, too large a wish
  handshake,  // not finished in time
  idle,       // silent for too long
  slow,       // a subscriber whose queue was full, by its policy
  ring,       // a ring that can't be
  shutdown,   // the server goes
  sentinel,
};
inline constexpr std::size_t refusals = static_cast<std::size_t>(Refusal::sentinel);
/// As metrics name it: each has a name of its own.
std::string_view name_of(Refusal refusal);
/// The code in REFUSED and BYE (wire::code).
std::string_view code_of(Refusal refusal);

struct Counters {
  // gauges
  std::uint64_t connections = 0;    // open, in all
  std::uint64_t handshaking = 0;    // of these
  std::uint64_t frame_clients = 0;  // of these, over sockets
  std::uint64_t ring_clients = 0;
  std::uint64_t line_clients = 0;
  std::uint64_t closing = 0;  // told of their end, not gone yet
  std::uint64_t sources = 0;  // that have sent events
  std::uint64_t subscribers = 0;
  std::uint64_t queued_bytes = 0;  // in all subscribers' queues
  bool blocked = false;            // a subscriber with the policy block holds the input up
  // totals
  std::uint64_t accepted = 0;
  std::uint64_t closed = 0;
  std::uint64_t accept_pauses = 0;  // no descriptors left
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t frames_in = 0;
  std::uint64_t frames_out = 0;  // without matches
  std::uint64_t lines_in = 0;
  std::uint64_t events = 0;  // taken
  std::uint64_t rejected = 0;
  std::uint64_t matches_out = 0;  // put into queues
  std::uint64_t matches_dropped = 0;
  std::uint64_t matches_unsent = 0;  // of a drain: left in queues whose owners did not take them
  std::uint64_t inputs_cut = 0;      // connections that were still sending at the end of the drain's input
  std::uint64_t blocks = 0;          // how often the input was held up
  std::array<std::uint64_t, refusals> refused{};
};

}  // namespace tocsin::connectors::net
