// No allocation per frame, event or match once buffers have grown. This file replaces operator new for the
// whole test binary, to count.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <doctest/doctest.h>
#include <new>

#include "connectors/wire/event_check.hpp"
#include "connectors/wire/match_frame.hpp"
#include "tests/wire/support.hpp"

namespace {

std::atomic<std::size_t> allocations{0};

}  // namespace

void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size > 0 ? size : 1);
}
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
  return operator new(size, tag);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace tocsin::connectors::wire {

TEST_CASE("writing, reading, checking and encoding allocate nothing once buffers have grown") {
  const model::Catalog catalog = test::catalog();
  model::EventBatch events;
  for (std::uint64_t i = 0; i < 200; ++i)
    test::write_event(events, catalog, static_cast<model::EventTypeId>(i % 2), i);
  const model::MatchedEvent matched[] = {{0, events[0]}, {1, events[1]}};
  const model::MatchView view{.rule = 1, .events = matched, .emitted = events[2]};
  EventChecker checker(catalog);
  FrameReader reader(1 << 20);
  FrameBuffer out;
  model::EventBatch taken;
  Match match;
  std::string error;
  std::size_t before = 0;
  int good = 0;
  for (int round = 0; round < 20; ++round) {
    if (round == 10) before = allocations.load();
    out.clear();
    append_events(out, 1, events, 0, events.size());
    append_match(out, view, true, 1 << 20);
    append(out, Ack{});
    for (std::span<const std::byte> left = out.bytes(); !left.empty();) {
      const auto room = reader.room();
      const std::size_t size = std::min<std::size_t>({room.size(), left.size(), 1000});
      std::memcpy(room.data(), left.data(), size);
      reader.filled(size);
      left = left.subspan(size);
      Frame frame;
      while (reader.next(frame) == Next::frame) {
        taken.clear();
        if (frame.type == FrameType::events) {
          good += checker.check(frame.payload, 1, taken).rejected == 0 && taken.size() == 200 ? 1 : 0;
        } else if (frame.type == FrameType::match) {
          good += read_match(frame.payload, match, error) ? 1 : 0;
        }
      }
    }
  }
  const std::size_t after = allocations.load();
  CHECK(after == before);
  CHECK(good == 40);
}

}  // namespace tocsin::connectors::wire
