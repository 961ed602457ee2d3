// What a rule has done, and which matcher it is to get. Apart, so that the engine's public header needs no
// more of this folder.
#pragma once

#include <cstdint>

namespace tocsin::match {

/// Which matcher a rule shall get. A forced one that cannot serve the rule is passed over.
enum class MatcherChoice : std::uint8_t { automatic, grouped, arena };

/// What a rule has done since it began; all only grow.
struct RuleCounters {
  std::uint64_t events = 0;    // that it looked at: those that passed the predicate of a step or watch
  std::uint64_t started = 0;   // runs begun
  std::uint64_t advanced = 0;  // transitions of runs by a further event; runs that move as one count once
  std::uint64_t matches = 0;   // reported
  std::uint64_t timeouts = 0;  // runs that their bound ended, as far as reported
  std::uint64_t expired = 0;   // runs reclaimed of which nothing was reported: out of their bound, closed or
                               // skipped; counted when their memory is freed, which may be some time later
  std::uint64_t dropped_runs = 0;     // at Limits::run_nodes_per_rule
  std::uint64_t dropped_matches = 0;  // at Limits::matches_per_event, at least
  std::uint64_t dropped_events = 0;   // out of windows, at Limits::window_events_per_rule or …_keys_…
  std::uint64_t throttled = 0;        // matches that `throttle` suppressed, not among those reported
  std::uint64_t busy_ns = 0;  // spent on its events and timers, its reports included: an estimate from
                              // one visit in about a thousand

  RuleCounters& operator+=(const RuleCounters& other);
};

/// What a rule holds at the moment.
struct RuleState {
  std::uint64_t runs = 0;     // begun, and nothing reported of them so far; those that are over count until
                              // their memory is freed
  std::uint64_t nodes = 0;    // events that its runs hold; runs that share an event share its node
  std::uint64_t entries = 0;  // of its windows: events or panes; rules that share windows show the same ones
  std::uint64_t keys = 0;     // partitions that it has state of
  std::uint64_t bytes = 0;    // of all this, but for what is reserved and what tables of keys take

  RuleState& operator+=(const RuleState& other);
};

inline RuleCounters& RuleCounters::operator+=(const RuleCounters& other) {
  events += other.events;
  started += other.started;
  advanced += other.advanced;
  matches += other.matches;
  timeouts += other.timeouts;
  expired += other.expired;
  dropped_runs += other.dropped_runs;
  dropped_matches += other.dropped_matches;
  dropped_events += other.dropped_events;
  throttled += other.throttled;
  busy_ns += other.busy_ns;
  return *this;
}

inline RuleState& RuleState::operator+=(const RuleState& other) {
  runs += other.runs;
  nodes += other.nodes;
  entries += other.entries;
  keys += other.keys;
  bytes += other.bytes;
  return *this;
}

}  // namespace tocsin::match
