// Where runs of the arena wait: the buckets of what may carry them on, or close a way to them, and the list
// of those that time may end.
#include <algorithm>

#include "engine/base/hash.hpp"
#include "engine/base/saturate.hpp"
#include "engine/match/arena.hpp"

namespace tocsin::match {

using plan::Contiguity;

// The address of the bucket that the event looks in (of_event), or in which a run waits; nothing where a join
// value is null, as null equals nothing.
std::optional<ArenaMatcher::Address> ArenaMatcher::address_of(std::uint32_t slot, std::uint16_t wait,
                                                              const Joined::Access& access, bool of_event,
                                                              const Bindings& bindings) {
  Address address{Address::place_of(slot, wait), 0};
  address.hash = hash_mix(address.place);
  scratch_.reset();
  for (const EqualityJoin& join : access.joins) {
    const model::Value value = (of_event ? join.event_side : join.run_side).evaluate(bindings, scratch_);
    if (value.is_null()) return std::nullopt;
    const std::uint64_t hash = value.kind == model::Kind::string
                                   ? hash_bytes(value.text())
                                   : hash_mix(static_cast<std::uint64_t>(value.i));
    address.hash = hash_mix(hash, address.hash);
  }
  return address;
}

std::optional<ArenaMatcher::Address> ArenaMatcher::address_of_run(std::uint32_t slot, std::uint16_t wait,
                                                                  const Joined::Access& access,
                                                                  std::uint32_t step, Id node) {
  const auto run = access.joins.empty() ? std::span<const model::MatchedEvent>() : run_of(node, true);
  return address_of(slot, wait, access, false, {{}, run, step, 0});
}

// The bucket that an event looks in, or nothing.
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
  const RunStore::Node node = store_.node(id);
  const std::uint16_t at = program_.arcs[node.arc()].to;
  const std::uint32_t count = node.count();
  const State& state = program_.states[at];
  const bool ends_by_time = program_.after_ns != plan::no_bound && program_.is_end(at, count);
  std::uint64_t waits = 0;
  for (std::uint16_t a = state.out.begin; a < state.out.end; ++a) {
    const Arc& arc = program_.arcs[a];
    if (!program_.may_go(arc, count)) continue;
    waits |= program_.bit(a);
    wait_on(id, slot, a);
  }
  for (std::uint16_t c = state.closings.begin; c < state.closings.end; ++c) {
    const Closing& closing = program_.closings[c];
    if ((closing.arcs & waits) == 0 && !(closing.absence && ends_by_time)) continue;
    const Watch& watch = program_.watches[closing.watch];
    Id* const bucket = bucket_of_run(slot, wait_of(c), watch.joined.enter, watch.step, id);
    if (!bucket) continue;
    clear_front(*bucket, [&](Id waiting) { return is_over(waiting, wait_of(c)); });
    put_in_front(store_, *bucket, id);
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
    ordered_[*address].push({*rank, id}, [&](Id waiting) { return is_over(waiting, arc_id); });
    return;
  }
  Id* const bucket = bucket_of_run(slot, arc_id, access, step, id);
  if (!bucket) return;
  if (arc.contiguity == Contiguity::strict) {
    // What waited for an earlier event's successor has missed it.
    const std::uint64_t position = store_.node(id).position();
    clear_front(*bucket, [&](Id waiting) {
      return !store_.alive(waiting) || store_.node(waiting).position() != position;
    });
  }
  put_in_front(store_, *bucket, id);
}

// Puts a run in front of those that wait in the bucket.
void ArenaMatcher::put_in_front(RunStore& store, Id& bucket, Id node) const {
  if (holds_single(store, bucket)) bucket = store.add_cell(bucket ^ single_mark, none, now_);
  bucket = store.alive(bucket) ? store.add_cell(node, bucket, now_) : single(node);
}

void ArenaMatcher::wait_for_time(Id id) {
  const RunStore::Node node = store_.node(id);
  if (node.is_first() && (starts_.empty() || starts_.back().order != node.order())) {
    starts_.push_back({later(node.start(), program_.within.time_ns), node.order(), none});
  }
  const auto start = std::lower_bound(starts_.begin(), starts_.end(), node.start_order(),
                                      [](const Start& s, std::uint64_t order) { return s.order < order; });
  if (start == starts_.end() || start->order != node.start_order()) return;
  start->nodes = store_.add_cell(id, start->nodes, now_);
}

}  // namespace tocsin::match
