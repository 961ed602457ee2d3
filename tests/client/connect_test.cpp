// Connections that are not to be, calls that can't be, and servers that fall silent.
#include <atomic>
#include <cmath>
#include <doctest/doctest.h>
#include <functional>
#include <string>

#include "tests/client/support.hpp"

namespace tocsin::client::test {

using wire::FrameType;

namespace {

/// What connecting to this script comes to.
void expect_no_connection(const std::function<void(PeerConnection&)>& script, tocsin_status status,
                          const std::string& sentence, const std::string& code = "") {
  Peer peer(script);
  Payments payments;
  if (sentence.find("in time") != std::string::npos) tocsin_set_timeout(payments.client, 300);
  CHECK(tocsin_connect(payments.client, peer.address().c_str()) == status);
  CHECK(payments.error() == sentence);
  CHECK(payments.code() == code);
  CHECK(tocsin_descriptor(payments.client) == -1);
  CHECK(tocsin_flush(payments.client, 0) == status);  // and it stays so
  CHECK(payments.error() == sentence);
}

}  // namespace

TEST_CASE("client: a connection that is not to be says why") {
  expect_no_connection(
      [](PeerConnection& peer) {
        peer.read_preface();
        peer.expect(FrameType::hello);
        peer.send(FrameType::refused, R"({"code":"schema","message":"Payment has no field 'crd'"})");
      },
      TOCSIN_REFUSED, "Payment has no field 'crd'", "schema");
  expect_no_connection(
      [](PeerConnection& peer) {
        peer.read_preface();
        peer.expect(FrameType::hello);
      },
      TOCSIN_BROKEN, "the server closed the connection");
  expect_no_connection(
      [](PeerConnection& peer) {
        peer.read_preface();
        peer.send_bytes("HTTP/1.1 400 Bad Request");
        peer.expect(FrameType::hello);
      },
      TOCSIN_PROTOCOL, "the server sent no frame: there is no frame of type 47");
  expect_no_connection(
      [](PeerConnection& peer) {
        peer.read_preface();
        peer.send(wire::Ack{});
        peer.next();
      },
      TOCSIN_PROTOCOL, "the server sent a wrong ACK");
  expect_no_connection(
      [](PeerConnection& peer) {
        peer.read_preface();
        peer.expect(FrameType::hello);
        peer.next();  // says nothing until the client goes
      },
      TOCSIN_BROKEN, "the server did not answer in time");
  for (const bool wrong_slot : {false, true}) {
    expect_no_connection(
        [&](PeerConnection& peer) {
          peer.read_preface();
          peer.expect(FrameType::hello);
          wire::Welcome welcome{
              .session = 1, .max_frame = 4096, .window = 5, .heartbeat_ms = 1000, .types = {}, .rules = {}};
          if (wrong_slot) {
            welcome.types.push_back(wire::layout_of(types()[0], types()));
            welcome.types[0].fields[0].slot = 4000;
          }
          peer.send(FrameType::welcome, wire::to_json(welcome));
        },
        TOCSIN_PROTOCOL,
        wrong_slot ? "the server's WELCOME has another layout of Payment"
                   : "the server's WELCOME has another number of types");
  }
  Payments payments;
  CHECK(tocsin_connect(payments.client, "unix:/nowhere/at/all") == TOCSIN_BROKEN);
  CHECK(payments.error() == "can't connect to unix:/nowhere/at/all: No such file or directory");
  for (const auto& [address, sentence] :
       {std::pair("http:x", "'http:x' is no address: tcp:HOST:PORT, tls:HOST:PORT or unix:PATH"),
        std::pair("tcp:localhost", "an address needs a port: tcp:HOST:PORT"),
        std::pair("tls:localhost", "an address needs a port: tls:HOST:PORT"),
        std::pair("unix:", "the path of the socket is empty or too long")}) {
    Payments other;
    CHECK(tocsin_connect(other.client, address) == TOCSIN_BROKEN);
    CHECK(other.error() == sentence);
  }
}

TEST_CASE("client: what can't be done changes nothing and says so") {
  CHECK(std::string(tocsin_version()).size() >= 5);
  CHECK(tocsin_flush(nullptr, 0) == TOCSIN_INVALID);
  tocsin_free(nullptr);
  model::EventBatch got;
  Peer peer([&](PeerConnection& connection) {
    connection.welcome(types());
    got = connection.take_all(types());
  });
  Payments payments;
  tocsin_client* client = payments.client;
  CHECK(tocsin_flush(client, 0) == TOCSIN_INVALID);
  CHECK(payments.error() == "the client is not connected");
  CHECK(tocsin_close(client) == TOCSIN_INVALID);
  CHECK(tocsin_field(client, 7, "x", "int") == TOCSIN_INVALID);
  CHECK(tocsin_field(client, payments.payment, "x", "integer") == TOCSIN_INVALID);
  CHECK(payments.error() == "'integer' is no type of a field");
  CHECK(tocsin_declare(client, nullptr) == TOCSIN_INVALID);
  REQUIRE(tocsin_connect(client, peer.address().c_str()) == TOCSIN_OK);
  CHECK(tocsin_connect(client, peer.address().c_str()) == TOCSIN_INVALID);
  CHECK(tocsin_declare(client, "More") == TOCSIN_INVALID);
  CHECK(tocsin_set_token(client, "late") == TOCSIN_INVALID);
  CHECK(tocsin_set_int(client, payments.at, 1) == TOCSIN_INVALID);
  CHECK(payments.error() == "no event was begun");
  CHECK(tocsin_begin(client, 1) == TOCSIN_INVALID);
  REQUIRE(tocsin_begin(client, payments.payment) == TOCSIN_OK);
  CHECK(tocsin_set_int(client, payments.card, 1) == TOCSIN_INVALID);
  CHECK(payments.error() == "field 'card' of Payment is string");
  CHECK(tocsin_set_float(client, payments.amount, std::nan("")) == TOCSIN_INVALID);
  CHECK(tocsin_set_ints(client, payments.amount, nullptr, 0) == TOCSIN_INVALID);
  CHECK(tocsin_set_int(client, 3, 1) == TOCSIN_INVALID);  // country was not declared
  CHECK(tocsin_set_string(client, payments.card, "A", 1) == TOCSIN_OK);
  CHECK(tocsin_commit(client) == TOCSIN_INVALID);
  CHECK(payments.error() == "field 'amount' of Payment is not set");
  CHECK(tocsin_commit(client) == TOCSIN_INVALID);
  CHECK(payments.error() == "no event was begun");
  CHECK(payments.send("B", 1, 1) == TOCSIN_OK);
  CHECK(tocsin_close(client) == TOCSIN_OK);
  CHECK(payments.send("B", 1, 1) == TOCSIN_CLOSED);
  peer.finish();
  CHECK(got.size() == 1);
}

TEST_CASE("client: heartbeats go out while it waits, and a silent server is given up") {
  std::atomic<int> beats{0};
  Peer peer([&](PeerConnection& connection) {
    connection.welcome(types(), 10, 100);
    while (connection.next().type == FrameType::heartbeat)
      ++beats;
  });
  Payments payments;
  REQUIRE(tocsin_connect(payments.client, peer.address().c_str()) == TOCSIN_OK);
  const tocsin_match* match = nullptr;
  CHECK(tocsin_poll(payments.client, -1, &match) == TOCSIN_BROKEN);
  CHECK(payments.error() == "nothing came from the server for too long");
  peer.finish();
  CHECK(beats >= 1);
  CHECK(beats <= 3);
}

}  // namespace tocsin::client::test
