#include "service/desk.hpp"

#include <boost/asio/post.hpp>
#include <chrono>
#include <fmt/format.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "service/signals_blocked.hpp"

namespace tocsin::service {

namespace asio = boost::asio;

Desk::Desk(asio::io_context& io, const ControlOptions& options, Mailbox& mailbox, Ingress& ingress,
           RuleBook book, Log& log)
    : io_(io),
      options_(options),
      mailbox_(mailbox),
      ingress_(ingress),
      book_(std::move(book)),
      log_(log),
      deadline_(io),
      taps_(book_.plan(), [this] { asio::post(io_, [this] { distribute(); }); }) {}

// Whichever comes first counts, the answer or the timer.
template <class T>
void Desk::ask(std::function<T()> work, std::function<void(std::optional<T>)> answer) {
  struct Call {
    explicit Call(asio::io_context& io) : timer(io) {}
    asio::steady_timer timer;
    std::function<void(std::optional<T>)> answer;

    void settle(std::optional<T> result) {
      if (const auto once = std::exchange(answer, nullptr)) once(std::move(result));
      timer.cancel();
    }
  };
  const auto call = std::make_shared<Call>(io_);
  call->answer = std::move(answer);
  call->timer.expires_after(std::chrono::nanoseconds(options_.answer_timeout_ns));
  call->timer.async_wait([call](const boost::system::error_code& error) {
    if (!error) call->settle(std::nullopt);
  });
  // The mailbox may outlive the io_context, and so must not own the call, whose timer lives there.
  const bool posted = mailbox_.post([this, waits = std::weak_ptr<Call>(call), work = std::move(work)] {
    const auto result = std::make_shared<T>(work());
    if (const auto waiting = waits.lock())
      asio::post(io_, [waiting, result] { waiting->settle(std::move(*result)); });
  });
  if (!posted) asio::post(io_, [call] { call->settle(std::nullopt); });
}

void Desk::ask_snapshot(std::function<void(const Snapshot*)> answer) {
  ask<Snapshot>(
      [this] {
        Snapshot snapshot = ingress_.snapshot();
        snapshot.tapped_dropped = taps_.dropped();
        return snapshot;
      },
      [this, answer = std::move(answer)](std::optional<Snapshot> snapshot) {
        if (snapshot) snapshot->failed_reloads = failed_changes_;
        answer(snapshot ? &*snapshot : nullptr);
      });
}

void Desk::stop(std::string reason, std::function<void(bool)> answer) {
  if (!std::exchange(stopping_, true)) {
    // The ingress thread keeps the time itself; this is for where it is stuck.
    deadline_.expires_after(std::chrono::nanoseconds(options_.drain_ns) + std::chrono::seconds(1));
    deadline_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      log_.error("what was under way did not end in time");
      leave(1);
    });
  }
  ask<bool>(
      [this, reason = std::move(reason)] {
        ingress_.stop(reason);
        return true;
      },
      [answer = std::move(answer)](std::optional<bool> taken) { answer(taken.has_value()); });
}

void Desk::leave(int code) {
  std::thread([this, code] {
    log_.close();
    ::_exit(code);
  }).detach();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  ::_exit(code);
}

void Desk::change(RuleChange change, std::function<void(const Changed&)> answer) {
  if (changes_.size() >= max_changes_waiting) {
    answer({"too many changes of the rules are waiting", "", 0});
    return;
  }
  changes_.push_back({std::move(change), std::move(answer)});
  if (changes_.size() == 1) change_next();
}

// The worker only reads the book, which changes in changed(), when the worker has ended.
void Desk::change_next() {
  const SignalsBlocked on_the_worker;
  compiling_ = std::async(std::launch::async, [this, change = changes_.front().change] {
    const auto attempt = std::make_shared<RuleBook::Attempt>(book_.attempt(change));
    asio::post(io_, [this, attempt] { compiled(attempt); });
  });
}

// A change is kept whenever the engine has taken it, however late, so it has no timer.
void Desk::compiled(const std::shared_ptr<RuleBook::Attempt>& attempt) {
  const auto done = [this, attempt](std::string error) { changed(std::move(*attempt), std::move(error)); };
  if (!attempt->plan) return done(attempt->message.empty() ? "the rules are wrong" : attempt->message);
  const bool posted = mailbox_.post([this, attempt, done] {
    std::string error = ingress_.replace({attempt->plan, attempt->tables});
    asio::post(io_, [done, error = std::move(error)] { done(error); });
  });
  if (!posted) done("the service is too busy; nothing was changed");
}

void Desk::changed(RuleBook::Attempt attempt, std::string error) {
  const auto answer = std::move(changes_.front().answer);
  changes_.pop_front();
  Changed result;
  result.error = std::move(error);
  if (result.error.empty()) {
    result.warnings = attempt.message;
    book_.keep(std::move(attempt));
    result.rules = book_.plan()->order.size();
    log_.info("the rules have changed", {{"rules", result.rules}});
  } else {
    ++failed_changes_;
    book_.watch_also(attempt.files);
    log_.error("the rules stay as they were", {{"reason", result.error}});
  }
  answer(result);
  if (!changes_.empty()) change_next();
}

bool Desk::is_done_within(std::chrono::nanoseconds patience) const {
  return !compiling_.valid() || compiling_.wait_for(patience) == std::future_status::ready;
}

void Desk::reload_if_changed() {
  if (book_.files_have_changed()) change({}, [](const Changed&) {});
}

void Desk::look(const std::shared_ptr<Onlooker>& onlooker, std::set<std::string> rules) {
  std::erase_if(onlooking_, [&](const Onlooking& o) { return o.onlooker.lock() == onlooker; });
  if (!rules.empty()) onlooking_.push_back({onlooker, std::move(rules)});
  update_taps();
}

void Desk::update_taps() {
  std::erase_if(onlooking_, [](const Onlooking& o) { return o.onlooker.expired(); });
  std::set<std::string> rules;
  for (const Onlooking& onlooking : onlooking_)
    rules.insert(onlooking.rules.begin(), onlooking.rules.end());
  taps_.want(std::move(rules));
}

void Desk::distribute() {
  const std::vector<TappedMatch> matches = taps_.take();
  bool gone = false;
  for (const Onlooking& onlooking : onlooking_) {
    const auto onlooker = onlooking.onlooker.lock();
    gone = gone || !onlooker;
    if (!onlooker) continue;
    std::string lines;
    for (const TappedMatch& match : matches) {
      if (onlooking.rules.contains(match.rule)) lines += match.line;
    }
    if (!lines.empty()) onlooker->on_matches(lines);
  }
  if (gone) update_taps();
}

}  // namespace tocsin::service
