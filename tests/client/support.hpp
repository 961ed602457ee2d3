// What the client's tests share: a client that sends payments, and what a scripted server tells of rules and
// matches.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tocsin.h>
#include <vector>

#include "connectors/wire/match_frame.hpp"
#include "engine/model/batch.hpp"
#include "tests/client/peer.hpp"

namespace tocsin::client::test {

/// That of the wire tests (tests/wire/support.hpp): 0 Payment, 1 All, 2 Alert …
const model::Catalog& types();

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

  tocsin_status send(std::string_view number, double value, std::int64_t time_ns) const;
  std::string error() const { return tocsin_error(client); }
  std::string code() const { return tocsin_error_code(client); }
  tocsin_counts counts() const;
};

/// What has come is one event of All with these values, as the tests of each client set them.
void check_every_kind(const model::EventBatch& got, std::int64_t time_ns, std::int64_t duration_ns);

/// Rule 3, first: emits Alert, steps a and one without a name, of Payment. Rule 4, second: nothing of all
/// that.
wire::Subscribed subscribed();

/// A match of rule 3 over two payments, 10 and 11.
struct Sample {
  model::EventBatch events;
  model::EventBatch emitted;
  std::vector<model::MatchedEvent> matched;

  Sample();
  wire::FrameBuffer frame(bool with_events, std::uint32_t rule = 3, std::uint64_t sent = 1) const;
};

/// WELCOME with a window of two events. Takes two and then, when `wait` has returned, rejects the second one
/// and gives a window of three; takes these.
void serve_window(PeerConnection& peer, const std::function<void()>& wait);

/// WELCOME, and an answer to SUBSCRIBE, which it returns.
wire::Subscribe serve_subscription(PeerConnection& peer, std::uint32_t heartbeat_ms = 60'000);

}  // namespace tocsin::client::test
