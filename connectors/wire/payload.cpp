#include "connectors/wire/payload.hpp"

#include "engine/base/assert.hpp"

namespace tocsin::connectors::wire {

std::size_t events_bytes(const model::EventBatch& batch, std::size_t begin, std::size_t end) {
  TOCSIN_ASSERT(begin < end && end <= batch.size());
  const std::byte* to = batch[end - 1].bytes() + batch[end - 1].size();
  return sizeof(EventsHead) + static_cast<std::size_t>(to - batch[begin].bytes());
}

void write_events(std::byte* to, std::uint64_t first_number, const model::EventBatch& batch,
                  std::size_t begin, std::size_t end) {
  const EventsHead head{.first = first_number, .count = static_cast<std::uint32_t>(end - begin)};
  std::memcpy(to, &head, sizeof head);
  std::memcpy(to + sizeof head, batch[begin].bytes(), events_bytes(batch, begin, end) - sizeof head);
}

void append_events(FrameBuffer& out, std::uint64_t first_number, const model::EventBatch& batch,
                   std::size_t begin, std::size_t end) {
  std::byte* payload = out.append(FrameType::events, events_bytes(batch, begin, end));
  write_events(payload, first_number, batch, begin, end);
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
