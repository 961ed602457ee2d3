#include "bench/load/open_loop.hpp"

#include <algorithm>
#include <stdexcept>

namespace tocsin::load {

void OpenLoop::on_match(std::uint64_t trigger, bool timeout) {
  ++outcome_->matches;
  if (timeout || trigger <= before_) return;  // of no event of this phase
  if (trigger > sent_) throw std::runtime_error("a match came for an event that was not sent");
  const double due = static_cast<double>(trigger - before_ - 1) * ticks_an_event_;
  const auto now = static_cast<double>(measure::ticks() - begin_);
  outcome_->latency.record(static_cast<std::uint64_t>(std::max(0.0, now - due) * clock_.ns_per_tick()));
}

Outcome OpenLoop::run(const Phase& phase) {
  Outcome outcome;
  outcome_ = &outcome;
  outcome.rate = phase.rate;
  before_ = sent_;
  ticks_an_event_ = 1e9 / phase.rate / clock_.ns_per_tick();
  const auto late_events = static_cast<std::uint64_t>(static_cast<double>(late_ns) * phase.rate / 1e9);
  const std::uint64_t all = std::min(
      phase.count, static_cast<std::uint64_t>(static_cast<double>(phase.duration_ns) * phase.rate / 1e9) + 1);
  const std::uint64_t last_tick = clock_.ticks_of(static_cast<double>(phase.duration_ns));
  begin_ = measure::ticks();
  std::uint64_t now = 0;
  for (;;) {
    now = measure::ticks() - begin_;
    const std::uint64_t due =
        std::min(all, static_cast<std::uint64_t>(static_cast<double>(now) / ticks_an_event_) + 1);
    outcome.due = due;
    if (outcome.sent < due) {
      const std::size_t end = events_.end_of(std::min<std::uint64_t>(due - outcome.sent, most_frame_events));
      const std::uint64_t count = end - events_.begin();
      sent_ += count;  // their matches may come within the call
      if (target_.try_send(events_.events(), events_.begin(), end)) {
        // The first of `late_events + 1` that are due is late.
        const std::uint64_t behind = due - outcome.sent;
        if (behind > late_events + 1) outcome.late += std::min(count, behind - late_events - 1);
        outcome.sent += count;
        events_.advance(end);
      } else {
        sent_ -= count;
      }
    }
    target_.receive(*this);
    if (outcome.sent == all || now >= last_tick) break;
  }
  const double took_s = static_cast<double>(clock_.ns_of(measure::ticks() - begin_)) / 1e9;
  outcome.achieved = static_cast<double>(outcome.sent) / took_s;
  outcome.settled = target_.settle(*this, settle_ns);
  outcome.rejected = target_.rejected() - rejected_;
  rejected_ += outcome.rejected;
  return outcome;
}

}  // namespace tocsin::load
