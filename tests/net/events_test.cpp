// Events over frames: taken, acknowledged, rejected one by one, held to their window and order.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "tests/net/support.hpp"

namespace tocsin::connectors::net::test {

using wire::FrameType;

namespace {

struct Sender {
  explicit Sender(Service& service) : Sender(service, service.tcp()) {}
  Sender(Service& service, const Address& address) : client(service, address) {
    client.hello(payments_hello());
    client.welcome();
  }
  wire::Ack ack() { return client.expect(FrameType::ack).as<wire::Ack>(); }
  Client client;
};

}  // namespace

TEST_CASE("events are taken in order and acknowledged") {
  Service service;
  Sender sender(service);
  CHECK(service.engine.log.empty());  // no source before its first event
  sender.client.send_payments(1, {{"A", 1}, {"B", 2}});
  CHECK(sender.ack().number == 2);
  sender.client.send_payments(3, {{"C", 3}});
  const wire::Ack ack = sender.ack();
  CHECK(ack.number == 3);
  CHECK(ack.rejected == 0);
  CHECK(ack.window == 65'536);
  CHECK(service.engine.events == std::vector<std::string>{"0:A:1", "0:B:2", "0:C:3"});
  CHECK(service.engine.log == std::vector<std::string>{"open 0 test"});
  const Counters counters = service.server.counters();
  CHECK(counters.events == 3);
  CHECK(counters.sources == 1);
  CHECK(counters.frames_in == 3);
  sender.client.close();
  service.until([&] { return service.engine.log.size() == 2; });
  CHECK(service.engine.log[1] == "close 0");
}

TEST_CASE("one connection's id is used again when it has gone") {
  Service service;
  for (int i = 0; i < 3; ++i) {
    Sender sender(service);
    sender.client.send_payments(1, {{"A", 1}});
    CHECK(sender.ack().number == 1);
    sender.client.close();
    service.until([&] { return service.server.counters().connections == 0; });
  }
  CHECK(service.engine.log == std::vector<std::string>{"open 0 test", "close 0", "open 0 test", "close 0",
                                                       "open 0 test", "close 0"});
}

TEST_CASE("many small frames in one piece are taken together, and acknowledged once") {
  Service service;
  Sender sender(service);
  wire::FrameBuffer frames;
  for (std::uint64_t i = 1; i <= 500; ++i)
    append_payments(frames, i, {{"A", 1}});
  sender.client.send(frames);
  std::uint64_t number = 0;
  int acks = 0;
  while (number < 500) {
    number = sender.ack().number;
    ++acks;
  }
  CHECK(service.engine.taken == 500);
  CHECK(acks < 10);
}

TEST_CASE("a bad event is rejected with its number, the others are taken") {
  ServerOptions options;
  std::vector<std::string> bad;
  options.bad_record = [&](const BadRecord& record) {
    bad.push_back(fmt::format("{}:{}", record.source, record.line));
  };
  Service service(options);
  Sender sender(service);
  wire::FrameBuffer frames;
  append_payments(frames, 1, {{"A", 1}, {"B", 2}, {"C", 3}});
  std::vector<std::uint64_t> words(frames.size() / 8);
  std::memcpy(words.data(), frames.bytes().data(), frames.size());
  auto* bytes = reinterpret_cast<std::byte*>(words.data());
  std::uint32_t size;
  std::memcpy(&size, bytes + 24, 4);
  std::uint16_t no_type = 77;
  std::memcpy(bytes + 24 + size + 4, &no_type, 2);  // of the second event
  sender.client.send(std::as_bytes(std::span(words)));
  wire::Rejected rejected;
  const ReceivedFrame frame = sender.client.expect(FrameType::rejected);
  REQUIRE(wire::read(wire::Frame{frame.type, frame.payload()}, rejected));
  CHECK(rejected.number == 2);
  const wire::Ack ack = sender.ack();
  CHECK(ack.number == 3);
  CHECK(ack.rejected == 1);
  CHECK(service.engine.events == std::vector<std::string>{"0:A:1", "0:C:3"});
  CHECK(service.server.counters().rejected == 1);
  CHECK(bad == std::vector<std::string>{"test:2"});
}

TEST_CASE("an event of a type that the client has not declared is a bad event") {
  Service service;
  Client client(service, service.unix_socket());
  wire::Hello hello = payments_hello();
  hello.types.clear();
  client.hello(hello);
  client.welcome();
  client.send_payments(1, {{"A", 1}, {"B", 2}});
  for (const std::uint64_t number : {1, 2}) {
    wire::Rejected rejected;
    const ReceivedFrame frame = client.expect(FrameType::rejected);
    REQUIRE(wire::read(wire::Frame{frame.type, frame.payload()}, rejected));
    CHECK(rejected.number == number);
    CHECK(rejected.sentence == "event type Payment was not declared by this client");
  }
  const wire::Ack ack = client.expect(FrameType::ack).as<wire::Ack>();
  CHECK(ack.number == 2);
  CHECK(ack.rejected == 2);
  CHECK(service.engine.taken == 0);
  CHECK(service.server.counters().rejected == 2);
}

TEST_CASE("rejections are told at most so often") {
  ServerOptions options;
  options.limits.rejections_per_second = 3;
  Service service(options);
  Sender sender(service);
  wire::FrameBuffer frames;
  append_payments(frames, 1, {{"A", 1}});
  std::vector<std::uint64_t> one(frames.size() / 8);
  std::memcpy(one.data(), frames.bytes().data(), frames.size());
  const std::uint16_t no_type = 77;
  std::memcpy(reinterpret_cast<std::byte*>(one.data()) + 28, &no_type, 2);
  for (std::uint64_t i = 1; i <= 20; ++i) {
    one[1] = i;
    sender.client.send(std::as_bytes(std::span(one)));
  }
  int told = 0;
  wire::Ack ack;
  while (ack.number < 20) {
    const auto frame = sender.client.next();
    REQUIRE(frame);
    if (frame->type == FrameType::rejected) ++told;
    if (frame->type == FrameType::ack) ack = frame->as<wire::Ack>();
  }
  CHECK(told == 3);
  CHECK(ack.rejected == 20);
}

TEST_CASE("frames out of their order end the connection, and what was good before is taken") {
  Service service;
  Sender sender(service);
  sender.client.send_payments(1, {{"A", 1}});
  const auto bye = [&](std::string_view part) {
    CHECK(sender.ack().number == 1);
    const wire::Bye said = sender.client.bye();
    CHECK(said.code == "protocol");
    CHECK_MESSAGE(said.message.find(part) != std::string::npos, said.message);
    CHECK(service.engine.taken == 1);
    service.until([&] { return service.server.counters().connections == 0; });
    CHECK(service.refused(Refusal::protocol) == 1);
    CHECK(service.engine.log.back() == "close 0");
  };
  SUBCASE("a number that was used") {
    sender.client.send_payments(1, {{"B", 1}});
    bye("the next event is number 2, not 1");
  }
  SUBCASE("a gap") {
    sender.client.send_payments(3, {{"B", 1}});
    bye("the next event is number 2, not 3");
  }
  SUBCASE("HELLO again") {
    sender.client.send_frame(FrameType::hello, "{}");
    bye("HELLO");
  }
  SUBCASE("a frame of the server") {
    sender.client.send_frame(FrameType::welcome, "{}");
    bye("WELCOME");
  }
  SUBCASE("an EVENTS frame without a head") {
    sender.client.send_frame(FrameType::events, "12345678");
    bye("too short");
  }
  SUBCASE("a frame beyond the limit") {
    sender.client.send(std::string_view("\x01\0\x40\0\x04\0\0\0", 8));
    bye("");
  }
  SUBCASE("half a frame, then the end") {
    wire::FrameBuffer frames;
    append_payments(frames, 2, {{"B", 1}});
    sender.client.send(frames.bytes().first(40));
    sender.client.shut_down_writing();
    bye("within a frame");
  }
}

TEST_CASE("the window is held to") {
  ServerOptions options;
  options.limits.window_events = 4;
  Service service(options);
  Sender sender(service);
  const std::vector<std::pair<std::string, double>> four(4, {"A", 1.0});
  sender.client.send_payments(1, four);
  CHECK(sender.ack().window == 4);
  sender.client.send_payments(5, four);
  CHECK(sender.ack().number == 8);
  sender.client.send_payments(9, std::vector<std::pair<std::string, double>>(5, {"A", 1.0}));
  CHECK(sender.client.bye().message == "more than 4 events were sent without waiting for ACK");
  CHECK(service.engine.taken == 8);
}

TEST_CASE("BYE: all before it is taken and acknowledged, then it is answered") {
  Service service;
  Sender sender(service);
  sender.client.send_payments(1, {{"A", 1}});
  sender.client.send_frame(FrameType::bye, wire::to_json(wire::Bye{"done", ""}));
  CHECK(sender.ack().number == 1);
  CHECK(sender.client.bye().code == "done");
  service.until([&] { return service.server.counters().connections == 0; });
  CHECK(service.engine.log.back() == "close 0");
}

TEST_CASE("half-close is an end in order") {
  Service service;
  Sender sender(service);
  sender.client.send_payments(1, {{"A", 1}});
  sender.client.shut_down_writing();
  CHECK(sender.ack().number == 1);
  CHECK(sender.client.bye().code == "done");
}

TEST_CASE("watermarks go on to the engine behind the events before them") {
  Service service;
  Sender sender(service);
  wire::FrameBuffer frames;
  append_payments(frames, 1, {{"A", 1}});
  wire::append(frames, wire::Watermark{5'000'000'000});
  append_payments(frames, 2, {{"B", 1}});
  sender.client.send(frames);
  CHECK(sender.ack().number == 1);
  CHECK(sender.ack().number == 2);
  CHECK(service.engine.log == std::vector<std::string>{"open 0 test", "advance 0 5000000000"});
}

TEST_CASE("how long a client may be silent before event time goes on without it is its own wish") {
  Service service;
  std::vector<std::unique_ptr<Client>> clients;
  for (const std::int64_t ms : {std::int64_t{5}, std::int64_t{0}, INT64_MAX}) {
    Client& client = *clients.emplace_back(std::make_unique<Client>(service, service.tcp()));
    wire::Hello hello = payments_hello();
    hello.source_idle_ms = ms;
    client.hello(hello);
    client.welcome();
    client.send_payments(1, {{"A", 1}});
    client.expect(FrameType::ack);
  }
  REQUIRE(service.engine.log.size() == 3);
  CHECK(service.engine.log[0] == "open 0 test idle 5000000");
  CHECK(service.engine.log[1].ends_with(" idle 0"));
  CHECK(service.engine.log[2].ends_with(" idle 31536000000000000"));  // a year is the most
}

TEST_CASE("where there can be no more sources, the connection is refused") {
  Service service;
  service.engine.max_sources = 1;
  Sender first(service);
  first.client.send_payments(1, {{"A", 1}});
  CHECK(first.ack().number == 1);
  Sender second(service);
  second.client.send_payments(1, {{"A", 1}});
  CHECK(second.client.bye().code == "limit");
  first.client.send_payments(2, {{"A", 1}});
  CHECK(first.ack().number == 2);
}

TEST_CASE("a silent connection is closed, a heartbeat keeps it, and the server beats too") {
  ServerOptions options;
  options.limits.idle_timeout_ns = 60'000'000;
  Service service(options);
  Sender silent(service);
  Sender beating(service);
  wire::FrameBuffer beat;
  wire::append(beat, wire::Heartbeat{1});
  std::int64_t last = steady_now_ns();
  service.until([&] {
    if (steady_now_ns() - last > 10'000'000) {
      beating.client.send(beat);
      last = steady_now_ns();
    }
    return service.refused(Refusal::idle) > 0;
  });
  CHECK(silent.client.bye().code == "timeout");
  CHECK(service.server.counters().frame_clients == 1);
  CHECK(service.refused(Refusal::idle) == 1);
  CHECK(service.server.counters().frames_out > 3);  // two of WELCOME, and heartbeats
}

TEST_CASE("a client that does not read its answers is not read either") {
  ServerOptions options;
  options.limits.control_bytes = 4096;
  options.limits.rejections_per_second = 1'000'000;
  Service service(options);
  Sender sender(service, service.unix_socket());  // which is full sooner than TCP
  wire::FrameBuffer frames;
  for (std::uint64_t i = 1; i <= 200'000 && service.server.connections().at(0).queued_bytes == 0; ++i) {
    frames.clear();
    append_payments(frames, i, {{"A", 1}});
    // The client never reads: ACKs fill the socket, then the outbox, then the server rests.
    if (::send(sender.client.fd(), frames.bytes().data(), frames.size(), MSG_NOSIGNAL | MSG_DONTWAIT) !=
        static_cast<ssize_t>(frames.size())) {
      break;
    }
    service.rounds(1);
  }
  service.rounds(100);
  const std::uint64_t before = service.engine.taken;
  service.rounds(100);
  CHECK(service.engine.taken == before);
  CHECK(service.server.counters().connections == 1);
}

TEST_CASE("other rules: a client whose types are the same goes on, another is told") {
  Service service;
  Sender sender(service);
  Client idle(service, service.tcp());
  wire::Hello nothing;
  nothing.client = "reader";
  idle.hello(nothing);
  idle.welcome();
  idle.subscribe({});
  SUBCASE("the same types") {
    service.hub.replace(rules());
    service.server.rules_changed();
    sender.client.send_payments(1, {{"A", 1}});
    CHECK(sender.ack().number == 1);
    CHECK(wire::parse_subscribed(idle.expect(FrameType::subscribed).text())->rules.size() == 2);
  }
  SUBCASE("others") {
    service.hub.replace(other_rules());
    service.server.rules_changed();
    CHECK(sender.client.bye().code == "schema");
    CHECK(wire::parse_subscribed(idle.expect(FrameType::subscribed).text())->rules.size() == 2);
  }
}

}  // namespace tocsin::connectors::net::test
