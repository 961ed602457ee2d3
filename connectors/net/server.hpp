// The server: listeners, connections, and what they say to each other. It runs on one thread, the ingress
// thread, and makes no blocking call. docs/protocol.md is what it speaks.
//
// A round (run_once) reads from the connections that have something, hands events to the EventTaker in
// batches, looks at the rings, distributes matches, and writes each outbox once. While a subscriber whose
// policy is block has no room, no events are read from anyone: until it reads, or goes (hang-up, or no
// heartbeat within the idle timeout).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/net/connection_info.hpp"
#include "connectors/net/counters.hpp"
#include "connectors/net/event_taker.hpp"
#include "connectors/net/match_hub.hpp"
#include "connectors/net/options.hpp"
#include "connectors/net/poller.hpp"

namespace tocsin::connectors::net {

class Server {
 public:
  /// `poller`, `hub` and `taker` must outlive the server. The hub knows the rules.
  Server(Poller& poller, MatchHub& hub, EventTaker& taker, const ServerOptions& options);
  ~Server();  // closes everything at once
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Listens at one more address. An empty string, or a sentence that says why not.
  std::string listen(const ListenOptions& options);
  /// Where it listens, with the ports that were picked, in order.
  const std::vector<Address>& addresses() const;

  /// One round. Where there is nothing to do it sleeps at most `timeout_ns` (negative: as long as it takes),
  /// by ServerOptions::idle. Returns whether there was something to do.
  bool run_once(std::int64_t timeout_ns);

  /// Events from elsewhere (files) should wait as well: a subscriber with the policy block is full.
  bool is_blocked() const;

  /// After MatchHub::replace(): subscribers are told, and connections whose types have changed are closed.
  void rules_changed();

  /// Stops accepting, takes what has been sent already, then takes no more; run_once() goes on with that and
  /// with writing what subscribers have still to get, until drained().
  void drain(std::int64_t deadline_ns);
  /// All input is taken. Then the engine may be finished, and its last matches are written by further rounds.
  bool input_drained() const;
  /// What the engine has made is put into the queues, and all subscribers are told that this is the end, once
  /// those are written.
  void finish();
  /// Everything is written and everybody gone. Who takes nothing for limits.linger_ns is not waited for.
  bool drained() const;
  /// Matches that are in queues still, or were when their owners took nothing any more. Linear in them.
  std::uint64_t unsent_matches() const;

  Counters counters() const;
  std::vector<ConnectionInfo> connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::connectors::net
