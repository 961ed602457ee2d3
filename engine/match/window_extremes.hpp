// The least or greatest value in the window of each key, as events come and go: a queue of the values that
// may yet be it, each outdone by those before it. A value that comes in ends what it outdoes or equals, as it
// will leave later; what leaves is in the queue only at its front. Amortised constant time; of values in no
// particular order a queue holds about the logarithm of their number, at most all of them. A queue lies apart
// from the events, so that a look at the oldest ones is not paid for by every event.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/fifo.hpp"
#include "engine/match/window_log.hpp"

namespace tocsin::match {

class WindowExtremes {
 public:
  WindowExtremes(bool greatest, bool floating) : greatest_(greatest), floating_(floating) {}

  void resize(std::size_t slots) { queues_.resize(slots); }

  /// True where `a` is further out than `b`. Neither is NaN.
  bool outdoes(std::uint64_t a, std::uint64_t b) const {
    if (greatest_) std::swap(a, b);
    return floating_ ? std::bit_cast<double>(a) < std::bit_cast<double>(b)
                     : static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b);
  }

  struct Value {
    std::uint64_t bits;
    Entry entry;  // whose value it is
  };
  /// A value comes in, of an event newer than all others of the key. Which is furthest out now.
  const Value& push(std::uint32_t slot, std::uint64_t bits, Entry entry) {
    auto& queue = queues_[slot];
    while (!queue.empty() && !outdoes(queue.back().bits, bits))
      queue.pop_back();
    // Of a pane the furthest out is enough, as all its values leave at once.
    if (queue.empty() || queue.back().entry != entry) queue.push_back({bits, entry});
    return queue.front();
  }
  /// The event leaves whose value push() or pop() gave last. Which value is furthest out now, if any is left.
  const Value* pop(std::uint32_t slot) {
    auto& queue = queues_[slot];
    queue.pop_front();
    return queue.empty() ? nullptr : &queue.front();
  }

 private:
  const bool greatest_;
  const bool floating_;
  std::vector<Fifo<Value>> queues_;  // by slot
};

}  // namespace tocsin::match
