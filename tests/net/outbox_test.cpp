// Queues of subscribers: order, bounds, and what each policy does at them.
#include "connectors/net/outbox.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/net/support.hpp"

namespace tocsin::connectors::net::test {

namespace {

/// Takes as many bytes as it is given room for, and keeps them.
class FakeStream final : public Stream {
 public:
  FakeStream() : Stream(Descriptor()) {}
  IoResult read(std::span<std::byte>) override { return {Io::again}; }
  IoResult write(std::span<const std::span<const std::byte>> pieces) override {
    std::size_t written = 0;
    for (const auto piece : pieces) {
      const std::size_t bytes = std::min(piece.size(), room - written);
      text.append(reinterpret_cast<const char*>(piece.data()), bytes);
      written += bytes;
    }
    room -= written;
    return {written > 0 ? Io::done : Io::again, written};
  }
  std::size_t room = SIZE_MAX;
  std::string text;
};

struct NoOwner final : Outbox::Owner {
  void has_output() override { ++calls; }
  int calls = 0;
};

/// `R 3` is a match; every record here has as many bytes.
std::string match_line(int number) {
  return fmt::format("{{\"rule\":{:03}}}\n", number);
}
const std::size_t match_bytes = match_line(0).size();

struct LineBox {
  explicit LineBox(const QueueOptions& options) {
    box.use_lines();
    box.set_queue(options);
  }
  void put(int from, int to) {
    for (int i = from; i <= to; ++i)
      put_match(match_line(i));
  }
  void put_match(std::string_view text) { box.put_match(std::as_bytes(std::span(text))); }
  void put_in_order(std::string_view text) { box.put_in_order(std::as_bytes(std::span(text))); }
  bool write(std::size_t room = SIZE_MAX) {
    stream.room = room;
    return box.write(stream).io == Io::done;
  }
  std::string text() { return std::exchange(stream.text, {}); }
  NoOwner owner;
  Outbox box{owner};
  FakeStream stream;
};

std::string lines(int from, int to) {
  std::string all;
  for (int i = from; i <= to; ++i)
    all += match_line(i);
  return all;
}

}  // namespace

TEST_CASE("what is put in comes out in order, answers before matches, nothing within a record") {
  LineBox it({});
  it.put(1, 3);
  it.box.answer("A\n");
  CHECK(!it.write(3));
  it.box.answer("B\n");
  CHECK(it.write());
  CHECK(it.text() == "A\n" + lines(1, 1) + "B\n" + lines(2, 3));
  CHECK(it.box.empty());
  CHECK(it.owner.calls > 0);
}

TEST_CASE("an outbox that is written byte by byte gives the same bytes") {
  LineBox it({});
  it.put(1, 20);
  it.box.answer("one answer\n");
  while (!it.write(1)) {
  }
  CHECK(it.text() == "one answer\n" + lines(1, 20));
}

TEST_CASE("drop_oldest keeps the newest whole records and tells how many went") {
  LineBox it({.queue_bytes = 3 * match_bytes});
  it.put(1, 5);
  CHECK(it.box.queued_bytes() <= 3 * match_bytes);
  CHECK(it.write());
  CHECK(it.text() == "{\"dropped\":2}\n" + lines(3, 5));
  it.put(6, 7);
  CHECK(it.write());
  CHECK(it.text() == lines(6, 7));
  CHECK(it.box.dropped() == 2);
  CHECK(it.box.matches() == 7);

  SUBCASE("one that is begun is finished") {
    it.put(1, 3);
    CHECK(!it.write(4));
    it.put(4, 6);
    CHECK(it.write());
    CHECK(it.text() == lines(1, 1) + "{\"dropped\":4}\n" + lines(4, 6));
  }
  SUBCASE("one that never fits is dropped itself") {
    it.put(1, 2);
    it.put_match(std::string(4 * match_bytes, 'x'));
    CHECK(it.box.dropped() == 5);
    CHECK(it.box.queued_bytes() == 0);
  }
  SUBCASE("what is no match is kept, at its place") {
    it.put(1, 2);
    it.put_in_order("{}\n");
    it.put(3, 5);
    CHECK(it.write());
    CHECK(it.text() == "{}\n{\"dropped\":4}\n" + lines(3, 5));
  }
}

TEST_CASE("block says that it is full until it is written, and ends at the overshoot") {
  LineBox it({wire::Policy::block, 3 * match_bytes, 3 * match_bytes});
  it.put(1, 2);
  CHECK(!it.box.is_full());
  it.put(3, 6);
  CHECK(it.box.is_full());
  CHECK(!it.box.overflowed());
  CHECK(it.write());
  CHECK(!it.box.is_full());
  CHECK(it.text() == lines(1, 6));
  it.put(1, 7);
  CHECK(it.box.overflowed());
  CHECK(it.box.queued_bytes() == 6 * match_bytes);
}

TEST_CASE("disconnect overflows with the first match that has no room") {
  LineBox it({wire::Policy::disconnect, 3 * match_bytes});
  it.put(1, 3);
  CHECK(!it.box.overflowed());
  it.put(4, 4);
  CHECK(it.box.overflowed());
  CHECK(it.box.queued_bytes() == 3 * match_bytes);
}

TEST_CASE("frames are numbered as they are put in, so that a gap shows what was dropped") {
  NoOwner owner;
  Outbox box(owner);
  model::MatchView match;
  wire::FrameBuffer frame;
  wire::append_match(frame, match, false, 1000);
  box.set_queue({.queue_bytes = 2 * frame.size()});
  for (int i = 0; i < 5; ++i)
    box.put_match(frame.bytes());
  FakeStream stream;
  CHECK(box.write(stream).io == Io::done);
  std::vector<std::uint64_t> words(stream.text.size() / 8);
  std::memcpy(words.data(), stream.text.data(), stream.text.size());
  auto bytes = std::as_bytes(std::span(words));
  std::vector<std::string> seen;
  while (!bytes.empty()) {
    wire::Frame read;
    std::string fault;
    REQUIRE(wire::frame_at(bytes, 1000, read, fault) == wire::Next::frame);
    wire::Dropped dropped;
    wire::Match found;
    if (wire::read(read, dropped)) seen.push_back(fmt::format("dropped {}", dropped.matches));
    if (wire::read_match(read.payload, found, fault))
      seen.push_back(fmt::format("match {}", found.head.sent));
    bytes = bytes.subspan(wire::frame_bytes(read.payload.size()));
  }
  CHECK(seen == std::vector<std::string>{"dropped 3", "match 4", "match 5"});
}

TEST_CASE("a ring gets what it has room for, the rest waits") {
  auto memory = wire::RingMemory::create(wire::least_ring_bytes);
  if (!memory) return;  // a system without what rings need
  wire::RingProducer producer(*memory, {});
  wire::RingConsumer consumer(*memory, producer.most_payload(), {});
  NoOwner owner;
  Outbox box(owner);
  box.use_ring(producer.most_payload());
  box.set_queue({});
  model::MatchView match;
  wire::FrameBuffer frame;
  wire::append_match(frame, match, false, 1000);
  const int count = 1000;
  for (int i = 0; i < count; ++i)
    box.put_match(frame.bytes());
  int read = 0;
  for (int round = 0; round < count && !box.empty(); ++round) {
    box.write(producer);
    while (const auto record = consumer.next()) {
      CHECK(record->type == wire::FrameType::match);
      ++read;
    }
    consumer.release();
  }
  CHECK(read == count);
  FakeStream stream;
  CHECK(box.write(stream).io == Io::done);
  CHECK(stream.text.empty());
}

}  // namespace tocsin::connectors::net::test
