// Rings of a scripted server: what it hands over, says and writes may be wrong.
#include <array>
#include <atomic>
#include <cstring>
#include <doctest/doctest.h>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "connectors/wire/ring.hpp"
#include "tests/client/service.hpp"
#include "tests/client/support.hpp"

namespace tocsin::client::test {

using wire::FrameType;

namespace {

/// What a scripted server does behind a good WELCOME and RING: `in` is written by the client, `out` read by
/// it.
struct ScriptedRings {
  std::unique_ptr<wire::RingMemory> in = std::move(wire::RingMemory::create(65'536).value);
  std::unique_ptr<wire::RingMemory> out = std::move(wire::RingMemory::create(65'536).value);
  wire::Descriptor wake_up = std::move(*wire::make_wake_up().value);
  wire::Hello hello;

  void offer(PeerConnection& peer, std::uint64_t told_bytes = 65'536, std::size_t descriptors = 3) {
    hello = peer.welcome(types());
    wire::FrameBuffer frames;
    frames.append(FrameType::ring, wire::to_json(wire::Ring{told_bytes, 65'536}));
    const std::array<int, 3> all = {in->fd(), out->fd(), wake_up.get()};
    CHECK(wire::send_with_descriptors(peer.fd(), frames.bytes(), std::span(all).first(descriptors)) > 0);
  }
};

/// A frame's payload goes into the ring.
void put(wire::RingProducer& ring, const wire::FrameBuffer& frame, FrameType type = FrameType::match) {
  wire::FrameHeader header;
  std::memcpy(&header, frame.bytes().data(), sizeof header);
  CHECK(ring.append(type, frame.bytes().subspan(sizeof header, header.length)));
  ring.publish();
}

}  // namespace

TEST_CASE("ring: a server that hands over something else is told from one that is right") {
  if (!can_have_rings()) return;
  const auto error = [](const std::function<void(PeerConnection&, ScriptedRings&)>& script,
                        tocsin_status status) {
    ScriptedRings rings;
    Peer peer([&](PeerConnection& connection) {
      script(connection, rings);
      connection.wait_for_end();
    });
    Payments payments;
    tocsin_use_ring(payments.client, 0, TOCSIN_SLEEP);
    CHECK(tocsin_connect(payments.client, peer.address().c_str()) == status);
    return payments.error();
  };
  CHECK(error([](auto& peer, auto& rings) { rings.offer(peer); }, TOCSIN_OK) == "");
  CHECK(error([](auto& peer, auto& rings) { rings.offer(peer, 65'536, 2); }, TOCSIN_BROKEN) ==
        "no ring: 2 descriptors came with it, not 3");
  CHECK(error([](auto& peer, auto& rings) { rings.offer(peer, 32'768); }, TOCSIN_BROKEN) ==
        "no ring: its memory has another size than was told");
  CHECK(error(
            [](auto& peer, auto& rings) {
              rings.in->header().magic = 1;
              rings.offer(peer);
            },
            TOCSIN_BROKEN) == "no ring: its header is that of something else");
  Peer peer([](PeerConnection& connection) {  // one that was not asked for
    connection.welcome(types());
    connection.send(FrameType::ring, wire::to_json(wire::Ring{65'536, 65'536}));
  });
  Payments plain;
  REQUIRE(tocsin_connect(plain.client, peer.address().c_str()) == TOCSIN_OK);
  const tocsin_match* match = nullptr;
  CHECK(tocsin_poll(plain.client, 10'000, &match) == TOCSIN_PROTOCOL);
  CHECK(plain.error() == "the server sent a wrong RING");
}

TEST_CASE("ring: a match of a rule that is not known yet waits for the socket") {
  if (!can_have_rings()) return;
  std::atomic<bool> go = false;
  ScriptedRings rings;
  Peer peer([&](PeerConnection& connection) {
    rings.offer(connection);
    CHECK(rings.hello.wake == wire::Wake::socket);
    wire::RingProducer producer(*rings.out, {});
    connection.expect(FrameType::subscribe);
    wire::Subscribed told = subscribed();
    const wire::RuleLayout second = told.rules.back();
    told.rules.pop_back();
    connection.send(FrameType::subscribed, wire::to_json(told));
    put(producer, Sample().frame(false, 3));
    put(producer, Sample().frame(false, 4));
    while (!go)
      std::this_thread::yield();
    told.rules = {second};  // and rule 3 is gone
    connection.send(FrameType::subscribed, wire::to_json(told));
    put(producer, Sample().frame(false, 3));  // as it was under way already
    connection.send(wire::Heartbeat{});
    connection.wait_for_end();
  });
  Payments payments;
  tocsin_use_ring(payments.client, 0, TOCSIN_SLEEP);
  REQUIRE(tocsin_connect(payments.client, peer.address().c_str()) == TOCSIN_OK);
  REQUIRE(tocsin_subscribe(payments.client, nullptr) == TOCSIN_OK);
  const tocsin_match* match = nullptr;
  REQUIRE(tocsin_poll(payments.client, 10'000, &match) == TOCSIN_OK);
  CHECK(std::string(tocsin_match_rule(match)) == "first");
  CHECK(tocsin_poll(payments.client, 50, &match) == TOCSIN_TIMEOUT);
  go = true;
  REQUIRE(tocsin_poll(payments.client, 10'000, &match) == TOCSIN_OK);
  CHECK(std::string(tocsin_match_rule(match)) == "second");
  REQUIRE(tocsin_poll(payments.client, 10'000, &match) == TOCSIN_OK);
  CHECK(std::string(tocsin_match_rule(match)) == "first");
  CHECK(std::string(tocsin_rule(payments.client, 0)) == "second");
}

TEST_CASE("ring: what can't be in it ends the connection") {
  if (!can_have_rings()) return;
  const auto error = [](const std::function<void(ScriptedRings&, PeerConnection&)>& damage) {
    ScriptedRings rings;
    Peer peer([&](PeerConnection& connection) {
      rings.offer(connection);
      damage(rings, connection);
      connection.send(wire::Heartbeat{});
      connection.wait_for_end();
    });
    Payments payments;
    tocsin_use_ring(payments.client, 0, TOCSIN_SLEEP);
    REQUIRE(tocsin_connect(payments.client, peer.address().c_str()) == TOCSIN_OK);
    const tocsin_match* match = nullptr;
    tocsin_status status = tocsin_poll(payments.client, 1000, &match);
    for (int i = 0; i < 5000 && (status == TOCSIN_TIMEOUT || status == TOCSIN_OK); ++i) {
      status = payments.send("4711", 1, i);
      if (status == TOCSIN_OK) status = tocsin_flush(payments.client, 1000);
    }
    CHECK(status == TOCSIN_PROTOCOL);
    CHECK(tocsin_poll(payments.client, 0, &match) == TOCSIN_PROTOCOL);
    return payments.error();
  };
  const auto header = [](std::uint64_t word) {
    return [word](ScriptedRings& rings, PeerConnection&) {
      std::memcpy(rings.out->records(), &word, sizeof word);
    };
  };
  CHECK(error(header(0xFFFF'FFFF | std::uint64_t{11} << 32)) ==
        "the ring is broken: a record in the ring is longer than the limit or than what the ring can hold");
  CHECK(error(header(8 | std::uint64_t{99} << 32)) ==
        "the ring is broken: a record in the ring has a header that can't be");
  CHECK(error(header(8 | std::uint64_t{1} << 32)) == "the ring is broken: it carries MATCH and DROPPED only");
  CHECK(error([](ScriptedRings& rings, PeerConnection&) { rings.in->header().released = 1'000'000; }) ==
        "the ring is broken: the consumer of the ring says that it has read what can't be");
  CHECK(error([](ScriptedRings&, PeerConnection& peer) { peer.send(Sample().frame(false)); }) ==
        "the server sent a wrong MATCH");
}

}  // namespace tocsin::client::test
