#include "client/rings.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "connectors/wire/payload.hpp"

namespace tocsin::client {

namespace wire = connectors::wire;

Rings::Rings(std::unique_ptr<wire::RingMemory> out, std::unique_ptr<wire::RingMemory> in,
             wire::Descriptor wake_up, std::size_t max_frame, Idle idle)
    : out_memory_(std::move(out)),
      in_memory_(std::move(in)),
      wake_up_(std::move(wake_up)),
      out_(*out_memory_, wire::WakeUp{wake_up_.get()}),
      in_(*in_memory_, wire::most_ring_payload(in_memory_->capacity()), wire::WakeUp{wake_up_.get()}),
      most_payload_(std::min(max_frame, out_.most_payload())),
      policy_{.idle = idle} {}

std::unique_ptr<Rings> Rings::open(std::vector<wire::Descriptor> descriptors, const wire::Ring& told,
                                   std::size_t max_frame, Idle idle, std::string& wrong) {
  if (descriptors.size() != 3) {
    wrong = "no ring: " + std::to_string(descriptors.size()) + " descriptors came with it, not 3";
    return nullptr;
  }
  auto out = wire::RingMemory::map(std::move(descriptors[0]));
  auto in = wire::RingMemory::map(std::move(descriptors[1]));
  if (!out || !in) {
    wrong = !out ? out.error : in.error;
  } else if (out->capacity() != told.in_bytes || in->capacity() != told.out_bytes) {
    wrong = "no ring: its memory has another size than was told";
  } else {
    return std::unique_ptr<Rings>(
        new Rings(std::move(out.value), std::move(in.value), std::move(descriptors[2]), max_frame, idle));
  }
  return nullptr;
}

std::byte* Rings::reserve(std::size_t payload_bytes) {
  std::byte* room = out_.reserve(payload_bytes).data();
  wanted_ = room == nullptr ? payload_bytes : 0;
  return room;
}

bool Rings::put_events(std::uint64_t first_number, const model::EventBatch& batch, std::size_t begin,
                       std::size_t end) {
  const std::size_t bytes = wire::events_bytes(batch, begin, end);
  std::byte* room = reserve(bytes);
  if (room == nullptr) return false;
  wire::write_events(room, first_number, batch, begin, end);
  out_.complete(wire::FrameType::events, bytes);
  return true;
}

bool Rings::put_watermark(std::int64_t time_ns) {
  const wire::Watermark watermark{time_ns};
  std::byte* room = reserve(sizeof watermark);
  if (room == nullptr) return false;
  std::memcpy(room, &watermark, sizeof watermark);
  out_.complete(wire::Watermark::type, sizeof watermark);
  return true;
}

std::string_view Rings::fault() const {
  return wire::to_sentence(in_.fault() != wire::RingFault::none ? in_.fault() : out_.fault());
}

}  // namespace tocsin::client
