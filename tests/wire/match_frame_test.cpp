// Matches as frames: golden bytes, round trips, frames that would be too large, and damaged ones.
#include "connectors/wire/match_frame.hpp"

#include <cstring>
#include <doctest/doctest.h>

#include "tests/wire/support.hpp"

namespace tocsin::connectors::wire {

namespace {

using test::Bytes;
using test::Random;
using test::to_hex;

struct Sample {
  model::Catalog catalog = test::catalog();
  model::EventBatch events;
  model::EventBatch emitted;
  std::vector<model::MatchedEvent> matched;
  model::MatchView view;

  explicit Sample(std::size_t count, bool emits = true) {
    for (std::size_t i = 0; i < count; ++i) {
      test::write_event(events, catalog, 0, i);
      events.header(i).seq = 10 + i;
    }
    model::EventWriter writer(emitted);
    writer.begin(catalog[2]);
    writer.set_string(0, "A");
    writer.set_array(2, {});
    writer.commit(-5, 12, model::Origin{.rule = 3, .ordinal = 1, .timeout = false});
    for (std::uint32_t i = 0; i < count; ++i)
      matched.push_back({i, events[i]});
    view.rule = 3;
    view.at_ns = -5;
    view.trigger_seq = 12;
    view.events = matched;
    if (emits) view.emitted = emitted[0];
    view.ordinal = 1;
  }

  /// The payload of the one frame.
  Bytes encode(bool with_events, std::size_t most = 1 << 20) const {
    FrameBuffer out;
    append_match(out, view, with_events, most);
    Frame frame;
    std::string fault;
    REQUIRE(frame_at(out.bytes(), most, frame, fault) == Next::frame);
    CHECK(frame_bytes(frame.payload.size()) == out.size());
    CHECK(frame.type == FrameType::match);
    return Bytes(frame.payload);
  }
};

Match decode(const Bytes& payload) {
  Match match;
  std::string error;
  CHECK(read_match(payload.span(), match, error));
  CHECK(error == "");
  return match;
}

}  // namespace

TEST_CASE("a match has these bytes") {
  Sample sample(2, false);
  sample.view.timeout = true;
  FrameBuffer out;
  append_match(out, sample.view, false, 1 << 20);
  set_sent(const_cast<std::byte*>(out.bytes().data()), 7);
  CHECK(to_hex(out.bytes()) ==
        "50 00 00 00 0b 00 00 00 "  // 80 bytes, MATCH
        "03 00 00 00 01 00 00 00 "  // rule 3, flag timeout
        "fb ff ff ff ff ff ff ff "  // at
        "0c 00 00 00 00 00 00 00 "  // trigger
        "01 00 00 00 02 00 00 00 "  // ordinal 1, 2 events
        "07 00 00 00 00 00 00 00 "  // sent
        "0a 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
        "0b 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 "
        "00 00 00 00 00 00 00 00");  // nothing emitted
}

TEST_CASE("matches read back") {
  for (const bool with_events : {false, true}) {
    for (const bool emits : {false, true}) {
      for (const std::size_t count : {0, 1, 5}) {
        const Sample sample(count, emits);
        const Bytes payload = sample.encode(with_events);
        const Match match = decode(payload);
        CHECK(match.head.rule == 3);
        CHECK(match.head.flags == (with_events ? match_flag::with_events : 0));
        CHECK(match.head.at_ns == -5);
        CHECK(match.head.trigger_seq == 12);
        CHECK(match.head.ordinal == 1);
        CHECK(match.head.sent == 0);
        REQUIRE(match.entries.size() == count);
        REQUIRE(match.events.size() == (with_events ? count : 0));
        for (std::size_t i = 0; i < count; ++i) {
          CHECK(match.entries[i].seq == 10 + i);
          CHECK(match.entries[i].step == i);
          if (!with_events) continue;
          CHECK(match.events[i].size() == sample.events[i].size());
          CHECK(std::memcmp(match.events[i].bytes(), sample.events[i].bytes(), sample.events[i].size()) == 0);
        }
        REQUIRE(static_cast<bool>(match.emitted) == emits);
        if (emits) CHECK(match.emitted.load_text(sample.catalog[2].fields[0].slot) == "A");
      }
    }
  }
}

TEST_CASE("a match never makes a larger frame than is allowed") {
  const Sample sample(20);
  const std::size_t whole = sample.encode(true).size();
  const std::size_t bare = sample.encode(false).size();
  for (std::size_t most = 64; most <= whole; ++most) {
    const Bytes payload = sample.encode(true, most);
    CHECK(payload.size() <= most);
    const Match match = decode(payload);
    CHECK(((match.head.flags & match_flag::cut) != 0) == (most < whole));
    CHECK(match.events.size() == (most < whole ? 0 : 20));
    CHECK(static_cast<bool>(match.emitted) == (most >= bare));
    if (most >= bare - sample.view.emitted.size()) CHECK(match.entries.size() == 20);
    if (most < bare - sample.view.emitted.size()) CHECK(payload.size() + 16 > most);
  }
}

TEST_CASE("damaged matches are refused, or all of their parts lie within") {
  Random random(3);
  const Sample sample(3);
  std::size_t refused = 0;
  Match match;
  std::string error;
  for (const bool with_events : {false, true}) {
    const Bytes good = sample.encode(with_events);
    for (std::size_t size = 0; size < good.size(); ++size)
      CHECK(!read_match(good.span().first(size), match, error));
    for (int i = 0; i < 20'000; ++i) {
      Bytes bytes = good;
      const std::size_t at = random.below(bytes.size());
      bytes.data()[at] = static_cast<std::byte>(random.next());
      if (!read_match(bytes.span(), match, error)) {
        ++refused;
        continue;
      }
      const auto lies_within = [&](model::EventView event) {
        return event.bytes() >= bytes.span().data() &&
               event.bytes() + event.size() <= bytes.span().data() + bytes.size();
      };
      for (const auto event : match.events)
        CHECK(lies_within(event));
      if (match.emitted) CHECK(lies_within(match.emitted));
    }
  }
  CHECK(refused > 1000);
}

}  // namespace tocsin::connectors::wire
