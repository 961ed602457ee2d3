#include "connectors/wire/ring.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <ctime>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include "engine/base/assert.hpp"

namespace tocsin::connectors::wire {
namespace {

using Clock = std::chrono::steady_clock;

// Shared between processes, so not FUTEX_PRIVATE. Returns when woken, after the time, or for no reason.
void sleep_while_set(std::atomic<std::uint32_t>& flag, std::chrono::nanoseconds at_most) {
  timespec relative{static_cast<std::time_t>(at_most.count() / 1'000'000'000),
                    static_cast<long>(at_most.count() % 1'000'000'000)};
  syscall(SYS_futex, &flag, FUTEX_WAIT, 1, &relative, nullptr, 0);
}

// Until `ready()` or the timeout.
template <class Ready>
bool wait_until(Ready ready, std::atomic<std::uint32_t>& flag, WaitPolicy policy, std::int64_t timeout_ns) {
  constexpr std::uint32_t rounds_a_look = 256;  // at the clock, while it spins
  constexpr std::chrono::nanoseconds longest =
      std::chrono::hours(1);  // of one sleep, after which it looks again
  if (ready()) return true;
  if (timeout_ns == 0) return false;
  const bool endless = timeout_ns < 0;
  const auto begin = Clock::now();
  const std::uint64_t spins = policy.spins, yields = policy.yields;
  for (std::uint64_t round = 0;; ++round) {
    std::chrono::nanoseconds left = longest;
    if (!endless && (round >= spins || round % rounds_a_look == 0)) {
      left = std::min(longest, std::chrono::nanoseconds(timeout_ns) - (Clock::now() - begin));
      if (left.count() <= 0) return false;
    }
    if (policy.idle == Idle::spin || round < spins) {
      __builtin_ia32_pause();
    } else if (policy.idle == Idle::yield || round < spins + yields) {
      std::this_thread::yield();
    } else {
      flag.store(1, std::memory_order_relaxed);
      wait_barrier();
      if (!ready()) sleep_while_set(flag, left);
      flag.store(0, std::memory_order_relaxed);
    }
    if (ready()) return true;
  }
}

}  // namespace

std::string_view to_sentence(RingFault fault) {
  switch (fault) {
    case RingFault::none: return "";
    case RingFault::length:
      return "a record in the ring is longer than the limit or than what the ring can hold";
    case RingFault::header: return "a record in the ring has a header that can't be";
    case RingFault::released: return "the consumer of the ring says that it has read what can't be";
  }
  return "";
}

void wait_barrier() {
  // Registered and tried in RingMemory, so that it can't fail.
  TOCSIN_ASSERT(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0);
}

void wake(std::atomic<std::uint32_t>& waits, WakeUp who) {
  if (waits.exchange(0, std::memory_order_acq_rel) == 0) return;
  if (who.asked != nullptr) {
    *who.asked = true;
  } else if (who.event_fd < 0) {
    syscall(SYS_futex, &waits, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  } else {
    eventfd_write(who.event_fd,
                  1);  // can only fail where 2^64 - 2 are unread, and then it wakes all the same
  }
}

RingProducer::RingProducer(RingMemory& memory, WakeUp consumer)
    : shared_(memory.header()),
      records_(memory.records()),
      mask_(memory.capacity() - 1),
      capacity_(memory.capacity()),
      consumer_(consumer) {}

bool RingProducer::look_for_room(std::uint64_t bytes) {
  if (fault_ != RingFault::none) return false;
  const std::uint64_t released = shared_.released.load(std::memory_order_acquire);
  if (released - released_ > published_ - released_) {  // back, or too far
    fault_ = RingFault::released;
    capacity_ = 0;
    return false;
  }
  released_ = released;
  return tail_ + bytes - released_ <= capacity_;
}

bool RingProducer::has_room(std::size_t payload_bytes) {
  return look_for_room(frame_bytes(payload_bytes) + sizeof(FrameHeader));
}

bool RingProducer::wait_for_room(std::size_t payload_bytes, WaitPolicy policy, std::int64_t timeout_ns) {
  publish();  // what the consumer does not see it can't release
  wait_until([&] { return has_room(payload_bytes) || fault_ != RingFault::none; }, shared_.producer_waits,
             policy, timeout_ns);
  return has_room(payload_bytes);
}

void RingProducer::begin_wait() {
  publish();
  shared_.producer_waits.store(1, std::memory_order_relaxed);
}

void RingProducer::end_wait() {
  shared_.producer_waits.store(0, std::memory_order_relaxed);
}

RingConsumer::RingConsumer(RingMemory& memory, std::size_t most_payload, WakeUp producer)
    : shared_(memory.header()),
      records_(memory.records()),
      mask_(memory.capacity() - 1),
      capacity_(memory.capacity()),
      most_payload_(std::min(most_payload, most_ring_payload(memory.capacity()))),
      producer_(producer) {}

std::optional<RingRecord> RingConsumer::refuse(std::uint64_t type) {
  if (fault_ == RingFault::none) fault_ = is_type(type) ? RingFault::length : RingFault::header;
  capacity_ = 0;
  return std::nullopt;
}

bool RingConsumer::wait(WaitPolicy policy, std::int64_t timeout_ns) {
  release();  // the producer may wait for just that
  return wait_until([&] { return ready(); }, shared_.consumer_waits, policy, timeout_ns);
}

void RingConsumer::begin_wait() {
  release();
  shared_.consumer_waits.store(1, std::memory_order_relaxed);
}

void RingConsumer::end_wait() {
  shared_.consumer_waits.store(0, std::memory_order_relaxed);
}

}  // namespace tocsin::connectors::wire
