// What one connection has still to get. Answers go first and are never dropped; matches wait behind them in a
// queue of their own, which is bounded by the subscriber's policy:
//
//   begun     the rest of a record of which some bytes are out already
//   control   answers: ACK, HEARTBEAT, …
//   ordered   matches, and what must not overtake them: SUBSCRIBED, BYE
//
// Records are whole frames, or lines. Where the oldest matches are dropped and something else comes to the
// front, it goes to the answers: everything that was before it has gone. An outbox is written once a round.
//
// A queue with the policy block takes what comes all the same, as the engine can't stop within an event; but
// while it is full the server reads no events. That ends when the subscriber reads, or when it goes: its
// socket hangs up, or it has sent no heartbeat within the idle timeout. Tested in tests/net/outbox_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "connectors/net/byte_queue.hpp"
#include "connectors/net/stream.hpp"
#include "connectors/wire/handshake.hpp"
#include "connectors/wire/ring.hpp"

namespace tocsin::connectors::net {

/// How a subscriber gets matches. Each form of a match is encoded once for all.
enum class Form : std::uint8_t { frames, frames_with_events, lines, lines_with_events, sentinel };
inline constexpr std::size_t forms = static_cast<std::size_t>(Form::sentinel);
inline bool is_lines(Form form) {
  return form >= Form::lines;
}

struct QueueOptions {
  wire::Policy policy = wire::Policy::drop_oldest;
  std::size_t queue_bytes = std::size_t{8} << 20;
  std::size_t max_overshoot_bytes = std::size_t{64} << 20;  // with the policy block
};

class Outbox {
 public:
  /// Where connections wait to be told that their outbox has got its first record.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void has_output() = 0;
  };

  explicit Outbox(Owner& owner) : owner_(owner) {}

  /// From now on records are lines; in the beginning they are frames.
  void use_lines() { lines_ = true; }
  void set_queue(const QueueOptions& options) { options_ = options; }

  /// Appends whole records to the answers.
  void answer(std::span<const std::byte> records);
  void answer(std::string_view lines) { answer(std::as_bytes(std::span(lines))); }
  /// Appends a record that goes after all matches so far.
  void put_in_order(std::span<const std::byte> record);
  /// Appends a match in the form of this subscriber, by its policy. Amortised linear in its bytes.
  void put_match(std::span<const std::byte> record);
  /// Forgets the matches, but not the answers and what was begun.
  void drop_all();
  /// Forgets everything: nobody reads it.
  void clear();

  /// The policy is block, and there is no room.
  bool is_full() const {
    return options_.policy == wire::Policy::block && !ordered_.empty() &&
           ordered_.size() >= options_.queue_bytes;
  }
  /// The policy says that the subscriber is to be disconnected.
  bool overflowed() const { return overflowed_; }

  bool empty() const {
    return begun_.empty() && control_.empty() && ordered_.empty() && dropped_ == dropped_told_;
  }
  std::size_t control_bytes() const { return control_.size(); }
  std::size_t queued_bytes() const { return ordered_.size(); }
  std::uint64_t matches() const { return matches_; }  // put in, dropped ones included
  std::uint64_t dropped() const { return dropped_; }
  /// Those that wait here. Linear in them.
  std::uint64_t waiting_matches() const;

  /// Writes what goes. Io::again where something is left.
  IoResult write(Stream& stream);
  /// Moves what goes of the matches to a ring. Returns the payload of the next one, for which there was no
  /// room; nothing where none is left.
  std::optional<std::size_t> write(wire::RingProducer& ring);
  /// From now on matches go to a ring, and only answers to write(Stream&).
  void use_ring(std::size_t most_payload);

 private:
  std::size_t record_at(std::span<const std::byte> records) const;
  bool is_match(std::span<const std::byte> records) const;
  void drop_front();
  void drop_for(std::size_t bytes);
  void tell_dropped();
  void consume(std::size_t bytes);
  void mark();

  Owner& owner_;
  QueueOptions options_;
  bool lines_ = false;
  bool ring_ = false;
  bool overflowed_ = false;
  std::size_t most_record_ = SIZE_MAX;  // bytes that fit the ring
  ByteQueue begun_;
  bool begun_is_match_ = false;
  ByteQueue control_;
  ByteQueue ordered_;
  std::uint64_t matches_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t dropped_told_ = 0;
};

}  // namespace tocsin::connectors::net
