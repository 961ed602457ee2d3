// `report all` of grouped runs. The graph leads from an event back to those before it, and matches are wanted
// in order of preference, which goes by the first event, then by what follows. So the nodes that can be
// reached from those that completed are collected once, with their links turned round and put in order;
// walked from the first events on, these give the matches in order, two of which share what they have in
// common at the begin. Collecting costs less than the matches do: each link is part of one.
#include <algorithm>
#include <numeric>

#include "engine/match/grouped.hpp"

namespace tocsin::match {

namespace {

template <class Less>
void sort_unless_sorted(std::vector<std::uint32_t>& numbers, Less less) {
  if (!std::is_sorted(numbers.begin(), numbers.end(), less)) std::sort(numbers.begin(), numbers.end(), less);
}

}  // namespace

// True where anything was reported.
bool GroupedMatcher::report_all(Output& output) {
  enumerated_ = 0;
  if (turn_round()) {
    room_for_events_.reset();
    for (Reached& each : reached_)
      each.event = matched(each.node);
    put_in_order();
    walk_forward(output);
  } else {
    for (const Id node : completed_)
      walk_back(node, output);
  }
  return enumerated_ > 0;
}

// The number of the node among those reached. A number that it has from an earlier walk is that of another
// node now, or of none.
std::uint32_t GroupedMatcher::reach(Id id) {
  const RunLog::Record& node = store_.at(id);
  if (node.number < reached_.size() && reached_[node.number].node == id) return node.number;
  const auto number = static_cast<std::uint32_t>(reached_.size());
  store_.set_number(id, number);
  if (!node.is_first) store_.prefetch(store_.list_of(id));
  reached_.push_back({id, {}, 0, 0, 0, 0, node.arc, node.is_first != 0});
  return number;
}

// Breadth first from the last events back. False where there are too many links.
bool GroupedMatcher::turn_round() {
  reached_.clear();
  before_.clear();
  for (const Id id : completed_)
    reach(id);
  for (std::size_t i = 0; i < reached_.size(); ++i) {
    reached_[i].before = static_cast<std::uint32_t>(before_.size());
    for (Id entry = store_.list_of(reached_[i].node); is_live(entry);) {
      const Id node = store_.node_of(entry);
      entry = store_.next(entry);
      store_.prefetch(entry);
      if (!store_.alive(node)) continue;
      if (before_.size() == most_links) return false;
      const std::uint32_t number = reach(node);
      before_.push_back(number);
      ++reached_[number].after_end;
    }
    reached_[i].before_end = static_cast<std::uint32_t>(before_.size());
  }
  return true;
}

// Mostly each arc's nodes were reached from the newest to the oldest, and later arcs before earlier ones.
void GroupedMatcher::put_in_order() {
  ranked_.resize(reached_.size());
  std::iota(ranked_.rbegin(), ranked_.rend(), 0u);
  sort_unless_sorted(ranked_, [&](std::uint32_t a, std::uint32_t b) {
    const Reached& left = reached_[a];
    const Reached& right = reached_[b];
    return left.arc != right.arc ? left.arc < right.arc : left.node < right.node;
  });
  std::uint32_t links = 0;
  for (Reached& each : reached_) {
    const std::uint32_t count = each.after_end;
    each.after = each.after_end = links;
    links += count;
  }
  after_.resize(links);
  firsts_.clear();
  for (const std::uint32_t number : ranked_) {
    const Reached& each = reached_[number];
    if (each.is_first) firsts_.push_back(number);
    for (std::uint32_t i = each.before; i < each.before_end; ++i)
      after_[reached_[before_[i]].after_end++] = number;
  }
  sort_unless_sorted(firsts_,
                     [&](std::uint32_t a, std::uint32_t b) { return reached_[a].node < reached_[b].node; });
}

// Counts a match that is left out.
bool GroupedMatcher::is_at_limit() {
  if (enumerated_ < limits_.matches_per_event) return false;
  ++counters_.dropped_matches;
  return true;
}

// Depth first; events_ is the way so far. Where nothing follows, an event completed.
void GroupedMatcher::walk_forward(Output& output) {
  for (const std::uint32_t first : firsts_) {
    if (is_at_limit()) return;
    note_report(reached_[first].node);
    events_.clear();
    path_.clear();
    for (std::uint32_t number = first;;) {
      const Reached& at = reached_[number];
      events_.push_back(at.event);
      if (at.after < at.after_end) {
        path_.push_back({at.after, at.after_end});
      } else {
        if (is_at_limit()) return;
        ++enumerated_;
        report_events(output);
        events_.pop_back();
      }
      for (; !path_.empty() && path_.back().next == path_.back().end; path_.pop_back())
        events_.pop_back();
      if (path_.empty()) break;
      number = after_[path_.back().next++];
    }
  }
}

// Depth first from the last event to the first; frames_ is the path.
void GroupedMatcher::walk_back(Id completed, Output& output) {
  frames_.assign(1, {completed, store_.list_of(completed)});
  while (!frames_.empty()) {
    Frame& top = frames_.back();
    const RunLog::Record& node = store_.at(top.node);
    if (node.is_first) {
      if (node.start >= cutoff_) {
        if (is_at_limit()) return;
        ++enumerated_;
        found_.clear();
        for (std::size_t i = frames_.size(); i > 0; --i)
          found_.push_back(frames_[i - 1].node);
        report_found(output);
      }
      frames_.pop_back();
      continue;
    }
    const Id entry = top.next_entry;
    if (!is_live(entry)) {  // nor are those that follow
      frames_.pop_back();
      continue;
    }
    top.next_entry = store_.next(entry);
    const Id next = store_.node_of(entry);
    if (store_.alive(next)) frames_.push_back({next, store_.list_of(next)});
  }
}

}  // namespace tocsin::match
