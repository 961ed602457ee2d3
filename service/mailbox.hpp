// What other threads ask of the ingress thread: a bounded queue of work, and a wake-up for its poller. For
// commands, of which there are few: it locks.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include "connectors/net/poller.hpp"

namespace tocsin::service {

class Mailbox {
 public:
  using Work = std::function<void()>;
  static constexpr std::size_t capacity = 256;

  explicit Mailbox(connectors::net::Poller& poller) : wake_(poller) {}

  /// From any thread. False where it is full.
  bool post(Work work) {
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.size() >= capacity) return false;
      waiting_.push_back(std::move(work));
      any_.store(true, std::memory_order_release);
    }
    wake_.notify();
    return true;
  }

  /// By the ingress thread: does what is there, in order. True where there was something. One load where not.
  bool run() {
    if (!any_.load(std::memory_order_acquire)) return false;
    wake_.clear();
    {
      const std::lock_guard lock(mutex_);
      at_hand_.swap(waiting_);
      any_.store(false, std::memory_order_release);
    }
    for (Work& work : at_hand_)
      work();
    at_hand_.clear();
    return true;
  }

 private:
  connectors::net::Wake wake_;
  std::mutex mutex_;
  std::vector<Work> waiting_;
  std::vector<Work> at_hand_;
  std::atomic<bool> any_ = false;
};

}  // namespace tocsin::service
