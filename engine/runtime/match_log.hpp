// Matches kept for a while: those of one batch, shard and layer, until all shards have theirs and they can be
// put in one order. What they point to is copied in. Reused, it allocates only while it still grows.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <vector>

#include "engine/model/batch.hpp"
#include "engine/model/match.hpp"

namespace tocsin::runtime {

/// Where in a batch something happened. The same for every number of shards: what a timer does stands before
/// the first event of a later time, by the timer's time; a derived event right after the event that led to
/// it, those of one event in the order of the rules, those of one rule in the order of what triggered them.
struct Position {
  static constexpr std::int64_t no_timer = INT64_MAX;
  enum class Cause : std::uint8_t { event, absence, timeout };

  std::uint32_t event = 0;           // index in the batch of the event that it all goes back to
  std::int64_t timer_ns = no_timer;  // before that event: the time of the timer
  std::uint32_t rule = 0;      // 0 for that event itself, else 1 + place of the rule in the plan's order
  Cause cause = Cause::event;  // of one rule at one time: first what events complete, last timeouts
  std::uint64_t trigger = 0;   // the order of the event that triggered it …
  std::uint32_t ordinal = 0;   // … and its number among the matches that this trigger completed

  friend auto operator<=>(const Position&, const Position&) = default;
};

class MatchLog {
 public:
  struct Entry {
    Position position;
    std::uint32_t rule = 0;
    std::int64_t at_ns = 0;
    std::uint64_t trigger_seq = 0;
    std::uint32_t first_event = 0;  // in steps and events
    std::uint32_t event_count = 0;
    std::uint32_t emitted = none;  // index in the emitted events
    bool timeout = false;
    std::uint32_t ordinal = 0;
  };
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  void clear() {
    entries_.clear();
    steps_.clear();
    events_.clear();
    emitted_.clear();
  }
  void append(const Position& position, const model::MatchView& match) {
    Entry entry{position,
                match.rule,
                match.at_ns,
                match.trigger_seq,
                static_cast<std::uint32_t>(steps_.size()),
                static_cast<std::uint32_t>(match.events.size()),
                none,
                match.timeout,
                match.ordinal};
    for (const auto& taken : match.events) {
      steps_.push_back(taken.step);
      events_.append(taken.event);
    }
    if (match.emitted) {
      entry.emitted = static_cast<std::uint32_t>(emitted_.size());
      emitted_.append(match.emitted);
    }
    entries_.push_back(entry);
  }

  std::vector<Entry>& entries() { return entries_; }
  /// Sets the ordinal of a match and of what it emitted.
  void number(Entry& entry, std::uint32_t ordinal) {
    entry.ordinal = ordinal;
    if (entry.emitted != none) emitted_.set_ordinal(entry.emitted, ordinal);
  }
  model::EventView emitted(const Entry& entry) const {
    return entry.emitted == none ? model::EventView() : emitted_[entry.emitted];
  }
  /// The match as it was appended; its events lie in `scratch` and here.
  model::MatchView view(const Entry& entry, std::vector<model::MatchedEvent>& scratch) const {
    scratch.clear();
    for (std::uint32_t i = 0; i < entry.event_count; ++i) {
      scratch.push_back({steps_[entry.first_event + i], events_[entry.first_event + i]});
    }
    return {entry.rule,     entry.at_ns,   entry.trigger_seq, scratch,
            emitted(entry), entry.timeout, entry.ordinal};
  }

 private:
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> steps_;
  model::EventBatch events_;
  model::EventBatch emitted_;
};

struct LoggedMatch {
  MatchLog* log;
  MatchLog::Entry* entry;

  friend bool operator<(const LoggedMatch& a, const LoggedMatch& b) {
    return a.entry->position < b.entry->position;
  }
};

}  // namespace tocsin::runtime
