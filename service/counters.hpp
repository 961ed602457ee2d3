// The counters of a rule, each with the name that it has wherever it is told.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/match/counters.hpp"

namespace tocsin::service {

template <class Owner>
struct NamedCounter {
  std::string_view name;
  std::uint64_t Owner::*counter;
  std::string_view help;
};

inline constexpr std::array<NamedCounter<match::RuleCounters>, 11> rule_counters{{
    {"events", &match::RuleCounters::events, "Events that the rule looked at."},
    {"started", &match::RuleCounters::started, "Runs begun."},
    {"advanced", &match::RuleCounters::advanced, "Runs that an event advanced."},
    {"matches", &match::RuleCounters::matches, "Matches reported."},
    {"timeouts", &match::RuleCounters::timeouts, "Timeouts reported."},
    {"expired", &match::RuleCounters::expired, "Runs that ended without a report."},
    {"dropped_runs", &match::RuleCounters::dropped_runs, "Runs dropped at limits.runs."},
    {"dropped_matches", &match::RuleCounters::dropped_matches, "Matches dropped at limits.matches."},
    {"dropped_events", &match::RuleCounters::dropped_events,
     "Events dropped out of windows at limits.window_events or limits.window_keys."},
    {"throttled", &match::RuleCounters::throttled, "Matches that throttle suppressed."},
    {"busy_ns", &match::RuleCounters::busy_ns, "Time spent on the rule, in ns, estimated."},
}};

inline constexpr std::array<NamedCounter<match::RuleState>, 5> rule_states{{
    {"runs", &match::RuleState::runs, "Runs of which nothing was reported so far."},
    {"nodes", &match::RuleState::nodes, "Events that unfinished runs hold."},
    {"entries", &match::RuleState::entries, "Events or panes that windows hold."},
    {"keys", &match::RuleState::keys, "Partitions with state."},
    {"bytes", &match::RuleState::bytes, "Memory of the rule's state, about."},
}};

}  // namespace tocsin::service
