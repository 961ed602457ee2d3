// What the tests of the server share: a small engine (a rule is a comparison), a server on sockets that the
// system picks, and clients of the same thread. A client never blocks: while it waits for something, the
// server gets its rounds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/net/server.hpp"
#include "connectors/wire/frame.hpp"
#include "connectors/wire/handshake.hpp"
#include "connectors/wire/match_frame.hpp"
#include "connectors/wire/payload.hpp"

namespace tocsin::connectors::net::test {

/// Payment { card: string, amount: float, at: time @timestamp }, Alert { card: string } derived.
/// Rule big: every Payment above 100, emits Alert. Rule other: every Payment below 0, emits nothing.
std::shared_ptr<const Rules> rules();
/// The same, and Payment has one more field.
std::shared_ptr<const Rules> other_rules();

/// What the server gives its events to. Reports matches as the rules say.
class Engine final : public EventTaker {
 public:
  explicit Engine(MatchHub& hub, std::shared_ptr<const Rules> rules) : hub_(hub), rules_(std::move(rules)) {}

  std::optional<std::uint16_t> open_source(std::string_view name,
                                           std::optional<std::int64_t> idle_timeout_ns) override;
  void take(std::uint16_t source, model::EventBatch& batch, std::int64_t found_ns) override;
  void advance(std::uint16_t source, std::int64_t time_ns) override;
  void close_source(std::uint16_t source) override;
  void mark(std::int64_t stamp) override;

  /// One match of rule `big` for this card, with its event, without any event from outside.
  void report(std::string_view card);

  std::vector<std::string> log;     // `open 0 name`, and where asked for ` idle 5`; `advance 0 5`, `close 0`
  std::vector<std::string> events;  // `0:card:amount`; the source first
  std::uint64_t taken = 0;          // all of them
  std::size_t max_sources = 100;
  bool keep_events = true;

  /// As shards that are behind: what comes of events reaches the hub by deliver() only.
  bool holds = false;
  void deliver();

 private:
  void report(std::uint32_t rule, model::EventView event);
  void match(std::uint32_t rule, model::EventView event);

  MatchHub& hub_;
  std::shared_ptr<const Rules> rules_;
  std::vector<std::function<void()>> held_;
  std::vector<bool> open_;
  std::uint64_t seq_ = 0;
};

/// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  /// Writes a file with this mode and returns its path.
  std::string write(const std::string& name, std::string_view content, unsigned mode = 0600) const;

 private:
  std::string path_;
};

/// A server with one TCP and one Unix listener.
struct Service {
  explicit Service(const ServerOptions& options = {}, const ListenOptions& listen = {},
                   const HubOptions& hub_options = {});

  TemporaryDirectory directory;
  Poller poller;
  MatchHub hub;
  Engine engine;
  Server server;

  Address tcp() const { return server.addresses().at(0); }
  Address unix_socket() const { return server.addresses().at(1); }
  /// Runs rounds until `done`, or fails the test after 10 s.
  void until(const std::function<bool()>& done);
  /// So many rounds, without waiting.
  void rounds(int count);
  std::uint64_t refused(Refusal refusal) const {
    return server.counters().refused[static_cast<std::size_t>(refusal)];
  }
};

/// A socket that is connected, not blocking.
Descriptor connect_to(const Address& address);

struct ReceivedFrame {
  wire::FrameType type = wire::FrameType::bye;
  std::vector<std::uint64_t> words;
  std::size_t size = 0;

  std::span<const std::byte> payload() const { return std::as_bytes(std::span(words)).first(size); }
  std::string_view text() const { return {reinterpret_cast<const char*>(words.data()), size}; }
  template <class Payload>
  Payload as() const {
    Payload result;
    REQUIRE_PAYLOAD(wire::read(wire::Frame{type, payload()}, result));
    return result;
  }
  static void REQUIRE_PAYLOAD(bool good);
};

class Client {
 public:
  Client(Service& service, const Address& address) : service_(service), fd_(connect_to(address)) {}

  // Bytes.
  void send(std::span<const std::byte> bytes);
  void send(std::string_view text) { send(std::as_bytes(std::span(text))); }
  /// Reads once; false at the end.
  bool receive();
  bool closed() const { return closed_; }
  void shut_down_writing();
  void close() { fd_ = Descriptor(); }
  int fd() const { return fd_.get(); }

  // Frames.
  void send(const wire::FrameBuffer& frames) { send(frames.bytes()); }
  void send_frame(wire::FrameType type, std::string_view json);
  /// Preface and HELLO.
  void hello(const wire::Hello& hello);
  /// The next frame but heartbeats; nothing at the connection's end.
  std::optional<ReceivedFrame> next();
  /// The next one, which must be of this type.
  ReceivedFrame expect(wire::FrameType type);
  wire::Welcome welcome();
  wire::Refused refused();
  wire::Bye bye();
  void send_payments(std::uint64_t first, const std::vector<std::pair<std::string, double>>& payments);
  wire::Subscribed subscribe(const wire::Subscribe& wishes);
  /// The card of the next match.
  std::string match_card();

  // Lines.
  /// The next line without its end; nothing at the connection's end.
  std::optional<std::string> line();

 private:
  Service& service_;
  Descriptor fd_;
  std::string received_;
  bool closed_ = false;
};

/// HELLO of a client that sends Payments.
wire::Hello payments_hello();
/// HELLO of one that sends nothing.
wire::Hello reader_hello();

/// A client that may send Payments.
struct Producer : Client {
  Producer(Service& service, const Address& address);
};

/// A client that subscribes, over a Unix socket: that is full after some 200 kB, where TCP takes megabytes.
struct Reader {
  Reader(Service& service, const wire::Subscribe& wishes);
  Client client;
  wire::Subscribed subscribed;
};

inline const wire::Subscribe blocking{.policy = wire::Policy::block, .queue_bytes = 10'000};

/// Reports until the outbox of the only subscriber holds so much that the socket did not take. How many
/// matches that were.
std::uint64_t report_until_full(Service& service, std::size_t bytes);

/// An EVENTS frame; a Payment each.
void append_payments(wire::FrameBuffer& out, std::uint64_t first,
                     const std::vector<std::pair<std::string, double>>& payments);
std::string payment_line(std::string_view card, double amount);

}  // namespace tocsin::connectors::net::test
