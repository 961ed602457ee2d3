#include "engine/match/grouped.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace tocsin::match {

using plan::Contiguity;

GroupedMatcher::GroupedMatcher(const Program& program, const Resources& resources)
    : RunMatcher(program, resources),
      automaton_(unroll(program)),
      is_chain_(automaton_.is_chain()),
      width_(program.counts_positions ? 1 : 0) {
  for (std::uint16_t arc = 0; arc < automaton_.arcs.size(); ++arc) {
    place_of_.push_back(static_cast<std::uint16_t>(width_));
    const auto& to = automaton_.states[automaton_.arcs[arc].to];
    step_of_.push_back(to.step);
    if (to.accepts) last_steps_ |= std::uint64_t{1} << to.step;
    if (starts(arc)) continue;
    lists_.push_back(place_of_.back());
    width_ += list_words + (is_strict(arc) ? 1 : 0);
  }
  ensure(0);
}

void GroupedMatcher::ensure(std::uint32_t slot) {
  slots_ = slot + 1;
  rows_.resize(slots_ * width_, none);
}

void GroupedMatcher::prefetch_all(std::span<const Visit> visits, const KeySpace& keys,
                                  PrefetchStage stage) const {
  for (const Visit& visit : visits) {
    const std::uint32_t slot = keys_.number_ahead(keys.slot_ahead(visit.key));
    if (slot >= slots_) continue;
    const std::uint64_t* const row = rows_.data() + slot * width_;
    if (stage == PrefetchStage::key) {
      constexpr std::size_t words_per_line = 8;
      for (std::size_t word = 0; word < width_; word += words_per_line)
        tocsin::prefetch(row + word);
      if (width_ > 0) tocsin::prefetch(row + width_ - 1);  // it may begin in the middle of a line
    } else if (!is_chain_ || (visit.steps & last_steps_) != 0) {
      for (const std::uint16_t place : lists_)
        prefetch_front(reinterpret_cast<const List&>(row[place]));
    }
  }
}

// Asks for what is read of a list first.
void GroupedMatcher::prefetch_front(const List& list) const {
  store_.prefetch(list.first);
  if (!is_chain_ || list.first == none) return;
  store_.prefetch(list.first - list.second);
  store_.prefetch(list.first - list.second - list.third);
}

void GroupedMatcher::visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) {
  ++counters_.events;
  now_ = event.time_ns();
  event_ = event;
  order_ = order;
  if (store_.nodes() >= room_ || store_.is_full()) make_room();
  if (keys_.size() >= key_room_) sweep_keys();
  const std::uint32_t slot = slot_for((steps & automaton_.start_steps) != 0);
  if (slot == KeyTable::absent) return;
  if (slot >= slots_) ensure(slot);
  const std::uint64_t position = program_.counts_positions ? ++position_of(slot) : 0;
  set_bound(event, position);

  const std::uint64_t watches = program_.watches_in(steps);
  if (watches != 0) close(slot, watches, true);
  advances_.clear();
  for (std::uint64_t left = program_.steps_in(steps); left != 0; left &= left - 1) {
    for (const std::uint16_t arc : automaton_.into[static_cast<std::size_t>(std::countr_zero(left))]) {
      advance(slot, arc, position, watches);
    }
  }
  if (watches != 0) close(slot, watches, false);
  if (advances_.empty()) return;

  add_nodes();
  if (!completed_.empty() && complete(output) && program_.skip == plan::Skip::past_last)
    return drop_key(slot);

  for (const Advance& step : advances_) {
    const auto& state = automaton_.states[automaton_.arcs[step.arc].to];
    if (!goes_on(state)) continue;
    for (const std::uint16_t arc : state.out)
      push(slot, arc, step, arc == state.out.front(), position);
  }
}

// A node for each arc by which runs advance, in the order of arcs, so that ids order nodes by event and arc.
// Where nothing goes on, nobody will ask for the event later.
void GroupedMatcher::add_nodes() {
  if (advances_.size() > 1) {
    std::sort(advances_.begin(), advances_.end(),
              [](const Advance& a, const Advance& b) { return a.arc < b.arc; });
  }
  completed_.clear();
  std::size_t words = 0;
  for (Advance& step : advances_) {
    const auto& state = automaton_.states[automaton_.arcs[step.arc].to];
    std::span<const std::uint64_t> packed;
    const bool is_packed = words > 0;
    if (goes_on(state)) {
      if (!is_packed) words = pack(event_, program_.form_of(event_.type()), packed_);
      packed = {packed_.data(), words};
    }
    step.node =
        store_.add_node(step.arc, step.parent, step.start, packed, is_packed && !packed.empty(), now_);
    if (state.accepts) completed_.push_back(step.node);
  }
}

// Empties the lists of the arcs that the events of `watches` close.
void GroupedMatcher::close(std::uint32_t slot, std::uint64_t watches, bool first) {
  for (std::uint64_t left = watches; left != 0; left &= left - 1) {
    for (const auto& closed : automaton_.closed_by[static_cast<std::size_t>(std::countr_zero(left))]) {
      if (closed.first == first) list(slot, closed.arc).first = none;
    }
  }
}

void GroupedMatcher::advance(std::uint32_t slot, std::uint16_t arc, std::uint64_t position,
                             std::uint64_t watches) {
  if (starts(arc)) {
    const std::uint16_t until = automaton_.arcs[arc].until;
    if (until != no_watch && ((watches >> until) & 1) != 0) return;
    ++counters_.started;
    advances_.push_back({arc, none, stamp_});
    return;
  }
  List& waiting = list(slot, arc);
  if (!is_live(waiting) || (is_strict(arc) && position_of(slot, arc) + 1 != position)) {
    waiting.first = none;
    return;
  }
  ++counters_.advanced;
  if (is_chain_ && automaton_.states[automaton_.arcs[arc].to].accepts) prefetch_front(waiting);
  advances_.push_back({arc, waiting.first, waiting.start});
  if (automaton_.arcs[arc].contiguity != Contiguity::any) waiting.first = none;
}

// Puts a new node into the list on `arc`. Its first one may link it itself, where what it is to link to is
// older.
void GroupedMatcher::push(std::uint32_t slot, std::uint16_t arc, const Advance& advanced, bool is_first_list,
                          std::uint64_t position) {
  List& waiting = list(slot, arc);
  if (is_strict(arc) && position_of(slot, arc) != position) {
    position_of(slot, arc) = position;
    waiting.first = none;
  }
  Id rest = store_.alive(waiting.first) ? waiting.first : none;
  if (is_chain_) return put_in_front(waiting, advanced.node, advanced.start, rest);
  // Runs that wait and started later stay in front, in cells of their own as the old entries are shared.
  above_.clear();
  if (rest == none || waiting.start <= advanced.start) {
    waiting.start = advanced.start;
  } else {
    for (; store_.alive(rest) && store_.at(rest).start > advanced.start; rest = store_.next(rest)) {
      const Id node = store_.node_of(rest);
      if (store_.alive(node)) above_.push_back({node, store_.at(rest).start});
    }
    if (above_.empty()) waiting.start = advanced.start;
  }
  if (is_first_list && (rest == none || rest < advanced.node)) {
    store_.make_entry(advanced.node, rest);
    waiting.first = advanced.node;
  } else {
    waiting.first = store_.add_cell(advanced.node, advanced.start, rest, arc, now_);
  }
  for (; !above_.empty(); above_.pop_back())
    waiting.first = store_.add_cell(above_.back().node, above_.back().start, waiting.first, arc, now_);
}

// Of a chain: those that come later have started later, and nobody else has the list. An entry says where the
// third one behind it is, so that a walk asks for three at a time.
void GroupedMatcher::put_in_front(List& list, Id node, std::int64_t start, Id rest) {
  store_.make_entry(node, rest);
  if (rest == none) {
    list = {node, start, 0, 0};
  } else {
    store_.set_ahead(node, rest - list.second - list.third);
    list = {node, start, static_cast<std::uint32_t>(node - rest), list.second};
  }
}

// Reports what completed; true where anything did.
bool GroupedMatcher::complete(Output& output) {
  found_.clear();
  if (program_.report == plan::Report::first) {
    if (is_chain_ ? !find_first_of_chain() : !find_only_candidate() && !find_first_candidate()) return false;
    report_found(output);
    return true;
  }
  if (program_.report == plan::Report::any) {
    if (!find_any_candidate()) return false;
    report_found(output);
    return true;
  }
  return is_chain_ ? report_chain(output) : report_all(output);
}

// The common case without searching: one completed node, and every list on the way has one live entry.
bool GroupedMatcher::find_only_candidate() {
  if (completed_.size() != 1) return false;
  for (Id id = completed_.front();;) {
    found_.push_back(id);
    if (store_.at(id).is_first) break;
    const Id entry = store_.list_of(id);
    id = is_live(entry) && !store_.alive(store_.next(entry)) ? store_.node_of(entry) : none;
    if (!store_.alive(id)) {
      found_.clear();
      return false;
    }
  }
  std::reverse(found_.begin(), found_.end());
  return true;
}

// The first entry of a list has the latest start in it, so by these a live start is reached in as many steps
// as the candidate has events.
bool GroupedMatcher::find_any_candidate() {
  Id id = *std::max_element(completed_.begin(), completed_.end(),
                            [&](Id a, Id b) { return store_.at(a).start < store_.at(b).start; });
  while (store_.alive(id) && store_.at(id).start >= cutoff_) {
    found_.push_back(id);
    if (store_.at(id).is_first) {
      std::reverse(found_.begin(), found_.end());
      return true;
    }
    const Id entry = store_.list_of(id);
    id = store_.alive(entry) ? store_.node_of(entry) : none;
  }
  found_.clear();
  return false;
}

void GroupedMatcher::collect_reachable_entries() {
  reachable_.clear();
  best_.clear();
  frames_.clear();
  for (const Id node : completed_)
    frames_.push_back({node, store_.list_of(node)});
  while (!frames_.empty()) {
    const Frame frame = frames_.back();
    frames_.pop_back();
    if (store_.at(frame.node).is_first) continue;
    for (Id id = frame.next_entry; is_live(id); id = store_.next(id)) {
      if (!best_.try_emplace(id, none).second) break;
      const Id node = store_.node_of(id);
      if (store_.alive(node)) frames_.push_back({node, store_.list_of(node)});
      reachable_.push_back(id);
    }
  }
  // An entry is younger than what it links to, so in this order every entry finds its parts decided.
  std::sort(reachable_.begin(), reachable_.end());
}

void GroupedMatcher::note_best_prefix(Id node, std::vector<PathEntry>& path) const {
  path.clear();
  for (;;) {
    path.push_back({store_.at(node).arc, node});
    if (store_.at(node).is_first) break;
    node = best_.at(store_.list_of(node));
  }
  std::reverse(path.begin(), path.end());
}

// Of two prefixes that wait on one arc. Where one is the begin of the other, the other took an arc early that
// this one takes only now.
bool GroupedMatcher::prefix_preferred(Id a, Id b, std::uint16_t next_arc) {
  note_best_prefix(a, path_a_);
  note_best_prefix(b, path_b_);
  path_a_.push_back({next_arc, UINT64_MAX});
  path_b_.push_back({next_arc, UINT64_MAX});
  return preferred(path_a_, path_b_);
}

bool GroupedMatcher::find_first_candidate() {
  collect_reachable_entries();
  const auto has_prefix = [&](Id node) {
    if (store_.at(node).is_first) return store_.at(node).start >= cutoff_;
    const auto best = best_.find(store_.list_of(node));
    return best != best_.end() && best->second != none;
  };
  for (const Id id : reachable_) {
    const auto next = best_.find(store_.next(id));
    Id best = next == best_.end() ? none : next->second;
    const Id node = store_.node_of(id);
    if (store_.alive(node) && has_prefix(node)) {
      const std::uint16_t arc = store_.at(id).is_cell ? store_.at(id).arc : state_of(node).out.front();
      if (best == none || prefix_preferred(node, best, arc)) best = node;
    }
    best_[id] = best;
  }
  Id winner = none;
  for (const Id node : completed_) {
    if (!has_prefix(node)) continue;
    if (winner == none || prefix_preferred(node, winner, 0)) winner = node;
  }
  if (winner == none) return false;
  for (Id id = winner;;) {
    found_.push_back(id);
    if (store_.at(id).is_first) break;
    id = best_.at(store_.list_of(id));
  }
  std::reverse(found_.begin(), found_.end());
  return true;
}

// The event of a node as part of a match that the event at hand completes.
model::MatchedEvent GroupedMatcher::matched(Id node) {
  const std::uint32_t step = step_of_[store_.at(node).arc];
  if (node >= advances_.front().node) return {step, event_};
  const auto packed = store_.event(node);
  return {step, unpack(packed, program_.form_of(type_of(packed)), event_, program_.form_of(event_.type()),
                       room_for_events_)};
}

void GroupedMatcher::report_found(Output& output) {
  events_.clear();
  room_for_events_.reset();
  for (const Id id : found_)
    events_.push_back(matched(id));
  note_report(found_.front());
  report_events(output);
}

void GroupedMatcher::drop_key(std::uint32_t slot) {
  for_each_list(slot, [](List& list) { list.first = none; });
}

// Frees keys for which nothing waits. Called when their number has doubled: amortised constant a key.
void GroupedMatcher::sweep_keys() {
  for (std::uint32_t slot = 0; slot < keys_.capacity() && slot < slots_; ++slot) {
    if (!keys_.in_use(slot)) continue;
    set_cutoff(slot);
    bool waits = false;
    for_each_list(slot, [&](const List& list) { waits |= is_live(list); });
    if (waits) continue;
    std::fill_n(&rows_[slot * width_], width_, none);
    keys_.erase(slot);
  }
  key_room_ = std::max<std::size_t>(1024, 2 * keys_.size());
}

void GroupedMatcher::make_room() {
  compact();
  drop_to_limit();
  while (store_.is_full() && store_.can_drop())
    drop_to(store_.nodes() - 1);
  room_ = program_.room_for(keys_.size() + 2 * store_.nodes(), node_limit());
}

// Copies what is still reachable into a fresh store, in the same order. Linear in the live records, and due
// only when their number may have doubled.
void GroupedMatcher::compact() {
  struct Needed {
    bool as_node = false;
    bool as_entry = false;  // what follows it in its list is needed too
  };
  boost::unordered_flat_map<Id, Needed> reached;
  std::vector<Id> lists;
  const auto take_node = [&](Id id) {
    if (std::exchange(reached[id].as_node, true) || store_.at(id).is_first) return;
    lists.push_back(store_.list_of(id));
  };
  for (std::uint32_t slot = 0; slot < slots() && slot < slots_; ++slot) {
    if (!in_use(slot)) continue;
    set_cutoff(slot);
    for_each_list(slot, [&](const List& list) { lists.push_back(list.first); });
    while (!lists.empty()) {
      Id id = lists.back();
      lists.pop_back();
      for (; is_live(id) && !std::exchange(reached[id].as_entry, true); id = store_.next(id)) {
        const Id node = store_.node_of(id);
        if (store_.alive(node)) take_node(node);
      }
    }
  }
  std::vector<Id> before, after;
  for (const auto& [id, how] : reached)
    before.push_back(id);
  std::sort(before.begin(), before.end());
  const auto moved = [&](Id id, Id otherwise) {
    const auto place = std::lower_bound(before.begin(), before.end(), id);
    const auto index = static_cast<std::size_t>(place - before.begin());
    return index < after.size() && *place == id ? after[index] : otherwise;
  };
  RunLog fresh;
  const std::uint64_t* last_event = nullptr;
  for (const Id id : before) {
    const RunLog::Record& record = store_.at(id);
    const Id link = record.is_cell ? store_.node_of(id) : store_.list_of(id);
    const Id begins = !record.is_cell && record.is_first ? none : RunLog::lost;
    const std::uint64_t* const event = record.is_cell ? nullptr : store_.event(id).data();
    const bool is_same_event = event && event == last_event;
    after.push_back(
        fresh.copy(store_, id, moved(link, begins), moved(store_.next(id), none), is_same_event, now_));
    if (event) last_event = event;
  }
  for (std::uint32_t slot = 0; slot < slots_; ++slot)
    for_each_list(slot, [&](List& list) { list = {moved(list.first, none), list.start, 0, 0}; });
  replace_store(std::move(fresh));
}

}  // namespace tocsin::match
