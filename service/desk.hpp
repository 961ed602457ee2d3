// What the control thread can do, without saying how it was asked: snapshots, changes of the rules, taps,
// stop. Everything is asynchronous, on one io_context that one thread runs; only rules are compiled on a
// thread of their own, one change at a time.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "service/control.hpp"

namespace tocsin::service {

/// Gets the matches that it taps, as NDJSON lines.
class Onlooker {
 public:
  virtual ~Onlooker() = default;
  virtual void on_matches(const std::string& lines) = 0;
};

class Desk {
 public:
  static constexpr std::size_t max_changes_waiting = 16;

  /// What came of a change of the rules: `error` is empty where it was taken, and `rules` their number then.
  struct Changed {
    std::string error;     // the diagnostics, or a sentence
    std::string warnings;  // diagnostics of what was taken
    std::size_t rules = 0;
  };

  Desk(boost::asio::io_context& io, const ControlOptions& options, Mailbox& mailbox, Ingress& ingress,
       RuleBook book, Log& log);

  /// Gives a snapshot of now, or null where the ingress thread does not answer in time.
  void ask_snapshot(std::function<void(const Snapshot*)> answer);
  /// Compiles, and changes as soon as the ingress thread can; one change after the other.
  void change(RuleChange change, std::function<void(const Changed&)> answer);
  /// Has the ingress thread drain. Where it has not ended the process a second after the drain time, this
  /// does.
  void stop(std::string reason, std::function<void(bool taken)> answer);
  /// Ends the process now, but for a moment in which the log may be written, if that goes.
  [[noreturn]] void leave(int code);

  /// Once nobody runs the io_context any more: whether no rules are being compiled, or are done with in this
  /// time.
  bool is_done_within(std::chrono::nanoseconds patience) const;

  const RuleBook& book() const { return book_; }
  Taps& taps() { return taps_; }
  /// Shows the matches of these rules, until the onlooker is gone or looks away. Names that no rule has yet
  /// are fine.
  void look(const std::shared_ptr<Onlooker>& onlooker, std::set<std::string> rules);

  /// Looks at the rule files; to be called some times a second.
  void reload_if_changed();

 private:
  struct Onlooking {
    std::weak_ptr<Onlooker> onlooker;
    std::set<std::string> rules;
  };
  struct Waiting {
    RuleChange change;
    std::function<void(const Changed&)> answer;
  };

  template <class T>
  void ask(std::function<T()> work, std::function<void(std::optional<T>)> answer);
  void change_next();
  void compiled(const std::shared_ptr<RuleBook::Attempt>& attempt);
  void changed(RuleBook::Attempt attempt, std::string error);
  void distribute();
  void update_taps();

  boost::asio::io_context& io_;
  const ControlOptions options_;
  Mailbox& mailbox_;
  Ingress& ingress_;
  RuleBook book_;
  Log& log_;
  bool stopping_ = false;
  boost::asio::steady_timer deadline_;  // of stopping
  Taps taps_;
  std::vector<Onlooking> onlooking_;
  std::uint64_t failed_changes_ = 0;
  std::deque<Waiting> changes_;  // the first one is under way
  std::future<void> compiling_;  // last: its end waits for the thread, which uses the others
};

}  // namespace tocsin::service
