#include "engine/match/arena.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "engine/base/hash.hpp"

namespace tocsin::match {

using plan::Contiguity;

ArenaMatcher::ArenaMatcher(const Program& program, const Limits& limits, Scratch& scratch)
    : RunMatcher(program, limits), scratch_(scratch) {
  into_.resize(program.steps.size());
  for (std::uint16_t a = 0; a < program.arcs.size(); ++a) {
    into_[program.arcs[a].to].push_back(a);
    if (program.arcs[a].from == start_state) start_steps_ |= std::uint64_t{1} << program.arcs[a].to;
  }
  for (const Step& step : program.steps) {
    whole_run_.push_back(std::any_of(step.joined.begin(), step.joined.end(),
                                     [](const auto& joined) { return joined.expression.reads_run(); }));
  }
}

void ArenaMatcher::visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) {
  ++counters_.events;
  now_ = event.time_ns();
  if (store_.nodes() >= room_ || buckets_.size() >= bucket_room_ || keys_.size() >= key_room_) make_room();
  const std::uint32_t slot = slot_for(event, (steps & start_steps_) != 0);
  if (slot == KeyTable::absent) return;
  if (slot >= states_.size()) states_.resize(slot + 1);
  const std::uint64_t position = ++states_[slot].position;
  set_bound(event, position);

  advances_.clear();
  for (std::uint64_t left = steps; left != 0; left &= left - 1) {
    for (const std::uint16_t arc : into_[static_cast<std::size_t>(std::countr_zero(left))]) {
      if (program_.arcs[arc].from == start_state) {
        try_start(event, arc);
      } else {
        try_waiting(event, slot, arc, position);
      }
    }
  }
  if (advances_.empty()) return;

  completed_.clear();
  for (Advance& advance : advances_) {
    Node node{.parent = advance.parent,
              .order = order,
              .start_order = order,
              .start = stamp_,
              .position = position,
              .key = slot,
              .arc = advance.arc};
    const Arc& arc = program_.arcs[advance.arc];
    if (advance.parent != none) {
      const Node& parent = store_.node(advance.parent);
      node.start = parent.start;
      node.start_order = parent.start_order;
      if (arc.repeats()) node.count = parent.count + 1;
    }
    advance.node = store_.add_node(node, event, now_);
    if (program_.is_match(arc.to, node.count)) completed_.push_back(advance.node);
  }
  if (!completed_.empty() && complete(output) && program_.skip == plan::Skip::past_last) {
    states_[slot].reset_order = order;
    return;
  }
  for (const Advance& advance : advances_) {
    const bool is_match = program_.is_match(program_.arcs[advance.arc].to, store_.node(advance.node).count);
    if (is_match && program_.report == plan::Report::first) continue;  // complete: it does not go on
    wait(advance.node, slot);
  }
}

void ArenaMatcher::try_start(model::EventView event, std::uint16_t arc) {
  if (!satisfies(event, arc, none)) return;
  ++counters_.started;
  advances_.push_back({none, arc});
}

void ArenaMatcher::try_waiting(model::EventView event, std::uint32_t slot, std::uint16_t arc_id,
                               std::uint64_t position) {
  const Arc& arc = program_.arcs[arc_id];
  const auto address = bucket_of(slot, arc_id, true, {event, {}});
  if (!address) return;
  const auto found = buckets_.find(*address);
  if (found == buckets_.end()) return;
  Id before = none;
  for (Id id = found->second; store_.cell_alive(id);) {
    const Cell cell = store_.cell(id);
    if (cell.arc != arc_id || (store_.alive(cell.node) && store_.node(cell.node).key != slot)) {
      before = id;  // of another bucket with this address
      id = cell.next;
      continue;
    }
    const bool strict = arc.contiguity == Contiguity::strict;
    bool keep = !dead(cell.node) && !(strict && store_.node(cell.node).position + 1 != position);
    if (keep && satisfies(event, arc_id, cell.node)) {
      advances_.push_back({cell.node, arc_id});
      keep = arc.contiguity == Contiguity::any;
    } else if (strict) {
      keep = false;
    }
    if (keep) {
      before = id;
    } else if (before == none) {
      found->second = cell.next;  // an emptied bucket stays: erasing would make the table rehash now and then
    } else {
      store_.mutable_cell(before).next = cell.next;
    }
    id = cell.next;
  }
}

bool ArenaMatcher::satisfies(model::EventView event, std::uint16_t arc_id, Id parent) {
  const Arc& arc = program_.arcs[arc_id];
  const Step& step = program_.steps[arc.to];
  if (step.joined.empty()) return true;
  Bindings bindings{event, {}};
  if (parent != none) bindings.run = run_of(parent, whole_run_[arc.to]);
  scratch_.reset();
  for (const auto& conjunct : step.joined) {
    if (conjunct.from_second_repeat && !arc.repeats()) continue;
    if (!conjunct.expression.holds(bindings, scratch_)) return false;
  }
  return true;
}

// The address of the bucket that the event looks in (of_event), or in which a run waits; nothing where a join
// value is null, as null equals nothing. Addresses are hashes: two buckets that share one cost time but no
// correctness, as a run's key and conditions are checked when it is met.
std::optional<std::uint64_t> ArenaMatcher::bucket_of(std::uint32_t slot, std::uint16_t arc, bool of_event,
                                                     const Bindings& bindings) {
  std::uint64_t address = hash_mix((std::uint64_t{slot} << 16) | arc);
  const auto& joins = program_.steps[program_.arcs[arc].to].joins;
  if (joins.empty()) return address;
  scratch_.reset();
  for (const EqualityJoin& join : joins) {
    const model::Value value = (of_event ? join.event_side : join.run_side).evaluate(bindings, scratch_);
    if (value.is_null()) return std::nullopt;
    const std::uint64_t hash = value.kind == model::Kind::string
                                   ? hash_bytes(value.text())
                                   : hash_mix(static_cast<std::uint64_t>(value.i));
    address = hash_mix(hash, address);
  }
  return address;
}

// Puts a run into the bucket of each arc that it may take next.
void ArenaMatcher::wait(Id id, std::uint32_t slot) {
  const Node node = store_.node(id);
  const std::uint16_t step = program_.arcs[node.arc].to;
  for (std::uint16_t a = program_.out[step].begin; a < program_.out[step].end; ++a) {
    const Arc& arc = program_.arcs[a];
    if (arc.repeats() ? !program_.may_repeat(step, node.count) : !program_.may_leave(step, node.count))
      continue;
    const bool joins = !program_.steps[arc.to].joins.empty();
    const auto address =
        bucket_of(slot, a, false, {{}, joins ? run_of(id, true) : std::span<const model::MatchedEvent>()});
    if (!address) continue;
    Id& first = buckets_.try_emplace(*address, none).first->second;
    // What waited on a strict arc for an earlier event's successor has missed it.
    const auto missed = [&](const Cell& cell) {
      if (!store_.alive(cell.node)) return true;
      const Node& waiting = store_.node(cell.node);
      return cell.arc == a && waiting.key == slot && waiting.position != node.position;
    };
    while (arc.contiguity == Contiguity::strict && store_.cell_alive(first) && missed(store_.cell(first)))
      first = store_.cell(first).next;
    first = store_.add_cell({id, first, a}, now_);
  }
}

bool ArenaMatcher::dead(Id id) const {
  if (!store_.alive(id)) return true;
  const Node& node = store_.node(id);
  return node.start < cutoff_ || node.start_order <= states_[node.key].reset_order;
}

// The events that end in `node`, first event first; the last one alone where not `whole`.
std::span<const model::MatchedEvent> ArenaMatcher::run_of(Id id, bool whole) {
  run_.clear();
  for (; id != none; id = store_.node(id).parent) {
    run_.push_back({program_.arcs[store_.node(id).arc].to, store_.event(id)});
    if (!whole) break;
  }
  std::reverse(run_.begin(), run_.end());
  return run_;
}

bool ArenaMatcher::complete(Output& output) {
  if (completed_.size() > limits_.matches_per_event) {
    counters_.dropped_matches += completed_.size() - limits_.matches_per_event;
    completed_.resize(limits_.matches_per_event);
  }
  entries_.clear();
  ends_.clear();
  for (const Id last : completed_) {
    const std::size_t begin = entries_.size();
    for (Id id = last; id != none; id = store_.node(id).parent) {
      entries_.push_back({store_.node(id).arc, store_.node(id).order});
    }
    std::reverse(entries_.begin() + static_cast<std::ptrdiff_t>(begin), entries_.end());
    ends_.push_back(entries_.size());
  }
  const auto candidate = [&](std::size_t i) {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::span<const PathEntry>(entries_).subspan(begin, ends_[i] - begin);
  };
  const auto less = [&](std::size_t a, std::size_t b) { return preferred(candidate(a), candidate(b)); };
  ranking_.resize(completed_.size());
  std::iota(ranking_.begin(), ranking_.end(), std::size_t{0});
  if (program_.report == plan::Report::first) {
    ranking_.front() = *std::min_element(ranking_.begin(), ranking_.end(), less);
    ranking_.resize(1);
  } else {
    std::sort(ranking_.begin(), ranking_.end(), less);
  }
  for (const std::size_t i : ranking_) {
    const auto run = run_of(completed_[i], true);
    ++counters_.matches;
    output.report(program_, run.back().event, run);
  }
  return true;
}

void ArenaMatcher::make_room() {
  compact();
  if (drop_to_limit()) compact();  // runs whose first events went are gone as a whole
  room_ = program_.room_for(keys_.size() + buckets_.size() + 2 * store_.nodes(), node_limit());
  bucket_room_ = std::max<std::size_t>(1024, 2 * buckets_.size());
  key_room_ = std::max<std::size_t>(1024, 2 * keys_.size());
}

// Copies the runs that wait into a fresh store, in the same order, and frees keys for which nothing waits.
// Linear in what is live, and due only when that may have doubled.
void ArenaMatcher::compact() {
  std::vector<Id> nodes;
  boost::unordered_flat_map<Id, bool> seen;  // node → its run is complete down to the first event
  std::vector<Id> chain;
  const auto reachable = [&](Id last) {
    chain.clear();
    bool whole = true;
    for (Id id = last; id != none; id = store_.node(id).parent) {
      if (!store_.alive(id)) {
        whole = false;
        break;
      }
      const auto known = seen.find(id);
      if (known != seen.end()) {
        whole = known->second;
        break;
      }
      chain.push_back(id);
    }
    for (const Id id : chain) {
      seen.emplace(id, whole);
      if (whole) nodes.push_back(id);
    }
    return whole;
  };

  for (KeyState& state : states_)
    state.waiting = false;
  struct Waiting {
    std::uint64_t address;
    Id node;
    std::uint16_t arc;
  };
  std::vector<Waiting> waiting;
  const std::int64_t cutoff = cutoff_;
  for (const auto& [address, first] : buckets_) {
    for (Id id = first; store_.cell_alive(id); id = store_.cell(id).next) {
      const Id last = store_.cell(id).node;
      if (store_.alive(last)) cutoff_ = cutoff_at(states_[store_.node(last).key].position);
      if (dead(last) || !reachable(last)) continue;
      states_[store_.node(last).key].waiting = true;
      waiting.push_back({address, last, store_.cell(id).arc});
    }
  }
  cutoff_ = cutoff;

  std::sort(nodes.begin(), nodes.end());
  const auto moved = [&](Id id) {
    return static_cast<Id>(std::lower_bound(nodes.begin(), nodes.end(), id) - nodes.begin());
  };
  RunStore fresh;
  for (const Id id : nodes) {
    Node node = store_.node(id);
    if (node.parent != none) node.parent = moved(node.parent);
    fresh.add_node(node, store_.event(id), now_);
  }
  buckets_.clear();
  for (auto run = waiting.rbegin(); run != waiting.rend(); ++run) {  // oldest first, as each goes in front
    Id& first = buckets_.try_emplace(run->address, none).first->second;
    first = fresh.add_cell({moved(run->node), first, run->arc}, now_);
  }
  store_ = std::move(fresh);

  for (std::uint32_t slot = 0; slot < keys_.capacity(); ++slot) {
    if (!keys_.in_use(slot) || states_[slot].waiting) continue;
    states_[slot] = {};
    keys_.erase(slot);
  }
}

}  // namespace tocsin::match
