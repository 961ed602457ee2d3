// A run is carried on by every event that one of its arcs may take; what an arc may take is asked event by
// event, in the words of the language page.
#include "tests/oracle/candidates.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "tests/oracle/arcs.hpp"
#include "tests/oracle/evaluate.hpp"

namespace tocsin::oracle {

using plan::Contiguity;
using plan::Rule;

namespace {

/// An arc, and which of its like the run has gone along, counted from 0: the lower, the better.
struct Choice {
  Arc arc;
  std::vector<std::size_t> path;
};
using Choices = std::vector<Choice>;

/// `arcs`, which stand behind `path`.
void append(const Arcs& arcs, const std::vector<std::size_t>& path, Choices& out) {
  for (std::size_t i = 0; i < arcs.size(); ++i) {
    out.push_back({arcs[i], path});
    out.back().path.push_back(i);
  }
}

struct Found {
  Candidate candidate;
  std::vector<std::size_t> path;  // the best that leads to it
};

/// From the front: at the first difference the better arc wins, then the earlier event.
bool is_preferred(const Found& a, const Found& b) {
  for (std::size_t i = 0; i < std::min(a.path.size(), b.path.size()); ++i) {
    if (a.path[i] != b.path[i]) return a.path[i] < b.path[i];
    if (i == a.candidate.events.size() || i == b.candidate.events.size()) break;
    const auto position = [i](const Found& found) { return found.candidate.events[i].second; };
    if (position(a) != position(b)) return position(a) < position(b);
  }
  return false;
}

class Enumeration {
 public:
  Enumeration(const Rule& rule, const std::vector<const Event*>& stream, std::int64_t last_ns,
              std::size_t max)
      : rule_(rule), stream_(stream), last_ns_(last_ns), max_(max) {}

  std::vector<Candidate> all() {
    Choices choices;
    append(first_arcs(rule_), {}, choices);
    std::vector<Candidate> out;
    for (start_ = 0; start_ < stream_.size(); ++start_) {
      if (begins_quietly()) go(choices);
      std::stable_sort(found_.begin(), found_.end(), is_preferred);
      for (Found& found : found_)
        out.push_back(std::move(found.candidate));
      found_.clear();
      if (out.size() > max_) throw TooMany("too many candidates");
    }
    return out;
  }

 private:
  // Carrying runs on.

  /// Where a few runs have very many ways, the ways looked at are what takes the time.
  void spend(std::size_t ways) {
    ways_ += ways;
    if (ways_ > 200 * max_) throw TooMany("too many ways");
  }

  /// Everything that becomes of the run at hand, which stands before `choices`, the better ones first.
  void go(const Choices& choices) {
    if (++steps_ > 4 * max_) throw TooMany("too many runs");
    spend(choices.size());
    std::optional<Candidate> complete;
    for (std::size_t i = 0; i < choices.size() && !complete; ++i) {
      complete = completed(choices[i].arc);
      if (complete) record(*complete, choices[i].path);
    }
    // Under `report first` a complete run does not go on.
    const bool stops = complete && rule_.report == plan::Report::first;
    std::vector<std::vector<std::size_t>> taken;
    for (const Choice& choice : choices)
      taken.push_back(followers(choice.arc, stops ? complete->passed : stream_.size()));

    std::set<std::pair<std::uint32_t, std::size_t>> done;  // what two arcs may take alike is one run
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const std::uint32_t step = choices[i].arc.step;
      for (const std::size_t position : taken[i]) {
        if (!done.insert({step, position}).second) continue;
        spend(choices.size() - i);
        Choices behind;
        for (std::size_t j = i; j < choices.size(); ++j) {
          const bool same = choices[j].arc.step == step &&
                            std::find(taken[j].begin(), taken[j].end(), position) != taken[j].end();
          if (!same) continue;
          Arcs arcs;
          choices[j].arc.then(run_.size() + 1, arcs);
          append(arcs, choices[j].path, behind);
        }
        run_.push_back({step, position});
        events_.push_back({step, stream_[position]});
        go(behind);
        run_.pop_back();
        events_.pop_back();
      }
    }
    if (rule_.timeout && !run_.empty() && done.empty()) record_timeout(choices);
  }

  /// The positions before `limit` of the events that may be next on `arc`.
  std::vector<std::size_t> followers(const Arc& arc, std::size_t limit) const {
    std::vector<std::size_t> out;
    for (std::size_t position = begin(); position < limit; ++position) {
      if (can_take(arc, position)) {
        out.push_back(position);
        if (arc.way.edge.contiguity == Contiguity::relaxed) break;
      }
      if (run_.empty()) break;
    }
    return out;
  }

  /// The first position that the run may take. At its start there is no choice.
  std::size_t begin() const { return run_.empty() ? start_ : run_.back().second + 1; }

  bool can_take(const Arc& arc, std::size_t position) const {
    return !arc.end && fits(arc.step, position) && in_bounds(arc, position) &&
           !is_banned(arc, position, position + 1) && !has_ended(arc.step, position + 1) &&
           !left_before(arc, position) && !is_held(arc, position);
  }

  // What an arc asks.

  bool fits(std::uint32_t step, std::size_t position) const {
    const Event& event = *stream_[position];
    if (!is_one_of(rule_.steps[step].types, event)) return false;
    for (const plan::Expr& condition : rule_.steps[step].conditions) {
      if (names_previous(condition) && !has_taken(step)) continue;
      if (!holds(condition, event, step)) return false;
    }
    return true;
  }

  bool in_bounds(const Arc& arc, std::size_t position) const {
    if (run_.empty()) return true;
    const plan::Edge& edge = arc.way.edge;
    if (edge.contiguity == Contiguity::strict && position != begin()) return false;
    return in_time(arc, time_of(position)) && (rule_.within.unit != plan::Within::Unit::events ||
                                               position - run_.front().second + 1 <= rule_.within.events);
  }

  /// Do the bounds allow an event at `now_ns`? Precondition: the run is not empty.
  bool in_time(const Arc& arc, std::int64_t now_ns) const {
    const auto since = [&](std::size_t index) { return now_ns - events_[index].event->time_ns; };
    const bool by_time = rule_.within.unit == plan::Within::Unit::time;
    if (by_time && since(0) > rule_.within.time_ns) return false;
    const std::int64_t bound_ns = arc.way.edge.bound_ns;
    if (bound_ns != plan::no_bound && since(run_.size() - 1) > bound_ns) return false;
    return std::all_of(arc.way.spans.begin(), arc.way.spans.end(), [&](const Span& span) {
      return span.begin == run_.size() || since(span.begin) <= span.within_ns;
    });
  }

  /// Is one of the events before `before` one that must not come between, or the very next, if it stands
  /// before `limit`, one that this must not be?
  bool is_banned(const Arc& arc, std::size_t before, std::size_t limit) const {
    if (run_.empty()) return false;
    for (const plan::Ban& ban : arc.way.edge.bans) {
      const std::size_t end = ban.strict ? std::min(begin() + 1, limit) : before;
      for (std::size_t position = begin(); position < end; ++position) {
        if (satisfies(ban.negation, position)) return true;
      }
    }
    return false;
  }

  /// Has `until` of the step ended its loop at an event before `limit`?
  bool has_ended(std::uint32_t step, std::size_t limit) const {
    const std::vector<plan::Expr>& until = rule_.steps[step].until;
    if (until.empty()) return false;
    for (std::size_t position = begin(); position < limit; ++position) {
      const Event& event = *stream_[position];
      if (!is_one_of(rule_.steps[step].types, event)) continue;
      const bool ends = std::all_of(until.begin(), until.end(), [&](const plan::Expr& condition) {
        return (!names_previous(condition) || has_taken(step)) && holds(condition, event, step);
      });
      if (ends) return true;
    }
    return false;
  }

  /// Has a reluctant loop been left, for good, at an event up to `position`?
  bool left_before(const Arc& arc, std::size_t position) const {
    for (std::size_t earlier = begin(); earlier <= position; ++earlier) {
      const bool left = std::any_of(arc.instead.begin(), arc.instead.end(),
                                    [&](const Arc& each) { return can_take(each, earlier); });
      if (left) return true;
    }
    return false;
  }

  /// Does a possessive loop that this way has left take the event at `position`, or has it taken one before?
  bool is_held(const Arc& arc, std::size_t position) const {
    return std::any_of(arc.way.held.begin(), arc.way.held.end(),
                       [&](const Arc& loop) { return can_take(loop, position); }) ||
           is_held_before(arc, position);
  }

  /// Has a possessive loop that this way has left taken an event before `limit`? Where repeats may pass over
  /// events, the run without it lives on.
  bool is_held_before(const Arc& arc, std::size_t limit) const {
    for (const Arc& loop : arc.way.held) {
      if (loop.way.edge.contiguity == Contiguity::any) continue;
      for (std::size_t position = begin(); position < limit; ++position) {
        if (can_take(loop, position)) return true;
      }
    }
    return false;
  }

  /// No event that must not come did so before the start.
  bool begins_quietly() const {
    for (const plan::Absence& absence : rule_.before) {
      for (std::size_t position = 0; position < start_; ++position) {
        const bool near = time_of(position) >= time_of(start_) - absence.for_ns;
        if (near && satisfies(absence.negation, position)) return false;
      }
    }
    return true;
  }

  // What the run has come to.

  /// The run as a candidate, where `arc` is the end of the pattern and all absences that it asks for hold.
  std::optional<Candidate> completed(const Arc& arc) const {
    if (!arc.end || run_.empty()) return std::nullopt;
    Candidate out{.events = run_, .end = Candidate::End::event, .due_ns = 0, .passed = begin()};
    if (rule_.after.empty()) return out;
    out.end = Candidate::End::absence;
    out.due_ns = time_of(run_.back().second);
    for (const plan::Absence& absence : rule_.after) {
      const std::int64_t until_ns = time_of(run_.back().second) + absence.for_ns;
      for (std::size_t position = begin(); position < passed_at(until_ns); ++position) {
        if (satisfies(absence.negation, position)) return std::nullopt;
      }
      out.due_ns = std::max(out.due_ns, until_ns);
    }
    out.passed = passed_at(out.due_ns);
    if (out.due_ns >= last_ns_ || is_held_before(arc, out.passed)) return std::nullopt;
    return out;
  }

  void record(const Candidate& candidate, const std::vector<std::size_t>& path) {
    Found& found = found_.emplace_back();
    found.candidate = candidate;
    found.path = path;
  }

  /// The run stays as it is. It is unfinished if it is no match, nor waits for an absence alone, and
  /// something could still have carried it on as its bound passed.
  void record_timeout(const Choices& choices) {
    const std::int64_t due_ns = time_of(run_.front().second) + rule_.within.time_ns;
    const bool ends =
        std::any_of(choices.begin(), choices.end(), [](const Choice& each) { return each.arc.end; });
    if (ends || due_ns >= last_ns_) return;
    const std::size_t passed = passed_at(due_ns);
    for (const Choice& choice : choices) {
      if (!waits_at(choice.arc, due_ns, passed)) continue;
      return record({run_, Candidate::End::timeout, due_ns, passed}, choice.path);
    }
  }

  /// After `passed` events and at `now_ns`, could an event that is still to come be taken?
  bool waits_at(const Arc& arc, std::int64_t now_ns, std::size_t passed) const {
    if (arc.way.edge.contiguity == Contiguity::strict && passed > begin()) return false;
    const bool came = passed > begin();
    return in_time(arc, now_ns) && !is_banned(arc, passed, passed) && !has_ended(arc.step, passed) &&
           !(came && left_before(arc, passed - 1)) && !is_held_before(arc, passed);
  }

  // Events.

  std::int64_t time_of(std::size_t position) const { return stream_[position]->time_ns; }

  /// How many events have come up to `now_ns`, inclusive.
  std::size_t passed_at(std::int64_t now_ns) const {
    std::size_t count = 0;
    while (count < stream_.size() && time_of(count) <= now_ns)
      ++count;
    return count;
  }

  bool has_taken(std::uint32_t step) const {
    return std::any_of(run_.begin(), run_.end(), [&](const auto& each) { return each.first == step; });
  }

  bool holds(const plan::Expr& condition, const Event& event, std::uint32_t step) const {
    return evaluate(condition, {.run = events_, .current = &event, .step = step}).is_true();
  }

  bool satisfies(std::uint32_t negation, std::size_t position) const {
    const plan::Negation& wanted = rule_.negations[negation];
    const Event& event = *stream_[position];
    return is_one_of(wanted.types, event) &&
           std::all_of(wanted.conditions.begin(), wanted.conditions.end(),
                       [&](const plan::Expr& condition) { return holds(condition, event, 0); });
  }

  static bool is_one_of(const std::vector<model::EventTypeId>& types, const Event& event) {
    return std::find(types.begin(), types.end(), event.type) != types.end();
  }

  const Rule& rule_;
  const std::vector<const Event*>& stream_;
  const std::int64_t last_ns_;
  const std::size_t max_;
  std::size_t start_ = 0;
  std::size_t steps_ = 0;
  std::size_t ways_ = 0;
  Assignment run_;
  Run events_;                // the events of run_
  std::vector<Found> found_;  // of this start
};

}  // namespace

std::vector<Candidate> find_candidates(const Rule& rule, const std::vector<const Event*>& stream,
                                       std::int64_t last_ns, std::size_t max_candidates) {
  return Enumeration(rule, stream, last_ns, max_candidates).all();
}

}  // namespace tocsin::oracle
