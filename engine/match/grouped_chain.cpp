// What an event completes of a chain (UnrolledAutomaton::is_chain). Each run is part of one match at most, as
// its node is in one list, so the nodes below the one that completed are a tree. It is gone through level by
// level, so that all that a level leads to is on its way from memory before it is looked at. Its leaves, the
// first events of the matches, are met from the newest to the oldest: each list is in that order, and all
// runs that an entry carries on started before those that a newer one does.
#include "engine/match/grouped.hpp"

namespace tocsin::match {

// False where there are more than `most`. Makes their events `with_events`: those of a level while the next
// one is on its way.
bool GroupedMatcher::collect_chain(std::size_t most, bool with_events) {
  chain_.assign(1, {completed_.front(), 0, {}});
  room_for_events_.reset();
  if (with_events) chain_.front().event = matched(chain_.front().node);
  for (leaves_ = 0; leaves_ < chain_.size() && !store_.at(chain_[leaves_].node).is_first;) {
    const std::size_t begin = std::exchange(leaves_, chain_.size());
    for (std::size_t i = begin; i < leaves_; ++i) {
      for (Id entry = store_.list_of(chain_[i].node); store_.alive(entry);) {
        const RunLog::Record& record = store_.at(entry);
        if (record.start < cutoff_) break;
        store_.prefetch(RunLog::target(entry, record.number));
        if (!record.is_first) store_.prefetch(RunLog::target(entry, record.link));
        if (chain_.size() == most) return false;
        chain_.push_back({entry, i, {}});
        entry = RunLog::target(entry, record.next);
      }
    }
    for (std::size_t i = leaves_; with_events && i < chain_.size(); ++i)
      chain_[i].event = matched(chain_[i].node);
  }
  return true;
}

// True where anything was reported.
bool GroupedMatcher::report_chain(Output& output) {
  enumerated_ = 0;
  if (!collect_chain(most_links, true)) {
    walk_back(completed_.front(), output);
    return enumerated_ > 0;
  }
  for (std::size_t leaf = chain_.size(); leaf > leaves_ && !is_at_limit(); ++enumerated_) {
    const Link* link = &chain_[--leaf];
    note_report(link->node);
    events_.clear();
    for (; link != chain_.data(); link = &chain_[link->next])
      events_.push_back(link->event);
    events_.push_back(link->event);
    report_events(output);
  }
  return enumerated_ > 0;
}

// The match that began first.
bool GroupedMatcher::find_first_of_chain() {
  collect_chain(SIZE_MAX, false);
  if (leaves_ == chain_.size()) return false;
  for (std::size_t i = chain_.size() - 1; i > 0; i = chain_[i].next)
    found_.push_back(chain_[i].node);
  found_.push_back(chain_[0].node);
  return true;
}

}  // namespace tocsin::match
