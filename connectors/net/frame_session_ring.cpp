// The part of a session that goes over shared memory.
#include <algorithm>
#include <fmt/format.h>

#include "connectors/net/connection.hpp"
#include "connectors/net/frame_session.hpp"
#include "connectors/wire/payload.hpp"

namespace tocsin::connectors::net {

namespace {

// After so long without a record, what was taken is acknowledged where the server does not sleep.
constexpr std::int64_t quiet_ns = 100'000;

}  // namespace

bool FrameSession::offer_ring(const wire::Hello& hello) {
  const NetLimits& limits = shared_.limits();
  if (!connection_.origin().is_unix) {
    connection_.refuse(Refusal::limit, "a ring needs a Unix socket, which can hand over its memory");
    return false;
  }
  const std::uint64_t bytes = hello.ring_bytes.value_or(limits.ring_bytes);
  if (bytes > limits.max_ring_bytes) {
    connection_.refuse(Refusal::limit, fmt::format("a ring of {} bytes was asked for; {} are the most", bytes,
                                                   limits.max_ring_bytes));
    return false;
  }
  auto link = RingLink::create(shared_.poller, bytes, limits.max_frame_bytes, hello.wake);
  if (!link) {
    connection_.refuse(Refusal::limit, fmt::format("there can be no ring: {}", link.error));
    return false;
  }
  ring_ = std::move(link.value);
  connection_.outbox().use_ring(ring_->most_payload());
  shared_.with_ring.push_back(&connection_);
  return true;
}

/// The descriptors go with a frame of their own, behind WELCOME.
void FrameSession::tell_ring() {
  connection_.write();
  if (!connection_.is_open()) return;
  wire::FrameBuffer frames;
  frames.append(wire::FrameType::ring, wire::to_json(wire::Ring{ring_->bytes(), ring_->bytes()}));
  ++shared_.counters.frames_out;
  if (!connection_.outbox().empty() || !ring_->send(connection_.fd(), frames.bytes())) {
    connection_.refuse(Refusal::ring, "the socket did not take the memory of the ring");
  }
}

/// Nothing is left to do, so that there is time for it.
void FrameSession::begin_wait() {
  if (last_ != acked_ && connection_.is_open()) {
    acknowledge();
    connection_.write();
  }
  ring_->begin_wait();
}

bool FrameSession::run_ring() {
  if (!ring_ || !connection_.is_open() || connection_.input_stopped()) return false;
  bool worked = false;
  for (std::size_t left = shared_.limits().read_bytes; left > 0 && connection_.is_open();) {
    if (shared_.must_hold()) break;
    const auto record = ring_->in().next();
    if (!record) break;
    worked = true;
    const std::size_t size = record->payload.size();
    if (shared_.words.size() < (size + 7) / 8) shared_.words.resize((size + 7) / 8);
    const auto copy = std::as_writable_bytes(std::span(shared_.words)).first(size);
    record->payload.copy_to(copy.data());
    ++shared_.counters.frames_in;
    const wire::Frame frame{static_cast<wire::FrameType>(record->type), copy};
    if (frame.type == wire::FrameType::events) {
      events(frame);
    } else if (frame.type == wire::FrameType::watermark) {
      watermark(frame);
    } else {
      fault("the ring carries EVENTS and WATERMARK only");
    }
    left -= std::min(left, wire::frame_bytes(size));
  }
  if (worked && connection_.is_open()) finish_batch();
  if (worked) {
    ring_->in().release();
    wake_client();
    connection_.heard();
  } else if (last_ != acked_ && shared_.now_ns() - connection_.heard_ns() >= quiet_ns) {
    acknowledge();
  }
  if (ring_->fault() != wire::RingFault::none && connection_.is_open()) {
    connection_.refuse(Refusal::ring, wire::to_sentence(ring_->fault()));
  }
  return worked;
}

/// Takes what its ring holds at its end: no more than it can hold, whatever is still written to it.
void FrameSession::drain_ring() {
  for (std::size_t left = ring_->bytes(); left > 0 && run_ring();)
    left -= std::min(left, shared_.limits().read_bytes);
}

void FrameSession::write_ring() {
  if (!ring_) return;
  ring_->write(connection_.outbox());
  wake_client();
}

/// A client that sleeps on its socket; any frame will do, so where one waits to be written already there is
/// no need.
void FrameSession::wake_client() {
  if (!ring_->take_wake_up() || connection_.outbox().control_bytes() > 0) return;
  shared_.frames.clear();
  wire::append(shared_.frames, wire::Heartbeat{});
  send(shared_.frames);
}

/// What the ring holds of a client that does not read its answers is not to be taken.
bool FrameSession::may_sleep(bool takes_events) {
  return ring_->may_sleep(takes_events && !connection_.rests());
}

}  // namespace tocsin::connectors::net
