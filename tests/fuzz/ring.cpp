// Any bytes as a ring's memory, its cursor and flags among them, and any bytes written over it while it is
// read: the consumer gives records within its limits or refuses, and goes no further than the ring is long;
// the producer writes nothing outside the ring.
#include "connectors/wire/ring.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/assert.hpp"

using namespace tocsin::connectors::wire;

namespace {

constexpr std::size_t capacity = 4096, most_payload = 1500;

RingMemory& memory() {
  static const std::unique_ptr<RingMemory> made = RingMemory::create(capacity).value;
  TOCSIN_ASSERT(made != nullptr);
  return *made;
}

// Eats the input from its begin; zeros behind its end.
struct Input {
  const std::uint8_t* data;
  std::size_t size;
  template <class T>
  T take() {
    T value{};
    const std::size_t bytes = std::min(size, sizeof value);
    if (bytes > 0) std::memcpy(&value, data, bytes);
    data += bytes;
    size -= bytes;
    return value;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input{data, size};
  RingHeader& header = memory().header();
  header.released = input.take<std::uint64_t>();
  header.consumer_waits = input.take<std::uint8_t>();
  header.producer_waits = input.take<std::uint8_t>();
  const std::size_t records = std::min<std::size_t>(input.take<std::uint16_t>() % (capacity + 1), input.size);
  std::memset(memory().records(), 0, capacity);
  if (records > 0) std::memcpy(memory().records(), input.data, records);
  input.data += records;
  input.size -= records;

  RingProducer producer(memory(), WakeUp{});
  RingConsumer consumer(memory(), most_payload, WakeUp{});
  std::vector<std::byte> copy(most_payload);
  std::uint64_t read = 0, released = header.released;
  bool refused = false;
  for (int step = 0; step < 300; ++step) {
    const bool ready = consumer.ready();
    const std::optional<RingRecord> record = consumer.next();
    TOCSIN_ASSERT(ready == (record.has_value() || consumer.fault() != RingFault::none));
    if (record) {
      TOCSIN_ASSERT(!refused);
      TOCSIN_ASSERT(record->type >= FrameType::hello && record->type < FrameType::sentinel);
      TOCSIN_ASSERT(record->payload.size() <= most_payload);
      record->payload.copy_to(copy.data());
      read += frame_bytes(record->payload.size());
    }
    refused = refused || consumer.fault() != RingFault::none;
    switch (const auto action = input.take<std::uint8_t>(); action % 6) {
      case 0: {
        const auto place = input.take<std::uint16_t>() % capacity / 8 * 8;
        const auto word = input.take<std::uint64_t>();
        std::memcpy(memory().records() + place, &word, sizeof word);
        break;
      }
      case 1: consumer.release(); break;
      case 2: header.released = released = input.take<std::uint64_t>(); break;
      case 3: {
        const auto room = producer.reserve(input.take<std::uint16_t>() % (producer.most_payload() + 1));
        if (room.data() == nullptr) break;
        TOCSIN_ASSERT(room.data() >= memory().records());
        TOCSIN_ASSERT(room.data() + room.size() <= memory().records() + 2 * capacity);
        std::memset(room.data(), action, room.size());
        producer.complete(FrameType::events, room.size());
        break;
      }
      case 4: producer.publish(); break;
      case 5: consumer.wait({tocsin::Idle::spin}, 0); break;
    }
    // The cursor that the consumer writes is where it has read to, at most.
    const std::uint64_t now = header.released;
    if (now != released) TOCSIN_ASSERT(now <= read && now + capacity / 2 >= read);
    released = now;
  }
  return 0;
}
