// What a rule has done, and which matcher it is to get. Apart, so that the engine's public header needs no
// more of this folder.
#pragma once

#include <cstdint>

namespace tocsin::match {

/// Which matcher a rule shall get. A forced one that cannot serve the rule is passed over.
enum class MatcherChoice : std::uint8_t { automatic, grouped, arena };

struct RuleCounters {
  std::uint64_t events = 0;           // that the rule looked at
  std::uint64_t started = 0;          // runs begun
  std::uint64_t matches = 0;          // reported
  std::uint64_t timeouts = 0;         // runs that their bound ended, as far as reported
  std::uint64_t dropped_runs = 0;     // at Limits::run_nodes_per_rule
  std::uint64_t dropped_matches = 0;  // at Limits::matches_per_event, at least
  std::uint64_t dropped_events = 0;   // out of windows, at Limits::window_events_per_rule or …_keys_…
  std::uint64_t throttled = 0;        // matches that `throttle` suppressed, not among those reported

  RuleCounters& operator+=(const RuleCounters& other) {
    events += other.events;
    started += other.started;
    matches += other.matches;
    timeouts += other.timeouts;
    dropped_runs += other.dropped_runs;
    dropped_matches += other.dropped_matches;
    dropped_events += other.dropped_events;
    throttled += other.throttled;
    return *this;
  }
};

}  // namespace tocsin::match
