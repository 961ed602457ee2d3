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

namespace {

// One side of two rings between two threads.
struct Side {
  Side(RingMemory& mine, RingMemory& other, int other_wakes_by = -1)
      : out(mine, WakeUp{other_wakes_by}), in(other, 8, WakeUp{}) {}
  void send(std::uint64_t number) {
    out.append(FrameType::heartbeat, std::as_bytes(std::span(&number, 1)));
    out.publish();
  }
  /// The number in the next record, for which it calls `wait` until that fails.
  template <class Wait>
  std::uint64_t receive(Wait wait) {
    std::uint64_t number = ~std::uint64_t{0};
    for (;;) {
      if (const auto record = in.next()) {
        record->payload.copy_to(reinterpret_cast<std::byte*>(&number), 0, sizeof number);
        break;
      }
      if (!wait()) break;
    }
    in.release();
    return number;
  }
  RingProducer out;
  RingConsumer in;
};

struct Rings {
  std::unique_ptr<RingMemory> there = testing::make_ring(4096);
  std::unique_ptr<RingMemory> back = testing::make_ring(4096);
};

// Sends numbers there and back, waiting by `wait(side)` on this side and by `other_wait(side)` on the other.
// A wait that fails ends it all. Returns how many came back right.
template <class Wait, class OtherWait>
std::uint64_t go_there_and_back(const Rings& rings, int wakes_by, Wait wait, OtherWait other_wait) {
  std::atomic<bool> end = false;
  std::thread other([&] {
    Side side(*rings.back, *rings.there, wakes_by);
    for (std::uint64_t i = 0; i < records() && !end; ++i)
      side.send(side.receive([&] { return !end && other_wait(side); }) + 1);
  });
  Side side(*rings.there, *rings.back);
  std::uint64_t right = 0;
  for (std::uint64_t i = 0; i < records() && right == i; ++i) {
    side.send(3 * i);
    right += side.receive([&] { return wait(side); }) == 3 * i + 1;
  }
  end = true;
  other.join();
  return right;
}

bool spin(const Side&) {
  __builtin_ia32_pause();
  return true;
}

}  // namespace

TEST_CASE("a record goes there and back, each side asleep until it comes") {
  const auto sleep = [](Side& side) {
    return in_time([&] { return side.in.wait({Idle::park, 0, 0}, wait_ns); });
  };
  CHECK(go_there_and_back(Rings(), -1, sleep, sleep) == records());
}

// The answer comes at about the time at which this side goes to sleep: without the barrier in its wait the
// test fails within some thousand rounds.
TEST_CASE("no wake-up is lost where the record comes just then") {
  std::mt19937_64 random(1);
  const auto almost_sleep = [&](Side& side) {
    const WaitPolicy policy{Idle::park, static_cast<std::uint32_t>(random() % 200), 0};
    return in_time([&] { return side.in.wait(policy, wait_ns); });
  };
  CHECK(go_there_and_back(Rings(), -1, almost_sleep, spin) == records());
}

TEST_CASE("nor is one by eventfd") {
  const auto wake_up = make_wake_up();
  REQUIRE(wake_up);
  std::mt19937_64 random(1);
  std::uint64_t slept = 0;
  const auto almost_sleep = [&](Side& side) {
    for (std::uint64_t i = random() % 200; i > 0 && !side.in.ready(); --i)
      __builtin_ia32_pause();
    side.in.begin_wait();
    wait_barrier();
    bool woken = true;
    if (!side.in.ready()) {
      ++slept;
      pollfd waiting{wake_up->get(), POLLIN, 0};
      woken = poll(&waiting, 1, static_cast<int>(wait_ns / 1'000'000)) == 1;
      eventfd_t written;
      eventfd_read(wake_up->get(), &written);
    }
    side.in.end_wait();
    return woken;
  };
  CHECK(go_there_and_back(Rings(), wake_up->get(), almost_sleep, spin) == records());
  CHECK(slept > 0);
}
