// What the run arena reports: the choice among candidates that complete together, what a match uses up, and
// what completes or ends as time passes.
#include <algorithm>
#include <numeric>
#include <set>

#include "engine/match/arena.hpp"

namespace tocsin::match {

using plan::Contiguity;
using plan::Report;
using plan::Skip;

// Reports what `report` chooses of completed_, all of one key, and drops what that uses up.
void ArenaMatcher::complete(std::uint32_t slot, const Completion& as, Output& output) {
  if (completed_.size() > limits_.matches_per_event) {
    counters_.dropped_matches += completed_.size() - limits_.matches_per_event;
    completed_.resize(limits_.matches_per_event);
  }
  choose();
  std::uint64_t reset_order = 0;
  for (const std::size_t i : ranking_) {
    Completion completion = as;
    completion.events = whole_run(completed_[i]);
    note_report(run_first_);
    if (as.timeout) {
      ++counters_.timeouts;
    } else {
      ++counters_.matches;
      reset_order = std::max(reset_order, reset_of(completed_[i]));
    }
    output.report(program_, completion);
  }
  records_.reset_order(slot) = std::max(records_.reset_order(slot), reset_order);
}

// The events of a match as they came. The last one is at hand, but at a timer.
std::span<const model::MatchedEvent> ArenaMatcher::whole_run(Id match) {
  run_of(match, true);
  if (event_) run_.back().event = event_;
  if (!program_.trims) return run_;
  const EventForm& form = program_.form_of(event_.type());
  room_for_match_.reset();
  for (auto& taken : std::span(run_).first(run_.size() - 1)) {
    taken.event = untrim(taken.event, program_.form_of(taken.event.type()), event_, form, room_for_match_);
  }
  return run_;
}

// Leaves in ranking_ the numbers of those to report, in order.
void ArenaMatcher::choose() {
  if (completed_.size() == 1) return ranking_.assign(1, 0);
  entries_.clear();
  ends_.clear();
  for (const Id last : completed_) {
    const std::size_t begin = entries_.size();
    // At a timer one candidate may be the begin of another: the end has a place among the arcs.
    const RunStore::Node node = store_.node(last);
    const State& state = program_.states[program_.arcs[node.arc()].to];
    const auto end = program_.after_ns == plan::no_bound ? std::nullopt : open_end(node);
    entries_.push_back({2u * (state.out.begin + (end ? state.end_ranks[*end] : 0)), 0});
    for (Id id = last; id != none; id = store_.node(id).parent())
      entries_.push_back({2u * store_.node(id).arc() + 1, store_.node(id).order()});
    std::reverse(entries_.begin() + static_cast<std::ptrdiff_t>(begin), entries_.end());
    ends_.push_back(entries_.size());
  }
  const auto before = [&](std::size_t a, std::size_t b) {
    const auto left = candidate(a), right = candidate(b);
    if (program_.report == Report::last && left.front().order != right.front().order)
      return left.front().order > right.front().order;
    if (program_.report == Report::longest && left.size() != right.size()) return left.size() > right.size();
    return preferred(left, right);
  };
  ranking_.resize(completed_.size());
  std::iota(ranking_.begin(), ranking_.end(), std::size_t{0});
  if (program_.report == Report::all) {
    std::sort(ranking_.begin(), ranking_.end(), before);
    if (program_.is_ambiguous) drop_duplicates();
    return;
  }
  if (program_.report != Report::any)
    ranking_.front() = *std::min_element(ranking_.begin(), ranking_.end(), before);
  ranking_.resize(1);
}

std::span<const PathEntry> ArenaMatcher::candidate(std::size_t i) const {
  const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
  return std::span<const PathEntry>(entries_).subspan(begin, ends_[i] - begin);
}

// Two ways through repeated groups may be one assignment of events to steps: the preferred one stays.
void ArenaMatcher::drop_duplicates() {
  std::set<std::vector<std::pair<std::uint16_t, std::uint64_t>>> seen;
  std::erase_if(ranking_, [&](std::size_t i) {
    std::vector<std::pair<std::uint16_t, std::uint64_t>> assignment;
    for (const PathEntry& entry : candidate(i)) {
      if (entry.arc % 2 == 1)
        assignment.emplace_back(program_.step_of(static_cast<std::uint16_t>(entry.arc / 2)), entry.order);
    }
    return !seen.insert(std::move(assignment)).second;
  });
}

// Runs that started at or before this are used up by the match that ends in node `match`.
std::uint64_t ArenaMatcher::reset_of(Id match) const {
  const std::uint64_t start_order = store_.node(match).start_order();
  if (program_.skip == Skip::none) return 0;
  if (program_.skip == Skip::past_last) return last_order_;
  std::uint64_t reset_order = start_order;
  if (program_.skip == Skip::to_next) return reset_order;
  for (Id id = match; id != none; id = store_.node(id).parent()) {
    if (program_.step_of(store_.node(id).arc()) != program_.skip_step) continue;
    reset_order = store_.node(id).order() - 1;
    if (program_.skip == Skip::to_last) break;
  }
  return reset_order;
}

Instant ArenaMatcher::next_timer() const {
  const std::int64_t deadline_ns = std::min(endings_.empty() ? INT64_MAX : endings_.front().deadline_ns,
                                            starts_.empty() ? INT64_MAX : starts_.front().deadline_ns);
  return deadline_ns == INT64_MAX ? never : Instant{deadline_ns, Instant::Phase::deadline};
}

void ArenaMatcher::run_timers(Output& output) {
  event_ = {};
  const std::int64_t deadline_ns = next_timer().ns;
  run_endings(deadline_ns, output);
  run_timeouts(deadline_ns, output);
}

// Most waits for an absence are closed by what comes: their timers need not run.
void ArenaMatcher::forget_closed_endings() {
  while (!endings_.empty() && is_closed(endings_.front()))
    endings_.pop_front();
}

void ArenaMatcher::run_endings(std::int64_t deadline_ns, Output& output) {
  due_.clear();
  for (; !endings_.empty() && endings_.front().deadline_ns == deadline_ns; endings_.pop_front()) {
    if (!is_closed(endings_.front())) due_.push_back(endings_.front().node);
  }
  complete_due({{}, deadline_ns, 0, false}, output);
  if (program_.report != Report::first) return;
  for (const Id id : due_)  // a complete run does not go on
    store_.close(id, ~std::uint64_t{0});
}

void ArenaMatcher::run_timeouts(std::int64_t deadline_ns, Output& output) {
  due_.clear();
  for (; !starts_.empty() && starts_.front().deadline_ns == deadline_ns; starts_.pop_front()) {
    const Id first = starts_.front().nodes;
    for (Id cell = first; store_.alive(cell); cell = store_.next(cell)) {
      const Id id = store_.node_of(cell);
      if (!dropped(id) && !is_settled(id) && waits_on(id, deadline_ns) && !is_settled_otherwise(id, first))
        due_.push_back(id);
    }
  }
  complete_due({{}, deadline_ns, 0, true}, output);
}

// The run was carried on, or is at the pattern's end.
bool ArenaMatcher::is_settled(Id id) const {
  const RunStore::Node node = store_.node(id);
  return node.extended() || program_.is_end(program_.arcs[node.arc()].to, node.count());
}

// The same events as the same steps are settled by another way through repeated groups.
bool ArenaMatcher::is_settled_otherwise(Id id, Id cell) const {
  if (!program_.is_ambiguous) return false;
  for (; store_.alive(cell); cell = store_.next(cell)) {
    const Id other = store_.node_of(cell);
    if (store_.alive(other) && is_settled(other) && same_assignment(id, other)) return true;
  }
  return false;
}

bool ArenaMatcher::same_assignment(Id left, Id right) const {
  for (; left != none && right != none;
       left = store_.node(left).parent(), right = store_.node(right).parent()) {
    const RunStore::Node a = store_.node(left);
    const RunStore::Node b = store_.node(right);
    if (a.order() != b.order() || program_.step_of(a.arc()) != program_.step_of(b.arc())) return false;
  }
  return left == none && right == none;
}

// Completes due_ key by key, in the order of what ended first in each.
void ArenaMatcher::complete_due(const Completion& as, Output& output) {
  if (due_.empty()) return;
  std::sort(due_.begin(), due_.end(), [&](Id a, Id b) {
    const RunStore::Node left = store_.node(a);
    const RunStore::Node right = store_.node(b);
    return left.key() != right.key() ? left.key() < right.key() : a < b;
  });
  due_groups_.clear();
  for (std::size_t i = 0; i < due_.size(); ++i) {
    if (i == 0 || store_.node(due_[i]).key() != store_.node(due_[i - 1]).key())
      due_groups_.push_back({store_.node(due_[i]).order(), i});
  }
  std::sort(due_groups_.begin(), due_groups_.end(),
            [](const DueGroup& a, const DueGroup& b) { return a.order < b.order; });
  for (const DueGroup& group : due_groups_) {
    const std::uint32_t slot = store_.node(due_[group.begin]).key();
    completed_.clear();
    for (std::size_t i = group.begin; i < due_.size() && store_.node(due_[i]).key() == slot; ++i)
      completed_.push_back(due_[i]);
    Completion completion = as;
    completion.group = group.order;
    complete(slot, completion, output);
  }
}

// Something that may still come at `now_ns` would carry the run on.
bool ArenaMatcher::waits_on(Id id, std::int64_t now_ns) const {
  const RunStore::Node node = store_.node(id);
  const State& state = program_.states[program_.arcs[node.arc()].to];
  for (std::uint16_t a = state.out.begin; a < state.out.end; ++a) {
    const Arc& arc = program_.arcs[a];
    if (!program_.may_go(arc, node.count()) || (node.closed() & program_.bit(a)) != 0) continue;
    if (arc.contiguity == Contiguity::strict && records_.position(node.key()) != node.position()) continue;
    if (is_in_bounds(id, arc, now_ns)) return true;
  }
  return false;
}

}  // namespace tocsin::match
