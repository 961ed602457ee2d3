// Rules with a window, in one partition: every instant at which their condition is looked at is written down,
// the window's events and all its aggregates are worked out anew at each, and then the threshold is walked
// through, instant by instant.
//
// Cost: quadratic in the length of the stream, and worse for aggregates that sort.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/plan/plan.hpp"
#include "tests/oracle/datum.hpp"

namespace tocsin::oracle {

/// What can happen at one time, in this order.
enum class Phase : std::uint8_t {
  close,     // of a tumbling or hopping window, before the events of its time
  event,     // an event comes in
  deadline,  // `keep` or `for` has passed, after them
  expiry,    // events leave a sliding window, or a session closes, after all else
};

/// An instant at which a rule fires. Events are positions in the partition's stream.
struct Firing {
  std::int64_t at_ns = 0;
  Phase phase = Phase::event;
  std::size_t event = 0;  // the event at hand

  /// Where several partitions fire at one time, in one phase: the event that made the instant; of a deadline
  /// what made the instant at which its time began to run, and whether this was an event or an expiry.
  std::size_t cause = 0;
  Phase cause_phase = Phase::event;

  std::int64_t window_start_ns = 0;
  std::int64_t window_end_ns = 0;
  std::vector<Datum> aggregates;  // as Rule::aggregates

  /// Where no event has just come in: the time of the last events that have.
  std::optional<std::int64_t> timer_ns() const {
    if (phase == Phase::event) return std::nullopt;
    return phase == Phase::close ? at_ns - 1 : at_ns;
  }
};

/// All firings of `rule` over the events of one partition, in order. `last_ns` is the time of the last event
/// of the whole input: only what lies before has passed, and what closes with it has closed.
std::vector<Firing> find_firings(const plan::Rule& rule, const std::vector<const Event*>& stream,
                                 std::int64_t last_ns);

/// Some events of a partition's stream, side by side, and what the aggregates may ask of them beside.
struct Content {
  std::vector<const Event*> events;  // of the window, in order
  const Event* arrived = nullptr;    // at an arrival: the newest of `events`
};

/// The value of one aggregate over a window (window_aggregates.cpp).
Datum evaluate(const plan::WindowAggregate& aggregate, const plan::Window& window, const Content& content);

}  // namespace tocsin::oracle
