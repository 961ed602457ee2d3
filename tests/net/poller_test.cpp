// Edges, timers, and other threads' wake-ups.
#include "connectors/net/poller.hpp"

#include <doctest/doctest.h>
#include <functional>
#include <memory>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <vector>

namespace tocsin::connectors::net::test {

namespace {

struct Pair {
  Pair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    here = Descriptor(fds[0]);
    there = Descriptor(fds[1]);
  }
  void say() { REQUIRE(::send(there.get(), "x", 1, 0) == 1); }
  Descriptor here, there;
};

struct Counting final : Pollable {
  void on_ready(std::uint32_t what) override {
    ++calls;
    events |= what;
    if (then) then();
  }
  int calls = 0;
  std::uint32_t events = 0;
  std::function<void()> then;
};

struct Noting final : Timer {
  Noting(Poller& poller, std::vector<int>& all, int number) : Timer(poller), log(all), name(number) {}
  void on_time() override { log.push_back(name); }
  std::vector<int>& log;
  int name;
};

}  // namespace

TEST_CASE("an edge is told once") {
  Poller poller;
  Pair pair;
  Counting handler;
  REQUIRE(poller.add(pair.here.get(), handler));
  poller.poll(0);
  CHECK((handler.events & EPOLLOUT) != 0);
  pair.say();
  handler.calls = 0;
  poller.poll(-1);
  CHECK(handler.calls == 1);
  CHECK((handler.events & EPOLLIN) != 0);
  CHECK(poller.poll(0) == 0);
  poller.remove(pair.here.get(), handler);
  pair.say();
  CHECK(poller.poll(0) == 0);
}

TEST_CASE("who is removed in a round is not called any more in it") {
  Poller poller;
  Pair one, two;
  Counting first, second;
  REQUIRE(poller.add(one.here.get(), first));
  REQUIRE(poller.add(two.here.get(), second));
  first.then = [&] { poller.remove(two.here.get(), second); };
  second.then = [&] { poller.remove(one.here.get(), first); };
  poller.poll(0);
  CHECK(first.calls + second.calls == 1);
  first.then = second.then = nullptr;
  poller.remove(one.here.get(), first);
  poller.remove(two.here.get(), second);
}

TEST_CASE("timers fire in order of time, once, and not when cancelled or gone") {
  Poller poller;
  std::vector<int> log;
  Noting a(poller, log, 1), b(poller, log, 2), c(poller, log, 3);
  auto d = std::make_unique<Noting>(poller, log, 4);
  const std::int64_t now = steady_now_ns();
  a.set(now + 3'000'000);
  b.set(now + 1'000'000);
  c.set(now + 2'000'000);
  d->set(now + 1'000'000);
  c.cancel();
  d.reset();
  a.set(now + 2'000'000);
  while (log.size() < 2)
    poller.poll(-1);
  CHECK(log == std::vector<int>{2, 1});
  CHECK(steady_now_ns() >= now + 2'000'000);
  CHECK(!a.is_set());
  CHECK(poller.poll(0) == 0);
}

TEST_CASE("a timeout ends the wait") {
  Poller poller;
  const std::int64_t now = steady_now_ns();
  CHECK(poller.poll(2'000'000) == 0);
  CHECK(steady_now_ns() - now >= 2'000'000);
}

TEST_CASE("edges that are asked for at intervals wait for the next one, timers do not") {
  Poller poller;
  Pair pair;
  Counting handler;
  REQUIRE(poller.add(pair.here.get(), handler));
  poller.poll(0);
  handler.calls = 0;
  pair.say();
  constexpr std::int64_t hour_ns = 3'600'000'000'000;
  std::vector<int> log;
  Noting timer(poller, log, 1);
  timer.set(1);  // long past
  const std::int64_t before_ns = poller.now_ns();
  CHECK(poller.poll_every(hour_ns) == 1);
  CHECK(log.size() == 1);
  CHECK(handler.calls == 0);
  CHECK(poller.now_ns() > before_ns);
  CHECK(poller.poll_every(0) == 1);
  CHECK(handler.calls == 1);
}

TEST_CASE("another thread wakes the poller, and no wake-up is lost") {
  Poller poller;
  Wake wake(poller);
  constexpr int rounds = 2000;
  std::atomic<int> said = 0;
  std::thread other([&] {
    for (int i = 0; i < rounds; ++i) {
      said.fetch_add(1);
      wake.notify();
    }
  });
  int seen = 0;
  while (seen < rounds) {
    poller.poll(-1);  // hangs where one is lost
    wake.clear();
    seen = said.load();
  }
  other.join();
  CHECK(seen == rounds);
}

}  // namespace tocsin::connectors::net::test
