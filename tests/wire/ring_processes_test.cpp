// Two processes on one ring: one that is killed at any moment, one that writes anywhere, and one that a
// poller waits for. TOCSIN_RING_KILLS sets how often a process is killed.
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <doctest/doctest.h>
#include <functional>
#include <random>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "connectors/wire/ring.hpp"
#include "tests/wire/ring_support.hpp"

using namespace tocsin;
using namespace tocsin::connectors;
using namespace tocsin::connectors::wire;

namespace {

constexpr std::int64_t wait_ns = 20'000'000'000;

// A child that runs `work` until that ends or it is killed.
class Child {
 public:
  explicit Child(const std::function<void()>& work) : pid_(fork()) {
    if (pid_ == 0) {
      work();
      _exit(0);
    }
    REQUIRE(pid_ > 0);
  }
  ~Child() { kill(); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }
  /// Its exit status, or -1 where a signal ended it.
  int wait() {
    int status = 0;
    REQUIRE(waitpid(pid_, &status, 0) == pid_);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_;
};

int kills() {
  const char* const set = std::getenv("TOCSIN_RING_KILLS");
  return set != nullptr ? std::atoi(set) : 300;
}

// For processes that are made by fork() and write what doctest can't see.
std::unique_ptr<RingMemory> map_in_child(const RingMemory& memory) {
  Opened<RingMemory> mapped = RingMemory::map(Descriptor(dup(memory.fd())));
  if (!mapped) _exit(9);
  return std::move(mapped.value);
}

}  // namespace

TEST_CASE("of a producer that is killed at any moment only whole records are read") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::uint64_t read = 0, partly_filled = 0;
  for (int round = 0; round < kills(); ++round) {
    const std::size_t capacity = std::size_t{4096} << random() % 4;
    const std::size_t most = capacity / 16;  // so that the largest batch fits
    const std::uint64_t batch = 1 + random() % 8;
    const auto memory = testing::make_ring(capacity);
    Child child([&] {
      const auto mine = map_in_child(*memory);
      RingProducer producer(*mine, WakeUp{});
      for (std::uint64_t number = 0;;) {
        if (testing::put(producer, number, most)) {
          if (++number % batch == 0) producer.publish();
        } else {
          sched_yield();  // and not wait_for_room(), which publishes
        }
      }
    });
    RingConsumer consumer(*memory, most, WakeUp{});
    std::vector<std::byte> copy;
    std::uint64_t number = 0;
    const auto take = [&](std::uint64_t until) {
      while (number < until) {
        const auto record = consumer.next();
        if (!record) break;
        REQUIRE(testing::is_record(*record, number, most, copy));
        ++number;
      }
    };
    for (const std::uint64_t until = random() % 2000; number < until;) {
      REQUIRE(consumer.wait({}, wait_ns));
      take(until);
    }
    child.kill();
    take(~std::uint64_t{0});
    consumer.release();
    CHECK(consumer.fault() == RingFault::none);
    CHECK(!consumer.wait({}, 0));
    CHECK(number % batch == 0);  // a batch is seen whole, or not
    read += number;
    // Where the next record would be, its contents are often there already, without the header.
    std::size_t behind = 0;
    for (std::size_t i = 0; i < capacity; ++i)
      behind += memory->records()[i] != std::byte{0};
    partly_filled += behind != 0;
  }
  CHECK(read > 0);
  CHECK(partly_filled > 0);
}

TEST_CASE("a record that was reserved and filled, but not completed, is not to be seen") {
  for (const bool complete : {false, true}) {
    const auto memory = testing::make_ring(4096);
    const Opened<Descriptor> filled = make_wake_up();
    REQUIRE(filled);
    Child child([&] {
      const auto mine = map_in_child(*memory);
      RingProducer producer(*mine, WakeUp{});
      testing::put(producer, 0, 100);
      producer.publish();
      testing::fill(producer.reserve(1000), 1);
      if (complete) producer.complete(FrameType::events, 1000);
      eventfd_write(filled->get(), 1);
      for (;;)
        pause();
    });
    eventfd_t count;
    while (eventfd_read(filled->get(), &count) != 0)
      usleep(100);
    child.kill();
    RingConsumer consumer(*memory, 4096, WakeUp{});
    std::vector<std::byte> copy;
    const auto record = consumer.next();
    REQUIRE(record);
    CHECK(testing::is_record(*record, 0, 100, copy));
    CHECK(!consumer.next());
    CHECK(consumer.fault() == RingFault::none);
  }
}

TEST_CASE("a consumer that is killed leaves a full ring, and the producer does not hang") {
  const auto memory = testing::make_ring(4096);
  Child child([&] {
    const auto mine = map_in_child(*memory);
    RingConsumer consumer(*mine, 4096, WakeUp{});
    for (;;) {
      while (consumer.next()) {
      }
      consumer.wait({}, wait_ns);
    }
  });
  RingProducer producer(*memory, WakeUp{});
  std::uint64_t number = 0;
  while (number < 100'000) {
    if (testing::put(producer, number, 100)) {
      ++number;
    } else {
      REQUIRE(producer.wait_for_room(100, {}, wait_ns));
    }
  }
  child.kill();
  while (testing::put(producer, number, 100))
    ++number;
  producer.publish();
  for (const Idle idle : {Idle::spin, Idle::yield, Idle::park})
    CHECK(!producer.wait_for_room(4080, {idle}, 5'000'000));
  CHECK(producer.fault() == RingFault::none);
}

TEST_CASE("a process that writes anything anywhere harms nobody else") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  const auto in = testing::make_ring(4096);
  const auto out = testing::make_ring(4096);
  const auto wake_up = make_wake_up();
  REQUIRE(wake_up);
  Child child([&] {
    const auto in_peer = map_in_child(*in);
    const auto out_peer = map_in_child(*out);
    std::mt19937_64 random(seed);
    for (;;) {
      RingMemory& memory = random() % 2 == 0 ? *in_peer : *out_peer;
      auto* const words = reinterpret_cast<std::atomic<std::uint64_t>*>(&memory.header());
      const std::size_t records_at = ring_header_bytes / 8;
      const std::size_t place = random() % 8 == 0 ? random() % 64 : records_at + random() % 512;
      const bool as_header = random() % 32 != 0;
      words[place].store(as_header ? (1 + random() % 14) << 32 | random() % 600 : random() >> (random() % 64),
                         std::memory_order_relaxed);
      if (random() % 64 == 0) eventfd_write(wake_up->get(), 1);
    }
  });
  std::vector<std::byte> copy(4096);
  std::uint64_t taken = 0, put = 0, faults = 0;
  for (int round = 0; round < 1000; ++round) {
    std::memset(in->records(), 0, in->capacity());
    std::memset(out->records(), 0, out->capacity());
    RingConsumer consumer(*in, 2048, WakeUp{wake_up->get()});
    RingProducer producer(*out, WakeUp{});
    for (int step = 0; step < 200; ++step) {
      if (const auto record = consumer.next()) {
        REQUIRE(record->payload.size() <= 2048);
        record->payload.copy_to(copy.data());
        ++taken;
      } else {
        consumer.wait({Idle::park, 10, 1}, 20'000);
      }
      if (testing::put(producer, 1, 300)) ++put;
      producer.publish();
      if (step % 16 == 0) producer.wait_for_room(300, {Idle::park, 10, 1}, 20'000);
      if (consumer.fault() != RingFault::none && producer.fault() != RingFault::none) break;
    }
    faults += consumer.fault() != RingFault::none;
    faults += producer.fault() != RingFault::none;
  }
  CHECK(taken > 0);
  CHECK(put > 0);
  CHECK(faults > 0);
}

TEST_CASE("a poller waits for the ring of another process, which got it over a socket") {
  constexpr std::uint64_t count = 100'000;
  int sockets[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
  Child child([&] {
    std::byte byte;
    std::vector<Descriptor> came;
    if (receive_with_descriptors(sockets[1], {&byte, 1}, came) != 1 || came.size() != 2) _exit(1);
    const Opened<RingMemory> memory = RingMemory::map(std::move(came[0]));
    if (!memory) _exit(2);
    RingProducer producer(*memory, WakeUp{came[1].get()});
    for (std::uint64_t number = 0; number < count;) {
      if (testing::put(producer, number, 500)) {
        if (++number % 16 == 0) producer.publish();
        if (number % 1024 == 0) usleep(50);
      } else if (!producer.wait_for_room(500, {}, wait_ns)) {
        _exit(3);
      }
    }
    producer.publish();
  });
  const auto memory = testing::make_ring(16384);
  const auto wake_up = make_wake_up();
  REQUIRE(wake_up);
  const std::byte byte{1};
  const std::array fds{memory->fd(), wake_up->get()};
  REQUIRE(send_with_descriptors(sockets[0], {&byte, 1}, fds) == 1);

  // As a server does it, and without ever reading the eventfd.
  const Descriptor poller(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{EPOLLIN | EPOLLET, {}};
  REQUIRE(epoll_ctl(poller.get(), EPOLL_CTL_ADD, wake_up->get(), &event) == 0);
  RingConsumer consumer(*memory, 500, WakeUp{});
  std::vector<std::byte> copy;
  std::uint64_t number = 0, slept = 0, lost = 0;
  while (number < count && lost == 0) {
    if (const auto record = consumer.next()) {
      REQUIRE(testing::is_record(*record, number, 500, copy));
      ++number;
      continue;
    }
    consumer.begin_wait();
    wait_barrier();
    if (!consumer.ready()) {
      ++slept;
      if (epoll_wait(poller.get(), &event, 1, static_cast<int>(wait_ns / 1'000'000)) == 0) ++lost;
    }
    consumer.end_wait();
  }
  CHECK(lost == 0);
  CHECK(slept > 0);
  CHECK(child.wait() == 0);
  close(sockets[0]);
  close(sockets[1]);
}
