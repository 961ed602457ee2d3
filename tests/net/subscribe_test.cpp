// Matches to subscribers: who gets which, in what order, and what becomes of those who read slowly.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/net/support.hpp"

namespace tocsin::connectors::net::test {

using wire::FrameType;
using wire::Policy;

namespace {

/// What a client that has stopped sending still gets: matches and drops, up to the end or BYE.
struct Rest {
  std::uint64_t matches = 0;
  std::uint64_t last = 0;  // number of the last match
  std::uint64_t dropped = 0;
  std::string bye;
};

void count(Rest& rest, const ReceivedFrame& frame) {
  wire::Match match;
  std::string error;
  switch (frame.type) {
    case FrameType::match:
      REQUIRE(wire::read_match(frame.payload(), match, error));
      CHECK(match.head.sent > rest.last);
      rest.last = match.head.sent;
      ++rest.matches;
      break;
    case FrameType::dropped: rest.dropped = frame.as<wire::Dropped>().matches; break;
    case FrameType::bye: rest.bye = wire::parse_bye(frame.text())->code; break;
    default: FAIL(wire::name_of(frame.type));
  }
}

}  // namespace

TEST_CASE("a match comes in the round that takes its event") {
  Service service;
  Reader all(service, {});
  Producer sender(service, service.tcp());
  sender.send_payments(1, {{"A", 1}, {"B", 500}, {"C", -1}});
  CHECK(all.client.match_card() == "B");
  CHECK(all.client.match_card() == "");
  const Counters counters = service.server.counters();
  CHECK(counters.subscribers == 1);
  CHECK(counters.matches_out == 2);
}

TEST_CASE("subscriptions choose by rule and by emitted type") {
  Service service;
  Reader big(service, {.rules = {{"big"}}});
  Reader other(service, {.rules = {{"other"}}});
  Reader alerts(service, {.types = {{"Alert"}}});
  Reader neither(service, {.rules = {{"other"}}, .types = {{"Alert"}}});
  REQUIRE(big.subscribed.rules.size() == 1);
  CHECK(big.subscribed.rules[0].name == "big");
  CHECK(big.subscribed.rules[0].emits == "Alert");
  CHECK(big.subscribed.types.size() == 1);
  CHECK(neither.subscribed.rules.empty());
  Client sender(service, service.tcp());
  sender.send(payment_line("A", -1) + payment_line("B", 500) + payment_line("C", -1));
  CHECK(big.client.match_card() == "B");
  CHECK(alerts.client.match_card() == "B");
  CHECK(other.client.match_card() == "");
  CHECK(other.client.match_card() == "");
  service.rounds(5);
  for (Reader* reader : {&big, &alerts, &other, &neither})
    CHECK(!reader->client.receive());
}

TEST_CASE("events come with the match where they are asked for, and the types that read them") {
  Service service;
  Reader reader(service, {.with_events = true});
  CHECK(reader.subscribed.types.size() == 2);
  service.engine.report("A");
  const ReceivedFrame frame = reader.client.expect(FrameType::match);
  wire::Match match;
  std::string error;
  REQUIRE(wire::read_match(frame.payload(), match, error));
  REQUIRE(match.events.size() == 1);
  CHECK(match.events[0].load_text((*rules()->catalog)[0].fields[0].slot) == "A");
}

TEST_CASE("a wish for what is not there is refused with its name") {
  Service service;
  const auto bye = [&](const wire::Subscribe& wishes) {
    Client client(service, service.tcp());
    client.hello(reader_hello());
    client.welcome();
    client.send_frame(FrameType::subscribe, wire::to_json(wishes));
    const wire::Bye said = client.bye();
    return said.code + ": " + said.message;
  };
  CHECK(bye({.rules = {{"big", "bigger"}}}) == "schema: there is no rule 'bigger'");
  CHECK(bye({.types = {{"Payment"}}}) == "schema: no rule emits 'Payment'");
  CHECK(bye({.queue_bytes = std::uint64_t{1} << 40}).starts_with("limit: a queue of"));
  CHECK(service.server.counters().subscribers == 0);
}

TEST_CASE("a second subscription takes the place of the first") {
  Service service;
  Reader reader(service, {.rules = {{"big"}}});
  reader.client.subscribe({.rules = {{"other"}}});
  Client sender(service, service.tcp());
  sender.send(payment_line("A", 500) + payment_line("B", -1));
  CHECK(reader.client.match_card() == "");
  CHECK(service.server.counters().subscribers == 1);
}

TEST_CASE("drop_oldest: detection goes on, the newest matches are kept, the loss is told") {
  Service service;
  Reader slow(service, {.policy = Policy::drop_oldest, .queue_bytes = 10'000});
  Reader fast(service, {});
  std::uint64_t reported = 0;
  Rest read_by_fast;
  while (service.server.connections().at(0).dropped < 1000) {
    REQUIRE(reported < 1'000'000);
    for (int i = 0; i < 20; ++i)
      service.engine.report(fmt::format("{:06}", ++reported));
    service.rounds(2);
    CHECK(service.server.connections().at(0).queued_bytes <= 10'000);
    for (int i = 0; i < 20; ++i)
      count(read_by_fast, fast.client.expect(FrameType::match));
  }
  CHECK(read_by_fast.matches == reported);
  Rest rest;
  while (rest.last < reported)
    count(rest, *slow.client.next());
  CHECK(rest.dropped >= 1000);
  CHECK(rest.matches + rest.dropped == reported);
  CHECK(service.server.counters().matches_dropped == rest.dropped);
}

TEST_CASE("disconnect: who is too slow is told so and goes") {
  Service service;
  Reader slow(service, {.policy = Policy::disconnect, .queue_bytes = 10'000});
  Reader other(service, {.rules = {{"other"}}});
  std::uint64_t reported = 0;
  while (service.refused(Refusal::slow) == 0) {
    REQUIRE(reported < 1'000'000);
    service.engine.report(fmt::format("{:06}", ++reported));
    service.rounds(1);
  }
  Rest rest;
  while (const auto frame = slow.client.next())
    count(rest, *frame);
  CHECK(rest.bye == "slow");
  CHECK(rest.matches < reported);
  CHECK(service.server.counters().subscribers == 1);
}

TEST_CASE("the server's policy holds for who names none") {
  ServerOptions options;
  options.slow_subscriber = Policy::disconnect;
  Service service(options);
  Reader silent(service, {.queue_bytes = 10'000});
  Reader named(service, {.policy = Policy::drop_oldest, .queue_bytes = 10'000});
  Client lines(service, service.tcp());
  lines.send(R"({"subscribe":{"queue_bytes":10000}})"
             "\n");
  REQUIRE(lines.line());
  for (std::uint64_t reported = 0; service.refused(Refusal::slow) < 2;) {
    REQUIRE(reported < 1'000'000);
    service.engine.report(fmt::format("{:06}", ++reported));
    service.rounds(1);
  }
  CHECK(service.server.counters().subscribers == 1);
}

TEST_CASE("block: no events are taken from anyone until there is room") {
  Service service;
  Reader slow(service, blocking);
  Producer frames(service, service.tcp());
  Client lines(service, service.unix_socket());
  lines.send(payment_line("A", 1));
  frames.send_payments(1, {{"A", 1}});
  CHECK(frames.expect(FrameType::ack).as<wire::Ack>().number == 1);
  service.until([&] { return service.engine.taken == 2; });

  const std::uint64_t reported = report_until_full(service, 10'000);
  frames.send_payments(2, {{"B", 500}});
  lines.send(payment_line("B", 500));
  service.rounds(20);
  CHECK(service.engine.taken == 2);
  CHECK(service.server.counters().blocked);
  CHECK(service.server.counters().blocks == 1);
  CHECK(service.server.is_blocked());

  SUBCASE("it reads") {
    Rest rest;
    while (rest.matches < reported + 2)
      count(rest, *slow.client.next());
    CHECK(rest.dropped == 0);
    CHECK(service.engine.taken == 4);
    CHECK(!service.server.counters().blocked);
    CHECK(frames.expect(FrameType::ack).as<wire::Ack>().number == 2);
  }
  SUBCASE("it goes") {
    slow.client.close();
    service.until([&] { return service.engine.taken == 4; });
  }
  SUBCASE("it closes one way only, which ends its subscription") {
    slow.client.shut_down_writing();
    service.until([&] { return service.engine.taken == 4; });
  }
}

TEST_CASE("block: the round that makes room is followed by one that goes on, without a sleep") {
  Service service;
  Reader slow(service, blocking);
  Client lines(service, service.unix_socket());
  report_until_full(service, 10'000);
  lines.send(payment_line("A", 1));
  service.rounds(5);
  CHECK(service.engine.taken == 0);
  const std::int64_t began = steady_now_ns();
  while (service.engine.taken == 0 && steady_now_ns() - began < 8'000'000'000) {
    while (slow.client.receive()) {
    }
    service.server.run_once(3'000'000'000);
  }
  CHECK(service.engine.taken == 1);
  CHECK(steady_now_ns() - began < 2'000'000'000);
}

TEST_CASE("block: a frame that waits is whole after a heartbeat") {
  ServerOptions options;
  options.limits.idle_timeout_ns = 600'000'000;
  Service service(options);
  Reader slow(service, blocking);
  Producer frames(service, service.tcp());
  report_until_full(service, 10'000);
  frames.send_payments(1, {{"A", 1}, {"B", 1}});
  service.rounds(10);
  const std::uint64_t frames_out = service.server.counters().frames_out;
  service.until([&] { return service.server.counters().frames_out > frames_out; });
  slow.client.close();
  CHECK(frames.expect(FrameType::ack).as<wire::Ack>().number == 2);
  CHECK(service.engine.taken == 2);
}

TEST_CASE("block: a subscriber without a heartbeat is closed in the end") {
  ServerOptions options;
  options.limits.idle_timeout_ns = 100'000'000;
  Service service(options);
  Reader slow(service, blocking);
  Client lines(service, service.tcp());
  report_until_full(service, 10'000);
  lines.send(payment_line("A", 1));
  service.rounds(10);
  CHECK(service.engine.taken == 0);
  service.until([&] { return service.engine.taken == 1; });
  CHECK(service.refused(Refusal::idle) >= 1);
}

TEST_CASE("block: one whose own events are held up does not wait for itself for ever") {
  ServerOptions options;
  options.limits.idle_timeout_ns = 100'000'000;
  Service service(options);
  Producer both(service, service.unix_socket());
  both.subscribe(blocking);
  report_until_full(service, 10'000);
  both.send_payments(1, {{"A", 1}});
  service.until([&] { return service.refused(Refusal::idle) == 1; });
  service.until([&] { return !service.server.is_blocked(); });
}

TEST_CASE("block: beyond the overshoot it is disconnected after all") {
  ServerOptions options;
  options.limits.max_overshoot_bytes = 10'000;
  Service service(options);
  Reader slow(service, blocking);
  std::uint64_t reported = 0;
  while (service.refused(Refusal::slow) == 0) {
    REQUIRE(reported < 1'000'000);
    service.engine.report(fmt::format("{:06}", ++reported));
    service.rounds(1);
    CHECK(service.server.counters().queued_bytes <= 20'000);
  }
}

}  // namespace tocsin::connectors::net::test
