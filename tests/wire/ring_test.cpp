// One ring, both ends in one thread: what is seen when, every place where a record may lie, and a peer that
// writes anything anywhere.
#include "connectors/wire/ring.hpp"

#include <cstddef>
#include <cstdint>
#include <doctest/doctest.h>
#include <poll.h>
#include <random>
#include <sys/eventfd.h>
#include <vector>

#include "tests/wire/ring_support.hpp"

using namespace tocsin;
using namespace tocsin::connectors::wire;

namespace {

struct Ring {
  explicit Ring(std::size_t capacity, std::size_t most_payload = std::size_t{1} << 30)
      : memory(testing::make_ring(capacity)),
        peer(testing::map_again(*memory)),
        producer(*memory, WakeUp{}),
        consumer(*peer, most_payload, WakeUp{}) {}
  std::unique_ptr<RingMemory> memory, peer;
  RingProducer producer;
  RingConsumer consumer;

  std::uint64_t& word(std::size_t place) {
    return *reinterpret_cast<std::uint64_t*>(memory->records() + place);
  }
};

std::vector<std::byte> contents(const RingRecord& record) {
  std::vector<std::byte> copy(record.payload.size());
  record.payload.copy_to(copy.data());
  return copy;
}

}  // namespace

TEST_CASE("a record is seen when it is published, and not before") {
  Ring ring(4096);
  CHECK(!ring.consumer.next());
  const auto room = ring.producer.reserve(11);
  REQUIRE(room.size() == 11);
  testing::fill(room, 77);
  CHECK(!ring.consumer.ready());
  ring.producer.complete(FrameType{5}, 11);
  CHECK(!ring.consumer.ready());
  ring.producer.publish();
  CHECK(ring.consumer.ready());
  const auto record = ring.consumer.next();
  REQUIRE(record);
  CHECK(record->type == FrameType{5});
  REQUIRE(record->payload.size() == 11);
  CHECK(contents(*record)[0] == std::byte{77});
  std::array<std::byte, 2> part;
  record->payload.copy_to(part.data(), 9, 2);
  CHECK(part[1] == std::byte{(77 * 31 + 10) % 256});
  CHECK(!ring.consumer.next());
  CHECK(ring.consumer.fault() == RingFault::none);
  ring.producer.publish();  // nothing new
  CHECK(!ring.consumer.next());
}

TEST_CASE("records completed one after the other are published together") {
  Ring ring(4096);
  std::vector<std::byte> copy;
  for (std::uint64_t number = 0; number < 5; ++number) {
    REQUIRE(testing::put(ring.producer, number, 100));
    CHECK(!ring.consumer.next());
  }
  ring.producer.publish();
  for (std::uint64_t number = 0; number < 5; ++number) {
    const auto record = ring.consumer.next();
    REQUIRE(record);
    CHECK(testing::is_record(*record, number, 100, copy));
  }
  CHECK(!ring.consumer.next());
}

TEST_CASE("what was reserved may be forgotten, or become shorter") {
  Ring ring(4096);
  ring.producer.reserve(1000);
  const auto room = ring.producer.reserve(100);
  testing::fill(room, 3);
  ring.producer.commit(FrameType{1}, 21);
  REQUIRE(ring.producer.reserve(8).data() != nullptr);
  ring.producer.commit(FrameType{2}, 0);
  auto record = ring.consumer.next();
  REQUIRE(record);
  CHECK(record->payload.size() == 21);
  record = ring.consumer.next();
  REQUIRE(record);
  CHECK(record->type == FrameType{2});
  CHECK(record->payload.size() == 0);
  CHECK(!ring.consumer.next());
  // Behind the 21 bytes come three of padding, which are 0 whatever was there.
  for (std::size_t i = 29; i < 32; ++i)
    CHECK(ring.memory->records()[i] == std::byte{0});
}

TEST_CASE("a full ring says so, and has room again when records are released") {
  Ring ring(4096);
  CHECK(ring.producer.most_payload() == 4096 - 16);
  std::uint64_t in = 0, out = 0;
  std::vector<std::byte> copy;
  while (testing::put(ring.producer, in, 200))
    ++in;
  CHECK(in > 10);
  CHECK(ring.producer.fault() == RingFault::none);
  CHECK(!ring.producer.has_room(200));
  ring.producer.publish();
  CHECK(!testing::put(ring.producer, in, 200));
  const auto record = ring.consumer.next();
  REQUIRE(record);
  CHECK(testing::is_record(*record, out++, 200, copy));
  CHECK(!testing::put(ring.producer, in, 200));  // taken, but may yet be read
  while (const auto next = ring.consumer.next())
    CHECK(testing::is_record(*next, out++, 200, copy));
  CHECK(out == in);
  ring.consumer.release();
  CHECK(ring.producer.has_room(ring.producer.most_payload()));
  CHECK(
      ring.producer.append(FrameType{9}, std::vector<std::byte>(ring.producer.most_payload(), std::byte{7})));
  ring.producer.publish();
  const auto large = ring.consumer.next();
  REQUIRE(large);
  CHECK(contents(*large) == std::vector<std::byte>(4080, std::byte{7}));
}

TEST_CASE("a consumer that only takes gives back by quarters") {
  Ring ring(4096);
  for (int i = 0; i < 4; ++i) {
    ring.producer.reserve(1000);
    ring.producer.commit(FrameType{1}, 1000);
  }
  CHECK(!ring.producer.has_room(1000));
  REQUIRE(ring.consumer.next());
  REQUIRE(ring.consumer.next());
  CHECK(!ring.producer.has_room(1000));
  REQUIRE(ring.consumer.next());  // two records come to more than a quarter
  CHECK(ring.producer.has_room(1000));
}

TEST_CASE("records are whole at every place, across the end too") {
  for (const std::size_t payload : {0u, 1u, 7u, 8u, 40u, 56u, 100u, 1000u, 2040u, 4080u}) {
    // The first record moves the place of all others; then as many go round as it takes to come back.
    for (std::size_t first = 0; first <= 4080; first += payload > 1000 ? 8 : 248) {
      Ring ring(4096);
      std::vector<std::byte> bytes(payload);
      REQUIRE(ring.producer.append(FrameType{1}, std::vector<std::byte>(first)));
      ring.producer.publish();
      REQUIRE(ring.consumer.next());
      ring.consumer.release();
      for (std::uint64_t round = 0; round < 3 * 4096 / frame_bytes(payload) + 2; ++round) {
        for (std::size_t i = 0; i < payload; ++i)
          bytes[i] = static_cast<std::byte>(round + 3 * i);
        REQUIRE(ring.producer.append(testing::type_of(round), bytes));
        REQUIRE(!ring.consumer.next());
        ring.producer.publish();
        const auto record = ring.consumer.next();
        REQUIRE(record);
        REQUIRE(record->type == testing::type_of(round));
        REQUIRE(contents(*record) == bytes);
        REQUIRE(!ring.consumer.next());
        ring.consumer.release();
      }
    }
  }
}

TEST_CASE("records of any sizes in batches of any sizes, both sides in any order") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (const std::size_t capacity : {4096u, 8192u, 65536u}) {
    Ring ring(capacity);
    const std::size_t most = capacity / 8;
    std::uint64_t in = 0, out = 0, published = 0;
    std::vector<std::byte> copy;
    for (int step = 0; step < 200'000; ++step) {
      switch (random() % 8) {
        case 0:
          ring.producer.publish();
          published = in;
          break;
        case 1: ring.consumer.release(); break;
        case 2:
        case 3:
        case 4:
          if (testing::put(ring.producer, in, most)) ++in;
          break;
        default: {
          const auto record = ring.consumer.next();
          REQUIRE(record.has_value() == (out < published));
          if (record) REQUIRE(testing::is_record(*record, out++, most, copy));
        }
      }
    }
    CHECK(out > 10'000);
    CHECK(ring.producer.fault() == RingFault::none);
    CHECK(ring.consumer.fault() == RingFault::none);
  }
}

TEST_CASE("a header that can't be is a fault, and stays one") {
  const auto fault_of = [](std::uint64_t header, std::size_t most_payload = std::size_t{1} << 30) {
    Ring ring(4096, most_payload);
    ring.word(0) = header;
    CHECK(ring.consumer.ready());
    const bool taken = ring.consumer.next().has_value();
    const RingFault fault = ring.consumer.fault();
    CHECK(taken == (fault == RingFault::none));
    CHECK(to_sentence(fault).empty() == taken);
    if (!taken) {
      ring.word(0) = std::uint64_t{1} << 32 | 8;
      CHECK(!ring.consumer.next());
      CHECK(ring.consumer.ready());
      CHECK(ring.consumer.fault() == fault);
    }
    return fault;
  };
  constexpr std::uint64_t type = std::uint64_t{4} << 32;
  CHECK(fault_of(type | 8) == RingFault::none);
  CHECK(fault_of(type | 0) == RingFault::none);
  CHECK(fault_of(type | 4080) == RingFault::none);
  CHECK(fault_of(type | 4081) == RingFault::length);
  CHECK(fault_of(type | 4096) == RingFault::length);
  CHECK(fault_of(type | 0x7FFF'FFFF) == RingFault::length);
  CHECK(fault_of(type | 0xFFFF'FFFF) == RingFault::length);
  CHECK(fault_of(type | 100, 100) == RingFault::none);
  CHECK(fault_of(type | 101, 100) == RingFault::length);
  CHECK(fault_of(8) == RingFault::header);
  CHECK(fault_of(std::uint64_t{14} << 32) == RingFault::none);
  CHECK(fault_of(std::uint64_t{15} << 32) == RingFault::header);
  CHECK(fault_of(type | std::uint64_t{1} << 40 | 8) == RingFault::header);
  CHECK(fault_of(type | std::uint64_t{1} << 63 | 8) == RingFault::header);
  CHECK(fault_of(~std::uint64_t{0}) == RingFault::header);
}

TEST_CASE("records can't come to more than what the consumer has given back") {
  Ring ring(4096);
  constexpr std::uint64_t header = std::uint64_t{4} << 32 | 1992;
  ring.word(0) = header;
  ring.word(2000) = header;
  ring.word(4000) = header;  // has come round into the first
  CHECK(ring.consumer.next());
  CHECK(ring.consumer.next());  // releases the first
  CHECK(ring.consumer.fault() == RingFault::none);
  ring.word(0) = ring.word(4000) = header + 2200;
  CHECK(!ring.consumer.next());
  CHECK(ring.consumer.fault() == RingFault::length);
}

TEST_CASE("a cursor of the consumer that can't be is a fault of its ring") {
  const auto fault_of = [](std::uint64_t released) {
    Ring ring(4096);
    ring.producer.append(FrameType{1}, std::vector<std::byte>(992));
    ring.producer.publish();
    ring.memory->header().released = 500;
    CHECK(!ring.producer.has_room(4000));
    CHECK(ring.producer.fault() == RingFault::none);
    ring.producer.append(FrameType{1}, std::vector<std::byte>(992));  // and this one is not published
    ring.memory->header().released = released;
    const bool room = ring.producer.has_room(1000);
    CHECK(room == (ring.producer.fault() == RingFault::none));
    if (!room) {
      ring.memory->header().released = 1000;
      CHECK(ring.producer.reserve(8).data() == nullptr);
      CHECK(!ring.producer.has_room(8));
      CHECK(!ring.producer.wait_for_room(8, {Idle::park}, -1));
    }
    return ring.producer.fault();
  };
  CHECK(fault_of(500) == RingFault::none);
  CHECK(fault_of(1000) == RingFault::none);
  CHECK(fault_of(1001) == RingFault::released);
  CHECK(fault_of(2000) == RingFault::released);
  CHECK(fault_of(499) == RingFault::released);
  CHECK(fault_of(0) == RingFault::released);
  CHECK(fault_of(~std::uint64_t{0}) == RingFault::released);
  CHECK(fault_of(std::uint64_t{1} << 63) == RingFault::released);
}

TEST_CASE("whatever stands in the memory, both sides stay within it") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::uint64_t taken = 0, faults = 0;
  for (int round = 0; round < 3000; ++round) {
    Ring ring(4096, 2048);
    std::vector<std::byte> copy(4096);
    std::uint64_t number = 0;
    for (int step = 0; step < 200; ++step) {
      // The words that matter are among the first and those that look like headers; so both are hit often.
      switch (random() % 8) {
        case 0: ring.word(random() % 512 * 8) = random() >> (random() % 64); break;
        case 1: ring.word(random() % 512 * 8) = (1 + random() % 15) << 32 | random() % 3000; break;
        case 2:
          if (random() % 8 == 0) ring.memory->header().released = random() >> (random() % 64);
          break;
        case 3:
          ring.memory->header().consumer_waits = static_cast<std::uint32_t>(random());
          ring.memory->header().producer_waits = static_cast<std::uint32_t>(random());
          ring.memory->header().capacity = random();
          break;
        case 4:
        case 5:
          if (testing::put(ring.producer, number, 500)) ++number;
          ring.producer.publish();
          break;
        default:
          while (const auto record = ring.consumer.next()) {
            REQUIRE(record->payload.size() <= 2048);
            record->payload.copy_to(copy.data());  // the page behind the records is nobody's
            if (++taken % 64 == 0) break;
          }
          if (random() % 2 == 0) ring.consumer.release();
      }
      const auto room = ring.producer.reserve(random() % 4081);
      if (room.data() != nullptr) {
        REQUIRE(room.data() >= ring.memory->records());
        REQUIRE(room.data() + room.size() <= ring.memory->records() + 2 * 4096);
      }
    }
    faults += ring.consumer.fault() != RingFault::none;
    faults += ring.producer.fault() != RingFault::none;
  }
  CHECK(taken > 1000);
  CHECK(faults > 1000);
}

TEST_CASE("who waits in a poller is woken by an eventfd, once, and only if its flag is set") {
  const auto memory = testing::make_ring(4096);
  const auto wake_up = make_wake_up();
  REQUIRE(wake_up);
  const auto written = [&] {
    eventfd_t count = 0;
    return eventfd_read(wake_up->get(), &count) == 0 ? count : 0;
  };
  RingProducer producer(*memory, WakeUp{wake_up->get()});
  RingConsumer consumer(*memory, 4096, WakeUp{wake_up->get()});
  const std::vector<std::byte> payload(1000);

  producer.append(FrameType{1}, payload);
  producer.publish();
  CHECK(written() == 0);
  CHECK(consumer.next());
  consumer.begin_wait();
  wait_barrier();
  CHECK(!consumer.ready());
  producer.append(FrameType{1}, payload);
  CHECK(written() == 0);
  producer.publish();
  CHECK(written() == 1);
  producer.append(FrameType{1}, payload);
  producer.publish();
  CHECK(written() == 0);  // it is awake
  consumer.begin_wait();
  wait_barrier();
  CHECK(consumer.ready());
  consumer.end_wait();
  producer.append(FrameType{1}, payload);
  producer.publish();
  CHECK(written() == 0);

  // The other way: the producer waits for room.
  CHECK(!producer.has_room(1500));
  producer.begin_wait();
  wait_barrier();
  CHECK(!producer.has_room(1500));
  CHECK(consumer.next());
  CHECK(written() == 0);
  consumer.release();
  CHECK(written() == 1);
  CHECK(producer.has_room(1500));
  producer.end_wait();
  CHECK(consumer.next());
  consumer.release();
  CHECK(written() == 0);
}

TEST_CASE("waiting ends with its time") {
  Ring ring(4096);
  for (const Idle idle : {Idle::spin, Idle::yield, Idle::park}) {
    for (const std::int64_t timeout_ns : {0, 1, 1'000'000, 20'000'000}) {
      timespec begin, end;
      clock_gettime(CLOCK_MONOTONIC, &begin);
      CHECK(!ring.consumer.wait({idle}, timeout_ns));
      clock_gettime(CLOCK_MONOTONIC, &end);
      CHECK((end.tv_sec - begin.tv_sec) * 1'000'000'000 + end.tv_nsec - begin.tv_nsec >= timeout_ns);
    }
    CHECK(ring.producer.wait_for_room(4080, {idle}, 0));
  }
  REQUIRE(ring.producer.append(FrameType{1}, std::vector<std::byte>(2000)));
  for (const Idle idle : {Idle::spin, Idle::yield, Idle::park})
    CHECK(!ring.producer.wait_for_room(3000, {idle}, 1'000'000));
  CHECK(ring.consumer.wait({Idle::park}, 0));  // as waiting for room has published what there was
}
