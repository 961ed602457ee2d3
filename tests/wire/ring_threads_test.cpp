// Two threads on one ring: what is written is what is read, and nobody sleeps on when there is something to
// do. TOCSIN_RING_RECORDS sets how many records each case moves.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <doctest/doctest.h>
#include <poll.h>
#include <random>
#include <sys/eventfd.h>
#include <thread>
#include <vector>

#include "connectors/wire/ring.hpp"
#include "tests/wire/ring_support.hpp"

using namespace tocsin;
using namespace tocsin::connectors;
using namespace tocsin::connectors::wire;

namespace {

std::uint64_t records() {
  const char* const set = std::getenv("TOCSIN_RING_RECORDS");
  return set != nullptr ? std::strtoull(set, nullptr, 10) : 100'000;
}

constexpr std::int64_t wait_ns = 20'000'000'000;  // nobody waits so long but for a wake-up that was lost

// Calls `wait` and says whether it took less than that.
template <class Wait>
bool in_time(Wait wait) {
  const auto begin = std::chrono::steady_clock::now();
  return wait() && std::chrono::steady_clock::now() - begin < std::chrono::nanoseconds(wait_ns / 2);
}

// Moves records through the ring with both sides waiting by `policy`. Returns how many came as they were.
std::uint64_t move_records(std::size_t capacity, std::size_t most_payload, WaitPolicy policy,
                           std::uint64_t count) {
  const auto memory = testing::make_ring(capacity);
  const auto peer = testing::map_again(*memory);
  std::atomic<bool> late = false;
  std::thread producing([&] {
    std::mt19937_64 random(1);
    RingProducer producer(*memory, WakeUp{});
    for (std::uint64_t number = 0; number < count && !late;) {
      if (testing::put(producer, number, most_payload)) {
        ++number;
        if (random() % 4 == 0) producer.publish();
      } else if (!in_time([&] { return producer.wait_for_room(most_payload, policy, wait_ns); })) {
        late = true;
      }
    }
    producer.publish();
  });
  RingConsumer consumer(*peer, most_payload, WakeUp{});
  std::vector<std::byte> copy;
  std::uint64_t right = 0;
  for (std::uint64_t number = 0; number < count && !late;) {
    if (const auto record = consumer.next()) {
      right += testing::is_record(*record, number++, most_payload, copy);
    } else if (!in_time([&] { return consumer.wait(policy, wait_ns); })) {
      late = true;
    }
  }
  producing.join();
  CHECK(!late);
  CHECK(consumer.fault() == RingFault::none);
  return right;
}

}  // namespace

TEST_CASE("records go from thread to thread as they were written") {
  for (const Idle idle : {Idle::spin, Idle::yield, Idle::park}) {
    CHECK(move_records(1 << 16, 300, {idle}, 3 * records()) == 3 * records());
    CHECK(move_records(4096, 1000, {idle}, records()) == records());
  }
}

TEST_CASE("no wake-up is lost where both sides sleep at once") {
  // Two or three records fill the ring, so that each side sleeps for the other all the time.
  CHECK(move_records(4096, 2000, {Idle::park, 0, 0}, records()) == records());
  CHECK(move_records(4096, 4080, {Idle::park, 0, 0}, records()) == records());
  CHECK(move_records(4096, 4080, {Idle::park, 20, 0}, records()) == records());
}

TEST_CASE("a record goes there and back, each side asleep until it comes") {
  for (const std::uint32_t spins : {0u, 7u, 30u}) {
    const WaitPolicy policy{Idle::park, spins, 0};
    std::atomic<bool> late = false;
    const std::uint64_t count = records();
    // Returns the number in the next record, which it waits for.
    const auto receive = [&](RingConsumer& in) {
      std::uint64_t number = ~std::uint64_t{0};
      while (!late) {
        if (const auto record = in.next()) {
          record->payload.copy_to(reinterpret_cast<std::byte*>(&number), 0, sizeof number);
          break;
        }
        if (!in_time([&] { return in.wait(policy, wait_ns); })) late = true;
      }
      in.release();
      return number;
    };
    const auto send = [](RingProducer& out, std::uint64_t number) {
      out.append(FrameType::heartbeat, std::as_bytes(std::span(&number, 1)));
      out.publish();
    };
    const auto there = testing::make_ring(4096);
    const auto back = testing::make_ring(4096);
    std::thread other([&] {
      RingConsumer in(*there, 8, WakeUp{});
      RingProducer out(*back, WakeUp{});
      for (std::uint64_t i = 0; i < count && !late; ++i)
        send(out, receive(in) + 1);
    });
    RingProducer out(*there, WakeUp{});
    RingConsumer in(*back, 8, WakeUp{});
    std::uint64_t right = 0;
    for (std::uint64_t i = 0; i < count && !late; ++i) {
      send(out, 3 * i);
      right += receive(in) == 3 * i + 1;
    }
    other.join();
    CHECK(!late);
    CHECK(right == count);
  }
}

TEST_CASE("no wake-up by eventfd is lost") {
  const auto memory = testing::make_ring(4096);
  const auto wake_up = make_wake_up();
  REQUIRE(wake_up);
  const std::uint64_t count = records();
  std::thread producing([&] {
    RingProducer producer(*memory, WakeUp{wake_up->get()});
    for (std::uint64_t number = 0; number < count;) {
      if (testing::put(producer, number, 500)) {
        ++number;
        producer.publish();
        // Now and then it stays away until the consumer sleeps, or is about to.
        for (std::uint64_t i = hash_mix(number) % 64; i > 0 && number % 4 == 0; --i)
          __builtin_ia32_pause();
      } else {
        std::this_thread::yield();
      }
    }
  });
  RingConsumer consumer(*memory, 500, WakeUp{});
  std::vector<std::byte> copy;
  std::uint64_t right = 0, slept = 0, lost = 0;
  for (std::uint64_t number = 0; number < count;) {
    if (const auto record = consumer.next()) {
      right += testing::is_record(*record, number++, 500, copy);
      continue;
    }
    consumer.begin_wait();
    wait_barrier();
    if (!consumer.ready()) {
      ++slept;
      pollfd waiting{wake_up->get(), POLLIN, 0};
      if (poll(&waiting, 1, static_cast<int>(wait_ns / 1'000'000)) != 1) ++lost;
      eventfd_t written;
      eventfd_read(wake_up->get(), &written);
    }
    consumer.end_wait();
  }
  producing.join();
  CHECK(right == count);
  CHECK(lost == 0);
  CHECK(slept > 0);
}
