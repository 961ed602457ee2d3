// What the connections of a server have in common: what they report to, what they may use for the length of a
// call, and who of them has something to do.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connectors/decoder.hpp"
#include "connectors/net/counters.hpp"
#include "connectors/net/event_taker.hpp"
#include "connectors/net/match_hub.hpp"
#include "connectors/net/options.hpp"
#include "connectors/net/poller.hpp"
#include "connectors/wire/event_check.hpp"
#include "connectors/wire/frame.hpp"

namespace tocsin::connectors::net {

class Connection;

struct Shared {
  Poller& poller;
  MatchHub& hub;
  EventTaker& taker;
  ServerOptions options;
  Counters counters;
  std::size_t connections = 0;
  std::uint64_t connections_made = 0;
  bool draining = false;  // what has been sent is taken, and then no more
  bool blocked = false;   // as of the last look

  std::shared_ptr<const Rules> rules;
  std::unique_ptr<wire::EventChecker> checker;
  std::unique_ptr<Decoder> decoder;  // of lines

  // Those that have something to be done in this round. A connection is in each list at most once.
  std::vector<Connection*> ready;
  std::vector<Connection*> with_output;
  // Those that have ended their input and wait for their last matches.
  std::vector<Connection*> ending;
  // Those with a ring, which are looked at in each round.
  std::vector<Connection*> with_ring;

  // For the length of a call.
  model::EventBatch batch;
  wire::FrameBuffer frames;
  std::vector<std::uint64_t> words;

  Shared(Poller& the_poller, MatchHub& the_hub, EventTaker& the_taker, ServerOptions the_options);
  /// Takes over what the hub serves now.
  void take_rules();
  /// No events may be taken now. Counts where that begins.
  bool must_hold();
  std::int64_t now_ns() const { return poller.now_ns(); }
  const NetLimits& limits() const { return options.limits; }
};

}  // namespace tocsin::connectors::net
