// Records from one process to another through shared memory: one producer, one consumer, no system call while
// both run.
//
// A record is a frame: a header word (payload bytes, type), the payload, padding to 8 bytes. Records follow
// each other without a gap, round and round. There is no cursor for what is published: the header word is
// written last, and while it is 0 there is no record, so that one transfer of a cache line brings the
// consumer the news and the record itself. Before it publishes, the producer writes 0 where the next header
// will be. The consumer tells how far it has done with them in RingHeader::released. So what a producer began
// and did not complete, as it died, is not to be seen.
//
// Neither side trusts what it reads. The consumer reads a header once and checks what it read; its place in
// the ring is its own. A payload may change while it is looked at, so it can only be copied, and is checked
// in the copy. The producer accepts no `released` that goes back, or beyond what it has published. What can't
// be is a fault: it stays, and that ring is finished.
//
// What is left to a hostile producer: it may fill the ring so that there are records without end, without
// doing anything more for it. It may as well write without pause; who reads several rings takes so much of
// each in turn.
//
// Sleeping. Who goes to sleep sets its flag, then looks again, and sleeps only if there is still nothing. The
// other side writes its word (a header, or `released`), then looks at the flag. Each writes, then reads what
// the other wrote: unless the write is seen before the read is made, both can miss each other. The usual way
// is a fence on both sides; but a producer would then wait with each record for the cache line to come from
// the consumer. Here the side that goes to sleep pays for both: membarrier(2) makes every running thread of
// the processes that use rings pass a barrier (wait_barrier()), so the other side's write and read need only
// stay in order for the compiler. Either they come after the barrier and see the flag, or the write comes
// before and is seen by the second look.
//
// Cost: reserve, complete and next are constant time, and touch in the common case no line but those of the
// record (and the flags', which both hold). Tested in tests/wire/ring_test.cpp, ring_threads_test.cpp,
// ring_processes_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "connectors/wire/frame.hpp"
#include "connectors/wire/ring_memory.hpp"
#include "engine/base/idle.hpp"
#include "engine/base/prefetch.hpp"

namespace tocsin::connectors::wire {

/// The largest payload of a record in a ring: the 0 behind it must fit too.
constexpr std::size_t most_ring_payload(std::size_t capacity) {
  return capacity - 2 * sizeof(FrameHeader);
}

enum class RingFault : std::uint8_t {
  none,
  length,    // a record longer than the limit or than the ring
  header,    // a header of no known type, or with bits that are not used
  released,  // the consumer's cursor went back, or beyond what was published
};
/// A sentence for each, as for a log; empty for none.
std::string_view to_sentence(RingFault fault);

/// Says whom to wake and how: by an eventfd (whoever waits in a poller); not here, but by who looks at
/// `asked`; or, without both, by a futex on the flag.
struct WakeUp {
  int event_fd = -1;      // not owned
  bool* asked = nullptr;  // set to true where the other side is to be woken
};

/// How a side waits by itself: it spins for so many rounds, yields for so many, then sleeps on a futex; or it
/// goes on spinning or yielding.
struct WaitPolicy {
  Idle idle = Idle::park;
  std::uint32_t spins = 256;
  std::uint32_t yields = 64;
};

/// Makes every thread that uses a ring pass a memory barrier: between setting flags and looking again, for
/// any number of rings at once. A microsecond or more. RingMemory::create() and map() have seen that the
/// system has it.
void wait_barrier();
/// Takes back the flag of a side that sleeps, and wakes it.
void wake(std::atomic<std::uint32_t>& waits, WakeUp who);

/// One end of a ring, to be used by one thread at a time. The memory must outlive it, and have no other
/// producer.
class RingProducer {
 public:
  RingProducer(RingMemory& memory, WakeUp consumer);

  /// Room for a payload, in one piece and 8-byte aligned; data() is null where the ring is too full, or has a
  /// fault. What was reserved before and not completed is forgotten. Precondition: payload_bytes <=
  /// most_payload().
  std::span<std::byte> reserve(std::size_t payload_bytes) {
    const std::size_t room = frame_bytes(payload_bytes) + sizeof(FrameHeader);
    if (tail_ + room - released_ > capacity_ && !look_for_room(room)) return {};
    prefetch_to_write(at(tail_ + lines_ahead));
    return {at(tail_) + sizeof(FrameHeader), payload_bytes};
  }
  /// What was reserved last is a record of this type; it may have become shorter. It goes out with the next
  /// publish(). Precondition: type is not 0.
  void complete(FrameType type, std::size_t payload_bytes) {
    const std::uint64_t header = payload_bytes | std::uint64_t{static_cast<std::uint8_t>(type)} << 32;
    if (tail_ == published_) {
      first_header_ = header;  // its place stays 0 until all of the batch is there
    } else {
      word_at(tail_).store(header, std::memory_order_relaxed);
    }
    const std::size_t padding = -payload_bytes % 8;
    if (padding != 0) std::memset(at(tail_) + sizeof(FrameHeader) + payload_bytes, 0, padding);
    tail_ += frame_bytes(payload_bytes);
  }
  /// Makes all completed records visible by one store, and wakes the consumer if it sleeps.
  void publish() {
    if (tail_ == published_) return;
    word_at(tail_).store(0, std::memory_order_relaxed);
    word_at(published_).store(first_header_, std::memory_order_release);
    published_ = tail_;
    std::atomic_signal_fence(std::memory_order_seq_cst);  // and wait_barrier() over there, see above
    if (shared_.consumer_waits.load(std::memory_order_relaxed) != 0) wake(shared_.consumer_waits, consumer_);
  }
  void commit(FrameType type, std::size_t payload_bytes) {
    complete(type, payload_bytes);
    publish();
  }
  /// reserve() and complete() of a payload that lies elsewhere. False where there is no room for it.
  bool append(FrameType type, std::span<const std::byte> payload) {
    const std::span<std::byte> room = reserve(payload.size());
    if (room.data() == nullptr) return false;
    if (!payload.empty()) std::memcpy(room.data(), payload.data(), payload.size());
    complete(type, payload.size());
    return true;
  }

  std::size_t most_payload() const { return most_ring_payload(mask_ + 1); }
  RingFault fault() const { return fault_; }

  /// Waits for room. False after `timeout_ns` without it (negative: never), or with a fault.
  bool wait_for_room(std::size_t payload_bytes, WaitPolicy policy, std::int64_t timeout_ns);
  /// The same for who waits in a poller: begin_wait(), wait_barrier(), and sleep if has_room() is still
  /// false; then end_wait().
  void begin_wait();
  bool has_room(std::size_t payload_bytes);
  void end_wait();

 private:
  // The lines ahead are the consumer's, which has read them last; four of them are on their way at a time.
  static constexpr std::uint64_t lines_ahead = 256;

  std::byte* at(std::uint64_t position) const { return records_ + (position & mask_); }
  std::atomic_ref<std::uint64_t> word_at(std::uint64_t position) const {
    return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(at(position)));
  }
  bool look_for_room(std::uint64_t bytes);

  RingHeader& shared_;
  std::byte* records_;
  std::uint64_t mask_;
  std::uint64_t capacity_;          // 0 after a fault, so that nothing fits
  std::uint64_t tail_ = 0;          // end of the last record completed
  std::uint64_t published_ = 0;     // end of the last record published
  std::uint64_t released_ = 0;      // the consumer's cursor as last read
  std::uint64_t first_header_ = 0;  // of the record at published_, which publish() writes
  WakeUp consumer_;
  RingFault fault_ = RingFault::none;
};

/// Bytes that another process may change at any moment. They can only be copied; whoever looks into them
/// looks into the copy, so that what was checked is what is used.
class SharedBytes {
 public:
  SharedBytes() = default;
  SharedBytes(const std::byte* bytes, std::size_t size) : bytes_(bytes), size_(size) {}
  std::size_t size() const { return size_; }
  void copy_to(std::byte* to) const { copy_to(to, 0, size_); }
  /// Precondition: offset + bytes <= size().
  void copy_to(std::byte* to, std::size_t offset, std::size_t bytes) const {
    if (bytes > 0) std::memcpy(to, bytes_ + offset, bytes);
  }

 private:
  const std::byte* bytes_ = nullptr;
  std::size_t size_ = 0;
};

struct RingRecord {
  FrameType type;
  SharedBytes payload;  // until the next next() or release()
};

/// The other end, to be used by one thread at a time.
class RingConsumer {
 public:
  /// Records with more payload than `most_payload` are a fault.
  RingConsumer(RingMemory& memory, std::size_t most_payload, WakeUp producer);

  /// Takes the next record; nothing where there is none yet, or a fault. Gives the producer back what it has
  /// taken once that comes to a quarter of the ring; the rest goes back by release().
  std::optional<RingRecord> next() {
    if (head_ - released_ >= capacity_ / 4) release();
    const std::uint64_t header = word_at(head_).load(std::memory_order_acquire);
    if (header == 0) return std::nullopt;
    const std::uint64_t payload_bytes = header & 0xFFFF'FFFF;
    const std::uint64_t type = header >> 32;
    // `released_` is what the producer may know: it can't have published more than the ring holds beyond it.
    if (!is_type(type) || payload_bytes > most_payload_ ||
        head_ + frame_bytes(payload_bytes) + sizeof(FrameHeader) - released_ > capacity_)
      return refuse(type);
    const std::byte* const payload = records_ + (head_ & mask_) + sizeof(FrameHeader);
    head_ += frame_bytes(payload_bytes);
    return RingRecord{static_cast<FrameType>(type), {payload, payload_bytes}};
  }
  /// The producer may use again what was taken; wakes it if it waits for room. For when a batch of records is
  /// done.
  void release() {
    if (released_ == head_) return;
    released_ = head_;
    shared_.released.store(head_, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (shared_.producer_waits.load(std::memory_order_relaxed) != 0) wake(shared_.producer_waits, producer_);
  }
  /// True where next() would give something, or find a fault.
  bool ready() const {
    return fault_ != RingFault::none || word_at(head_).load(std::memory_order_acquire) != 0;
  }

  RingFault fault() const { return fault_; }

  /// Waits for a record. False after `timeout_ns` without one (negative: never).
  bool wait(WaitPolicy policy, std::int64_t timeout_ns);
  /// The same for who waits in a poller: release(), begin_wait(), wait_barrier(), and sleep if ready() is
  /// still false; then end_wait().
  void begin_wait();
  void end_wait();

 private:
  // Of the first copy, which is why it never lies across the end.
  std::atomic_ref<std::uint64_t> word_at(std::uint64_t position) const {
    return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(records_ + (position & mask_)));
  }
  // With the flags and reserved bits above it, which are 0.
  static bool is_type(std::uint64_t type) {
    return type - 1 < static_cast<std::uint64_t>(FrameType::sentinel) - 1;
  }
  std::optional<RingRecord> refuse(std::uint64_t type);

  RingHeader& shared_;
  std::byte* records_;
  std::uint64_t mask_;
  std::uint64_t capacity_;  // 0 after a fault, so that no record fits
  std::uint64_t most_payload_;
  std::uint64_t head_ = 0;      // end of the last record taken
  std::uint64_t released_ = 0;  // what shared_.released says
  WakeUp producer_;
  RingFault fault_ = RingFault::none;
};

}  // namespace tocsin::connectors::wire
