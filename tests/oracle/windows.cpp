// Instants, then conditions, then the threshold.
#include "tests/oracle/windows.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

#include "tests/oracle/evaluate.hpp"

namespace tocsin::oracle {

using On = plan::Threshold::On;
using plan::Rule;
using WindowKind = plan::Window::Kind;

namespace {

/// An instant at which the condition is looked at, or may fire.
struct Instant {
  enum class What : std::uint8_t { arrival, expiry, close, deadline };
  What what = What::arrival;
  std::int64_t at_ns = 0;
  Phase phase = Phase::event;
  std::size_t begin = 0;  // the window's events are [begin, end)
  std::size_t end = 0;
  std::size_t at_hand = 0;
  std::size_t cause = 0;                      // the event that made it
  Phase cause_phase = Phase::event;           // of a deadline: of the instant that made it
  std::optional<std::int64_t> start_ns = {};  // of a window with bounds of its own
  std::optional<std::int64_t> end_ns = {};

  bool is_empty() const { return begin >= end; }
};

/// When time has passed from one instant on.
struct Deadline {
  std::int64_t at_ns = 0;
  Instant since;
};

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

class Walk {
 public:
  Walk(const Rule& rule, const std::vector<const Event*>& stream, std::int64_t last_ns)
      : rule_(rule), window_(*rule.window), threshold_(rule.threshold), stream_(stream), last_ns_(last_ns) {}

  std::vector<Firing> firings() {
    list_instants();
    std::stable_sort(instants_.begin(), instants_.end(), [](const Instant& a, const Instant& b) {
      return std::tuple(a.at_ns, a.phase) < std::tuple(b.at_ns, b.phase);
    });
    for (const Instant& instant : instants_) {
      pass_deadlines(instant.at_ns, instant.phase);
      look_at(instant);
    }
    pass_deadlines(last_ns_, Phase::close);
    return std::move(firings_);
  }

 private:
  // Which instants there are.

  void list_instants() {
    switch (window_.kind) {
      case WindowKind::sliding: return window_.events > 0 ? list_sliding_events() : list_sliding_time();
      case WindowKind::tumbling: return window_.events > 0 ? list_tumbling_events() : list_tumbling_time();
      case WindowKind::hopping: return list_hopping();
      case WindowKind::session: return list_sessions();
    }
  }

  Instant& add_arrival(std::size_t position, std::size_t begin) {
    return instants_.emplace_back(Instant{.what = Instant::What::arrival,
                                          .at_ns = time_of(position),
                                          .phase = Phase::event,
                                          .begin = begin,
                                          .end = position + 1,
                                          .at_hand = position,
                                          .cause = position});
  }

  Instant& add_close(std::int64_t at_ns, Phase phase, std::size_t begin, std::size_t end) {
    return instants_.emplace_back(Instant{.what = Instant::What::close,
                                          .at_ns = at_ns,
                                          .phase = phase,
                                          .begin = begin,
                                          .end = end,
                                          .at_hand = end - 1,
                                          .cause = begin});
  }

  void list_sliding_time() {
    for (std::size_t i = 0; i < stream_.size(); ++i) {
      add_arrival(i, first_since(time_of(i) - window_.width_ns));
      const bool first_of_its_time = i == 0 || time_of(i - 1) < time_of(i);
      const std::int64_t leaves_ns = time_of(i) + window_.width_ns;
      if (!first_of_its_time || leaves_ns >= last_ns_) continue;
      const std::size_t end = first_since(leaves_ns + 1);
      instants_.push_back({.what = Instant::What::expiry,
                           .at_ns = leaves_ns,
                           .phase = Phase::expiry,
                           .begin = first_since(time_of(i) + 1),
                           .end = end,
                           .at_hand = end - 1,
                           .cause = i});
    }
  }

  void list_sliding_events() {
    for (std::size_t i = 0; i < stream_.size(); ++i)
      add_arrival(i, first_of_last(i + 1));
  }

  void list_tumbling_time() {
    const auto number = [&](std::size_t position) { return floor_div(time_of(position), window_.width_ns); };
    std::size_t begin = 0;
    for (std::size_t i = 0; i < stream_.size(); ++i) {
      if (number(begin) != number(i)) begin = i;
      const std::int64_t start_ns = number(i) * window_.width_ns;
      bound(add_arrival(i, begin), start_ns, start_ns + window_.width_ns);
      const bool is_last = i + 1 == stream_.size() || number(i + 1) != number(i);
      if (is_last && start_ns + window_.width_ns <= last_ns_) {
        bound(add_close(start_ns + window_.width_ns, Phase::close, begin, i + 1), start_ns,
              start_ns + window_.width_ns);
      }
    }
  }

  void list_tumbling_events() {
    for (std::size_t i = 0; i < stream_.size(); ++i) {
      const std::size_t begin = i - i % window_.events;
      add_arrival(i, begin);
      if (i + 1 - begin == window_.events) add_close(time_of(i), Phase::event, begin, i + 1);
    }
  }

  void list_hopping() {
    if (stream_.empty()) return;
    const std::int64_t width_ns = window_.width_ns, hop_ns = window_.hop_ns;
    const std::int64_t first = floor_div(time_of(0) - width_ns, hop_ns);
    for (std::int64_t k = first; k * hop_ns + width_ns <= last_ns_; ++k) {
      const std::size_t begin = first_since(k * hop_ns), end = first_since(k * hop_ns + width_ns);
      if (begin == end) continue;
      bound(add_close(k * hop_ns + width_ns, Phase::close, begin, end), k * hop_ns, k * hop_ns + width_ns);
    }
  }

  void list_sessions() {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < stream_.size(); ++i) {
      if (i > 0 && time_of(i) - time_of(i - 1) > window_.width_ns) begin = i;
      const std::int64_t closes_ns = time_of(i) + window_.width_ns;
      bound(add_arrival(i, begin), time_of(begin), closes_ns);
      const bool is_last = i + 1 == stream_.size() || time_of(i + 1) > closes_ns;
      if (is_last && closes_ns < last_ns_)
        bound(add_close(closes_ns, Phase::expiry, begin, i + 1), time_of(begin), closes_ns);
    }
  }

  static void bound(Instant& instant, std::int64_t start_ns, std::int64_t end_ns) {
    instant.start_ns = start_ns;
    instant.end_ns = end_ns;
  }

  // What happens at them.

  void look_at(const Instant& instant) {
    const bool arrives = instant.what == Instant::What::arrival;
    const bool closes = instant.what == Instant::What::close;
    if (threshold_.on == On::every || threshold_.on == On::close) {
      if (threshold_.on == On::every ? !arrives : !closes) return;
      if (holds(instant)) fire(instant);
      return;
    }
    const bool now = !closes && holds(instant);  // what closes is empty then
    if (now) {
      keep_.reset();
      if (!counts_) become_true(instant);
    } else if (raw_) {
      if (threshold_.keep_ns == plan::no_bound) {
        become_false(instant);
      } else {
        keep_ = Deadline{instant.at_ns + threshold_.keep_ns, instant};
      }
    }
    raw_ = now;
  }

  void become_true(const Instant& instant) {
    counts_ = true;
    if (threshold_.on != On::rise) return;
    if (threshold_.for_ns == plan::no_bound) return fire(instant);
    for_ = Deadline{instant.at_ns + threshold_.for_ns, instant};
  }

  void become_false(const Instant& instant) {
    counts_ = false;
    for_.reset();
    if (threshold_.on == On::fall) fire(instant);
  }

  /// The deadlines that come before `phase` of `time_ns`, in order; `keep` before `for`.
  void pass_deadlines(std::int64_t time_ns, Phase phase) {
    const auto is_due = [&](const std::optional<Deadline>& deadline) {
      return deadline && std::tuple(deadline->at_ns, Phase::deadline) < std::tuple(time_ns, phase);
    };
    for (;;) {
      if (is_due(keep_) && !(for_ && for_->at_ns < keep_->at_ns)) {
        const Instant instant = at(*keep_);
        keep_.reset();
        become_false(instant);
      } else if (is_due(for_)) {
        const Instant instant = at(*for_);
        for_.reset();
        fire(instant);
      } else {
        return;
      }
    }
  }

  /// The instant of a deadline, before what leaves at its time has left.
  Instant at(const Deadline& deadline) const {
    const std::size_t end = first_since(deadline.at_ns + 1);
    return {.what = Instant::What::deadline,
            .at_ns = deadline.at_ns,
            .phase = Phase::deadline,
            .begin = window_.events > 0 ? first_of_last(end) : first_since(deadline.at_ns - window_.width_ns),
            .end = end,
            .at_hand = end - 1,
            .cause = deadline.since.cause,
            .cause_phase = deadline.since.phase};
  }

  // What the rule sees there.

  bool holds(const Instant& instant) const {
    if (instant.is_empty()) return false;
    const Firing seen = seen_at(instant);
    const Run nothing;
    const Scope scope{.run = nothing,
                      .current = stream_[instant.at_hand],
                      .match_end_ns = seen.at_ns,
                      .timer_ns = seen.timer_ns(),
                      .aggregates = &seen.aggregates,
                      .window_start_ns = seen.window_start_ns,
                      .window_end_ns = seen.window_end_ns};
    return std::all_of(threshold_.conditions.begin(), threshold_.conditions.end(),
                       [&](const plan::Expr& condition) { return evaluate(condition, scope).is_true(); });
  }

  void fire(const Instant& instant) { firings_.push_back(seen_at(instant)); }

  Firing seen_at(const Instant& instant) const {
    Firing out{.at_ns = instant.at_ns,
               .phase = instant.phase,
               .event = instant.at_hand,
               .cause = instant.cause,
               .cause_phase = instant.cause_phase,
               .window_start_ns = 0,
               .window_end_ns = instant.end_ns.value_or(instant.at_ns),
               .aggregates = {}};
    if (instant.start_ns) {
      out.window_start_ns = *instant.start_ns;
    } else {
      out.window_start_ns = window_.events > 0 ? time_of(instant.begin) : instant.at_ns - window_.width_ns;
    }
    Content content;
    for (std::size_t i = instant.begin; i < instant.end; ++i)
      content.events.push_back(stream_[i]);
    if (instant.what == Instant::What::arrival) content.arrived = stream_[instant.at_hand];
    for (const plan::WindowAggregate& aggregate : rule_.aggregates)
      out.aggregates.push_back(evaluate(aggregate, window_, content));
    return out;
  }

  // Events.

  std::int64_t time_of(std::size_t position) const { return stream_[position]->time_ns; }

  /// The first position of an event at `time_ns` or later.
  std::size_t first_since(std::int64_t time_ns) const {
    std::size_t position = 0;
    while (position < stream_.size() && time_of(position) < time_ns)
      ++position;
    return position;
  }

  /// The first of those before `end` that a window of the last so many holds.
  std::size_t first_of_last(std::size_t end) const {
    return end > window_.events ? end - std::size_t(window_.events) : 0;
  }

  const Rule& rule_;
  const plan::Window& window_;
  const plan::Threshold& threshold_;
  const std::vector<const Event*>& stream_;
  const std::int64_t last_ns_;
  std::vector<Instant> instants_;
  std::vector<Firing> firings_;

  bool raw_ = false;     // the condition as it is
  bool counts_ = false;  // … and as `keep` has it
  std::optional<Deadline> keep_;
  std::optional<Deadline> for_;
};

}  // namespace

std::vector<Firing> find_firings(const Rule& rule, const std::vector<const Event*>& stream,
                                 std::int64_t last_ns) {
  return Walk(rule, stream, last_ns).firings();
}

}  // namespace tocsin::oracle
