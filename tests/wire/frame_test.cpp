// Frames: their bytes, every refusal, and streams cut at any place.
#include "connectors/wire/frame.hpp"

#include <algorithm>
#include <cstring>
#include <doctest/doctest.h>

#include "connectors/wire/payload.hpp"
#include "tests/allocations.hpp"
#include "tests/wire/support.hpp"

namespace tocsin::connectors::wire {

namespace {

using test::Bytes;
using test::from_hex;
using test::Random;
using test::to_hex;

constexpr std::size_t most = 1000;

struct Seen {
  FrameType type;
  std::string payload;
  friend bool operator==(const Seen&, const Seen&) = default;
};

/// All frames of a stream that comes in pieces of these sizes, in turn, and the fault behind them.
std::vector<Seen> read_all(std::span<const std::byte> stream, const std::vector<std::size_t>& pieces,
                           std::string& fault) {
  FrameReader reader(most);
  std::vector<Seen> seen;
  Frame frame;
  std::size_t piece = 0;
  while (true) {
    Next next = reader.next(frame);
    for (; next == Next::frame; next = reader.next(frame)) {
      CHECK(reinterpret_cast<std::uintptr_t>(frame.payload.data()) % 8 == 0);
      seen.push_back({frame.type, std::string(frame.text())});
    }
    CHECK(reader.capacity() <= 16 * 1024);
    if (next == Next::fault) {
      fault = reader.fault();
      return seen;
    }
    if (stream.empty()) return seen;
    const auto room = reader.room();
    REQUIRE(!room.empty());
    const std::size_t size = std::min({room.size(), stream.size(), pieces[piece++ % pieces.size()]});
    std::memcpy(room.data(), stream.data(), size);
    reader.filled(size);
    stream = stream.subspan(size);
  }
}

std::string fault_of(std::string_view hex) {
  const Bytes bytes = from_hex(hex);
  Frame frame;
  std::string fault;
  const Next next = frame_at(bytes.span(), most, frame, fault);
  CHECK((next == Next::fault) == !fault.empty());
  return next == Next::need_input ? "need_input" : fault;
}

}  // namespace

TEST_CASE("frames have these bytes") {
  FrameBuffer out;
  const auto hex = [&](auto&&... arguments) {
    out.clear();
    append(out, arguments...);
    return to_hex(out.bytes());
  };
  CHECK(hex(Ack{.number = 3, .rejected = 1, .window = 0x10000}) ==
        "18 00 00 00 05 00 00 00 03 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 00 01 00 00 00 00 00");
  CHECK(hex(Watermark{.time_ns = -2}) == "08 00 00 00 07 00 00 00 fe ff ff ff ff ff ff ff");
  CHECK(hex(Heartbeat{.opaque = 7}) == "08 00 00 00 08 00 00 00 07 00 00 00 00 00 00 00");
  CHECK(hex(Dropped{.matches = 256}) == "08 00 00 00 0c 00 00 00 00 01 00 00 00 00 00 00");
  out.clear();
  append_rejected(out, {.number = 2, .sentence = "bad"});
  CHECK(to_hex(out.bytes()) == "0b 00 00 00 06 00 00 00 02 00 00 00 00 00 00 00 62 61 64 00 00 00 00 00");
  out.clear();
  out.append(FrameType::bye, "{}");
  CHECK(to_hex(out.bytes()) == "02 00 00 00 0d 00 00 00 7b 7d 00 00 00 00 00 00");
  out.clear();
  out.append(FrameType::bye, "");
  CHECK(to_hex(out.bytes()) == "00 00 00 00 0d 00 00 00");
  out.append(FrameType::bye, "12345678");
  out.truncate(8);
  CHECK(out.size() == 8);
}

TEST_CASE("payloads of a few numbers read back, and only in their size") {
  FrameBuffer out;
  append(out, Ack{.number = 3, .rejected = 1, .window = 9});
  append_rejected(out, {.number = 2, .sentence = "why"});
  Frame frame;
  std::string fault;
  REQUIRE(frame_at(out.bytes(), most, frame, fault) == Next::frame);
  Ack ack;
  REQUIRE(read(frame, ack));
  CHECK(ack.number == 3);
  CHECK(ack.rejected == 1);
  CHECK(ack.window == 9);
  Watermark watermark;
  CHECK(!read(frame, watermark));
  frame.payload = frame.payload.first(23);
  CHECK(!read(frame, ack));

  REQUIRE(frame_at(out.bytes().subspan(32), most, frame, fault) == Next::frame);
  Rejected rejected;
  REQUIRE(read(frame, rejected));
  CHECK(rejected.number == 2);
  CHECK(rejected.sentence == "why");
  frame.payload = frame.payload.first(7);
  CHECK(!read(frame, rejected));
}

TEST_CASE("what is no frame is refused as soon as its header is there") {
  CHECK(fault_of("") == "need_input");
  CHECK(fault_of("ff ff ff ff 63 01 01") == "need_input");
  CHECK(fault_of("00 00 00 00 00 00 00 00") == "there is no frame of type 0");
  CHECK(fault_of("00 00 00 00 0f 00 00 00") == "there is no frame of type 15");
  CHECK(fault_of("00 00 00 00 ff 00 00 00") == "there is no frame of type 255");
  CHECK(fault_of("08 00 00 00 08 01 00 00") ==
        "HEARTBEAT with flags 1 and reserved bytes 0, where both must be 0");
  CHECK(fault_of("08 00 00 00 08 00 00 01") ==
        "HEARTBEAT with flags 0 and reserved bytes 256, where both must be 0");
  CHECK(fault_of("e9 03 00 00 04 00 00 00") == "EVENTS of 1001 bytes, where 1000 is the most");
  CHECK(fault_of("ff ff ff ff 04 00 00 00") == "EVENTS of 4294967295 bytes, where 1000 is the most");
  CHECK(fault_of("e8 03 00 00 04 00 00 00") == "need_input");
  CHECK(fault_of("02 00 00 00 0d 00 00 00 7b 7d 00 00 00 00 00") == "need_input");
  CHECK(fault_of("02 00 00 00 0d 00 00 00 7b 7d 00 00 00 00 00 01") ==
        "BYE is padded with something other than zeros");
  CHECK(fault_of("02 00 00 00 0d 00 00 00 7b 7d 00 00 00 00 00 00") == "");
}

TEST_CASE("every frame type has a name and a direction") {
  for (std::uint8_t i = 1; i < static_cast<std::uint8_t>(FrameType::sentinel); ++i) {
    const auto type = static_cast<FrameType>(i);
    CHECK(!name_of(type).empty());
    CHECK((from_client(type) || from_server(type)));
  }
  CHECK(name_of(FrameType{0}).empty());
  CHECK(name_of(FrameType{200}).empty());
  CHECK(name_of(FrameType::watermark) == "WATERMARK");
  CHECK(from_client(FrameType::hello));
  CHECK(!from_server(FrameType::hello));
  CHECK(!from_client(FrameType::match));
  CHECK(from_client(FrameType::bye));
  CHECK(from_server(FrameType::bye));
}

TEST_CASE("how a connection begins says what it speaks") {
  const auto opening = [](std::string_view text) { return opening_of(std::as_bytes(std::span(text))); };
  CHECK(opening("") == Opening::need_input);
  CHECK(opening("TOCSIN") == Opening::need_input);
  CHECK(opening("TOCSIN\x01\n") == Opening::frames);
  CHECK(opening("TOCSIN\x01\nmore") == Opening::frames);
  CHECK(opening("TOCSIN\x02\n") == Opening::other_version);
  CHECK(opening("TOCSIN\x02") == Opening::need_input);
  CHECK(opening("TOCSIN\x02 ") == Opening::lines);
  CHECK(opening("TOCSIN\x01 ") == Opening::lines);
  CHECK(opening("TOX") == Opening::lines);
  CHECK(opening("{") == Opening::lines);
  CHECK(opening("\n") == Opening::lines);
  CHECK(opening("\x16") == Opening::need_input);
  CHECK(opening("\x16\x03\x01\x02") == Opening::tls);
  CHECK(opening("\x16\n") == Opening::lines);
}

TEST_CASE("a stream gives the same frames wherever it is cut") {
  FrameBuffer out;
  out.append(FrameType::hello, "{}");
  append(out, Heartbeat{.opaque = 5});
  out.append(FrameType::bye, "");
  append_rejected(out, {.number = 1, .sentence = "no"});
  out.append(FrameType::events, std::string(most, 'e'));
  append(out, Watermark{.time_ns = 1});
  std::string fault;
  const auto whole = read_all(out.bytes(), {SIZE_MAX}, fault);
  CHECK(whole.size() == 6);
  CHECK(fault.empty());
  for (std::size_t cut = 1; cut < out.size(); ++cut)
    CHECK(read_all(out.bytes(), {cut, SIZE_MAX}, fault) == whole);
  for (const std::size_t piece : {1, 2, 3, 5, 8, 13, 64})
    CHECK(read_all(out.bytes(), {piece}, fault) == whole);
  CHECK(fault.empty());
}

TEST_CASE("random bytes end in a fault or wait for more, and the same wherever they are cut") {
  Random random(4711);
  std::size_t faults = 0;
  for (int i = 0; i < 2000; ++i) {
    FrameBuffer out;
    for (std::uint64_t frames = random.below(4); frames > 0; --frames) {
      std::byte* payload = out.append(static_cast<FrameType>(1 + random.below(14)), 1 + random.below(50));
      if (random.below(2) == 0) *payload = static_cast<std::byte>(random.next());
    }
    Bytes bytes(out.bytes());
    if (bytes.size() > 0 && random.below(2) == 0)
      bytes.data()[random.below(bytes.size())] = static_cast<std::byte>(random.next());
    if (random.below(4) == 0) {
      const std::size_t before = bytes.size();
      bytes.resize(before + random.below(40));
      for (std::size_t at = before; at < bytes.size(); ++at)
        bytes.data()[at] = static_cast<std::byte>(random.next());
    }
    std::string fault;
    std::string fault_in_pieces;
    const auto whole = read_all(bytes.span(), {SIZE_MAX}, fault);
    CHECK(whole == read_all(bytes.span(), {1 + random.below(9)}, fault_in_pieces));
    CHECK(fault == fault_in_pieces);
    faults += fault.empty() ? 0 : 1;
  }
  CHECK(faults > 200);
}

TEST_CASE("a reader's memory follows what has come, not what was announced") {
  FrameReader reader(std::size_t{4} << 20);
  CHECK(reader.capacity() == 0);
  const FrameHeader header{.length = 4 << 20, .type = FrameType::events};
  std::memcpy(reader.room().data(), &header, sizeof header);
  reader.filled(sizeof header);
  Frame frame;
  std::size_t come = sizeof header;
  while (reader.next(frame) == Next::need_input) {
    const auto room = reader.room();
    CHECK(reader.capacity() <= std::max<std::size_t>(2 * come, 16 * 1024));
    std::memset(room.data(), 0, room.size());
    reader.filled(room.size());
    come += room.size();
  }
  CHECK(frame.payload.size() == std::size_t{4} << 20);
  CHECK(reader.capacity() == (std::size_t{4} << 20) + 8);
  CHECK(reader.next(frame) == Next::need_input);
  reader.release();
  CHECK(reader.capacity() == 0);
  const std::uint64_t before = tocsin::test::allocations();
  CHECK(!reader.room().empty());
  CHECK(tocsin::test::allocations() > before);  // as it kept nothing
}

TEST_CASE("a stream of frames follows the preface") {
  FrameBuffer out;
  append(out, Heartbeat{.opaque = 5});
  FrameReader reader(most);
  auto room = reader.room();
  std::memcpy(room.data(), preface.data(), preface.size());
  std::memcpy(room.data() + preface.size(), out.bytes().data(), out.size());
  reader.filled(preface.size() + out.size());
  REQUIRE(opening_of(reader.pending()) == Opening::frames);
  reader.skip(preface.size());
  Frame frame;
  REQUIRE(reader.next(frame) == Next::frame);
  CHECK(frame.type == FrameType::heartbeat);
  CHECK(reader.pending().empty());
}

}  // namespace tocsin::connectors::wire
