// Between threads: an unbounded lock-free queue (moodycamel) and a signal for the side that waits. What flows
// through it is bounded by whoever hands out the items: batches come from a pool of fixed size.
//
// The queue keeps the order of each producer only; every producer has its own token, and what must be in one
// order across producers carries a number.
#pragma once

#include <atomic>
#include <concurrentqueue/concurrentqueue.h>
#include <cstdint>
#include <thread>

#include "engine/base/idle.hpp"

namespace tocsin {

/// Wakes one or more waiting threads. A waiter reads epoch(), looks for work, and waits with that epoch only
/// if there was none, so that no wake-up is lost.
class Signal {
 public:
  std::uint32_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  void notify() {
    epoch_.fetch_add(1, std::memory_order_acq_rel);
    epoch_.notify_all();
  }
  void wait(std::uint32_t epoch) const { epoch_.wait(epoch, std::memory_order_acquire); }

 private:
  alignas(64) std::atomic<std::uint32_t> epoch_{0};
};

/// Counts fruitless rounds and idles as the policy says: spin, then yield, then park.
class Idler {
 public:
  explicit Idler(Idle policy) : policy_(policy) {}
  void reset() { rounds_ = 0; }
  void idle(const Signal& signal, std::uint32_t epoch) {
    ++rounds_;
    if (policy_ == Idle::spin || rounds_ < 64) {
      __builtin_ia32_pause();
    } else if (policy_ == Idle::yield || rounds_ < 256) {
      std::this_thread::yield();
    } else {
      signal.wait(epoch);
    }
  }

 private:
  Idle policy_;
  std::uint32_t rounds_ = 0;
};

template <class T>
using Queue = moodycamel::ConcurrentQueue<T>;
using moodycamel::ProducerToken;

}  // namespace tocsin
