// The two rings of a client (docs/protocol.md, Shared memory): events and watermarks go out by one, matches
// come by the other, and everything else stays on the socket. So there are two things to wait for. Where both
// have nothing, the client spins, then yields, and then sleeps on the socket alone: it asked the server to
// wake it there, by a HEARTBEAT, where it has set its flag in a ring. A server that dies ends the socket,
// which wakes it too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "connectors/wire/frame.hpp"
#include "connectors/wire/handshake.hpp"
#include "connectors/wire/ring.hpp"
#include "connectors/wire/ring_memory.hpp"
#include "engine/base/idle.hpp"
#include "engine/model/batch.hpp"

namespace tocsin::client {

class Rings {
 public:
  /// Maps what came with RING: the memory to write, the memory to read, what wakes the server. Null where it
  /// is none, and `wrong` says why.
  static std::unique_ptr<Rings> open(std::vector<connectors::wire::Descriptor> descriptors,
                                     const connectors::wire::Ring& told, std::size_t max_frame, Idle idle,
                                     std::string& wrong);

  /// The largest payload of EVENTS that goes out, and the one above which events are better split: a frame
  /// waits until there is room for all of it.
  std::size_t most_payload() const { return most_payload_; }
  std::size_t good_payload() const { return most_payload_ / 4; }

  /// True while there is no room for what was to be put last.
  bool is_full() { return wanted_ > 0 && !out_.has_room(wanted_); }
  /// Events `begin` to `end` as one frame, which publish() shows. False where there is no room for it.
  bool put_events(std::uint64_t first_number, const model::EventBatch& batch, std::size_t begin,
                  std::size_t end);
  bool put_watermark(std::int64_t time_ns);
  void publish() { out_.publish(); }

  connectors::wire::RingConsumer& in() { return in_; }
  std::size_t in_capacity() const { return in_memory_->capacity(); }
  /// What can't be in either ring, as a sentence; else empty.
  std::string_view fault() const;

  /// Waits until there is a record to read (where it `reads`), room for what was to be put, or `sleep()`
  /// returns, which it calls where spinning and yielding have not helped, unless it is to go on with these:
  /// then it returns now and then without anything.
  template <class Sleep>
  void wait(bool reads, Sleep sleep) {
    const auto ready = [&] {
      return (reads && in_.ready()) || (wanted_ > 0 && !is_full()) || !fault().empty();
    };
    for (std::uint32_t i = 0; i < policy_.spins; ++i) {
      if (ready()) return;
      __builtin_ia32_pause();
    }
    if (policy_.idle == Idle::spin) return;
    for (std::uint32_t i = 0; i < policy_.yields; ++i) {
      if (ready()) return;
      std::this_thread::yield();
    }
    if (policy_.idle == Idle::yield) return;
    if (reads) in_.begin_wait();
    if (wanted_ > 0) out_.begin_wait();
    connectors::wire::wait_barrier();
    if (!ready()) sleep();
    in_.end_wait();
    out_.end_wait();
  }

 private:
  Rings(std::unique_ptr<connectors::wire::RingMemory> out, std::unique_ptr<connectors::wire::RingMemory> in,
        connectors::wire::Descriptor wake_up, std::size_t max_frame, Idle idle);
  std::byte* reserve(std::size_t payload_bytes);

  std::unique_ptr<connectors::wire::RingMemory> out_memory_;
  std::unique_ptr<connectors::wire::RingMemory> in_memory_;
  connectors::wire::Descriptor wake_up_;
  connectors::wire::RingProducer out_;
  connectors::wire::RingConsumer in_;
  std::size_t most_payload_;
  std::size_t wanted_ = 0;  // payload for which there was no room
  connectors::wire::WaitPolicy policy_;
};

}  // namespace tocsin::client
