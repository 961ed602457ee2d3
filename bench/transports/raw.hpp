// The least that a transport costs by itself: a process that takes the service's place on its core, and sends
// back as many bytes as the service would (echo), or reads as many as were sent and throws them away (copy),
// or answers every so many events (answer).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <sys/types.h>
#include <vector>

#include "bench/load/target.hpp"
#include "connectors/wire/match_frame.hpp"
#include "connectors/wire/ring.hpp"
#include "engine/model/batch.hpp"

namespace tocsin::bench {

namespace wire = connectors::wire;
using load::Via;  // but the engine alone

/// Throws std::runtime_error where it does not hold.
void check(bool holds, const std::string& what);

/// What the raw process is to do next.
struct Order {
  enum class What : std::uint8_t { echo, copy, answer };
  What what = What::echo;
  Via via = Via::tcp;
  bool spin = false;
  std::uint64_t count =
      0;  // round trips; bytes of a stream over a socket, records of one over a ring; events
  std::uint64_t in_bytes = 0, out_bytes = 0;  // of a trip, there and back; with the header of a record
  std::uint64_t every = 1;                    // of the events whose numbers it divides comes an answer
};

/// Both wait as long as it takes; read_some() gives at least one byte.
void send_all(int socket, std::span<const std::byte> bytes);
std::size_t read_some(int socket, std::span<std::byte> to, bool spin);

/// One side's ends of all that is raw.
class RawEnd {
 public:
  RawEnd(int tcp, int unix_socket, wire::RingMemory& out, wire::RingMemory& in);

  /// In one piece; of a ring with the header of its record.
  void send(Via via, std::size_t bytes);
  void send_record(std::span<const std::byte> payload);
  void receive(Via via, std::size_t bytes, bool spin);
  void obey(const Order& order);

  /// Over the ring, without waiting: events as a client sends them, the first of this number. False where
  /// there is no room.
  bool try_send_events(std::uint64_t first, const model::EventBatch& batch, std::size_t begin,
                       std::size_t end);
  /// Over the ring, without waiting: calls on_answer(number of its event) for each answer that has come.
  template <class OnAnswer>
  void receive_answers(OnAnswer on_answer);
  int socket(Via via) const { return via == Via::tcp ? tcp_ : unix_; }

 private:
  std::size_t receive_record(bool spin);  // the bytes of its payload
  void copy_in(const Order& order);
  void answer(const Order& order);

  int tcp_, unix_;
  wire::RingProducer out_;
  wire::RingConsumer in_;
  std::vector<std::byte> buffer_;
};

template <class OnAnswer>
void RawEnd::receive_answers(OnAnswer on_answer) {
  bool any = false;
  while (const auto record = in_.next()) {
    any = true;
    record->payload.copy_to(buffer_.data());
    wire::MatchHead head;
    std::memcpy(&head, buffer_.data(), sizeof head);
    on_answer(head.trigger_seq);
  }
  if (any) in_.release();
}

/// The raw process, and the client's end.
class Raw {
 public:
  /// Forks a process that is kept on this core. Throws std::runtime_error.
  explicit Raw(int core);
  ~Raw();
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;

  /// The process does that once; the caller does its part at the end that it gets.
  RawEnd& order(const Order& order);

 private:
  [[noreturn]] void run(int core);

  std::array<int, 2> tcp_, unix_{}, orders_{};
  std::unique_ptr<wire::RingMemory> there_, back_;
  pid_t child_ = -1;
  std::unique_ptr<RawEnd> end_;
};

}  // namespace tocsin::bench
