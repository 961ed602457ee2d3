// Time as the processor counts it: a read costs some ten nanoseconds less than one of the system's clock. The
// counter's rate is found beside that clock; where the processor has no such counter, the system's is read.
#pragma once

#include <cstdint>
#include <ctime>

namespace tocsin::measure {

/// ns of the system's clock that never goes back.
inline std::int64_t steady_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

/// The counter now. Not ordered with what stands around it: good for what takes tens of nanoseconds or more.
inline std::uint64_t ticks() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return static_cast<std::uint64_t>(steady_ns());
#endif
}

class TickClock {
 public:
  /// Compares both clocks for some 20 ms.
  static TickClock calibrated();

  double ns_per_tick() const { return ns_per_tick_; }
  /// What reading the counter takes, in ns: the least of many.
  double read_ns() const { return read_ns_; }
  /// The same of the system's clock.
  double system_read_ns() const { return system_read_ns_; }

  std::uint64_t ns_of(std::uint64_t ticks) const {
    return static_cast<std::uint64_t>(static_cast<double>(ticks) * ns_per_tick_);
  }
  std::uint64_t ticks_of(double ns) const { return static_cast<std::uint64_t>(ns / ns_per_tick_); }

 private:
  double ns_per_tick_ = 1;
  double read_ns_ = 0;
  double system_read_ns_ = 0;
};

}  // namespace tocsin::measure
