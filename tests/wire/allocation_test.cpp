// No allocation per frame, event or match once buffers have grown.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <doctest/doctest.h>

#include "connectors/wire/event_check.hpp"
#include "connectors/wire/match_frame.hpp"
#include "tests/allocations.hpp"
#include "tests/wire/support.hpp"

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
    if (round == 10) before = tocsin::test::allocations();
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
  const std::size_t after = tocsin::test::allocations();
  CHECK(after == before);
  CHECK(good == 40);
}

}  // namespace tocsin::connectors::wire
