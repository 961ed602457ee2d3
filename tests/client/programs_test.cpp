// The examples, and the Python client, as programs of their own against a scripted server.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <thread>

#include "tests/client/service.hpp"
#include "tests/client/support.hpp"
#include "tests/net/certificates.hpp"
#include "tests/wire/support.hpp"

namespace tocsin::client::test {

namespace {

using connectors::wire::test::Random;
using wire::FrameType;

/// What a program prints, errors included, and `exit N` where it ends with another code than 0.
std::string output_of(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  std::array<char, 4096> buffer{};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
    output.append(buffer.data(), got);
  const int status = ::pclose(pipe);
  return status == 0 ? output : output + "exit " + std::to_string(status >> 8);
}

std::string python(const std::string& name, const Peer& peer) {
  return output_of("python3 " TOCSIN_SOURCE_DIR "/tests/client/python_client.py " + name + " " +
                   peer.address());
}

bool has_python() {
  static const bool found =
      output_of("python3 -c 'import sys; print(sys.version_info >= (3, 11))'") == "True\n";
  if (!found) MESSAGE("no Python 3.11: its client is not tested");
  return found;
}

}  // namespace

TEST_CASE("programs: the C example sends") {
  model::EventBatch got;
  Peer peer([&](PeerConnection& connection) {
    connection.welcome(types());
    got = connection.take_all(types());
  });
  CHECK(output_of(TOCSIN_EXAMPLE_SEND " " + peer.address()) == "sent 4, rejected 0\n");
  peer.finish();
  REQUIRE(got.size() == 4);
  CHECK(got[3].load_float(types()[0].fields[1].slot) == 900);
}

TEST_CASE("programs: the C++ example listens") {
  Peer peer([&](PeerConnection& connection) {
    serve_subscription(connection);
    connection.send(Sample().frame(true));
    connection.take_all(types());
  });
  CHECK(output_of(TOCSIN_EXAMPLE_LISTEN " " + peer.address() + " 1") ==
        "listen: subscribed\nfirst at 99: card=4711 score=null names=[é ]\n");
}

TEST_CASE("programs: the examples over a ring and under TLS") {
  const connectors::net::test::CertificateFiles files;
  RunningService service({}, {.tls = connectors::net::test::open_tls(files.files)});
  const auto run = [&](const std::string& how) {
    std::string listened;
    std::thread listener([&] { listened = output_of(TOCSIN_EXAMPLE_LISTEN " " + how + " 1"); });
    const auto is_there = [](auto& of) {
      const auto all = of.server.connections();
      return std::any_of(all.begin(), all.end(), [](const auto& each) { return each.subscribed; });
    };
    while (!service.with(is_there))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(output_of(TOCSIN_EXAMPLE_SEND " " + how) == "sent 4, rejected 0\n");
    listener.join();
    CHECK(listened == "listen: subscribed\nbig at 4000000000: card=4711\n");
  };
  run("--ca " + files.ca_file + " --name server tls" + service.tcp_address().substr(3));
  if (can_have_rings()) run("--ring " + service.unix_address());
  CHECK(output_of(TOCSIN_EXAMPLE_SEND " --ca") ==
        "usage: send [--ring] [--ca FILE] [--cert FILE] [--key FILE] [--name NAME] ADDRESS [TOKEN]\nexit 2");
  CHECK(output_of(TOCSIN_EXAMPLE_LISTEN " --what x").ends_with("exit 2"));
}

TEST_CASE("programs: the Python example sends and listens") {
  if (!has_python()) return;
  model::EventBatch got;
  Peer peer([&](PeerConnection& connection) {
    serve_subscription(connection);
    connection.send(Sample().frame(true));
    got = connection.take_all(types());
  });
  CHECK(output_of("PYTHONDONTWRITEBYTECODE=1 python3 " TOCSIN_SOURCE_DIR
                  "/client/examples/send_and_listen.py " +
                  peer.address()) ==
        "sent 4, rejected 0\nfirst {'card': '4711', 'score': None, 'names': ['é', '']}\n");
  peer.finish();
  CHECK(got.size() == 4);
}

TEST_CASE("Python: events arrive as they were set, and wrong ones do not go") {
  if (!has_python()) return;
  for (const auto at : {Peer::At::unix_socket, Peer::At::tcp}) {
    model::EventBatch got;
    wire::Hello hello;
    Peer peer(
        [&](PeerConnection& connection) {
          hello = connection.welcome(types());
          got = connection.take_all(types());
        },
        at);
    CHECK(python("every_kind", peer) == R"(Error: field 'i' is int, got 9223372036854775808
Error: field 'i' is int, got True
Error: field 'b' is bool, got 1
Error: field 'f': a float must be finite
Error: field 'f' is float, got '1'
Error: field 's' is string, got 5
Error: field 'e': 'hold' is none of buy, sell
Error: field 'ss' is string[]?, got 'text'
Error: field 'is' is int, got None
Error: field 's' of All is not set
Error: All has no field 'x'
Error: a datetime needs a time zone
Error: the event type Other was not declared
1 1 0
Closed: the connection is closed [done]
)");
    peer.finish();
    CHECK(hello.client == "python");
    CHECK(hello.token == "s3cret");
    check_every_kind(got, 1'000'005'000, -1'000'000'000);
  }
}

TEST_CASE("Python: many events go in order, and no more than the window allows") {
  if (!has_python()) return;
  model::EventBatch got;
  {
    Peer peer([&](PeerConnection& connection) {
      connection.welcome(types(), 700, 60'000, 4096);
      got = connection.take_all(types());
    });
    CHECK(python("many", peer) == "20000\n");
  }
  REQUIRE(got.size() == 20'000);
  for (std::size_t i = 0; i < got.size(); ++i)
    CHECK(got[i].time_ns() == static_cast<std::int64_t>(i));

  Peer peer([&](PeerConnection& connection) {
    // It waits 50 ms for what can't come.
    serve_window(connection, [] { std::this_thread::sleep_for(std::chrono::milliseconds(500)); });
    connection.expect(FrameType::bye);
    connection.send(FrameType::bye, R"({"code":"done"})");
  });
  CHECK(python("window", peer) == "False 0\nTrue 5 1 [(2, 'it is bad')]\n");
}

TEST_CASE("Python: a connection that is not to be says why") {
  if (!has_python()) return;
  const auto result = [](const std::function<void(PeerConnection&)>& script,
                         const std::string& name = "connect") {
    Peer peer(script);
    return python(name, peer);
  };
  CHECK(result([](PeerConnection& peer) {
          peer.read_preface();
          peer.expect(FrameType::hello);
          peer.send(FrameType::refused, R"({"code":"schema","message":"Payment has no field 'crd'"})");
        }) == "Refused: Payment has no field 'crd' [schema]\n");
  CHECK(result([](PeerConnection& peer) {
          peer.read_preface();
          peer.expect(FrameType::hello);
        }) == "Closed: the server closed the connection\n");
  CHECK(result([](PeerConnection& peer) {
          peer.read_preface();
          peer.expect(FrameType::hello);
          peer.send_bytes("HTTP/1.1 400 Bad Request");
        }) == "Error: the server sent no frame\n");
  CHECK(result([](PeerConnection& peer) {
          peer.read_preface();
          peer.expect(FrameType::hello);
          peer.send(FrameType::welcome, R"({"session":1})");
        }) == "Error: the server sent a wrong frame of type 2\n");
  CHECK(result(
            [](PeerConnection& peer) {
              peer.read_preface();
              peer.expect(FrameType::hello);
              peer.next();
            },
            "connect_quickly") == "Closed: the server did not answer in time\n");
}

TEST_CASE("Python: matches come with their parts, and damaged ones are an error") {
  if (!has_python()) return;
  const auto result = [](const std::string& bytes) {
    wire::Subscribe wishes;
    Peer peer([&](PeerConnection& connection) {
      wishes = serve_subscription(connection);
      connection.send_bytes(bytes);
      connection.send(wire::Dropped{.matches = 6});
      connection.send(FrameType::bye, R"({"code":"shutdown","message":"the server stops"})");
    });
    const std::string output = python("matches", peer);
    peer.finish();
    CHECK(wishes.rules == std::vector<std::string>{"first", "second"});
    CHECK(wishes.policy == wire::Policy::block);
    CHECK(wishes.with_events);
    return output;
  };
  const wire::FrameBuffer frame = Sample().frame(true);
  const std::string good(reinterpret_cast<const char*>(frame.bytes().data()), frame.size());
  CHECK(result(good) ==
        "['first', 'second']\nMatch(rule='first', time_ns=99, trigger=11, ordinal=2, is_timeout=False, "
        "is_cut=False, "
        "type='Alert', fields={'card': '4711', 'score': None, 'names': ['é', '']}, "
        "events=[Event(number=10, step='a', type='Payment', time_ns=77, fields={'card': 'A', 'amount': 0.5, "
        "'country': None, 'at': 77}), Event(number=11, step='', type='Payment', time_ns=77, fields={'card': "
        "'B', "
        "'amount': 0.5, 'country': None, 'at': 77})])\nClosed: the server stops [shutdown]\n6\n");
  Random random(5);
  for (int i = 0; i < 10; ++i) {
    std::string bad = good;
    bad[8 + random.below(bad.size() - 8)] = static_cast<char>(random.next());
    CHECK(result(bad).find("Traceback") == std::string::npos);
  }
}

}  // namespace tocsin::client::test
