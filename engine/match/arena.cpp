#include "engine/match/arena.hpp"

#include <algorithm>
#include <bit>

#include "engine/base/saturate.hpp"

namespace tocsin::match {

using plan::Contiguity;

// What nodes of the rule's runs must keep. What is closed matters only where something else may close it than
// the run's own going on, or where time asks.
NodeShape ArenaMatcher::shape_of(const Program& program) {
  return {.counts = std::any_of(program.arcs.begin(), program.arcs.end(),
                                [](const Arc& arc) { return arc.repeats; }),
          .positions = program.counts_positions,
          .closes = !program.closings.empty() || program.has_bars || program.is_timed(),
          .starts = program.within.unit};
}

ArenaMatcher::ArenaMatcher(const Program& program, const Resources& resources)
    : RunMatcher(program, resources), scratch_(resources.scratch), records_(0, 0) {
  store_ = RunStore(shape_of(program));
  std::uint16_t buckets = 0;
  const auto number = [&](const Joined::Access& access) {
    return access.joins.empty() ? buckets++ : not_direct;
  };
  for (const Arc& arc : program.arcs) {
    const bool waits = arc.from != start_state && !is_ordered(arc);
    direct_of_.push_back(waits ? number(access_of(arc)) : not_direct);
  }
  for (const Closing& closing : program.closings)
    direct_of_.push_back(number(program.watches[closing.watch].joined.enter));
  if (buckets > max_direct_waits) {
    buckets = 0;
    std::fill(direct_of_.begin(), direct_of_.end(), not_direct);
  }
  records_ = KeyRecords(program.before.size(), buckets);
  into_.resize(program.steps.size());
  for (std::uint16_t a = 0; a < program.arcs.size(); ++a) {
    into_[program.step_of(a)].push_back(a);
    if (program.arcs[a].from == start_state) start_steps_ |= std::uint64_t{1} << program.step_of(a);
  }
  closed_by_.resize(program.watches.size());
  for (std::uint16_t c = 0; c < program.closings.size(); ++c)
    closed_by_[program.closings[c].watch].push_back(c);
  for (const LeadingAbsence& absence : program.before)
    start_steps_ |= std::uint64_t{1} << (program.steps.size() + absence.watch);
}

void ArenaMatcher::visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) {
  ++counters_.events;
  now_ = event.time_ns();
  last_order_ = order;
  event_ = event;
  if (store_.nodes() >= room_ || store_.is_full() || buckets_.size() + ordered_.size() >= bucket_room_ ||
      keys_.size() >= key_room_)
    make_room();
  const std::uint32_t slot = slot_for((steps & start_steps_) != 0);
  if (slot == KeyTable::absent) return;
  records_.grow(slot + std::size_t{1});
  const std::uint64_t position = ++records_.position(slot);
  set_bound(event, position);

  const std::uint64_t watches = program_.watches_in(steps);
  if (watches != 0) close(event, slot, watches, position, true);
  advances_.clear();
  for (std::uint64_t left = program_.steps_in(steps); left != 0; left &= left - 1) {
    for (const std::uint16_t arc : into_[static_cast<std::size_t>(std::countr_zero(left))]) {
      if (program_.arcs[arc].from == start_state) {
        try_start(event, arc, watches, slot);
      } else {
        try_waiting(event, slot, arc, position);
      }
    }
  }
  if (program_.has_bars) settle_bars();
  if (watches != 0) {
    close(event, slot, watches, position, false);
    note_leading(event, slot, watches);
  }
  if (!endings_.empty()) forget_closed_endings();
  if (advances_.empty()) return;

  completed_.clear();
  model::EventView kept;
  for (Advance& advance : advances_) {
    const bool is_kept = is_event_kept(advance);
    if (is_kept && !kept)
      kept = program_.trims ? trim(event, program_.form_of(event.type()), trimmed_) : event;
    add_node(advance, is_kept ? kept : model::EventView(), order, slot, position);
  }
  if (!completed_.empty()) complete(slot, {{}, now_, order, false}, output);
  for (const Advance& advance : advances_) {
    const RunStore::Node node = store_.node(advance.node);
    if (node.start_order() <= records_.reset_order(slot)) continue;
    const bool is_end = program_.is_end(program_.arcs[node.arc()].to, node.count());
    if (is_end && program_.after_ns != plan::no_bound) {
      endings_.push_back({later(now_, program_.after_ns), advance.node});
    } else if (is_end && program_.report == plan::Report::first) {
      continue;  // complete: it does not go on
    } else if (program_.is_ambiguous && program_.report == plan::Report::first &&
               is_completed(advance.node)) {
      continue;  // complete by another way
    }
    wait(advance.node, slot);
  }
}

void ArenaMatcher::prefetch(model::EventView, std::uint32_t slot, PrefetchStage stage) const {
  const std::uint32_t own = keys_.number_ahead(slot);
  if (own >= records_.size()) return;
  if (stage == PrefetchStage::key) return records_.prefetch(own);
  for (std::size_t i = 0; i < records_.buckets(); ++i) {
    const Id bucket = records_.bucket(own, i);
    if (holds_single(bucket)) {
      if (stage == PrefetchStage::cells) store_.prefetch_node(bucket ^ single_mark);
    } else {
      store_.prefetch_cell(bucket, stage == PrefetchStage::nodes);
    }
  }
}

void ArenaMatcher::try_start(model::EventView event, std::uint16_t arc_id, std::uint64_t watches,
                             std::uint32_t slot) {
  const Arc& arc = program_.arcs[arc_id];
  for (std::size_t i = 0; i < program_.before.size(); ++i) {
    const std::int64_t seen_ns = records_.time(slot, i);
    std::int64_t since_ns;
    if (seen_ns == INT64_MIN) continue;
    if (!__builtin_sub_overflow(now_, seen_ns, &since_ns) && since_ns <= program_.before[i].for_ns) return;
  }
  if (arc.until != no_watch && ((watches >> arc.until) & 1) != 0) {
    const Watch& watch = program_.watches[arc.until];
    if (holds(watch.joined, watch.step, event, none, false, true)) return;
  }
  const State& to = program_.states[arc.to];
  if (!holds(to.joined, to.step, event, none, false)) return;
  advances_.push_back({none, arc_id});
}

// Calls visit(node) for each run that waits in a bucket; those for which it gives false leave it.
template <class Visit>
void ArenaMatcher::for_each_waiting(Id& bucket, std::uint16_t wait, Visit visit) {
  const auto stays = [&](Id node) { return !is_over(node, wait) && visit(node); };
  if (holds_single(bucket)) {
    if (!stays(bucket ^ single_mark)) bucket = none;
    return;
  }
  Id before = none;
  for (Id cell = bucket; store_.alive(cell);) {
    const Id next = store_.next(cell);
    if (stays(store_.node_of(cell))) {
      before = cell;
    } else if (before == none) {
      bucket = next;  // an emptied bucket stays: erasing would make the table rehash now and then
    } else {
      store_.drop_next(before);
    }
    cell = next;
  }
}

void ArenaMatcher::try_waiting(model::EventView event, std::uint32_t slot, std::uint16_t arc_id,
                               std::uint64_t position) {
  const Arc& arc = program_.arcs[arc_id];
  const State& to = program_.states[arc.to];
  const Joined::Access& access = access_of(arc);
  const auto keeps_waiting = [&](Id node) {
    if (!is_open(node, arc_id, event, position)) return false;
    if (!holds(to.joined, to.step, event, node, arc.repeats)) return arc.contiguity != Contiguity::strict;
    advances_.push_back({node, arc_id});
    if (arc.contiguity == Contiguity::any) return true;
    store_.close(node, program_.bit(arc_id));
    return false;
  };
  if (!is_ordered(arc)) {
    Id* const bucket = find_bucket(slot, arc_id, access, {event, {}, to.step, 0});
    if (bucket) for_each_waiting(*bucket, arc_id, keeps_waiting);
    return;
  }
  const auto address = address_of(slot, arc_id, access, true, {event, {}, to.step, 0});
  if (!address) return;
  const auto found = ordered_.find(*address);
  if (found == ordered_.end()) return;
  scratch_.reset();
  const auto rank = access.order->rank(access.order->event_side.evaluate({event, {}, to.step, 0}, scratch_));
  if (!rank) return;
  found->second.visit_up_to(*rank, ordered_scratch_,
                            [&](Id node) { return !is_over(node, arc_id) && keeps_waiting(node); });
}

// Once it is not, it will never be again.
bool ArenaMatcher::is_open(Id id, std::uint16_t arc_id, model::EventView event,
                           std::uint64_t position) const {
  const RunStore::Node node = store_.node(id);
  const Arc& arc = program_.arcs[arc_id];
  if ((node.closed() & program_.bit(arc_id)) != 0) return false;
  if (arc.contiguity == Contiguity::strict && node.position() + 1 != position) return false;
  return is_in_bounds(id, arc, event.time_ns());
}

// Those of the edge and of groups; `within` is seen to elsewhere.
bool ArenaMatcher::is_in_bounds(Id id, const Arc& arc, std::int64_t time_ns) const {
  if (arc.bound_ns != plan::no_bound && time_ns - store_.node(id).event().time_ns() > arc.bound_ns)
    return false;
  const auto& groups = program_.states[arc.to].groups;
  return std::all_of(groups.begin(), groups.end(), [&](std::uint16_t group) {
    return opens(arc, group) || time_ns - group_start_ns(id, group) <= program_.groups[group];
  });
}

bool ArenaMatcher::opens(const Arc& arc, std::uint16_t group) {
  return std::find(arc.opens.begin(), arc.opens.end(), group) != arc.opens.end();
}

// The time at which the repeat of `group` that the run is in began.
std::int64_t ArenaMatcher::group_start_ns(Id id, std::uint16_t group) const {
  for (;;) {
    const RunStore::Node node = store_.node(id);
    if (node.is_first() || opens(program_.arcs[node.arc()], group)) return node.event().time_ns();
    id = node.parent();
  }
}

// Closes arcs of runs that wait for the event as for one that must not come: with `first` those that it
// closes before it can be taken itself.
void ArenaMatcher::close(model::EventView event, std::uint32_t slot, std::uint64_t watches,
                         std::uint64_t position, bool first) {
  for (std::uint64_t left = watches; left != 0; left &= left - 1) {
    const auto watch_id = static_cast<std::size_t>(std::countr_zero(left));
    const Watch& watch = program_.watches[watch_id];
    for (const std::uint16_t closing_id : closed_by_[watch_id]) {
      const Closing& closing = program_.closings[closing_id];
      if (closing.first != first) continue;
      Id* const bucket =
          find_bucket(slot, wait_of(closing_id), watch.joined.enter, {event, {}, watch.step, 0});
      if (!bucket) continue;
      // One that closes the end alone does no harm once the end's time has passed: no need to see the event.
      const bool may_come_too_late = closing.arcs != 0 || closing.for_ns != program_.after_ns;
      for_each_waiting(*bucket, wait_of(closing_id), [&](Id id) {
        const RunStore::Node node = store_.node(id);
        if (closing.strict && node.position() + 1 != position) return false;
        if (may_come_too_late && closing.for_ns != plan::no_bound &&
            event.time_ns() - node.event().time_ns() > closing.for_ns)
          return false;
        const std::uint16_t state = program_.arcs[node.arc()].to;
        const bool in_loop = program_.states[state].step == watch.step;
        const bool ends_loop = watch.kind == Watch::Kind::until;
        if (!holds(watch.joined, watch.step, event, id, in_loop, ends_loop)) return !closing.strict;
        store_.close(id, closing.arcs);
        if (closing.absence) store_.close_absence(id);
        return false;
      });
    }
  }
}

// Of one run's arcs that would take the event, takes out those that another of them bars, and all but one of
// those that lead to the same place.
void ArenaMatcher::settle_bars() {
  barred_.clear();
  if (advances_.size() > 1) {
    std::sort(advances_.begin(), advances_.end(), [](const Advance& a, const Advance& b) {
      return a.parent != b.parent ? a.parent < b.parent : a.arc < b.arc;
    });
  }
  for (std::size_t begin = 0, end = 0; begin < advances_.size(); begin = end) {
    std::uint64_t fitting = 0, going = 0;
    for (end = begin; end < advances_.size() && advances_[end].parent == advances_[begin].parent; ++end)
      fitting |= program_.bit(advances_[end].arc);
    for (std::size_t i = begin; i < end; ++i) {
      const Arc& arc = program_.arcs[advances_[i].arc];
      if ((arc.barred_by & fitting) != 0) {
        advances_[i].node = 0;  // marked: to be taken out
        barred_.push_back(advances_[i]);
      } else if ((arc.twins & going) != 0) {
        advances_[i].node = 0;
      } else {
        going |= program_.bit(advances_[i].arc);
        if (advances_[i].parent != none) close_behind(advances_[i].parent, arc.closes);
      }
    }
  }
  std::erase_if(advances_, [](const Advance& advance) { return advance.node != none; });
  // An event that another arc claimed is passed over: a relaxed arc takes the next, unless it was closed.
  for (const Advance& barred : barred_) {
    const Arc& arc = program_.arcs[barred.arc];
    if (barred.parent == none || arc.contiguity != Contiguity::relaxed) continue;
    const bool closed = std::any_of(advances_.begin(), advances_.end(), [&](const Advance& taken) {
      return taken.parent == barred.parent &&
             (program_.arcs[taken.arc].closes & program_.bit(barred.arc)) != 0;
    });
    if (closed) continue;
    store_.open(barred.parent, program_.bit(barred.arc));
    wait_on(barred.parent, store_.node(barred.parent).key(), barred.arc);
  }
}

// Closes to a run what it has left for good; where no way to the end is open, so is the wait for it.
void ArenaMatcher::close_behind(Id id, std::uint64_t closes) {
  store_.close(id, closes);
  if (program_.after_ns != plan::no_bound && !open_end(store_.node(id))) store_.close_absence(id);
}

// The number of the preferred way from the run to the pattern's end, if any is open.
std::optional<std::size_t> ArenaMatcher::open_end(const RunStore::Node& node) const {
  const State& state = program_.states[program_.arcs[node.arc()].to];
  for (std::size_t end = 0; end < state.end_ranks.size(); ++end) {
    if ((node.closed() & program_.end_bit(state, end)) == 0) return end;
  }
  return std::nullopt;
}

void ArenaMatcher::note_leading(model::EventView event, std::uint32_t slot, std::uint64_t watches) {
  for (std::size_t i = 0; i < program_.before.size(); ++i) {
    if (((watches >> program_.before[i].watch) & 1) != 0) records_.set_time(slot, i, event.time_ns());
  }
}

// Conditions on `event` as the next event of the run `parent`. `repeats`: the run's last event is of `step`.
bool ArenaMatcher::holds(const Joined& joined, std::uint32_t step, model::EventView event, Id parent,
                         bool repeats, bool ends_loop) {
  if (joined.conjuncts.empty()) return true;
  Bindings bindings{event, {}, step, 0};
  if (parent != none) bindings.run = run_of(parent, joined.reads_run || program_.is_ambiguous);
  const auto has_previous = [&] {
    if (repeats || !program_.is_ambiguous) return repeats;
    return std::any_of(bindings.run.begin(), bindings.run.end(),
                       [&](const auto& taken) { return taken.step == step; });
  };
  scratch_.reset();
  for (const auto& conjunct : joined.conjuncts) {
    if (conjunct.needs_previous && !has_previous()) {
      if (ends_loop) return false;  // of `until`: before there is a previous event nothing is to be ended
      continue;
    }
    if (!conjunct.expression.holds(bindings, scratch_)) return false;
  }
  return true;
}

// A run that is complete for good needs the event no longer than it is at hand.
bool ArenaMatcher::is_event_kept(const Advance& advance) const {
  const State& state = program_.states[program_.arcs[advance.arc].to];
  return state.out.begin < state.out.end || program_.after_ns != plan::no_bound || advance.parent == none;
}

void ArenaMatcher::add_node(Advance& advance, model::EventView event, std::uint64_t order, std::uint32_t slot,
                            std::uint64_t position) {
  NewNode node{.parent = advance.parent,
               .order = order,
               .start_order = order,
               .start = stamp_,
               .position = position,
               .key = slot,
               .arc = advance.arc};
  const Arc& arc = program_.arcs[advance.arc];
  if (advance.parent == none) {
    ++counters_.started;
  } else {
    ++counters_.advanced;
    if (program_.timeout) store_.set_extended(advance.parent);
    const RunStore::Node parent = store_.node(advance.parent);
    node.start = parent.start();
    node.start_order = parent.start_order();
    if (arc.repeats) node.count = parent.count() + 1;
  }
  advance.node = store_.add_node(node, event, now_);
  if (program_.after_ns == plan::no_bound && program_.is_end(arc.to, node.count))
    completed_.push_back(advance.node);
}

// True where some completed run has taken the same events as the same steps.
bool ArenaMatcher::is_completed(Id id) const {
  return std::any_of(completed_.begin(), completed_.end(),
                     [&](Id other) { return same_assignment(id, other); });
}

// The run is dropped, or too old to be kept.
bool ArenaMatcher::dropped(Id id) const {
  return !store_.alive(id) || dropped(store_.node(id));
}

// Nothing more can come of what the run waits for.
bool ArenaMatcher::is_over(Id id, std::uint16_t wait) const {
  if (!store_.alive(id)) return true;
  const RunStore::Node node = store_.node(id);
  if (dropped(node)) return true;
  const auto out_of_bound = [&] { return node.start() < cutoff_; };
  if (wait < program_.arcs.size()) return out_of_bound();
  const Closing& closing = program_.closings[wait - program_.arcs.size()];
  if (closing.absence) return node.absence_closed();
  return out_of_bound() || (closing.arcs & ~node.closed()) == 0;
}

// The events that end in `node`, first event first; the last one alone where not `whole`.
std::span<const model::MatchedEvent> ArenaMatcher::run_of(Id id, bool whole) {
  run_.clear();
  while (id != none) {
    const RunStore::Node node = store_.node(id);
    run_.push_back({program_.step_of(node.arc()), node.event()});
    run_first_ = id;
    if (!whole) break;
    id = node.parent();
  }
  std::reverse(run_.begin(), run_.end());
  return run_;
}

}  // namespace tocsin::match
