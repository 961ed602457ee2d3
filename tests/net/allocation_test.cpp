// No allocation per event on the way from a socket to the engine, once the buffers have grown.
#include <cstddef>
#include <doctest/doctest.h>
#include <optional>

#include "tests/allocations.hpp"
#include "tests/net/support.hpp"

namespace tocsin::connectors::net::test {

TEST_CASE("events over frames and lines, and their ACKs, allocate nothing once the buffers have grown") {
  Service service;
  service.engine.keep_events = false;
  Producer frames(service, service.tcp());
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
    const std::size_t before = tocsin::test::allocations();
    while (service.engine.taken < expected)
      service.server.run_once(0);
    if (i >= 10) in_rounds += tocsin::test::allocations() - before;
  }
  CHECK(in_rounds == 0);
}

TEST_CASE("a match allocates nothing on its way to its subscribers") {
  Service service;
  Producer frames(service, service.tcp());
  frames.subscribe({.with_events = true});
  Client lines(service, service.tcp());
  lines.send("{\"subscribe\":{}}\n");
  lines.line();
  model::MatchView match;
  std::size_t counted_in = 0;
  for (int i = 0; i < 100; ++i) {
    const std::size_t before = tocsin::test::allocations();
    service.hub.on_match(match);
    service.server.run_once(0);
    if (i >= 10) counted_in += tocsin::test::allocations() - before;
    frames.match_card();
    lines.line();
  }
  CHECK(counted_in == 0);
}

}  // namespace tocsin::connectors::net::test
