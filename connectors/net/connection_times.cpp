// The times of a connection: one timer, set to the earliest of what may come next. It is moved forward at
// once and backward only when it fires, so that bytes cost it nothing.
#include <algorithm>

#include "connectors/net/connection.hpp"

namespace tocsin::connectors::net {

/// INT64_MAX: silence ends nothing.
std::int64_t Connection::idle_deadline_ns() const {
  const std::int64_t idle_ns = shared_.limits().idle_timeout_ns;
  if (phase_ != Phase::open || input_stopped_) return INT64_MAX;
  if (ending_) return std::max(heard_ns_, wrote_ns_) + idle_ns;  // it has nothing more to say
  // A reader of lines has nothing to say. It must take what it gets, as must one who holds up its own input.
  if ((session_->is_subscribed() && session_->form() == "lines") || (held_ && outbox_.is_full())) {
    return outbox_.empty() ? INT64_MAX : wrote_ns_ + idle_ns;
  }
  // One whose input waits may have sent a heartbeat behind it.
  return held_ ? INT64_MAX : heard_ns_ + idle_ns;
}

std::int64_t Connection::beat_deadline_ns() const {
  return phase_ == Phase::open && !ending_
             ? std::max(wrote_ns_, beat_ns_) + shared_.limits().idle_timeout_ns / 3
             : INT64_MAX;
}

std::int64_t Connection::deadline_ns() const {
  if (!is_open()) return wrote_ns_ + shared_.limits().linger_ns;
  if (!session_ || session_->is_handshaking()) return opened_ns_ + shared_.limits().handshake_timeout_ns;
  return std::min(idle_deadline_ns(), beat_deadline_ns());
}

void Connection::arm() {
  if (const std::int64_t next_ns = deadline_ns(); next_ns < deadline_.deadline_ns()) deadline_.set(next_ns);
}

void Connection::on_time() {
  const std::int64_t now_ns = shared_.now_ns();
  if (is_open() && session_ && !session_->is_handshaking()) {
    if (beat_deadline_ns() <= now_ns) {
      if (outbox_.empty()) session_->beat();  // else there is enough to be read
      beat_ns_ = now_ns;
    }
    if (idle_deadline_ns() <= now_ns) refuse(Refusal::idle, "nothing came within the idle timeout");
  } else if (deadline_ns() <= now_ns) {
    if (!is_open()) {
      if (shared_.draining) shared_.counters.matches_unsent += outbox_.waiting_matches();
      return gone("it did not read the end in time");
    }
    refuse(Refusal::handshake, "the handshake was not finished in time");
  }
  if (!is_gone()) arm();
}

}  // namespace tocsin::connectors::net
