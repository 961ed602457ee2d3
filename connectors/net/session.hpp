// What a connection speaks, once its first bytes have said it: frames or lines.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "connectors/net/options.hpp"
#include "connectors/net/shared.hpp"
#include "connectors/net/source.hpp"
#include "connectors/net/subscriber.hpp"

namespace tocsin::connectors::net {

class Connection;

/// What one turn of reading came to.
enum class Ran : std::uint8_t {
  more,  // its share of the round is used up; there is more
  dry,   // nothing more to read for now, or for ever
  held,  // what comes next must wait until events may be taken again
};

class Session {
 public:
  Session(Connection& connection, Shared& shared, std::string name);
  virtual ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Reads and handles about limits.read_bytes.
  virtual Ran run() = 0;
  /// Hands on the events that have gathered in Shared::batch. False where the connection has ended by that.
  virtual bool finish_batch();
  /// Says that this is the end, and why: at once (a refusal), or behind the matches that wait.
  virtual void say_end(std::string_view code, std::string_view message, bool at_once) = 0;
  /// Shared::rules are others now.
  virtual void rules_changed() = 0;
  /// Still within the time that a handshake may take.
  virtual bool is_handshaking() const = 0;
  /// "frames", "ring" or "lines".
  virtual std::string_view form() const = 0;
  virtual std::uint64_t rejected() const = 0;

  /// Says that it is alive; nothing where the form has no such thing.
  virtual void beat() {}
  /// In each round, whether or not the socket has something: true where there was something to do.
  virtual bool run_ring() { return false; }
  virtual bool has_ring() const { return false; }
  /// Before and after the poller sleeps. False: there is something to do already; what comes in counts only
  /// where events may be taken.
  virtual void begin_wait() {}
  virtual bool may_sleep([[maybe_unused]] bool takes_events) { return true; }
  virtual void end_wait() {}
  /// What the ring has room for goes there. Nothing without one.
  virtual void write_ring() {}

  /// Its client has said that this is its end: the connection is finished once all matches of what has been
  /// taken so far are in its queue, which may be now.
  void end();
  /// Of one that waits for this: the same. True where it need not wait any more.
  bool end_if_reached();
  /// No more events from it, and no more matches to it.
  void leave();
  void unsubscribe();
  bool is_subscribed() const { return subscriber_.has_value(); }
  ConnectionSource& source() { return source_; }
  const ConnectionSource& source() const { return source_; }
  const std::string& client() const { return client_; }

 protected:
  /// Begins or replaces the subscription. False, and the connection is refused, where it can't be.
  bool subscribe(const wire::Subscribe& wishes, Form form);

  Connection& connection_;
  Shared& shared_;
  ConnectionSource source_;
  std::string client_;
  std::optional<Subscriber> subscriber_;
  std::int64_t last_mark_ = 0;  // behind its last matches, where it ends
};

/// At most so many things a second.
class RateLimit {
 public:
  explicit RateLimit(std::uint32_t per_second) : per_second_(per_second) {}
  bool allows(std::int64_t now_ns) {
    if (now_ns - second_began_ns_ >= 1'000'000'000) {
      second_began_ns_ = now_ns;
      used_ = 0;
    }
    return used_++ < per_second_;
  }

 private:
  std::uint32_t per_second_;
  std::uint32_t used_ = 0;
  std::int64_t second_began_ns_ = 0;
};

}  // namespace tocsin::connectors::net
