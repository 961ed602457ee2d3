// Where runs of the arena wait: the buckets of what may carry them on, or close a way to them, and the list
// of those that time may end.
#include <algorithm>

#include "engine/base/hash.hpp"
#include "engine/base/saturate.hpp"
#include "engine/match/arena.hpp"

namespace tocsin::match {

using plan::Contiguity;

// The address of the bucket that the event looks in (of_event), or in which a run waits; nothing where a join
// value is null, as null equals nothing. Addresses are hashes: two buckets that share one cost time but no
// correctness, as a run's key and conditions are checked when it is met.
std::optional<std::uint64_t> ArenaMatcher::address_of(std::uint32_t slot, std::uint16_t wait,
                                                      const Joined::Access& access, bool of_event,
                                                      const Bindings& bindings) {
  std::uint64_t address = hash_mix((std::uint64_t{slot} << 16) | wait);
  scratch_.reset();
  for (const EqualityJoin& join : access.joins) {
    const model::Value value = (of_event ? join.event_side : join.run_side).evaluate(bindings, scratch_);
    if (value.is_null()) return std::nullopt;
    const std::uint64_t hash = value.kind == model::Kind::string
                                   ? hash_bytes(value.text())
                                   : hash_mix(static_cast<std::uint64_t>(value.i));
    address = hash_mix(hash, address);
  }
  return address;
}

std::optional<std::uint64_t> ArenaMatcher::address_of_run(std::uint32_t slot, std::uint16_t wait,
                                                          const Joined::Access& access, std::uint32_t step,
                                                          Id node) {
  const auto run = access.joins.empty() ? std::span<const model::MatchedEvent>() : run_of(node, true);
  return address_of(slot, wait, access, false, {{}, run, step, 0});
}

// The bucket that an event looks in: the first cell, or nothing.
Id* ArenaMatcher::find_bucket(std::uint32_t slot, std::uint16_t wait, const Joined::Access& access,
                              const Bindings& bindings) {
  if (direct_of_[wait] != not_direct) return &records_.bucket(slot, direct_of_[wait]);
  const auto address = address_of(slot, wait, access, true, bindings);
  if (!address) return nullptr;
  const auto found = buckets_.find(*address);
  return found == buckets_.end() ? nullptr : &found->second;
}

// The bucket in which a run waits; nothing where it waits for a null.
Id* ArenaMatcher::bucket_of_run(std::uint32_t slot, std::uint16_t wait, const Joined::Access& access,
                                std::uint32_t step, Id node) {
  if (direct_of_[wait] != not_direct) return &records_.bucket(slot, direct_of_[wait]);
  const auto address = address_of_run(slot, wait, access, step, node);
  return address ? &buckets_.try_emplace(*address, none).first->second : nullptr;
}

// Puts a run into the bucket of each arc that it may take next and of what would close some of them.
void ArenaMatcher::wait(Id id, std::uint32_t slot) {
  const Node node = store_.node(id);
  const State& state = program_.states[program_.arcs[node.arc].to];
  const bool ends_by_time =
      program_.after_ns != plan::no_bound && program_.is_end(program_.arcs[node.arc].to, node.count);
  std::uint64_t waits = 0;
  for (std::uint16_t a = state.out.begin; a < state.out.end; ++a) {
    const Arc& arc = program_.arcs[a];
    if (!program_.may_go(arc, node.count)) continue;
    waits |= program_.bit(a);
    wait_on(id, slot, a);
  }
  for (std::uint16_t c = state.closings.begin; c < state.closings.end; ++c) {
    const Closing& closing = program_.closings[c];
    if ((closing.arcs & waits) == 0 && !(closing.absence && ends_by_time)) continue;
    const Watch& watch = program_.watches[closing.watch];
    Id* const bucket = bucket_of_run(slot, wait_of(c), watch.joined.enter, watch.step, id);
    if (!bucket) continue;
    put_in_front(*bucket, id, wait_of(c), [&](const Cell& cell) { return is_over(cell); });
  }
  if (program_.timeout && (waits != 0 || program_.is_ambiguous)) wait_for_time(id);
}

void ArenaMatcher::wait_on(Id id, std::uint32_t slot, std::uint16_t arc_id) {
  const Arc& arc = program_.arcs[arc_id];
  const Joined::Access& access = access_of(arc);
  const std::uint32_t step = program_.states[arc.to].step;
  if (is_ordered(arc)) {
    const auto address = address_of_run(slot, arc_id, access, step, id);
    if (!address) return;
    const auto run = run_of(id, true);
    scratch_.reset();
    const auto rank = access.order->rank(access.order->run_side.evaluate({{}, run, step, 0}, scratch_));
    if (!rank) return;
    ordered_[*address].push({*rank, {id, none, arc_id}, false},
                            [&](const Cell& cell) { return is_over(cell); });
    return;
  }
  Id* const bucket = bucket_of_run(slot, arc_id, access, step, id);
  if (!bucket) return;
  // What waited on a strict arc for an earlier event's successor has missed it.
  const std::uint64_t position = store_.node(id).position;
  const auto missed = [&](const Cell& cell) {
    if (!store_.alive(cell.node)) return true;
    const Node& waiting = store_.node(cell.node);
    return cell.arc == arc_id && waiting.key == slot && waiting.position != position;
  };
  put_in_front(*bucket, id, arc_id,
               [&](const Cell& cell) { return arc.contiguity == Contiguity::strict && missed(cell); });
}

// Puts a run in front of those that wait in the bucket, once those for which is_gone(cell) have left the
// front.
template <class IsGone>
void ArenaMatcher::put_in_front(Id& bucket, Id node, std::uint16_t wait, IsGone is_gone) {
  if (holds_single(bucket)) {
    const Cell cell{bucket ^ single_mark, none, wait};
    bucket = is_gone(cell) ? none : store_.add_cell(cell, now_);
  }
  while (store_.cell_alive(bucket) && is_gone(store_.cell(bucket)))
    bucket = store_.cell(bucket).next;
  const bool alone = direct_of_[wait] != not_direct && !store_.cell_alive(bucket);
  bucket = alone ? single(node) : store_.add_cell({node, bucket, wait}, now_);
}

void ArenaMatcher::wait_for_time(Id id) {
  const Node node = store_.node(id);
  if (node.parent == none && (starts_.empty() || starts_.back().order != node.order)) {
    starts_.push_back({later(node.start, program_.within.time_ns), node.order, none});
  }
  const auto start = std::lower_bound(starts_.begin(), starts_.end(), node.start_order,
                                      [](const Start& s, std::uint64_t order) { return s.order < order; });
  if (start == starts_.end() || start->order != node.start_order) return;
  start->nodes = store_.add_cell({id, start->nodes, 0}, now_);
}

}  // namespace tocsin::match
