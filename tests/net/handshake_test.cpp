// How connections begin: what is let in, and why the rest is not.
#include <doctest/doctest.h>

#include "tests/net/support.hpp"

namespace tocsin::connectors::net::test {

using wire::FrameType;

TEST_CASE("a good handshake over TCP and over a Unix socket") {
  Service service;
  for (const Address& address : {service.tcp(), service.unix_socket()}) {
    CAPTURE(address.text());
    Client client(service, address);
    client.hello(payments_hello());
    const wire::Welcome welcome = client.welcome();
    CHECK(welcome.window == 65'536);
    CHECK(welcome.max_frame == std::size_t{4} << 20);
    CHECK(welcome.heartbeat_ms == 20'000);
    CHECK(welcome.rules == std::vector<std::string>{"big", "other"});
    REQUIRE(welcome.types.size() == 1);
    CHECK(welcome.types[0].name == "Payment");
    CHECK(welcome.types[0].timestamp == 2u);
    CHECK(service.server.counters().frame_clients == 1);
    client.close();
    service.until([&] { return service.server.counters().connections == 0; });
  }
  CHECK(service.server.counters().accepted == 2);
  CHECK(service.server.counters().closed == 2);
}

TEST_CASE("the handshake may come byte by byte") {
  Service service;
  Client client(service, service.tcp());
  wire::FrameBuffer frames;
  frames.append(FrameType::hello, wire::to_json(payments_hello()));
  std::string all(wire::preface.data(), wire::preface.size());
  all.append(reinterpret_cast<const char*>(frames.bytes().data()), frames.size());
  for (const char& c : all) {
    client.send(std::string_view(&c, 1));
    service.rounds(2);
  }
  client.welcome();
}

TEST_CASE("refusals say why") {
  Service service;
  Client client(service, service.tcp());
  const auto check = [&](Refusal refusal, std::string_view code, std::string_view part) {
    const wire::Refused refused = client.refused();
    CHECK(refused.code == code);
    CHECK_MESSAGE(refused.message.find(part) != std::string::npos, refused.message);
    CHECK(service.refused(refusal) == 1);
    service.until([&] { return service.server.counters().connections == 0; });
  };
  SUBCASE("another version") {
    client.send(std::string_view("TOCSIN\x02\n", 8));
    check(Refusal::version, "version", "version 1");
  }
  SUBCASE("a type that is not there") {
    auto hello = payments_hello();
    hello.types[0].name = "Paymnt";
    client.hello(hello);
    check(Refusal::schema, "schema", "Paymnt");
  }
  SUBCASE("a field of another type, and one that is missing") {
    auto hello = payments_hello();
    hello.types[0].fields = {{"card", "int"}, {"at", "time"}};
    client.hello(hello);
    check(Refusal::schema, "schema", "amount");
  }
  SUBCASE("another frame first") {
    client.send(std::string_view(wire::preface.data(), 8));
    client.send_frame(FrameType::subscribe, "{}");
    check(Refusal::protocol, "protocol", "HELLO");
  }
  SUBCASE("HELLO that is no JSON") {
    client.send(std::string_view(wire::preface.data(), 8));
    client.send_frame(FrameType::hello, "{\"client\":");
    check(Refusal::protocol, "protocol", "HELLO");
  }
  SUBCASE("a frame of 4 GiB") {
    client.send(std::string_view(wire::preface.data(), 8));
    client.send(std::string_view("\xff\xff\xff\xff\x01\0\0\0", 8));
    check(Refusal::protocol, "protocol", "");
  }
  SUBCASE("a frame of no known type") {
    client.send(std::string_view(wire::preface.data(), 8));
    client.send(std::string_view("\x08\0\0\0\x77\0\0\0", 8));
    check(Refusal::protocol, "protocol", "");
  }
  SUBCASE("a ring over TCP") {
    auto hello = payments_hello();
    hello.transport = wire::Transport::ring;
    client.hello(hello);
    check(Refusal::limit, "limit", "Unix socket");
  }
  SUBCASE("the end before the handshake's") {
    client.send(std::string_view(wire::preface.data(), 8));
    client.shut_down_writing();
    check(Refusal::handshake, "timeout", "before");
  }
}

TEST_CASE("a token is asked for") {
  const auto token = std::make_shared<const Token>("secret");
  Service service({}, {.token = token});
  SUBCASE("the right one") {
    Client client(service, service.tcp());
    auto hello = payments_hello();
    hello.token = "secret";
    client.hello(hello);
    client.welcome();
  }
  SUBCASE("a wrong one") {
    for (const char* wrong : {"secreT", "secre", "secrets", ""}) {
      Client client(service, service.tcp());
      auto hello = payments_hello();
      hello.token = wrong;
      client.hello(hello);
      CHECK(client.refused().code == "token");
    }
    CHECK(service.refused(Refusal::token) == 4);
  }
  SUBCASE("none") {
    Client client(service, service.tcp());
    client.hello(payments_hello());
    CHECK(client.refused().message == "a token is needed here");
  }
  SUBCASE("of lines too") {
    Client client(service, service.tcp());
    client.send(payment_line("A", 1));
    CHECK(client.line()->find("a token is needed here") != std::string::npos);
    CHECK(!client.line());
    CHECK(service.engine.taken == 0);
    Client wrong(service, service.tcp());
    wrong.send("{\"hello\":{\"client\":\"nc\",\"token\":\"x\"}}\n");
    CHECK(wrong.line()->find("the token is wrong") != std::string::npos);
    Client right(service, service.tcp());
    right.send("{\"hello\":{\"client\":\"nc\",\"token\":\"secret\"}}\n" + payment_line("A", 1));
    service.until([&] { return service.engine.taken == 1; });
  }
}

TEST_CASE("a handshake that is never finished ends in time, whatever was begun") {
  ServerOptions options;
  options.limits.handshake_timeout_ns = 20'000'000;
  Service service(options);
  std::vector<std::unique_ptr<Client>> clients;
  for (const std::string_view begun : {"", "TOC", "TOCSIN\x01\n", "TOCSIN\x01\n\x40\0\0\0\x01\0\0\0{"}) {
    clients.push_back(std::make_unique<Client>(service, service.tcp()));
    clients.back()->send(begun);
  }
  for (auto& client : clients)
    CHECK(client->refused().code == "timeout");
  CHECK(service.refused(Refusal::handshake) == clients.size());
}

TEST_CASE("random bytes break nothing") {
  Service service;
  std::uint64_t state = 1;
  const auto random = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<char>(state >> 56);
  };
  Producer healthy(service, service.tcp());
  for (int i = 0; i < 200; ++i) {
    Client client(service, service.tcp());
    std::string bytes(static_cast<std::size_t>(static_cast<unsigned char>(random())) * 8, '\0');
    for (char& c : bytes)
      c = random();
    if (i % 2 == 0) client.send(std::string_view(wire::preface.data(), 8));
    if (i % 4 == 0) {
      client.send_frame(FrameType::hello, wire::to_json(payments_hello()));
      bytes.replace(4, std::min<std::size_t>(4, bytes.size() - std::min<std::size_t>(bytes.size(), 4)),
                    "\x04\0\0\0", 4);
    }
    client.send(bytes);
    service.rounds(3);
  }
  healthy.send_payments(1, {{"A", 1}});
  CHECK(healthy.expect(FrameType::ack).as<wire::Ack>().number == 1);
  service.until([&] { return service.server.counters().connections == 1; });
}

TEST_CASE("connections beyond the limit are told so, and there is room again when one goes") {
  ServerOptions options;
  options.limits.max_connections = 2;
  Service service(options);
  Client one(service, service.tcp());
  Client two(service, service.tcp());
  one.hello(payments_hello());
  one.welcome();
  two.hello(payments_hello());
  two.welcome();
  {
    Client three(service, service.tcp());
    three.hello(payments_hello());
    CHECK(three.refused().code == "limit");
  }
  CHECK(service.refused(Refusal::limit) == 1);
  one.close();
  service.until([&] { return service.server.counters().connections == 1; });
  Producer four(service, service.tcp());
}

TEST_CASE("a thousand idle connections") {
  Service service;
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.push_back(std::make_unique<Client>(service, i % 2 == 0 ? service.tcp() : service.unix_socket()));
    if (i % 3 == 0) idle.back()->hello(payments_hello());
    if (i % 100 == 0) service.rounds(1);
  }
  Producer client(service, service.tcp());
  client.send_payments(1, {{"A", 1}, {"B", 2}});
  CHECK(client.expect(FrameType::ack).as<wire::Ack>().number == 2);
  CHECK(service.server.counters().connections == 1001);
  idle.clear();
  service.until([&] { return service.server.counters().connections == 1; });
}

}  // namespace tocsin::connectors::net::test
