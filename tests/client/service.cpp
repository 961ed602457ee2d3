#include "tests/client/service.hpp"

#include <doctest/doctest.h>

#include "connectors/wire/ring_memory.hpp"

namespace tocsin::client::test {

RunningService::RunningService(const connectors::net::ServerOptions& options,
                               const connectors::net::ListenOptions& listen)
    : service_(options, listen), wake_(service_.poller) {
  service_.engine.keep_events = false;
  thread_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.clear();
      changed_.wait(lock, [&] { return pauses_ == 0 || stopping_; });
      if (stopping_) return;
      in_round_ = true;
      lock.unlock();
      service_.server.run_once(60'000'000'000);  // what does not wake it is missed
      lock.lock();
      in_round_ = false;
      changed_.notify_all();
    }
  });
}

void RunningService::pause() {
  std::unique_lock lock(mutex_);
  ++pauses_;
  wake_.notify();
  changed_.wait(lock, [&] { return !in_round_; });
}

void RunningService::resume() {
  const std::lock_guard lock(mutex_);
  --pauses_;
  changed_.notify_all();
}

void RunningService::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify();
    changed_.notify_all();
  }
  thread_.join();
}

bool can_have_rings() {
  const auto memory = connectors::wire::RingMemory::create(connectors::wire::least_ring_bytes);
  if (!memory) MESSAGE("no rings here: " << memory.error);
  return static_cast<bool>(memory);
}

}  // namespace tocsin::client::test
