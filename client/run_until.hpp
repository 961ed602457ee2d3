// The one place where a client waits.
#pragma once

#include <utility>

#include "client/client.hpp"

namespace tocsin::client {

/// Works until `done()` holds, the deadline has passed, or the connection is gone. What waits in the inbox is
/// bounded: where it is full nothing more is read, and the deadline counts as passed, as only its owner can
/// help. With rings only matches come no more; the server knows how to go on without.
template <class Done>
tocsin_status Client::run_until(Deadline deadline, Done done) {
  constexpr std::size_t most_inbox_bytes = std::size_t{16} << 20;
  while (true) {
    beat();
    bool worked = false;
    const bool takes = closing_ || inbox_.size() < most_inbox_bytes;  // matches
    const bool reads = takes || rings_;                               // the socket
    tocsin_status status = write(worked);
    const bool broken = status == TOCSIN_BROKEN;
    if (rings_) {
      const std::string fault = read_ring(worked, takes ? most_inbox_bytes : 0);
      if (!fault.empty()) return end(TOCSIN_PROTOCOL, "the ring is broken: " + fault);
      if (done() && can_skip_socket()) return TOCSIN_OK;
    }
    if (reads) {
      do {  // of a connection that can't be written any more, all that it still holds
        worked = broken ? false : worked;
        status = read(worked);
      } while (broken && worked && status == TOCSIN_OK);
    }
    if (done()) return TOCSIN_OK;
    if (status != TOCSIN_OK) return status;
    if (broken) return end(TOCSIN_BROKEN, "the connection broke: " + socket_.error());
    if (worked) continue;
    if (!reads && written_ == out_.size()) {
      return fail(TOCSIN_TIMEOUT, "matches wait to be polled, and no more are taken before");
    }
    if (deadline.has_passed()) return fail(TOCSIN_TIMEOUT, "not within the time limit");
    Deadline wake = deadline;
    if (welcome_ && welcome_->heartbeat_ms > 0) {
      const std::chrono::milliseconds beat_every(welcome_->heartbeat_ms);
      if (now_ >= last_heard_ + 3 * beat_every) {
        return end(TOCSIN_BROKEN, "nothing came from the server for too long");
      }
      wake = wake.or_at(last_sent_ + beat_every).or_at(last_heard_ + 3 * beat_every);
    }
    const auto sleep = [&] { socket_.wait(reads, written_ < out_.size(), wake); };
    rings_ ? rings_->wait(takes, sleep) : sleep();
  }
}

}  // namespace tocsin::client
