// tocsin.hpp: the same calls, with its owners, views and exceptions.
#include <doctest/doctest.h>
#include <string>
#include <tocsin.hpp>
#include <vector>

#include "tests/client/support.hpp"

namespace tocsin::client::test {

TEST_CASE("client: the C++ face does the same") {
  model::EventBatch got;
  wire::Subscribe wishes;
  Peer peer([&](PeerConnection& connection) {
    wishes = serve_subscription(connection);
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
  CHECK(!wishes.policy);
  CHECK(wishes.with_events);
  REQUIRE(got.size() == 1);
  CHECK(got[0].load_text(types()[0].fields[0].slot) == "4711");
  CHECK(got[0].load_float(types()[0].fields[1].slot) == 2.5);
}

}  // namespace tocsin::client::test
