#include "tests/client/support.hpp"

#include <cstring>
#include <doctest/doctest.h>
#include <utility>

#include "connectors/wire/payload.hpp"
#include "tests/wire/support.hpp"

namespace tocsin::client::test {

using wire::FrameType;

const model::Catalog& types() {
  static const model::Catalog catalog = connectors::wire::test::catalog();
  return catalog;
}

tocsin_status Payments::send(std::string_view number, double value, std::int64_t time_ns) const {
  tocsin_begin(client, payment);
  tocsin_set_string(client, card, number.data(), number.size());
  tocsin_set_float(client, amount, value);
  tocsin_set_int(client, at, time_ns);
  return tocsin_commit(client);
}

tocsin_counts Payments::counts() const {
  tocsin_counts counts;
  tocsin_get_counts(client, &counts);
  return counts;
}

void check_every_kind(const model::EventBatch& got, std::int64_t time_ns, std::int64_t duration_ns) {
  REQUIRE(got.size() == 1);
  const auto value = [&](std::string_view of) {
    const auto index = *types()[1].find(of);
    return got[0].get(types()[1].fields[index], index);
  };
  CHECK(value("b").i == 1);
  CHECK(value("i").i == INT64_MIN);
  CHECK(value("f").f == -0.25);
  CHECK(value("s").text() == "é");
  CHECK(value("t").i == time_ns);
  CHECK(value("d").i == duration_ns);
  CHECK(value("e").i == 1);
  CHECK(value("en").i == 0);
  CHECK(value("in").is_null());
  CHECK(value("bs").size == 3);
  CHECK(model::element_of(value("bs"), 2).i == 1);
  CHECK(model::element_of(value("fs"), 0).f == 1.5);
  CHECK(value("is").size == 0);
  CHECK(model::element_of(value("ss"), 2).text() == "ccc");
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

Sample::Sample() {
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

wire::FrameBuffer Sample::frame(bool with_events, std::uint32_t rule, std::uint64_t sent) const {
  wire::FrameBuffer out;
  model::MatchView view{
      .rule = rule, .at_ns = 99, .trigger_seq = 11, .events = matched, .emitted = emitted[0], .ordinal = 2};
  wire::append_match(out, view, with_events, 1 << 20);
  wire::set_sent(const_cast<std::byte*>(out.bytes().data()), sent);
  return out;
}

void serve_window(PeerConnection& peer, const std::function<void()>& wait) {
  peer.welcome(types(), 2);
  wire::EventsHead head;
  const auto count = [&] {
    const auto frame = peer.expect(FrameType::events);
    std::memcpy(&head, frame.payload().data(), sizeof head);
    return head.first * 100 + head.count;
  };
  CHECK(count() == 102);
  wait();
  wire::FrameBuffer rejected;
  wire::append_rejected(rejected, {.number = 2, .sentence = "it is bad"});
  peer.send(rejected);
  peer.send(wire::Ack{.number = 2, .rejected = 1, .window = 3});
  CHECK(count() == 303);
  peer.send(wire::Ack{.number = 5, .rejected = 1, .window = 3});
}

wire::Subscribe serve_subscription(PeerConnection& peer, std::uint32_t heartbeat_ms) {
  peer.welcome(types(), 1000, heartbeat_ms);
  auto wishes = wire::parse_subscribe(peer.expect(FrameType::subscribe).text());
  peer.send(FrameType::subscribed, wire::to_json(subscribed()));
  return std::move(*wishes.value);
}

}  // namespace tocsin::client::test
