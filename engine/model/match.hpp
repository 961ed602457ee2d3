// A match as it leaves the engine: a view that lives only as long as the call that hands it over.
#pragma once

#include <cstdint>
#include <span>

#include "engine/model/event.hpp"

namespace tocsin::model {

/// One event of a match and the step that took it (index in the rule's steps; 0 for a filter).
struct MatchedEvent {
  std::uint32_t step = 0;
  EventView event;
};

struct MatchView {
  std::uint32_t rule = 0;                // index in the plan's rules
  std::int64_t at_ns = 0;                // event time of the match: of its last event, or of a timer
  std::uint64_t trigger_seq = 0;         // of its last event
  std::span<const MatchedEvent> events;  // in the order matched
  EventView emitted;                     // the derived event; empty for a rule without `emit`
  bool timeout = false;                  // no match: a run that its bound ended unfinished
  std::uint32_t ordinal = 0;             // its number among the rule's matches, or timeouts, that have their
                                         // time and last event in common with it
};

/// Where matches go. Called from one thread at a time, with several shards not always the same; must not keep
/// views.
class MatchSink {
 public:
  virtual ~MatchSink() = default;
  virtual void on_match(const MatchView& match) = 0;
  /// Everything that a batch came to has been handed over. `stamp` is what was pushed with it, or
  /// marked behind it, never 0.
  virtual void on_batch([[maybe_unused]] std::int64_t stamp) {}
};

}  // namespace tocsin::model
