#include "tester/window_miss.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>
#include <optional>
#include <tuple>

#include "engine/base/saturate.hpp"
#include "engine/match/window_store.hpp"
#include "engine/plan/literal.hpp"

namespace tocsin::tester {

using match::Instant;
using On = plan::Threshold::On;

namespace {

constexpr int max_unclosed = 1000;  // windows of a key that are looked at though they have not closed

/// A way in which the rule did not match.
struct Miss {
  std::string what;
  std::string but = {};  // what held it back; empty: the conjuncts that were false
  std::int64_t at_ns = 0;
  std::vector<Refusal> refusals = {};
  bool matched = false;  // what was true there had been reported
  const Stream* stream = nullptr;

  /// The less, the nearer.
  auto rank() const {
    const double distance =
        std::accumulate(refusals.begin(), refusals.end(), 0.0,
                        [](double sum, const Refusal& refusal) { return sum + refusal.distance; });
    return std::tuple(refusals.size(), matched, distance, ~at_ns);  // of equal ones the latest
  }
};

/// Plays one key's events, notes the misses and keeps the nearest.
class Replay final : private match::WindowStore::Member, private match::WindowView {
 public:
  Replay(const plan::Rule& rule, const std::shared_ptr<const match::Program>& program, const Record& record,
         const Show& show, Conditions& conditions, const Stream& stream, std::optional<Miss>& nearest)
      : rule_(rule),
        threshold_(rule.threshold),
        record_(record),
        show_(show),
        conditions_(conditions),
        stream_(stream),
        nearest_(nearest),
        keys_(limits_.near_keys),
        store_(*program, limits_, keys_, conditions.scratch_at({})),
        aggregates_(store_.join(*this, program)) {}

  void run() {
    std::uint64_t order = 0;
    for (std::size_t i = 0; i < stream_.events.size(); ++i) {
      if (!stream_.passes[i]) continue;
      const model::EventView event = stream_.events[i];
      pass_time(event.time_ns());
      conditions_.scratch_at(event);
      if (store_.take(event, ++order) == match::WindowStore::absent) continue;
      newest_ = event;
      look(event.time_ns(), At::arrival);
      if (store_.closes()) look(event.time_ns(), At::close);
    }
    pass_time(record_.passed_ns);
    conditions_.scratch_at({});
    note_unfinished();
  }

  bool fired() const { return fired_ns_.has_value(); }

 private:
  enum class At : std::uint8_t { arrival, expiry, close };

  // The window at hand.
  model::Value aggregate(std::uint32_t index) const override {
    return store_.value(aggregates_[index], 0, arrival_);
  }
  std::int64_t start_ns() const override { return store_.start_ns(0, at_ns_); }
  std::int64_t end_ns() const override { return store_.end_ns(0, at_ns_); }

  void look_again(std::uint32_t) override {}  // it looks at each instant
  bool forget(std::uint32_t, bool) override {
    holds_ = false;
    return true;
  }

  // Time.

  /// Lets all happen that comes before events of `time_ns`.
  void pass_time(std::int64_t time_ns) {
    for (;;) {
      const Instant window = store_.next_instant();
      const Instant deadline{std::min(falls_ns_.value_or(INT64_MAX), completes_ns_.value_or(INT64_MAX)),
                             Instant::Phase::deadline};
      if (!std::min(window, deadline).precedes(time_ns)) return;
      if (window < deadline) {
        go_on(window);
        look(window.ns, rule_.window->kind == plan::Window::Kind::sliding ? At::expiry : At::close);
      } else if (deadline.ns == falls_ns_) {
        fall(deadline.ns);
      } else {
        completes_ns_.reset();
        fire(deadline.ns);
      }
    }
  }

  void go_on(const Instant& instant) {
    while (next_ < record_.events.size() && !instant.precedes(record_.events[next_].time_ns()))
      ++next_;
    conditions_.scratch_at(next_ < record_.events.size() ? record_.events[next_] : model::EventView());
    store_.go_on();
  }

  // The condition.

  std::vector<Refusal> refusals(std::int64_t at_ns, bool arrival) {
    at_ns_ = at_ns;
    arrival_ = arrival;
    match::Bindings bindings{newest_, {}, 0, at_ns};
    bindings.window = this;
    return conditions_.refusals(threshold_.conditions, bindings);
  }

  void look(std::int64_t at_ns, At at) {
    const bool changes = threshold_.on == On::rise || threshold_.on == On::fall;
    if (changes ? at == At::close : (threshold_.on == On::close ? At::close : At::arrival) != at) return;
    const bool empty = store_.count(0) == 0;
    std::vector<Refusal> refused;
    if (!empty) refused = refusals(at_ns, at == At::arrival);
    const bool is_true = !empty && refused.empty();
    if (!is_true && !empty && !holds_)
      note({.what = "its condition was nearest to true at " + show_.time(at_ns),
            .at_ns = at_ns,
            .refusals = std::move(refused)});
    if (changes) {
      change(at_ns, is_true, at == At::arrival);
    } else if (is_true) {
      fire(at_ns);
    }
  }

  void change(std::int64_t at_ns, bool is_true, bool arrival) {
    if (is_true) {
      falls_ns_.reset();
      if (holds_) return arrival ? note_held(at_ns) : void();
      holds_ = true;
      since_ns_ = at_ns;
      if (threshold_.for_ns != plan::no_bound) {
        completes_ns_ = later(at_ns, threshold_.for_ns);
      } else if (threshold_.on == On::rise) {
        fire(at_ns);
      }
    } else if (holds_ && !falls_ns_) {
      if (threshold_.keep_ns == plan::no_bound) return fall(at_ns);
      falls_ns_ = later(at_ns, threshold_.keep_ns);
    }
  }

  void fall(std::int64_t at_ns) {
    if (completes_ns_)
      note({.what =
                fmt::format("its condition was true from {} to {}", show_.time(since_ns_), show_.time(at_ns)),
            .but = fmt::format("but 'for {}' had not passed", plan::duration_text(threshold_.for_ns)),
            .at_ns = at_ns});
    holds_ = false;
    falls_ns_.reset();
    completes_ns_.reset();
    if (threshold_.on == On::fall) fire(at_ns);
  }

  void fire(std::int64_t at_ns) {
    fired_ns_ = at_ns;
    if (rule_.throttle_ns != plan::no_bound && passed_ns_ && later(*passed_ns_, rule_.throttle_ns) > at_ns) {
      note({.what = "it fired at " + show_.time(at_ns),
            .but = show_.throttled(rule_.throttle_ns, *passed_ns_),
            .at_ns = at_ns});
      return;
    }
    passed_ns_ = at_ns;
  }

  // Misses.

  void note(Miss miss) {
    miss.stream = &stream_;
    if (!nearest_ || miss.rank() < nearest_->rank()) nearest_ = std::move(miss);
  }

  /// Of an event at which the condition was true as before.
  void note_held(std::int64_t at_ns) {
    if (threshold_.on != On::rise || completes_ns_) return;
    note({.what = "its condition was true at " + show_.time(at_ns),
          .but = fmt::format("but it fired at {} and was true ever since: 'on rise' fires once",
                             show_.time(*fired_ns_)),
          .at_ns = at_ns,
          .matched = true});
  }

  static std::string until_text(const std::string& time) {
    return fmt::format("once {} has passed, but the test ends before: 'advance'", time);
  }

  /// What the test's end leaves open.
  void note_unfinished() {
    if (completes_ns_)
      note({.what = fmt::format("its condition has been true since {}", show_.time(since_ns_)),
            .but = "it is a match " + until_text(show_.time(*completes_ns_)),
            .at_ns = record_.passed_ns});
    if (threshold_.on == On::fall && holds_)
      note({.what = fmt::format("its condition has been true since {}", show_.time(since_ns_)),
            .but = falls_ns_ ? fmt::format("'keep {}' ends {}", plan::duration_text(threshold_.keep_ns),
                                           until_text(show_.time(*falls_ns_)))
                             : "it has not become false when the test ends",
            .at_ns = record_.passed_ns});
    if (threshold_.on != On::close) return;
    const std::uint64_t events = rule_.window->events;
    if (events > 0 && store_.count(0) > 0 && !store_.closes())
      note_unclosed(newest_.time_ns(), fmt::format("it holds {} of {} events", store_.count(0), events));
    for (int i = 0; i < max_unclosed && store_.next_instant() != match::never; ++i) {
      const std::int64_t at_ns = store_.next_instant().ns;
      store_.go_on();
      note_unclosed(at_ns, "it closes " + until_text(show_.time(at_ns)));
    }
  }

  void note_unclosed(std::int64_t at_ns, std::string but) {
    note({.what = "its window has not closed",
          .but = std::move(but),
          .at_ns = at_ns,
          .refusals = refusals(at_ns, false)});
  }

  const plan::Rule& rule_;
  const plan::Threshold& threshold_;
  const Record& record_;
  const Show& show_;
  Conditions& conditions_;
  const Stream& stream_;
  std::optional<Miss>& nearest_;
  const Limits limits_;
  match::KeySpace keys_;
  mutable match::WindowStore store_;  // working out a value may tidy it
  const std::vector<std::uint32_t> aggregates_;

  std::size_t next_ = 0;     // of the record's events: the first that the instant at hand precedes
  model::EventView newest_;  // that came into the window
  std::int64_t at_ns_ = 0;   // of the look at hand
  bool arrival_ = false;

  bool holds_ = false;                                   // the condition counts as true
  std::int64_t since_ns_ = 0;                            // … and does so since then
  std::optional<std::int64_t> falls_ns_, completes_ns_;  // the deadlines of `keep` and `for`
  std::optional<std::int64_t> fired_ns_;                 // the last time
  std::optional<std::int64_t> passed_ns_;                // … that `throttle` let pass
};

std::string key_text(const plan::Rule& rule, const Stream& stream, const Show& show) {
  std::string out;
  for (std::size_t i = 0; i < stream.key.size(); ++i) {
    const plan::PartitionKey& part = rule.partition[i];
    out +=
        fmt::format("{}{}: {}", i == 0 ? ", with " : ", ", part.name, show.value(stream.key[i], part.type));
  }
  return out;
}

}  // namespace

std::vector<std::string> window_miss(const plan::Plan& plan, std::uint32_t rule_id, const Record& record,
                                     const Show& show, Conditions& conditions,
                                     const std::vector<const Stream*>& streams) {
  const plan::Rule& rule = plan.rules[rule_id];
  const auto program = std::make_shared<match::Program>(match::build_program(plan, rule_id));
  program->partitioned = false;  // a window a stream
  program->window->sees_instants = true;
  std::optional<Miss> nearest;
  bool fired = false;
  for (const Stream* stream : streams) {
    Replay replay(rule, program, record, show, conditions, *stream, nearest);
    replay.run();
    fired |= replay.fired();
  }
  if (!nearest)
    return {fmt::format("rule {}: {}", rule.name,
                        fired ? "all that came is reported" : "no event came into a window")};
  std::vector<std::string> out = {
      fmt::format("rule {}: {}{}", rule.name, nearest->what, key_text(rule, *nearest->stream, show))};
  if (!nearest->but.empty()) out.push_back("  " + nearest->but);
  add_lines(nearest->refusals, "  ", out);
  return out;
}

}  // namespace tocsin::tester
