// The client library against a scripted server.
#include <cmath>
#include <cstring>
#include <doctest/doctest.h>
#include <tocsin.h>
#include <tocsin.hpp>

#include "connectors/wire/match_frame.hpp"
#include "tests/client/peer.hpp"
#include "tests/wire/support.hpp"

namespace tocsin::client::test {

namespace {

using connectors::wire::test::Random;
using wire::FrameType;

const model::Catalog& types() {
  static const model::Catalog catalog = connectors::wire::test::catalog();
  return catalog;
}

/// A client that declares Payment, without its country.
struct Payments {
  tocsin_client* client = tocsin_new("test");
  int payment = tocsin_declare(client, "Payment");
  int at = tocsin_field(client, payment, "at", "time");
  int card = tocsin_field(client, payment, "card", "string");
  int amount = tocsin_field(client, payment, "amount", "float");

  Payments() { tocsin_set_timeout(client, 10'000); }
  ~Payments() { tocsin_free(client); }
  Payments(const Payments&) = delete;

  tocsin_status send(std::string_view number, double value, std::int64_t time_ns) const {
    tocsin_begin(client, payment);
    tocsin_set_string(client, card, number.data(), number.size());
    tocsin_set_float(client, amount, value);
    tocsin_set_int(client, at, time_ns);
    return tocsin_commit(client);
  }
  std::string error() const { return tocsin_error(client); }
  std::string code() const { return tocsin_error_code(client); }
  tocsin_counts counts() const {
    tocsin_counts counts;
    tocsin_get_counts(client, &counts);
    return counts;
  }
};

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

wire::Subscribed subscribed() {
  return {.types = {wire::layout_of(*types().find("Alert"), types()),
                    wire::layout_of(*types().find("Payment"), types())},
          .rules = {{.id = 3,
                     .name = "first",
                     .emits = "Alert",
                     .on_timeout = {},
                     .steps = {{"a", "Payment"}, {"", "Payment"}}},
                    {.id = 4, .name = "second", .emits = {}, .on_timeout = {}, .steps = {}}}};
}

/// A match of rule 3 over two payments.
struct Sample {
  model::EventBatch events;
  model::EventBatch emitted;
  std::vector<model::MatchedEvent> matched;

  Sample() {
    for (const char* card : {"A", "B"}) {
      model::EventWriter writer(events);
      writer.begin(types()[0]);
      writer.set_string(0, card);
      writer.set_float(1, 0.5);
      writer.set_int(3, 77);
      writer.commit(0, 10 + events.size(), 1);
    }
    model::EventWriter writer(emitted);
    writer.begin(types()[2]);
    writer.set_string(0, "4711");
    const model::Value names[] = {model::Value::string("é"), model::Value::string("")};
    writer.set_array(2, names);
    writer.commit(99, 11, model::Origin{});
    for (std::uint32_t i = 0; i < 2; ++i)
      matched.push_back({i, events[i]});
  }
  wire::FrameBuffer frame(bool with_events, std::uint32_t rule = 3, std::uint64_t sent = 1) const {
    wire::FrameBuffer out;
    model::MatchView view{
        .rule = rule, .at_ns = 99, .trigger_seq = 11, .events = matched, .emitted = emitted[0], .ordinal = 2};
    wire::append_match(out, view, with_events, 1 << 20);
    wire::set_sent(const_cast<std::byte*>(out.bytes().data()), sent);
    return out;
  }
};

void serve_subscription(PeerConnection& peer, std::uint32_t heartbeat_ms = 60'000) {
  peer.welcome(types(), 1000, heartbeat_ms);
  peer.expect(FrameType::subscribe);
  peer.send(FrameType::subscribed, wire::to_json(subscribed()));
}

}  // namespace

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
    REQUIRE(got.size() == 1);
    const auto value = [&](std::string_view of) {
      const auto index = *types()[1].find(of);
      return got[0].get(types()[1].fields[index], index);
    };
    CHECK(value("b").i == 1);
    CHECK(value("i").i == INT64_MIN);
    CHECK(value("f").f == -0.25);
    CHECK(value("s").text() == "é");
    CHECK(value("t").i == 5);
    CHECK(value("d").i == -6);
    CHECK(value("e").i == 1);
    CHECK(value("en").i == 0);
    CHECK(value("in").is_null());
    CHECK(value("bs").size == 3);
    CHECK(model::element_of(value("bs"), 2).i == 1);
    CHECK(model::element_of(value("fs"), 0).f == 1.5);
    CHECK(value("is").size == 0);
    CHECK(model::element_of(value("ss"), 2).text() == "ccc");
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
    connection.welcome(types(), 2);
    wire::EventsHead head;
    const auto count = [&] {
      const auto frame = connection.expect(FrameType::events);
      std::memcpy(&head, frame.payload().data(), sizeof head);
      return head.first * 100 + head.count;
    };
    CHECK(count() == 102);
    while (go == 0)
      std::this_thread::yield();
    wire::FrameBuffer rejected;
    wire::append_rejected(rejected, {.number = 2, .sentence = "it is bad"});
    connection.send(rejected);
    connection.send(wire::Ack{.number = 2, .rejected = 1, .window = 3});
    CHECK(count() == 303);
    connection.send(wire::Ack{.number = 5, .rejected = 1, .window = 3});
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
       {std::pair("http:x", "'http:x' is no address: tcp:HOST:PORT or unix:PATH"),
        std::pair("tcp:localhost", "an address needs a port: tcp:HOST:PORT"),
        std::pair("unix:", "the path of the socket is empty or too long")}) {
    Payments other;
    CHECK(tocsin_connect(other.client, address) == TOCSIN_BROKEN);
    CHECK(other.error() == sentence);
  }
}

TEST_CASE("client: matches come with their parts") {
  for (const bool with_events : {false, true}) {
    wire::Subscribe wishes;
    Peer peer([&](PeerConnection& connection) {
      connection.welcome(types());
      wishes = *wire::parse_subscribe(connection.expect(FrameType::subscribe).text());
      connection.send(FrameType::subscribed, wire::to_json(subscribed()));
      connection.send(Sample().frame(with_events));
      connection.send(wire::Dropped{.matches = 6});
      connection.send(Sample().frame(false, 4, 8));
      connection.send(FrameType::bye, R"({"code":"shutdown","message":"the server stops"})");
    });
    Payments payments;
    REQUIRE(tocsin_connect(payments.client, peer.address().c_str()) == TOCSIN_OK);
    CHECK(std::string(tocsin_rule(payments.client, 1)) == "second");
    CHECK(tocsin_rule(payments.client, 2) == nullptr);
    const char* rules[] = {"first", "second"};
    const tocsin_subscription subscription{.rules = rules,
                                           .rule_count = 2,
                                           .types = nullptr,
                                           .type_count = 0,
                                           .policy = TOCSIN_BLOCK,
                                           .queue_bytes = 4096,
                                           .with_events = with_events};
    REQUIRE(tocsin_subscribe(payments.client, &subscription) == TOCSIN_OK);
    peer.finish();  // all has been sent: what came before the end is given
    CHECK(wishes.rules == std::vector<std::string>{"first", "second"});
    CHECK(!wishes.types);
    CHECK(wishes.policy == wire::Policy::block);
    CHECK(wishes.queue_bytes == 4096);
    CHECK(wishes.with_events == with_events);

    const tocsin_match* match = nullptr;
    REQUIRE(tocsin_poll(payments.client, 5000, &match) == TOCSIN_OK);
    CHECK(std::string(tocsin_match_rule(match)) == "first");
    CHECK(tocsin_match_time(match) == 99);
    CHECK(tocsin_match_trigger(match) == 11);
    CHECK(tocsin_match_ordinal(match) == 2);
    CHECK(tocsin_match_is_timeout(match) == 0);
    CHECK(tocsin_match_is_cut(match) == 0);
    REQUIRE(tocsin_match_size(match) == 2);
    CHECK(tocsin_match_number(match, 1) == 11);
    CHECK(std::string(tocsin_match_step(match, 0)) == "a");
    CHECK(std::string(tocsin_match_step(match, 1)) == "");
    const tocsin_event* emitted = tocsin_match_emitted(match);
    REQUIRE(emitted != nullptr);
    CHECK(std::string(tocsin_event_type(emitted)) == "Alert");
    CHECK(tocsin_event_time(emitted) == 99);
    REQUIRE(tocsin_event_size(emitted) == 3);
    CHECK(std::string(tocsin_event_field(emitted, 1)) == "score");
    const tocsin_value card = tocsin_event_get(emitted, "card");
    CHECK(card.kind == TOCSIN_STRING);
    CHECK(std::string_view(card.text, card.size) == "4711");
    CHECK(tocsin_event_get(emitted, "score").kind == TOCSIN_NULL);
    CHECK(tocsin_event_get(emitted, "nothing").kind == TOCSIN_NULL);
    const tocsin_value names = tocsin_event_get(emitted, "names");
    CHECK(names.kind == TOCSIN_ARRAY);
    CHECK(names.element == TOCSIN_STRING);
    REQUIRE(names.size == 2);
    CHECK(std::string_view(tocsin_element(names, 0).text, tocsin_element(names, 0).size) == "é");
    if (with_events) {
      const tocsin_event* second = tocsin_match_event(match, 1);
      REQUIRE(second != nullptr);
      CHECK(tocsin_event_get(second, "amount").number == 0.5);
      CHECK(tocsin_event_get(second, "at").integer == 77);
      CHECK(tocsin_event_get(second, "at").kind == TOCSIN_TIME);
    } else {
      CHECK(tocsin_match_event(match, 0) == nullptr);
    }
    REQUIRE(tocsin_poll(payments.client, 5000, &match) == TOCSIN_OK);
    CHECK(std::string(tocsin_match_rule(match)) == "second");
    CHECK(payments.counts().dropped == 6);
    CHECK(payments.counts().matches == 2);
    CHECK(tocsin_poll(payments.client, 5000, &match) == TOCSIN_CLOSED);
    CHECK(match == nullptr);
    CHECK(payments.error() == "the server stops");
    CHECK(payments.code() == "shutdown");
  }
}

TEST_CASE("client: rules that change change what the matches behind them mean") {
  Peer peer([&](PeerConnection& connection) {
    serve_subscription(connection);
    wire::FrameBuffer all;
    wire::Subscribed later = subscribed();
    later.rules[0].id = 4;
    later.rules[1].id = 3;
    const auto add = [&](const wire::FrameBuffer& frames) { connection.send(frames); };
    add(Sample().frame(false));
    connection.send(FrameType::subscribed, wire::to_json(later));
    add(Sample().frame(false));
  });
  Payments payments;
  REQUIRE(tocsin_connect(payments.client, peer.address().c_str()) == TOCSIN_OK);
  REQUIRE(tocsin_subscribe(payments.client, nullptr) == TOCSIN_OK);
  const tocsin_match* match = nullptr;
  REQUIRE(tocsin_poll(payments.client, 5000, &match) == TOCSIN_OK);
  CHECK(std::string(tocsin_match_rule(match)) == "first");
  REQUIRE(tocsin_poll(payments.client, 5000, &match) == TOCSIN_OK);
  CHECK(std::string(tocsin_match_rule(match)) == "second");
}

TEST_CASE("client: damaged matches are refused or can be read") {
  Random random(99);
  for (int i = 0; i < 300; ++i) {
    const wire::FrameBuffer good = Sample().frame(true);
    std::string bytes(reinterpret_cast<const char*>(good.bytes().data()), good.size());
    bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    Peer peer([&](PeerConnection& connection) {
      serve_subscription(connection);
      connection.send_bytes(bytes);
    });
    Payments payments;
    REQUIRE(tocsin_connect(payments.client, peer.address().c_str()) == TOCSIN_OK);
    REQUIRE(tocsin_subscribe(payments.client, nullptr) == TOCSIN_OK);
    const tocsin_match* match = nullptr;
    const tocsin_status status = tocsin_poll(payments.client, 5000, &match);
    CHECK((status == TOCSIN_OK) == (match != nullptr));
    if (status != TOCSIN_OK) {
      CHECK((status == TOCSIN_PROTOCOL || status == TOCSIN_BROKEN));
      CHECK(!payments.error().empty());
      continue;
    }
    for (std::size_t at = 0; at <= tocsin_match_size(match); ++at) {
      const bool emitted = at == tocsin_match_size(match);
      const tocsin_event* event = emitted ? tocsin_match_emitted(match) : tocsin_match_event(match, at);
      if (!emitted) CHECK(tocsin_match_step(match, at) != nullptr);
      for (std::size_t field = 0; event != nullptr && field < tocsin_event_size(event); ++field) {
        const tocsin_value value = tocsin_event_value(event, field);
        if (value.kind == TOCSIN_STRING) CHECK(std::string(value.text, value.size).size() == value.size);
        for (std::size_t k = 0; value.kind == TOCSIN_ARRAY && k < value.size; ++k)
          CHECK(tocsin_element(value, k).size < 1000);
      }
    }
  }
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

TEST_CASE("client: the C++ face does the same") {
  model::EventBatch got;
  Peer peer([&](PeerConnection& connection) {
    serve_subscription(connection);
    connection.send(Sample().frame(true));
    got = connection.take_all(types());
  });
  Client client("c++");
  const Type payment = client.declare("Payment");
  const Field card = client.field(payment, "card", "string");
  const Field amount = client.field(payment, "amount", "float");
  const Field at = client.field(payment, "at", "time");
  client.connect(peer.address());
  client.subscribe({.with_events = true});
  CHECK(client.rules() == std::vector<std::string>{"first", "second"});
  const auto match = client.poll(5000);
  REQUIRE(match);
  CHECK(match->rule() == "first");
  REQUIRE(match->emitted());
  CHECK((*match->emitted())["card"].text() == "4711");
  CHECK((*match->emitted())["names"][0].text() == "é");
  CHECK(match->event(0)->operator[](std::size_t{0}).text() == "A");
  CHECK(!client.poll(0));
  client.begin(payment).set(card, std::string("4711")).set(amount, 2.5F).set(at, 7).commit();
  CHECK_THROWS_WITH_AS(client.begin(payment).set(card, true), "field 'card' of Payment is string", Error);
  client.close();
  CHECK(client.counts().acknowledged == 1);
  CHECK(!client.next_rejection());
  CHECK_THROWS_AS(client.poll(0), Error);
  peer.finish();
  REQUIRE(got.size() == 1);
  CHECK(got[0].load_text(types()[0].fields[0].slot) == "4711");
  CHECK(got[0].load_float(types()[0].fields[1].slot) == 2.5);
}

}  // namespace tocsin::client::test
