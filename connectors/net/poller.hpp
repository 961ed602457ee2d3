// What the ingress thread waits for: descriptors (epoll, edge-triggered), other threads (an eventfd) and
// time. One thread uses a poller; only Wake::notify() is for others.
//
// A descriptor is registered once, for reading and writing at once, and its interest never changes: an edge
// for writing comes only after a write found no room, so that it costs nothing before. Whoever is told of an
// edge must go on until the system says EAGAIN, or remember that there is more.
//
// Timers stand in an ordered set: setting one is logarithmic, and happens a few times a connection and
// second, never per event. Tested in tests/net/poller_test.cpp.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "connectors/net/descriptor.hpp"

namespace tocsin::connectors::net {

/// ns of a clock that never goes back; of no use but for differences.
std::int64_t steady_now_ns();

class Poller;

/// Something that a poller calls. It must be removed before it goes.
class Pollable {
 public:
  virtual ~Pollable() = default;
  /// `events` as epoll gives them: EPOLLIN, EPOLLOUT, EPOLLHUP, …
  virtual void on_ready(std::uint32_t events) = 0;
};

/// A point in time at which its owner is called, once. Not set in the beginning; cancelled as it goes.
class Timer {
 public:
  explicit Timer(Poller& poller) : poller_(poller) {}
  virtual ~Timer() { cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Replaces what was set before. Logarithmic.
  void set(std::int64_t deadline_ns);
  void cancel();
  bool is_set() const { return deadline_ns_ != not_set; }
  /// INT64_MAX where it is not set.
  std::int64_t deadline_ns() const { return deadline_ns_; }

 private:
  friend class Poller;
  virtual void on_time() = 0;
  static constexpr std::int64_t not_set = INT64_MAX;

  Poller& poller_;
  std::int64_t deadline_ns_ = not_set;
};

class Poller {
 public:
  /// Throws std::system_error where the system gives no epoll instance.
  Poller();

  /// Has `handler` called on each edge of `fd`, reading, writing and hang-up. False, with errno, where the
  /// system won't.
  bool add(int fd, Pollable& handler);
  /// `handler` is not called any more, neither for what this round has still at hand. Call before `fd` is
  /// closed.
  void remove(int fd, Pollable& handler);

  /// Waits at most `timeout_ns` (0: not at all; negative: as long as it takes) for an edge or a timer, and
  /// calls the handlers of what came. Returns how many were called. Rounds the wait up to ms.
  std::size_t poll(std::int64_t timeout_ns);

  /// The same without waiting; asks the system for edges only where it has not for so long. For who polls
  /// something else meanwhile, beside which a system call is dear.
  std::size_t poll_every(std::int64_t interval_ns);

  /// The time at which this round began, without asking the system.
  std::int64_t now_ns() const { return now_ns_; }

 private:
  friend class Timer;
  std::size_t run_timers();

  Descriptor epoll_;
  std::int64_t now_ns_;
  std::int64_t asked_ns_;  // when the system was last asked for edges
  std::set<std::pair<std::int64_t, Timer*>> timers_;
  std::vector<Pollable*> at_hand_;  // of this round, null once called or removed
};

/// Lets other threads wake the poller's: an eventfd that is written only where the last wake-up was seen.
class Wake final : public Pollable {
 public:
  /// Throws std::system_error where the system gives no descriptor.
  explicit Wake(Poller& poller);
  ~Wake() override;
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;

  /// From any thread. Cheap while a wake-up is under way already.
  void notify();
  /// By the poller's thread, before it looks at what notify() announced.
  void clear() { pending_.store(false, std::memory_order_seq_cst); }
  int fd() const { return fd_.get(); }

 private:
  void on_ready(std::uint32_t) override {}  // an edge; the counter is never read

  Poller& poller_;
  Descriptor fd_;
  std::atomic<bool> pending_ = false;
};

}  // namespace tocsin::connectors::net
