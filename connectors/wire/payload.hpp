// The payloads that are a few numbers. In memory they are what goes over the wire.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "connectors/wire/frame.hpp"
#include "engine/model/batch.hpp"

namespace tocsin::connectors::wire {

static_assert(std::endian::native == std::endian::little, "numbers on the wire are little-endian");

/// Stands before the events of an EVENTS frame.
struct EventsHead {
  static constexpr FrameType type = FrameType::events;
  std::uint64_t first = 0;  // number of the first event, from 1 on each connection
  std::uint32_t count = 0;
  std::uint32_t reserved = 0;
};

struct Ack {
  static constexpr FrameType type = FrameType::ack;
  std::uint64_t number = 0;    // of the last event taken, accepted or rejected
  std::uint64_t rejected = 0;  // so far
  std::uint32_t window = 0;    // how many events may follow `number` before the next ACK
  std::uint32_t reserved = 0;
};

struct Watermark {
  static constexpr FrameType type = FrameType::watermark;
  std::int64_t time_ns = 0;  // event time
};

struct Heartbeat {
  static constexpr FrameType type = FrameType::heartbeat;
  std::uint64_t opaque = 0;  // what the sender likes
};

struct Dropped {
  static constexpr FrameType type = FrameType::dropped;
  std::uint64_t matches = 0;  // dropped from this subscriber's queue so far
};

/// Appends the frame that is only this payload.
template <class Payload>
void append(FrameBuffer& out, const Payload& payload) {
  std::memcpy(out.append(Payload::type, sizeof payload), &payload, sizeof payload);
}

/// False where the payload has not exactly its size.
template <class Payload>
bool read(const Frame& frame, Payload& payload) {
  if (frame.type != Payload::type || frame.payload.size() != sizeof payload) return false;
  std::memcpy(&payload, frame.payload.data(), sizeof payload);
  return true;
}

/// Bytes of the payload of EVENTS with the events `begin` to `end` of `batch`, none of which was erased.
/// Constant time. Precondition: begin < end.
std::size_t events_bytes(const model::EventBatch& batch, std::size_t begin, std::size_t end);
/// Writes that payload. Linear in its bytes.
void write_events(std::byte* to, std::uint64_t first_number, const model::EventBatch& batch,
                  std::size_t begin, std::size_t end);
/// The same as a frame.
void append_events(FrameBuffer& out, std::uint64_t first_number, const model::EventBatch& batch,
                   std::size_t begin, std::size_t end);

/// Why event `number` was not taken.
struct Rejected {
  std::uint64_t number = 0;
  std::string_view sentence;
};
void append_rejected(FrameBuffer& out, const Rejected& rejected);
/// False where it is no such frame. The sentence is a view of it.
bool read(const Frame& frame, Rejected& rejected);

}  // namespace tocsin::connectors::wire
