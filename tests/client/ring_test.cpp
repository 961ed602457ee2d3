// Events and matches through rings with the real server.

#include <chrono>
#include <ctime>
#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <tocsin.hpp>
#include <vector>

#include "tests/client/service.hpp"
#include "tests/client/support.hpp"

namespace tocsin::client::test {

using wire::FrameType;

namespace {

using Clock = std::chrono::steady_clock;

std::chrono::milliseconds since(Clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
}

/// A client with rings that is connected.
struct RingPayments : Payments {
  explicit RingPayments(RunningService& service, std::uint64_t bytes = 65'536,
                        tocsin_idle idle = TOCSIN_SLEEP) {
    REQUIRE(tocsin_use_ring(client, bytes, idle) == TOCSIN_OK);
    REQUIRE_MESSAGE(tocsin_connect(client, service.unix_address().c_str()) == TOCSIN_OK, error());
  }
};

std::string emitted_card(const tocsin_match* match) {
  const tocsin_value card = tocsin_event_get(tocsin_match_emitted(match), "card");
  return {card.text, card.size};
}

}  // namespace

TEST_CASE("ring: events go out by one ring, matches come by the other") {
  if (!can_have_rings()) return;
  for (const tocsin_idle idle : {TOCSIN_SLEEP, TOCSIN_YIELD, TOCSIN_SPIN}) {
    RunningService service;
    RingPayments payments(service, 65'536, idle);
    CHECK(service.with([](auto& of) { return of.server.counters().ring_clients; }) == 1);
    tocsin_subscription all{};
    all.with_events = 1;
    REQUIRE(tocsin_subscribe(payments.client, &all) == TOCSIN_OK);
    CHECK(payments.send("A", 1, 1) == TOCSIN_OK);
    CHECK(payments.send("B", 500, 2) == TOCSIN_OK);
    CHECK(tocsin_watermark(payments.client, 7) == TOCSIN_OK);
    CHECK(payments.send("C", 600, 8) == TOCSIN_OK);
    REQUIRE(tocsin_wait_acknowledged(payments.client, 10'000) == TOCSIN_OK);
    const tocsin_match* match = nullptr;
    REQUIRE(tocsin_poll(payments.client, 10'000, &match) == TOCSIN_OK);
    CHECK(std::string(tocsin_match_rule(match)) == "big");
    CHECK(emitted_card(match) == "B");
    REQUIRE(tocsin_match_event(match, 0) != nullptr);
    CHECK(tocsin_event_get(tocsin_match_event(match, 0), "amount").number == 500);
    CHECK(tocsin_close(payments.client) == TOCSIN_OK);
    REQUIRE(tocsin_poll(payments.client, 0, &match) == TOCSIN_OK);  // what came before the end is given
    CHECK(emitted_card(match) == "C");
    CHECK(tocsin_poll(payments.client, 0, &match) == TOCSIN_CLOSED);
    CHECK(payments.counts().acknowledged == 3);
    CHECK(payments.counts().matches == 2);
    service.stop();
    CHECK(service.with([](auto& of) { return of.engine.log; }) ==
          std::vector<std::string>{"open 0 test", "advance 0 7", "close 0"});
  }
}

TEST_CASE("ring: many times round, with rings of any size, and both full now and then") {
  if (!can_have_rings()) return;
  for (const std::uint64_t bytes : {4096, 16'384, 1 << 20}) {
    RunningService service;
    RingPayments payments(service, bytes);
    tocsin_subscription all{};
    all.policy = TOCSIN_BLOCK;
    all.queue_bytes = 4096;
    REQUIRE(tocsin_subscribe(payments.client, &all) == TOCSIN_OK);
    constexpr int count = 30'000;  // some 2 MB
    int got = 0;
    const auto take = [&](int timeout_ms) {
      const tocsin_match* match = nullptr;
      const tocsin_status status = tocsin_poll(payments.client, timeout_ms, &match);
      if (status == TOCSIN_OK) {
        REQUIRE(emitted_card(match) == std::string(static_cast<std::size_t>(got % 40), 'x'));
        ++got;
      }
      return status;
    };
    for (int i = 0; i < count; ++i) {
      REQUIRE(payments.send(std::string(static_cast<std::size_t>(i % 40), 'x'), 500, i) == TOCSIN_OK);
      if (i % 1000 == 0) {
        while (take(0) == TOCSIN_OK) {
        }
      }
    }
    while (got < count)
      REQUIRE(take(10'000) == TOCSIN_OK);
    CHECK(payments.counts().dropped == 0);
    CHECK(tocsin_close(payments.client) == TOCSIN_OK);
    CHECK(payments.counts().acknowledged == count);
    CHECK(service.taken() == count);
  }
}

TEST_CASE("ring: a slow server fills the ring, and the client waits until it goes on") {
  if (!can_have_rings()) return;
  RunningService service;
  RingPayments payments(service, 4096);
  service.pause();
  for (int i = 0; i < 500; ++i)
    REQUIRE(payments.send("4711", 1, i) == TOCSIN_OK);
  CHECK(tocsin_flush(payments.client, 50) == TOCSIN_TIMEOUT);
  CHECK(payments.counts().sent > 10);
  CHECK(payments.counts().sent < 100);
  tocsin_set_timeout(payments.client, 50);
  CHECK(tocsin_watermark(payments.client, 7) == TOCSIN_TIMEOUT);
  tocsin_set_timeout(payments.client, 10'000);
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // it sleeps by then, most likely
    service.resume();
  });
  CHECK(tocsin_flush(payments.client, 10'000) == TOCSIN_OK);
  CHECK(tocsin_wait_acknowledged(payments.client, 10'000) == TOCSIN_OK);
  later.join();
  CHECK(service.taken() == 500);
  CHECK(payments.send(std::string(5000, 'x'), 1, 1) == TOCSIN_INVALID);
  CHECK(payments.error() == "the event is larger than the ring");
}

TEST_CASE("ring: a client that sleeps is woken by a match, and uses no processor meanwhile") {
  if (!can_have_rings()) return;
  RunningService service;
  RingPayments payments(service);
  REQUIRE(tocsin_subscribe(payments.client, nullptr) == TOCSIN_OK);
  for (int i = 0; i < 5; ++i) {
    std::thread later([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      service.with([](auto& of) { of.engine.report("A"); });
    });
    timespec before{}, after{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    const auto begin = Clock::now();
    const tocsin_match* match = nullptr;
    CHECK(tocsin_poll(payments.client, 20'000, &match) == TOCSIN_OK);
    CHECK(since(begin).count() < 10'000);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    CHECK((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1'000'000 < 50);
    later.join();
  }
}

TEST_CASE("ring: heartbeats keep a silent client alive") {
  if (!can_have_rings()) return;
  connectors::net::ServerOptions options;
  options.limits.idle_timeout_ns = 300'000'000;
  RunningService service(options);
  RingPayments payments(service);
  const tocsin_match* match = nullptr;
  CHECK(tocsin_poll(payments.client, 1000, &match) == TOCSIN_TIMEOUT);
  CHECK(payments.send("A", 1, 1) == TOCSIN_OK);
  CHECK(tocsin_close(payments.client) == TOCSIN_OK);
}

TEST_CASE("ring: a client whose full ring is not read for long keeps its connection") {
  if (!can_have_rings()) return;
  connectors::net::ServerOptions options;
  options.limits.idle_timeout_ns = 300'000'000;
  RunningService service(options);
  RingPayments payments(service, 4096);
  // A subscriber with the policy block that is alive and does not read its matches.
  auto blocker = connectors::net::test::connect_to(service.unix_socket());
  wire::FrameBuffer frames;
  frames.append(FrameType::hello, wire::to_json(wire::Hello{}));
  frames.append(FrameType::subscribe,
                wire::to_json(wire::Subscribe{.policy = wire::Policy::block, .queue_bytes = 4096}));
  ::send(blocker.get(), wire::preface.data(), wire::preface.size(), MSG_NOSIGNAL);
  ::send(blocker.get(), frames.bytes().data(), frames.size(), MSG_NOSIGNAL);
  service.with([](auto& of) {
    of.until([&] { return of.server.connections().size() == 2 && of.server.connections()[1].subscribed; });
    while (!of.server.is_blocked()) {
      of.engine.report("A");
      of.rounds(1);
    }
  });
  std::thread later([&] {
    frames.clear();
    wire::append(frames, wire::Heartbeat{});
    for (int i = 0; i < 20; ++i) {
      ::send(blocker.get(), frames.bytes().data(), frames.size(), MSG_NOSIGNAL);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    blocker = {};
  });
  for (int i = 0; i < 500; ++i)
    REQUIRE(payments.send("4711", 1, i) == TOCSIN_OK);
  CHECK(tocsin_flush(payments.client, 0) == TOCSIN_TIMEOUT);
  const auto begin = Clock::now();
  CHECK(tocsin_wait_acknowledged(payments.client, 10'000) == TOCSIN_OK);
  CHECK(since(begin).count() > 500);
  later.join();
}

TEST_CASE("ring: a server that stops ends it, and what came before is given") {
  if (!can_have_rings()) return;
  RunningService service;
  RingPayments payments(service);
  REQUIRE(tocsin_subscribe(payments.client, nullptr) == TOCSIN_OK);
  for (int i = 0; i < 100; ++i)
    REQUIRE(payments.send("A", 500, i) == TOCSIN_OK);
  REQUIRE(tocsin_wait_acknowledged(payments.client, 10'000) == TOCSIN_OK);
  service.with([](auto& of) { of.server.finish(); });
  const tocsin_match* match = nullptr;
  for (int i = 0; i < 100; ++i)
    REQUIRE(tocsin_poll(payments.client, 10'000, &match) == TOCSIN_OK);
  CHECK(tocsin_poll(payments.client, 10'000, &match) == TOCSIN_CLOSED);
  CHECK(payments.code() == "shutdown");
  CHECK(payments.send("A", 1, 1) == TOCSIN_CLOSED);
}

TEST_CASE("ring: a server that dies is noticed, whatever the client waits for") {
  if (!can_have_rings()) return;
  for (const bool full : {false, true}) {
    for (const tocsin_idle idle : {TOCSIN_SLEEP, TOCSIN_SPIN}) {
      auto service = std::make_unique<RunningService>();
      RingPayments payments(*service, 4096, idle);
      service->pause();
      for (int i = 0; full && i < 500; ++i)
        REQUIRE(payments.send("4711", 1, i) == TOCSIN_OK);
      std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        service.reset();  // without a word
      });
      const auto begin = Clock::now();
      const tocsin_match* match = nullptr;
      const tocsin_status status = full ? tocsin_wait_acknowledged(payments.client, 20'000)
                                        : tocsin_poll(payments.client, 20'000, &match);
      later.join();
      CHECK(status == TOCSIN_BROKEN);
      CHECK(since(begin).count() < 10'000);
    }
  }
}

TEST_CASE("ring: what the server refuses, and where there can be none") {
  Payments over_tcp;
  REQUIRE(tocsin_use_ring(over_tcp.client, 0, TOCSIN_SLEEP) == TOCSIN_OK);
  CHECK(tocsin_connect(over_tcp.client, "tcp:127.0.0.1:1") == TOCSIN_INVALID);
  CHECK(over_tcp.error() == "a ring needs a Unix socket, unix:PATH, and not tcp:127.0.0.1:1");
  CHECK(tocsin_use_ring(over_tcp.client, 0, static_cast<tocsin_idle>(3)) == TOCSIN_INVALID);
  if (!can_have_rings()) return;
  connectors::net::ServerOptions options;
  options.limits.max_ring_bytes = 1 << 20;
  RunningService service(options);
  Payments payments;
  REQUIRE(tocsin_use_ring(payments.client, 2 << 20, TOCSIN_SLEEP) == TOCSIN_OK);
  CHECK(tocsin_connect(payments.client, service.unix_address().c_str()) == TOCSIN_REFUSED);
  CHECK(payments.code() == "limit");
  CHECK(payments.error() == "a ring of 2097152 bytes was asked for; 1048576 are the most");
  RingPayments other(service, 0);  // the server's own choice
  CHECK(tocsin_use_ring(other.client, 0, TOCSIN_SLEEP) == TOCSIN_INVALID);
  CHECK(other.send("A", 1, 1) == TOCSIN_OK);
  CHECK(tocsin_close(other.client) == TOCSIN_OK);
}

TEST_CASE("ring: the C++ face") {
  if (!can_have_rings()) return;
  RunningService service;
  Client client("c++");
  client.use_ring(4096, TOCSIN_YIELD);
  const Type payment = client.declare("Payment");
  const Field card = client.field(payment, "card", "string");
  const Field amount = client.field(payment, "amount", "float");
  const Field at = client.field(payment, "at", "time");
  client.connect(service.unix_address());
  client.subscribe();
  client.begin(payment).set(card, "4711").set(amount, 500.0).set(at, 7).commit();
  CHECK(client.wait_acknowledged());
  const auto match = client.poll(10'000);
  REQUIRE(match);
  CHECK((*match->emitted())["card"].text() == "4711");
  client.close();
}

}  // namespace tocsin::client::test
