// The control thread: whatever an operator asks, over the control socket, over HTTP or by a signal. It never
// touches the engine, but posts work to the ingress thread and waits for the answer without blocking; where
// none comes in time it says so. Rules are compiled on a thread of their own meanwhile.
//
//   first SIGTERM or SIGINT   as a stop that is asked for: the ingress thread drains; after the drain time
//                             (and a second) the process ends
//   a second one              the process ends at once, with 128 + its number
//   SIGHUP                    reload, and the log file is opened anew
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "service/config.hpp"
#include "service/log.hpp"
#include "service/mailbox.hpp"
#include "service/rule_book.hpp"
#include "service/snapshot.hpp"
#include "service/table_files.hpp"
#include "service/taps.hpp"

namespace tocsin::service {

/// Rules to run, with the tables that they read from files.
struct NewRules {
  std::shared_ptr<const plan::Plan> plan;
  std::shared_ptr<TableFiles> tables;
};

/// The ingress thread as the control thread sees it. Each is called on the ingress thread, by the mailbox.
class Ingress {
 public:
  virtual ~Ingress() = default;
  virtual Snapshot snapshot() = 0;
  /// Runs other rules from now on. An empty string, or a sentence that says why not; then nothing changed.
  virtual std::string replace(NewRules rules) = 0;
  /// Begins to drain.
  virtual void stop(std::string_view reason) = 0;
};

struct ControlOptions {
  std::string socket;   // path; empty: none
  std::string metrics;  // address; empty: none
  bool watch_rules = false;
  std::int64_t drain_ns = 10'000'000'000;
  std::int64_t answer_timeout_ns = 5'000'000'000;  // for the ingress thread
  bool signals = true;                             // takes SIGTERM, SIGINT and SIGHUP
};

class Control {
 public:
  /// All must outlive this, `mailbox` must be run by the ingress thread. Starts the thread. Throws
  /// std::runtime_error where an address can't be listened at.
  Control(const ControlOptions& options, Mailbox& mailbox, Ingress& ingress, RuleBook book, Log& log);
  ~Control();
  /// Stops the thread; answers under way are lost. False where rules are being compiled and that does not end
  /// within `patience`: the destructor would wait for it.
  bool stop(std::chrono::nanoseconds patience);
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  /// Where the metrics are, with the port that was picked; empty: nowhere.
  const std::string& metrics_address() const;
  /// What the engine's sink shows its matches.
  Taps& taps();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::service
