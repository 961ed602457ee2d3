#include "connectors/net/ring_link.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace tocsin::connectors::net {

RingLink::RingLink(Poller& poller, std::unique_ptr<wire::RingMemory> in,
                   std::unique_ptr<wire::RingMemory> out, Descriptor wake_up, std::size_t max_frame_bytes,
                   wire::Wake wake)
    : poller_(poller),
      in_memory_(std::move(in)),
      out_memory_(std::move(out)),
      wake_up_(std::move(wake_up)),
      in_(*in_memory_, std::min(max_frame_bytes, wire::most_ring_payload(in_memory_->capacity())),
          {-1, wake == wire::Wake::socket ? &client_asked_ : nullptr}),
      out_(*out_memory_, {-1, wake == wire::Wake::socket ? &client_asked_ : nullptr}) {}

RingLink::~RingLink() {
  poller_.remove(wake_up_.get(), *this);
}

Opened<RingLink> RingLink::create(Poller& poller, std::size_t bytes, std::size_t max_frame_bytes,
                                  wire::Wake wake) {
  const std::size_t capacity = std::bit_ceil(std::max(bytes, wire::least_ring_bytes));
  auto in = wire::RingMemory::create(capacity);
  if (!in) return Opened<RingLink>::failed(std::move(in.error));
  auto out = wire::RingMemory::create(capacity);
  if (!out) return Opened<RingLink>::failed(std::move(out.error));
  auto wake_up = wire::make_wake_up();
  if (!wake_up) return Opened<RingLink>::failed(std::move(wake_up.error));
  const int fd = wake_up->get();
  std::unique_ptr<RingLink> link(new RingLink(poller, std::move(in.value), std::move(out.value),
                                              std::move(*wake_up.value), max_frame_bytes, wake));
  if (!poller.add(fd, *link)) return Opened<RingLink>::failed("there are too many descriptors");
  return {std::move(link), {}};
}

bool RingLink::send(int socket, std::span<const std::byte> frame) {
  const std::array<int, 3> descriptors = {in_memory_->fd(), out_memory_->fd(), wake_up_.get()};
  return wire::send_with_descriptors(socket, frame, descriptors) == static_cast<ssize_t>(frame.size());
}

wire::RingFault RingLink::fault() const {
  return in_.fault() != wire::RingFault::none ? in_.fault() : out_.fault();
}

void RingLink::begin_wait() {
  in_.begin_wait();
  if (waiting_payload_) out_.begin_wait();
}

bool RingLink::may_sleep(bool takes_events) {
  return !(takes_events && in_.ready()) && !(waiting_payload_ && out_.has_room(*waiting_payload_));
}

void RingLink::end_wait() {
  in_.end_wait();
  if (waiting_payload_) out_.end_wait();
}

}  // namespace tocsin::connectors::net
