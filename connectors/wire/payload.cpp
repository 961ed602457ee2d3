#include "connectors/wire/payload.hpp"

#include "engine/base/assert.hpp"

namespace tocsin::connectors::wire {

void append_events(FrameBuffer& out, std::uint64_t first_number, const model::EventBatch& batch,
                   std::size_t begin, std::size_t end) {
  TOCSIN_ASSERT(begin < end && end <= batch.size());
  const std::byte* from = batch[begin].bytes();
  const std::byte* to = batch[end - 1].bytes() + batch[end - 1].size();
  const auto bytes = static_cast<std::size_t>(to - from);
  const EventsHead head{.first = first_number, .count = static_cast<std::uint32_t>(end - begin)};
  std::byte* payload = out.append(FrameType::events, sizeof head + bytes);
  std::memcpy(payload, &head, sizeof head);
  std::memcpy(payload + sizeof head, from, bytes);
}

void append_rejected(FrameBuffer& out, const Rejected& rejected) {
  std::byte* payload = out.append(FrameType::rejected, sizeof rejected.number + rejected.sentence.size());
  std::memcpy(payload, &rejected.number, sizeof rejected.number);
  model::copy_bytes(payload + sizeof rejected.number, rejected.sentence.data(), rejected.sentence.size());
}

bool read(const Frame& frame, Rejected& rejected) {
  if (frame.type != FrameType::rejected || frame.payload.size() < sizeof rejected.number) return false;
  std::memcpy(&rejected.number, frame.payload.data(), sizeof rejected.number);
  rejected.sentence = frame.text().substr(sizeof rejected.number);
  return true;
}

}  // namespace tocsin::connectors::wire
