// The line on a terminal that shows how a long run is getting on.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace tocsin::cli {

struct ProgressState {
  std::uint64_t events = 0;
  std::uint64_t matches = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_total = 0;  // 0 where unknown
};

class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  /// `enabled`: stderr is a terminal and nobody asked for quiet.
  explicit Progress(bool enabled);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// True where it is time for a new line: from the first second on, five times a second. One look at the
  /// clock.
  bool due();
  void show(const ProgressState& state);
  /// Wipes the line, so that something else may be written. Any thread.
  void clear();

 private:
  bool enabled_;
  std::atomic<bool> shown_ = false;
  Clock::time_point started_;
  Clock::time_point next_;
};

}  // namespace tocsin::cli
