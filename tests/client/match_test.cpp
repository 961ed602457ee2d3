// What comes in: matches with their parts, rules that change, and bytes that are damaged.
#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/client/support.hpp"
#include "tests/wire/support.hpp"

namespace tocsin::client::test {

using connectors::wire::test::Random;
using wire::FrameType;

TEST_CASE("client: the policy for a slow subscriber is the server's, unless one is named") {
  const std::pair<tocsin_policy, std::optional<wire::Policy>> policies[] = {
      {tocsin_subscription{}.policy, std::nullopt},    {TOCSIN_SERVER_DEFAULT, std::nullopt},
      {TOCSIN_DROP_OLDEST, wire::Policy::drop_oldest}, {TOCSIN_BLOCK, wire::Policy::block},
      {TOCSIN_DISCONNECT, wire::Policy::disconnect},
  };
  for (const auto& [policy, told] : policies) {
    wire::Subscribe wishes;
    Peer peer([&](PeerConnection& connection) { wishes = serve_subscription(connection); });
    Payments payments;
    REQUIRE(tocsin_connect(payments.client, peer.address().c_str()) == TOCSIN_OK);
    tocsin_subscription subscription{};
    subscription.policy = policy;
    CHECK(tocsin_subscribe(payments.client, &subscription) == TOCSIN_OK);
    peer.finish();
    CHECK(wishes.policy == told);
  }
}

TEST_CASE("client: matches come with their parts") {
  for (const bool with_events : {false, true}) {
    wire::Subscribe wishes;
    Peer peer([&](PeerConnection& connection) {
      wishes = serve_subscription(connection);
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
    tocsin_subscription subscription{};
    subscription.rules = rules;
    subscription.rule_count = 2;
    subscription.policy = TOCSIN_BLOCK;
    subscription.queue_bytes = 4096;
    subscription.with_events = with_events;
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

}  // namespace tocsin::client::test
