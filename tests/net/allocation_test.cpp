// No allocation per event on the way from a socket to the engine, once the buffers have grown. This file
// replaces operator new for the whole test binary, to count.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <doctest/doctest.h>
#include <new>
#include <optional>

#include "tests/net/support.hpp"

namespace {

std::atomic<std::size_t> allocations{0};

void* counted(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size > 0 ? size : 1);
}
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
  return operator new(size, tag);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}

namespace tocsin::connectors::net::test {

TEST_CASE("events over frames and lines, and their ACKs, allocate nothing once the buffers have grown") {
  Service service;
  service.engine.keep_events = false;
  Client frames(service, service.tcp());
  frames.hello(payments_hello());
  frames.welcome();
  Client lines(service, service.tcp());
  const std::string line = payment_line("A", 1);
  std::vector<wire::FrameBuffer> batches(30);
  for (std::size_t i = 0; i < batches.size(); ++i)
    append_payments(batches[i], 1 + 10 * i, std::vector<std::pair<std::string, double>>(10, {"A card", 1.0}));
  std::size_t in_rounds = 0;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    frames.send(batches[i]);
    lines.send(line);
    const std::uint64_t expected = service.engine.taken + 11;
    const std::size_t before = allocations.load();
    while (service.engine.taken < expected)
      service.server.run_once(0);
    if (i >= 10) in_rounds += allocations.load() - before;
  }
  CHECK(in_rounds == 0);
}

TEST_CASE("a match allocates nothing on its way to its subscribers") {
  Service service;
  Client frames(service, service.tcp());
  frames.hello(payments_hello());
  frames.welcome();
  frames.subscribe({.with_events = true});
  Client lines(service, service.tcp());
  lines.send("{\"subscribe\":{}}\n");
  lines.line();
  model::MatchView match;
  std::size_t counted_in = 0;
  for (int i = 0; i < 100; ++i) {
    const std::size_t before = allocations.load();
    service.hub.on_match(match);
    service.server.run_once(0);
    if (i >= 10) counted_in += allocations.load() - before;
    frames.match_card();
    lines.line();
  }
  CHECK(counted_in == 0);
}

}  // namespace tocsin::connectors::net::test
