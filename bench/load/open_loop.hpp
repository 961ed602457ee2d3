// A load at a given rate, whatever becomes of it: event number i is due at i / rate, and its latency counts
// from then, not from when it could be sent. So a service that stands still for a while is charged for all
// that had to wait meanwhile (else they would be sent later and seem quick: coordinated omission).
#pragma once

#include <cstdint>
#include <functional>

#include "bench/load/scenarios.hpp"
#include "bench/load/target.hpp"
#include "bench/measure/clock.hpp"
#include "bench/measure/histogram.hpp"

namespace tocsin::load {

struct Phase {
  double rate = 0;                   // events a second
  std::int64_t duration_ns = 0;      // ends it, or `count` does
  std::uint64_t count = UINT64_MAX;  // events that are due in all
};

struct Outcome {
  double rate = 0;             // that was asked for
  double achieved = 0;         // events sent a second
  std::uint64_t due = 0;       // events whose time came
  std::uint64_t sent = 0;      // of these
  std::uint64_t late = 0;      // of these: sent more than late_ns after they were due
  std::uint64_t rejected = 0;  // of these, by the service
  std::uint64_t matches = 0;   // with what other events and timers completed
  bool settled = false;        // all that was sent has been taken, and its matches came, in time
  measure::Histogram latency;  // ns from when an event was due to when its match came
};

constexpr std::int64_t late_ns = 10'000;
/// How long it is waited for what is still under way at the end.
constexpr std::int64_t settle_ns = 5'000'000'000;

class OpenLoop final : private Arrivals {
 public:
  /// `target` is fresh. All must outlive the loop.
  OpenLoop(Target& target, EventLoop& events, const measure::TickClock& clock)
      : target_(target), events_(events), clock_(clock) {}

  /// Sends for the time of the phase, then waits for what is under way.
  Outcome run(const Phase& phase);

 private:
  static constexpr std::size_t most_frame_events = 256;

  void on_match(std::uint64_t trigger, bool timeout) override;

  Target& target_;
  EventLoop& events_;
  const measure::TickClock& clock_;
  std::uint64_t sent_ = 0;      // in all phases
  std::uint64_t before_ = 0;    // this one
  std::uint64_t rejected_ = 0;  // before this one
  std::uint64_t begin_ = 0;     // ticks
  double ticks_an_event_ = 0;
  Outcome* outcome_ = nullptr;
};

}  // namespace tocsin::load
