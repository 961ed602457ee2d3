// The bytes that docs/protocol.md shows are those that the code writes.
#include <cstring>
#include <doctest/doctest.h>
#include <fstream>

#include "connectors/wire/event_check.hpp"
#include "connectors/wire/match_frame.hpp"
#include "tests/wire/support.hpp"

namespace tocsin::connectors::wire {

namespace {

/// The blocks marked `hex`, without what stands behind a bar.
std::vector<std::string> hex_blocks() {
  std::ifstream file(TOCSIN_SOURCE_DIR "/docs/protocol.md");
  std::vector<std::string> blocks;
  bool within = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("```")) {
      within = line == "```hex";
      if (within) blocks.emplace_back();
    } else if (within) {
      blocks.back() += line.substr(0, line.find(" |")) + ' ';
    }
  }
  for (auto& block : blocks)
    block.pop_back();
  return blocks;
}

}  // namespace

TEST_CASE("the worked examples of the protocol are what is written and taken") {
  const auto blocks = hex_blocks();
  REQUIRE(blocks.size() == 2);
  const model::Catalog catalog = test::catalog();

  model::EventBatch batch;
  model::EventWriter writer(batch);
  writer.begin(catalog[0]);
  writer.set_string(0, "4711");
  writer.set_float(1, 12.5);
  writer.set_int(3, 1'000'000'000);
  writer.commit(0, 0, 0);
  FrameBuffer out;
  append_events(out, 1, batch, 0, 1);
  CHECK(test::to_hex(out.bytes()) == blocks[0]);

  const test::Bytes bytes = test::from_hex(blocks[0]);
  Frame frame;
  std::string fault;
  REQUIRE(frame_at(bytes.span(), 1000, frame, fault) == Next::frame);
  EventChecker checker(catalog);
  model::EventBatch taken;
  CHECK(checker.check(frame.payload, 0, taken).rejected == 0);
  CHECK(taken.size() == 1);

  model::EventBatch events;
  for (const std::uint64_t seq : {10, 11}) {
    test::write_event(events, catalog, 0, seq);
    events.header(events.size() - 1).seq = seq;
  }
  const model::MatchedEvent matched[] = {{0, events[0]}, {1, events[1]}};
  out.clear();
  append_match(out, {.rule = 3, .at_ns = 1'000'000'000, .trigger_seq = 11, .events = matched, .emitted = {}},
               false, 1 << 20);
  test::Bytes sent(out.bytes());
  set_sent(sent.data(), 7);
  CHECK(test::to_hex(sent.span()) == blocks[1]);
}

}  // namespace tocsin::connectors::wire
