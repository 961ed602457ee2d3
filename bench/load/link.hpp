// A client's end of a connection to a server, over a socket or a ring, for one thread that never waits unless
// it says so. It sends events that are in the engine's layout already, and gives the heads of matches: what a
// measurement needs, and no more.
//
// Both sides are made from the same plan, so that the layout needs no translation; the handshake checks it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "connectors/net/address.hpp"
#include "connectors/wire/frame.hpp"
#include "connectors/wire/handshake.hpp"
#include "connectors/wire/match_frame.hpp"
#include "connectors/wire/payload.hpp"
#include "connectors/wire/ring.hpp"
#include "engine/model/batch.hpp"

namespace tocsin::load {

namespace wire = connectors::wire;
namespace net = connectors::net;

/// A connected stream socket, with TCP_NODELAY; it blocks. Throws std::runtime_error with a sentence.
wire::Descriptor connected(const net::Address& address);

struct LinkOptions {
  net::Address address = {};
  bool ring = false;  // over a Unix socket
  std::uint64_t ring_bytes = std::uint64_t{1} << 20;
  std::string client = "bench";
};

class Link {
 public:
  /// Connects and shakes hands for all types of `catalog` that events may come of. It must outlive the link.
  /// Throws std::runtime_error with a sentence where that fails.
  Link(const model::Catalog& catalog, const LinkOptions& options);

  /// Asks for the matches of all rules, and waits until the server has heard.
  void subscribe(wire::Policy policy);

  /// Sends the events `begin` to `end` of `batch` as one frame. False where it can't go now, and nothing was
  /// taken: there is no credit, no room in the ring, or the last frame is not out yet.
  bool try_send(const model::EventBatch& batch, std::size_t begin, std::size_t end);
  /// Writes what is left of the last frame, as far as it goes.
  void flush();

  /// Takes all that has come, and calls on_match(head) for each match. True where there was something. Throws
  /// std::runtime_error where the server has ended the connection.
  template <class OnMatch>
  bool receive(OnMatch on_match);
  /// Sleeps until receive() may have something, or try_send() may go on. At most `timeout_ns`; negative: as
  /// long as it takes.
  void wait(std::int64_t timeout_ns);

  /// Subscribes once more, once all is acknowledged: the answer comes behind all matches of what was sent,
  /// where an acknowledgement may come before them. Precondition: acknowledged() == sent(), subscribe() was
  /// called.
  void mark();
  /// The answer to mark() has come. Over a ring, matches may still be there for one more receive().
  bool mark_returned() const { return mark_returned_; }

  /// BYE, and the server's answer. Matches that come until then are passed over.
  void close();

  std::uint64_t sent() const { return sent_; }                // events
  std::uint64_t acknowledged() const { return ack_.number; }  // of these
  std::uint64_t rejected() const { return ack_.rejected; }    // of these
  std::uint64_t matches_dropped() const { return dropped_; }
  /// Bytes of frames with events and of what came back by the same way: over a ring without the socket's.
  std::uint64_t bytes_sent() const { return bytes_sent_; }
  std::uint64_t bytes_received() const { return bytes_received_; }
  const wire::Welcome& welcome() const { return welcome_; }

 private:
  // Over a ring the socket is looked at once in so many calls, or where it holds up the sender.
  static constexpr unsigned socket_every = 256;

  void shake_hands(const LinkOptions& options);
  void take_rings(const wire::Frame& frame);
  wire::Frame next_answer();  // waits for it; valid until the next
  void read_socket(int flags);
  void send_all();
  void take(const wire::Frame& frame);
  bool has_credit(std::size_t events) const { return sent_ + events <= ack_.number + ack_.window; }
  bool has_unsent() const { return written_ < out_.size(); }
  template <class OnMatch>
  void take_match(std::span<const std::byte> payload, OnMatch& on_match) {
    wire::MatchHead head;
    std::memcpy(&head, payload.data(), sizeof head);
    on_match(head);
  }

  wire::Descriptor socket_;
  std::vector<wire::Descriptor> descriptors_;  // that came with RING
  wire::FrameReader reader_{std::size_t{64} << 20};
  wire::FrameBuffer out_;
  std::size_t written_ = 0;  // of out_
  bool has_read_ = false;    // by wait(), for receive()
  std::unique_ptr<wire::RingMemory> in_memory_, out_memory_;
  std::unique_ptr<wire::RingProducer> ring_out_;
  std::unique_ptr<wire::RingConsumer> ring_in_;
  std::vector<std::uint64_t> copy_;  // of a record
  wire::Welcome welcome_;
  wire::Ack ack_;
  std::uint64_t sent_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_received_ = 0;
  std::size_t payload_without_room_ = 0;  // of the ring, in the last try_send()
  unsigned calls_ = 0;
  std::string wishes_;  // as SUBSCRIBE said them
  bool mark_returned_ = true;
};

template <class OnMatch>
bool Link::receive(OnMatch on_match) {
  bool any = false;
  if (ring_in_) {
    while (const auto record = ring_in_->next()) {
      any = true;
      const std::size_t size = record->payload.size();
      bytes_received_ += wire::frame_bytes(size);
      if (copy_.size() < (size + 7) / 8) copy_.resize((size + 7) / 8);
      const auto copy = std::as_writable_bytes(std::span(copy_)).first(size);
      record->payload.copy_to(copy.data());
      const wire::Frame frame{record->type, copy};
      if (frame.type == wire::FrameType::match) {
        take_match(copy, on_match);
      } else {
        take(frame);
      }
    }
    if (any) ring_in_->release();
    if (++calls_ % socket_every != 0 && mark_returned_ && has_credit(welcome_.window / 2)) return any;
  }
  if (!std::exchange(has_read_, false)) read_socket(MSG_DONTWAIT);
  wire::Frame frame;
  while (reader_.next(frame) == wire::Next::frame) {
    any = true;
    if (frame.type == wire::FrameType::match) {
      take_match(frame.payload, on_match);
    } else {
      take(frame);
    }
  }
  return any;
}

}  // namespace tocsin::load
