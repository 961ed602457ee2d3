#include "engine/match/grouped.hpp"

#include <algorithm>
#include <bit>

namespace tocsin::match {

using plan::Contiguity;

namespace {

constexpr Id lost = none - 1;  // a link to something dropped: dead, yet not a run's begin

}  // namespace

GroupedMatcher::GroupedMatcher(const Program& program, const Resources& resources)
    : RunMatcher(program, resources), automaton_(unroll(program)) {
  for (const auto& arc : automaton_.arcs)
    place_of_.push_back(static_cast<std::uint16_t>(arc.from == start_state ? 0 : width_++));
  ensure(0);
}

void GroupedMatcher::ensure(std::uint32_t slot) {
  positions_.resize(slot + 1);
  lists_.resize((slot + std::size_t{1}) * width_);
}

void GroupedMatcher::prefetch(model::EventView, std::uint32_t slot, PrefetchStage stage) const {
  const std::uint32_t own = keys_.number_ahead(slot);
  if (own >= positions_.size()) return;
  const List* const first = lists_.data() + own * width_;
  for (const List* list = first; list < first + width_; ++list) {
    if (stage == PrefetchStage::key) {
      tocsin::prefetch(list);
    } else {
      store_.prefetch_cell(list->head, stage == PrefetchStage::nodes);
    }
  }
}

void GroupedMatcher::visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) {
  ++counters_.events;
  now_ = event.time_ns();
  order_ = order;
  if (store_.nodes() >= room_) make_room();
  if (keys_.size() >= key_room_) sweep_keys();
  const std::uint32_t slot = slot_for((steps & automaton_.start_steps) != 0);
  if (slot == KeyTable::absent) return;
  if (slot >= positions_.size()) ensure(slot);
  const std::uint64_t position = program_.counts_positions ? ++positions_[slot] : 0;
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

  completed_.clear();
  for (Advance& step : advances_) {
    step.node = store_.add_node(
        {.parent = step.parent, .order = order, .start = step.start, .key = slot, .arc = step.arc}, event,
        now_);
    if (automaton_.states[automaton_.arcs[step.arc].to].accepts) completed_.push_back(step.node);
  }
  if (!completed_.empty() && complete(output) && program_.skip == plan::Skip::past_last)
    return drop_key(slot);

  for (const Advance& step : advances_) {
    const auto& state = automaton_.states[automaton_.arcs[step.arc].to];
    if (state.accepts && program_.report == plan::Report::first) continue;  // complete: it does not go on
    for (const std::uint16_t arc : state.out)
      push(slot, arc, step, position);
  }
}

// Empties the lists of the arcs that the events of `watches` close.
void GroupedMatcher::close(std::uint32_t slot, std::uint64_t watches, bool first) {
  for (std::uint64_t left = watches; left != 0; left &= left - 1) {
    for (const auto& closed : automaton_.closed_by[static_cast<std::size_t>(std::countr_zero(left))]) {
      if (closed.first == first) list(slot, closed.arc).head = none;
    }
  }
}

void GroupedMatcher::advance(std::uint32_t slot, std::uint16_t arc, std::uint64_t position,
                             std::uint64_t watches) {
  if (automaton_.arcs[arc].from == start_state) {
    const std::uint16_t until = automaton_.arcs[arc].until;
    if (until != no_watch && ((watches >> until) & 1) != 0) return;
    ++counters_.started;
    advances_.push_back({arc, none, stamp_});
    return;
  }
  List& waiting = list(slot, arc);
  // Lists are ordered by their latest start: where the head has passed the bound, all have.
  if (!is_live(waiting) || (is_strict(arc) && waiting.position + 1 != position)) {
    waiting.head = none;
    return;
  }
  ++counters_.advanced;
  advances_.push_back({arc, waiting.head, waiting.start});
  if (automaton_.arcs[arc].contiguity != Contiguity::any) waiting.head = none;
}

void GroupedMatcher::push(std::uint32_t slot, std::uint16_t arc, const Advance& advanced,
                          std::uint64_t position) {
  const Id node = advanced.node;
  const std::int64_t start = advanced.start;
  List& waiting = list(slot, arc);
  if (is_strict(arc) && waiting.position != position) waiting = {none, 0, position};
  Id rest = store_.cell_alive(waiting.head) ? waiting.head : none;
  if (rest == none || waiting.start <= start) {
    waiting.start = start;
    waiting.head = store_.add_cell({node, rest, arc}, now_);
    return;
  }
  // Some runs that wait started later: they stay in front, in cells of their own as the old ones are shared.
  above_.clear();
  while (store_.cell_alive(rest)) {
    const Cell& cell = store_.cell(rest);
    if (!store_.alive(cell.node) || store_.node(cell.node).start <= start) break;
    above_.push_back(cell.node);
    rest = cell.next;
  }
  waiting.head = store_.add_cell({node, rest, arc}, now_);
  for (; !above_.empty(); above_.pop_back()) {
    waiting.head = store_.add_cell({above_.back(), waiting.head, arc}, now_);
  }
}

// Reports what completed; true where anything did.
bool GroupedMatcher::complete(Output& output) {
  found_.clear();
  if (program_.report == plan::Report::first) {
    if (!find_only_candidate() && !find_first_candidate()) return false;
    report_found(output);
    return true;
  }
  if (program_.report == plan::Report::any) {
    if (!find_any_candidate()) return false;
    report_found(output);
    return true;
  }
  return report_all(output);
}

// The common case without searching: one completed node, and every list on the way has one live cell.
bool GroupedMatcher::find_only_candidate() {
  if (completed_.size() != 1) return false;
  for (Id id = completed_.front();;) {
    found_.push_back(id);
    const Id head = store_.node(id).parent;
    if (head == none) break;
    const auto live = [&](Id cell) {
      return store_.cell_alive(cell) && store_.alive(store_.cell(cell).node) &&
             store_.node(store_.cell(cell).node).start >= cutoff_;
    };
    if (!live(head) || store_.cell_alive(store_.cell(head).next)) {
      found_.clear();
      return false;
    }
    id = store_.cell(head).node;
  }
  std::reverse(found_.begin(), found_.end());
  return true;
}

// The head of a list has the latest start in it, so by the heads a live start is reached in as many steps as
// the candidate has events.
bool GroupedMatcher::find_any_candidate() {
  Id id = *std::max_element(completed_.begin(), completed_.end(),
                            [&](Id a, Id b) { return store_.node(a).start < store_.node(b).start; });
  for (;;) {
    found_.push_back(id);
    const Node& node = store_.node(id);
    if (node.start < cutoff_) break;
    if (node.parent == none) {
      std::reverse(found_.begin(), found_.end());
      return true;
    }
    if (!store_.cell_alive(node.parent) || !store_.alive(store_.cell(node.parent).node)) break;
    id = store_.cell(node.parent).node;
  }
  found_.clear();
  return false;
}

void GroupedMatcher::collect_reachable_cells() {
  reachable_.clear();
  best_.clear();
  frames_.clear();
  for (const Id node : completed_)
    frames_.push_back({node, store_.node(node).parent});
  while (!frames_.empty()) {
    const Frame frame = frames_.back();
    frames_.pop_back();
    if (store_.node(frame.node).parent == none) continue;
    for (Id id = frame.next_cell; store_.cell_alive(id);) {
      if (!best_.try_emplace(id, none).second) break;
      const Cell& cell = store_.cell(id);
      if (store_.alive(cell.node)) {
        const Node& node = store_.node(cell.node);
        if (node.start < cutoff_) break;
        frames_.push_back({cell.node, node.parent});
      }
      reachable_.push_back(id);
      id = cell.next;
    }
  }
  // A cell is younger than what it links to, so in this order every cell finds its parts decided.
  std::sort(reachable_.begin(), reachable_.end());
}

void GroupedMatcher::note_best_prefix(Id node, std::vector<PathEntry>& path) const {
  path.clear();
  for (;;) {
    path.push_back({store_.node(node).arc, store_.node(node).order});
    const Id parent = store_.node(node).parent;
    if (parent == none) break;
    node = best_.at(parent);
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
  collect_reachable_cells();
  const auto has_prefix = [&](Id node) {
    const Id parent = store_.node(node).parent;
    if (parent == none) return store_.node(node).start >= cutoff_;
    const auto best = best_.find(parent);
    return best != best_.end() && best->second != none;
  };
  for (const Id id : reachable_) {
    const Cell& cell = store_.cell(id);
    const auto next = best_.find(cell.next);
    Id best = next == best_.end() ? none : next->second;
    if (store_.alive(cell.node) && has_prefix(cell.node)) {
      if (best == none || prefix_preferred(cell.node, best, cell.arc)) best = cell.node;
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
    const Id parent = store_.node(id).parent;
    if (parent == none) break;
    id = best_.at(parent);
  }
  std::reverse(found_.begin(), found_.end());
  return true;
}

void GroupedMatcher::report_found(Output& output) {
  events_.clear();
  for (const Id id : found_)
    events_.push_back(matched(store_.node(id), store_.event(id)));
  note_report(found_.front());
  report_events(output);
}

void GroupedMatcher::drop_key(std::uint32_t slot) {
  for (std::size_t i = 0; i < width_; ++i)
    lists_[slot * width_ + i].head = none;
}

// Frees keys for which nothing waits. Called when their number has doubled: amortised constant a key.
void GroupedMatcher::sweep_keys() {
  for (std::uint32_t slot = 0; slot < keys_.capacity(); ++slot) {
    if (!keys_.in_use(slot)) continue;
    cutoff_ = cutoff_at(positions_[slot]);
    bool waits = false;
    for (std::size_t i = 0; i < width_; ++i)
      waits |= is_live(lists_[slot * width_ + i]);
    if (waits) continue;
    positions_[slot] = 0;
    keys_.erase(slot);
  }
  key_room_ = std::max<std::size_t>(1024, 2 * keys_.size());
}

void GroupedMatcher::make_room() {
  compact();
  drop_to_limit();
  room_ = program_.room_for(keys_.size() + 2 * store_.nodes(), node_limit());
}

// Copies what is still reachable into a fresh store, in the same order. Linear in the live nodes, and due
// only when their number may have doubled.
void GroupedMatcher::compact() {
  std::vector<Id> cells, nodes;
  boost::unordered_flat_map<Id, bool> seen_nodes;
  boost::unordered_flat_map<Id, bool> seen_cells;
  std::vector<Id> pending;
  for (std::uint32_t slot = 0; slot < slots(); ++slot) {
    if (!in_use(slot)) continue;
    cutoff_ = cutoff_at(positions_[slot]);
    for (std::size_t i = 0; i < width_; ++i) {
      const List& waiting = lists_[slot * width_ + i];
      if (is_live(waiting)) pending.push_back(waiting.head);
    }
    while (!pending.empty()) {
      Id id = pending.back();
      pending.pop_back();
      while (store_.cell_alive(id) && seen_cells.try_emplace(id, true).second) {
        const Cell& cell = store_.cell(id);
        const bool alive = store_.alive(cell.node);
        if (alive && store_.node(cell.node).start < cutoff_) {
          seen_cells.erase(id);
          break;
        }
        cells.push_back(id);
        if (alive && seen_nodes.try_emplace(cell.node, true).second) {
          nodes.push_back(cell.node);
          if (store_.node(cell.node).parent != none) pending.push_back(store_.node(cell.node).parent);
        }
        id = cell.next;
      }
    }
  }
  std::sort(cells.begin(), cells.end());
  std::sort(nodes.begin(), nodes.end());
  const auto moved = [](const std::vector<Id>& ids, Id id, Id otherwise) {
    const auto place = std::lower_bound(ids.begin(), ids.end(), id);
    return place != ids.end() && *place == id ? static_cast<Id>(place - ids.begin()) : otherwise;
  };
  RunStore fresh;
  for (const Id id : nodes) {
    Node node = store_.node(id);
    if (node.parent != none) node.parent = moved(cells, node.parent, lost);
    fresh.copy_node(node, store_.event(id), now_);
  }
  for (const Id id : cells) {
    const Cell& cell = store_.cell(id);
    fresh.add_cell({moved(nodes, cell.node, lost), moved(cells, cell.next, none), cell.arc}, now_);
  }
  for (List& waiting : lists_)
    waiting.head = moved(cells, waiting.head, none);
  replace_store(std::move(fresh));
}

}  // namespace tocsin::match
