// Matches to subscribers: who gets which, in what order, and what becomes of those who read slowly.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/net/support.hpp"

namespace tocsin::connectors::net::test {

using wire::FrameType;
using wire::Policy;

namespace {

wire::Hello reader() {
  wire::Hello hello;
  hello.client = "reader";
  return hello;
}

struct Reader {
  // A Unix socket is full after some 200 kB; TCP takes megabytes.
  Reader(Service& service, const wire::Subscribe& wishes) : client(service, service.unix_socket()) {
    client.hello(reader());
    client.welcome();
    subscribed = client.subscribe(wishes);
  }
  Client client;
  wire::Subscribed subscribed;
};

/// A client that may send Payments.
struct Producer : Client {
  Producer(Service& service, const Address& address) : Client(service, address) {
    hello(payments_hello());
    welcome();
  }
};

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

const wire::Subscribe blocking{.policy = Policy::block, .queue_bytes = 10'000};

/// Reports until the outbox of the only subscriber holds something that the socket did not take.
std::uint64_t report_until_full(Service& service, std::size_t bytes) {
  std::uint64_t reported = 0;
  while (service.server.counters().queued_bytes < bytes) {
    REQUIRE(reported < 1'000'000);
    for (int i = 0; i < 100; ++i)
      service.engine.report(fmt::format("{:06}", ++reported));
    service.rounds(1);
  }
  return reported;
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
    client.hello(reader());
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

TEST_CASE("drain: what was sent is taken, what waits is written, then all are told") {
  Service service;
  Reader reader(service, {});
  Producer frames(service, service.tcp());
  Client lines(service, service.tcp());
  lines.send(payment_line("L", 500));
  service.until([&] { return service.engine.taken == 1; });
  frames.send_payments(1, {{"F", 500}});
  lines.send(payment_line("M", 500));
  Client late(service, service.tcp());
  service.server.drain(steady_now_ns() + 10'000'000'000);
  service.until([&] { return service.server.input_drained(); });
  CHECK(service.engine.taken == 3);
  CHECK(service.engine.log.back().starts_with("close"));
  service.engine.report("last");  // as the end of the engine may give
  service.server.finish();
  CHECK(frames.expect(FrameType::ack).as<wire::Ack>().number == 1);
  CHECK(frames.bye().code == "shutdown");
  std::vector<std::string> cards;
  for (int i = 0; i < 4; ++i)
    cards.push_back(reader.client.match_card());
  CHECK(cards.front() == "L");
  CHECK(cards.back() == "last");
  CHECK(reader.client.bye().code == "shutdown");
  CHECK(lines.line()->find("the server stops") != std::string::npos);
  late.close();
  reader.client.close();
  lines.close();
  frames.close();
  service.until([&] { return service.server.drained(); });
}

TEST_CASE("drain: who does not read does not hold it up beyond the deadline") {
  ServerOptions options;
  options.limits.linger_ns = 50'000'000;
  Service service(options);
  Reader slow(service, blocking);
  Producer frames(service, service.tcp());
  report_until_full(service, 10'000);
  frames.send_payments(1, {{"F", 500}});
  service.server.drain(steady_now_ns() + 50'000'000);
  service.until([&] { return service.server.input_drained(); });
  service.server.finish();
  service.until([&] { return service.server.drained(); });
}

namespace {

/// A client that hears its own matches, where the shards are behind and hand over from a thread of theirs.
struct Behind {
  explicit Behind(const wire::Subscribe& wishes = {}, const ServerOptions& options = {})
      : service(options, {}, {.one_thread = false}), client(service, service.unix_socket()) {
    client.subscribe(wishes);
    service.engine.holds = true;
  }
  /// Sends two events that match, and BYE behind them.
  void send_and_end() {
    client.send_payments(1, {{"A", 500}, {"B", 1}, {"C", 600}});
    client.send_frame(FrameType::bye, "{}");
    CHECK(client.expect(FrameType::ack).as<wire::Ack>().number == 3);
    service.rounds(5);
    CHECK(!client.receive());
  }
  Service service;
  Producer client;
};

}  // namespace

TEST_CASE("BYE is answered behind the last matches, also where the shards are behind") {
  Behind it;
  it.send_and_end();
  it.service.engine.deliver();
  CHECK(it.service.server.run_once(10'000'000'000));  // woken for it
  CHECK(it.client.match_card() == "A");
  CHECK(it.client.match_card() == "C");
  CHECK(it.client.bye().code == "done");
}

TEST_CASE("the end of the socket is answered as BYE is") {
  Behind it;
  it.client.send_payments(1, {{"A", 500}});
  it.client.shut_down_writing();
  CHECK(it.client.expect(FrameType::ack).as<wire::Ack>().number == 1);
  it.service.rounds(5);
  CHECK(!it.client.receive());
  it.service.engine.deliver();
  CHECK(it.client.match_card() == "A");
  CHECK(it.client.bye().code == "done");
}

TEST_CASE("BYE is answered at once where nothing is subscribed") {
  Behind it;
  Producer other(it.service, it.service.tcp());
  other.send_payments(1, {{"A", 500}});
  other.send_frame(FrameType::bye, "{}");
  other.expect(FrameType::ack);
  CHECK(other.bye().code == "done");
}

TEST_CASE("who waits for its last matches and hangs up is gone at once") {
  Behind it;
  it.send_and_end();
  it.client.close();
  it.service.until([&] { return it.service.server.counters().connections == 0; });
  it.service.engine.deliver();  // to nobody
  it.service.rounds(5);
  CHECK(it.service.server.counters().subscribers == 0);
}

TEST_CASE("last matches that never come are waited for no longer than the idle timeout") {
  ServerOptions options;
  options.limits.idle_timeout_ns = 300'000'000;
  Behind it({}, options);
  it.send_and_end();
  CHECK(it.client.bye().code == "timeout");
}

TEST_CASE("a server that stops gives last matches to who waits for them") {
  Behind it;
  it.send_and_end();
  it.service.server.drain(steady_now_ns() + 10'000'000'000);
  CHECK(it.service.server.input_drained());
  it.service.engine.deliver();
  it.service.server.finish();
  CHECK(it.client.match_card() == "A");
  CHECK(it.client.match_card() == "C");
  CHECK(it.client.bye().code == "done");
}

TEST_CASE("a blocking subscriber that is full holds up the last matches of another until it has gone") {
  Behind it;
  Reader slow(it.service, {.rules = {{"big"}}, .policy = Policy::block, .queue_bytes = 10'000});
  it.service.engine.holds = false;
  report_until_full(it.service, 10'000);
  it.service.engine.holds = true;
  Producer waits(it.service, it.service.tcp());
  waits.subscribe({.rules = {{"other"}}});
  waits.send_frame(FrameType::bye, "{}");
  it.service.engine.deliver();
  it.service.rounds(20);
  CHECK(!waits.receive());
  slow.client.close();
  it.service.until([&] { return it.service.engine.deliver(), waits.receive(); });
  CHECK(waits.bye().code == "done");
}

}  // namespace tocsin::connectors::net::test
