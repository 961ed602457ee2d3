#include "connectors/net/poller.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

#include "engine/base/assert.hpp"

namespace tocsin::connectors::net {

std::int64_t steady_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void Timer::set(std::int64_t deadline_ns) {
  if (deadline_ns == deadline_ns_) return;
  cancel();
  deadline_ns_ = deadline_ns;
  if (is_set()) poller_.timers_.emplace(deadline_ns, this);
}

void Timer::cancel() {
  if (is_set()) poller_.timers_.erase({deadline_ns_, this});
  deadline_ns_ = not_set;
}

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), now_ns_(steady_now_ns()), asked_ns_(now_ns_) {
  if (!epoll_) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

bool Poller::add(int fd, Pollable& handler) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &handler;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::remove(int fd, Pollable& handler) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  std::replace(at_hand_.begin(), at_hand_.end(), &handler, static_cast<Pollable*>(nullptr));
}

std::size_t Poller::poll(std::int64_t timeout_ns) {
  std::int64_t wait_ns = timeout_ns;
  if (timeout_ns != 0 && !timers_.empty()) {
    const std::int64_t next_ns = std::max<std::int64_t>(0, timers_.begin()->first - steady_now_ns());
    wait_ns = timeout_ns < 0 ? next_ns : std::min(timeout_ns, next_ns);
  }
  constexpr std::int64_t longest_ms = 3'600'000;
  const std::int64_t wait_ms =
      wait_ns < 0 ? -1 : std::min(wait_ns / 1'000'000 + (wait_ns % 1'000'000 > 0), longest_ms);
  std::array<epoll_event, 256> events;
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), static_cast<int>(wait_ms));
  TOCSIN_ASSERT(count >= 0 || errno == EINTR);
  now_ns_ = asked_ns_ = steady_now_ns();
  at_hand_.clear();
  for (int i = 0; i < count; ++i)
    at_hand_.push_back(static_cast<Pollable*>(events[static_cast<std::size_t>(i)].data.ptr));
  std::size_t called = 0;
  for (std::size_t i = 0; i < at_hand_.size(); ++i) {  // a handler may remove others
    if (at_hand_[i] == nullptr) continue;
    at_hand_[i]->on_ready(events[i].events);
    ++called;
  }
  return called + run_timers();
}

std::size_t Poller::poll_every(std::int64_t interval_ns) {
  now_ns_ = steady_now_ns();
  return now_ns_ - asked_ns_ < interval_ns ? run_timers() : poll(0);
}

std::size_t Poller::run_timers() {
  std::size_t called = 0;
  while (!timers_.empty() && timers_.begin()->first <= now_ns_) {
    Timer* timer = timers_.begin()->second;
    timer->cancel();
    timer->on_time();
    ++called;
  }
  return called;
}

Wake::Wake(Poller& poller) : poller_(poller), fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!fd_ || !poller_.add(fd_.get(), *this)) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
}

Wake::~Wake() {
  poller_.remove(fd_.get(), *this);
}

void Wake::notify() {
  if (pending_.exchange(true, std::memory_order_seq_cst)) return;
  const std::uint64_t one = 1;
  // It can fail only where the counter is full, and then there is a wake-up to be seen.
  [[maybe_unused]] const ssize_t written = ::write(fd_.get(), &one, sizeof one);
}

}  // namespace tocsin::connectors::net
