// What the tests of rings share: records whose contents follow from their number, so that a reader can tell
// a whole one, and a second mapping of a ring, as another process has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <doctest/doctest.h>
#include <memory>
#include <span>
#include <unistd.h>
#include <vector>

#include "connectors/wire/ring.hpp"
#include "engine/base/hash.hpp"

namespace tocsin::connectors::wire::testing {

inline std::unique_ptr<RingMemory> make_ring(std::size_t capacity) {
  Opened<RingMemory> made = RingMemory::create(capacity);
  REQUIRE_MESSAGE(made, made.error);
  return std::move(made.value);
}

inline std::unique_ptr<RingMemory> map_again(const RingMemory& memory) {
  Opened<RingMemory> mapped = RingMemory::map(Descriptor(dup(memory.fd())));
  REQUIRE_MESSAGE(mapped, mapped.error);
  return std::move(mapped.value);
}

/// Payload bytes of record `number`: from 8, all remainders by 8 occur.
inline std::size_t payload_bytes(std::uint64_t number, std::size_t most) {
  return 8 + hash_mix(number) % (most - 7);
}
inline FrameType type_of(std::uint64_t number) {
  return static_cast<FrameType>(1 + number % 14);
}

/// The number, then bytes that follow from it.
inline void fill(std::span<std::byte> payload, std::uint64_t number) {
  std::memcpy(payload.data(), &number, sizeof number);
  for (std::size_t i = 8; i < payload.size(); ++i)
    payload[i] = static_cast<std::byte>(number * 31 + i);
}

inline bool is_record(const RingRecord& record, std::uint64_t number, std::size_t most,
                      std::vector<std::byte>& copy) {
  if (record.type != type_of(number) || record.payload.size() != payload_bytes(number, most)) return false;
  copy.resize(record.payload.size());
  record.payload.copy_to(copy.data());
  std::uint64_t written;
  std::memcpy(&written, copy.data(), sizeof written);
  if (written != number) return false;
  for (std::size_t i = 8; i < copy.size(); ++i) {
    if (copy[i] != static_cast<std::byte>(number * 31 + i)) return false;
  }
  return true;
}

inline bool put(RingProducer& producer, std::uint64_t number, std::size_t most) {
  const std::span<std::byte> room = producer.reserve(payload_bytes(number, most));
  if (room.data() == nullptr) return false;
  fill(room, number);
  producer.complete(type_of(number), room.size());
  return true;
}

}  // namespace tocsin::connectors::wire::testing
