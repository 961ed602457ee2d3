// The two rings of one client, as the server holds them. Its memory goes with it: the client may be gone long
// before. The client wakes the server by an eventfd in the poller.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "connectors/net/descriptor.hpp"
#include "connectors/net/outbox.hpp"
#include "connectors/net/poller.hpp"
#include "connectors/opened.hpp"
#include "connectors/wire/handshake.hpp"
#include "connectors/wire/ring.hpp"

namespace tocsin::connectors::net {

class RingLink final : public Pollable {
 public:
  /// Makes both rings, with at least so many bytes each.
  static Opened<RingLink> create(Poller& poller, std::size_t bytes, std::size_t max_frame_bytes,
                                 wire::Wake wake);
  ~RingLink() override;

  /// Sends a frame and the three descriptors over the client's socket. False where it does not take them:
  /// right after the handshake it must have room.
  bool send(int socket, std::span<const std::byte> frame);

  wire::RingConsumer& in() { return in_; }
  /// What went wrong in either; it stays.
  wire::RingFault fault() const;
  /// Moves matches to the client, as many as there is room for.
  void write(Outbox& outbox) { waiting_payload_ = outbox.write(out_); }
  std::size_t most_payload() const { return out_.most_payload(); }
  std::size_t bytes() const { return in_memory_->capacity(); }
  /// True once where the client sleeps and is to be woken over its socket.
  bool take_wake_up() { return std::exchange(client_asked_, false); }

  /// Before the poller sleeps, then wire::wait_barrier(), then sleep if may_sleep(), then end_wait().
  void begin_wait();
  bool may_sleep(bool takes_events);
  void end_wait();

 private:
  RingLink(Poller& poller, std::unique_ptr<wire::RingMemory> in, std::unique_ptr<wire::RingMemory> out,
           Descriptor wake_up, std::size_t max_frame_bytes, wire::Wake wake);
  void on_ready(std::uint32_t) override {}  // rings are looked at in each round

  Poller& poller_;
  std::unique_ptr<wire::RingMemory> in_memory_;
  std::unique_ptr<wire::RingMemory> out_memory_;
  Descriptor wake_up_;
  bool client_asked_ = false;
  wire::RingConsumer in_;
  wire::RingProducer out_;
  std::optional<std::size_t> waiting_payload_;  // of a match for which there was no room
};

}  // namespace tocsin::connectors::net
