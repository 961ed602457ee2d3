// How connections and the server end: BYE behind the last matches, and draining.
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "tests/net/support.hpp"

namespace tocsin::connectors::net::test {

using wire::FrameType;
using wire::Policy;

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
