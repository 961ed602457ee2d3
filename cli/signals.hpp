// SIGINT and SIGTERM ask the command to stop reading; a second one ends the process at once.
#pragma once

#include <csignal>
#include <ctime>

namespace tocsin::cli {

/// From construction to destruction the first SIGINT or SIGTERM makes requested() true, and the second ends
/// the process with 128 + its number. SIGPIPE is ignored: writing to a closed pipe is an error like others.
///
/// System calls are not restarted, so that a blocking read returns; as the signal may come just before the
/// read begins, further interruptions (SIGALRM) follow until destruction. One instance at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The signal that asked to stop, or 0.
  static int requested();

 private:
  timer_t timer_{};
};

}  // namespace tocsin::cli
