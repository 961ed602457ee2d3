// What goes out: events as they were set, in order, within the window, and watermarks.
#include <atomic>
#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <thread>
#include <vector>

#include "tests/client/support.hpp"

namespace tocsin::client::test {

using wire::FrameType;

TEST_CASE("client: events arrive as they were set") {
  for (const auto at : {Peer::At::unix_socket, Peer::At::tcp}) {
    model::EventBatch got;
    std::string name;
    Peer peer(
        [&](PeerConnection& connection) {
          const wire::Hello hello = connection.welcome(types());
          name = hello.client + " " + hello.token.value_or("");
          got = connection.take_all(types());
        },
        at);
    tocsin_client* client = tocsin_new("till 7");
    CHECK(tocsin_set_token(client, "s3cret") == TOCSIN_OK);
    const int all = tocsin_declare(client, "All");
    std::vector<int> fields;
    for (const auto& field : types()[1].fields)
      fields.push_back(
          tocsin_field(client, all, field.name.c_str(), model::to_string(field.type, types()).c_str()));
    REQUIRE(tocsin_connect(client, peer.address().c_str()) == TOCSIN_OK);
    const auto field = [&](std::string_view of) { return fields[*types()[1].find(of)]; };
    REQUIRE(tocsin_begin(client, all) == TOCSIN_OK);
    CHECK(tocsin_set_bool(client, field("b"), 7) == TOCSIN_OK);
    CHECK(tocsin_set_int(client, field("i"), INT64_MIN) == TOCSIN_OK);
    CHECK(tocsin_set_float(client, field("f"), -0.25) == TOCSIN_OK);
    CHECK(tocsin_set_string(client, field("s"), "first", 5) == TOCSIN_OK);
    CHECK(tocsin_set_string(client, field("s"), "é", 2) == TOCSIN_OK);  // the last counts
    CHECK(tocsin_set_int(client, field("t"), 5) == TOCSIN_OK);
    CHECK(tocsin_set_int(client, field("d"), -6) == TOCSIN_OK);
    CHECK(tocsin_set_string(client, field("e"), "sell", 4) == TOCSIN_OK);
    CHECK(tocsin_set_string(client, field("en"), "buy", 3) == TOCSIN_OK);
    const unsigned char bools[] = {1, 0, 9};
    CHECK(tocsin_set_bools(client, field("bs"), bools, 3) == TOCSIN_OK);
    const double floats[] = {1.5};
    CHECK(tocsin_set_floats(client, field("fs"), floats, 1) == TOCSIN_OK);
    CHECK(tocsin_set_ints(client, field("is"), nullptr, 0) == TOCSIN_OK);
    const char* texts[] = {"a", "", "ccc"};
    const size_t sizes[] = {1, 0, 3};
    CHECK(tocsin_set_strings(client, field("ss"), texts, sizes, 3) == TOCSIN_OK);
    CHECK(tocsin_commit(client) == TOCSIN_OK);
    CHECK(tocsin_close(client) == TOCSIN_OK);
    CHECK(std::string(tocsin_error(client)) == "");
    tocsin_free(client);
    peer.finish();

    CHECK(name == "till 7 s3cret");
    check_every_kind(got, 5, -6);
  }
}

TEST_CASE("client: thousands of events go in order, in frames no larger than allowed") {
  model::EventBatch got;
  Peer peer([&](PeerConnection& connection) {
    connection.welcome(types(), 700, 60'000, 4096);
    got = connection.take_all(types());
  });
  Payments payments;
  REQUIRE(tocsin_connect(payments.client, peer.address().c_str()) == TOCSIN_OK);
  for (int i = 0; i < 20'000; ++i)
    REQUIRE(payments.send(std::string(static_cast<std::size_t>(i % 40), 'x'), i, i) == TOCSIN_OK);
  CHECK(payments.send(std::string(5000, 'x'), 0, 0) == TOCSIN_INVALID);
  CHECK(tocsin_close(payments.client) == TOCSIN_OK);
  CHECK(payments.counts().acknowledged == 20'000);
  peer.finish();
  REQUIRE(got.size() == 20'000);
  for (std::size_t i = 0; i < got.size(); ++i)
    CHECK(got[i].time_ns() == static_cast<std::int64_t>(i));
}

TEST_CASE("client: no more events are under way than the window allows") {
  std::atomic<int> go{0};
  Peer peer([&](PeerConnection& connection) {
    serve_window(connection, [&] {
      while (go == 0)
        std::this_thread::yield();
    });
    connection.expect(FrameType::bye);
    connection.send(FrameType::bye, R"({"code":"done"})");
  });
  Payments payments;
  REQUIRE(tocsin_connect(payments.client, peer.address().c_str()) == TOCSIN_OK);
  for (int i = 0; i < 5; ++i)
    REQUIRE(payments.send("A", i, i) == TOCSIN_OK);
  CHECK(tocsin_flush(payments.client, 50) == TOCSIN_TIMEOUT);
  CHECK(payments.counts().committed == 5);
  CHECK(payments.counts().sent == 2);
  CHECK(payments.counts().acknowledged == 0);
  go = 1;
  CHECK(tocsin_wait_acknowledged(payments.client, 5000) == TOCSIN_OK);
  CHECK(payments.counts().acknowledged == 5);
  CHECK(payments.counts().rejected == 1);
  std::uint64_t number = 0;
  const char* sentence = nullptr;
  REQUIRE(tocsin_next_rejection(payments.client, &number, &sentence) == 1);
  CHECK(number == 2);
  CHECK(std::string(sentence) == "it is bad");
  CHECK(tocsin_next_rejection(payments.client, &number, &sentence) == 0);
  CHECK(tocsin_close(payments.client) == TOCSIN_OK);
}

TEST_CASE("client: a watermark comes behind the events before it") {
  Peer peer([&](PeerConnection& connection) {
    connection.welcome(types());
    connection.expect(FrameType::events);
    wire::Watermark watermark;
    CHECK(wire::read(connection.expect(FrameType::watermark).frame(), watermark));
    CHECK(watermark.time_ns == 99);
  });
  Payments payments;
  REQUIRE(tocsin_connect(payments.client, peer.address().c_str()) == TOCSIN_OK);
  CHECK(payments.send("A", 1, 1) == TOCSIN_OK);
  CHECK(tocsin_watermark(payments.client, 99) == TOCSIN_OK);
}

}  // namespace tocsin::client::test
