#include "bench/measure/clock.hpp"

#include <algorithm>

namespace tocsin::measure {
namespace {

struct Both {
  std::uint64_t ticks = 0;
  std::int64_t ns = 0;
};

/// Both clocks at one time: of several tries the one that took least.
Both both_now() {
  Both best;
  std::uint64_t least = UINT64_MAX;
  for (int i = 0; i < 50; ++i) {
    const std::uint64_t before = ticks();
    const std::int64_t ns = steady_ns();
    const std::uint64_t after = ticks();
    if (after - before >= least) continue;
    least = after - before;
    best = {before + (after - before) / 2, ns};
  }
  return best;
}

/// Ticks that one call takes: the least of many runs of many.
template <class Read>
double cost(Read read) {
  constexpr int calls = 100;
  std::uint64_t least = UINT64_MAX;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t before = ticks();
    for (int call = 0; call < calls; ++call) {
      const auto value = read();
      asm volatile("" : : "r"(value));
    }
    least = std::min(least, ticks() - before);
  }
  return static_cast<double>(least) / calls;
}

}  // namespace

TickClock TickClock::calibrated() {
  TickClock clock;
  const Both begin = both_now();
  while (steady_ns() - begin.ns < 20'000'000) {
  }
  const Both end = both_now();
  clock.ns_per_tick_ = static_cast<double>(end.ns - begin.ns) / static_cast<double>(end.ticks - begin.ticks);
  clock.read_ns_ = cost(ticks) * clock.ns_per_tick_;
  clock.system_read_ns_ = cost(steady_ns) * clock.ns_per_tick_;
  return clock;
}

}  // namespace tocsin::measure
