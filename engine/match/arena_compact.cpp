// The run arena's memory: what no run needs any more is left behind, idle keys are freed.
#include <algorithm>

#include "engine/match/arena.hpp"

namespace tocsin::match {

RuleState ArenaMatcher::state() const {
  RuleState state = state_of_runs(records_.bytes_per_key());
  state.bytes += buckets_.size() * sizeof(*buckets_.begin()) + ordered_.size() * sizeof(*ordered_.begin());
  return state;
}

// Runs whose first events went are gone as a whole.
void ArenaMatcher::shrink(std::size_t nodes) {
  if (drop_to(nodes)) compact();
}

void ArenaMatcher::make_room() {
  if (program_.within.unit == plan::Within::Unit::time && store_.nodes() < room_ && !store_.is_full()) {
    sweep();  // runs go by age: it is about keys and buckets alone
  } else {
    compact();
    bool dropped = drop_to_limit();
    while (store_.is_full() && store_.can_drop())
      dropped |= drop_to(store_.nodes() - 1);
    if (dropped) compact();
  }
  room_ =
      program_.room_for(keys_.size() + buckets_.size() + ordered_.size() + 2 * store_.nodes(), node_limit());
  bucket_room_ = std::max<std::size_t>(1024, 2 * (buckets_.size() + ordered_.size()));
  key_room_ = std::max<std::size_t>(1024, 2 * keys_.size());
}

// Calls visit(slot, wait, bucket) for the buckets in the keys' records.
template <class Visit>
void ArenaMatcher::for_each_direct(Visit visit) {
  for (std::uint32_t slot = 0; slot < records_.size(); ++slot) {
    for (std::uint16_t wait = 0; wait < direct_of_.size(); ++wait) {
      if (direct_of_[wait] != not_direct) visit(slot, wait, records_.bucket(slot, direct_of_[wait]));
    }
  }
}

// Calls visit(node) for each run that waits in a bucket, the newest first.
template <class Visit>
void ArenaMatcher::for_each_in(Id bucket, Visit visit) const {
  if (holds_single(bucket)) return visit(bucket ^ single_mark);
  for (Id cell = bucket; store_.alive(cell); cell = store_.next(cell))
    visit(store_.node_of(cell));
}

// Copies the runs that wait into a fresh store, in the same order, and frees keys for which nothing waits.
// Linear in what is live, and due only when that may have doubled.
void ArenaMatcher::compact() {
  std::vector<Id> nodes;
  boost::unordered_flat_map<Id, bool> seen;  // node → its run is complete down to the first event
  std::vector<Id> chain;
  const auto reach = [&](Id last) {
    chain.clear();
    bool whole = true;
    for (Id id = last; id != none; id = store_.node(id).parent()) {
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

  waiting_.assign(records_.size(), false);
  const auto keep = [&](Id node) {
    if (dropped(node) || !reach(node)) return false;
    mark(node);
    return true;
  };
  const std::int64_t cutoff = cutoff_;
  const auto keep_waiting = [&](Id node, std::uint16_t wait) {
    if (store_.alive(node)) cutoff_ = cutoff_at(records_.position(store_.node(node).key()));
    return !is_over(node, wait) && keep(node);
  };
  struct Waiting {
    Address address;
    Id node;
  };
  std::vector<Waiting> waiting;
  const auto collect = [&](const Address& address, Id bucket) {
    for_each_in(bucket, [&](Id node) {
      if (keep_waiting(node, address.wait())) waiting.push_back({address, node});
    });
  };
  for (const auto& [address, bucket] : buckets_)
    collect(address, bucket);
  for_each_direct([&](std::uint32_t slot, std::uint16_t wait, Id& bucket) {
    collect({Address::place_of(slot, wait), 0}, bucket);
    bucket = none;
  });
  struct Ordered {
    Address address;
    OrderedRuns::Entry entry;
  };
  std::vector<Ordered> ordered;
  for (const auto& [address, runs] : ordered_) {
    for (const auto& entry : runs.entries()) {
      if (keep_waiting(entry.node, address.wait())) ordered.push_back({address, entry});
    }
  }
  cutoff_ = cutoff;
  endings_.erase_if([&](const Ending& ending) { return !keep(ending.node); });
  std::vector<std::vector<Id>> of_starts;
  for (const Start& start : starts_) {
    auto& kept = of_starts.emplace_back();
    for (Id cell = start.nodes; store_.alive(cell); cell = store_.next(cell)) {
      const Id node = store_.node_of(cell);
      const bool told = store_.alive(node) && store_.node(node).extended() && !program_.is_ambiguous;
      if (!dropped(node) && !told && keep(node)) kept.push_back(node);
    }
  }

  std::sort(nodes.begin(), nodes.end());
  std::vector<Id> copies;
  const auto moved = [&](Id id) {
    return copies[static_cast<std::size_t>(std::lower_bound(nodes.begin(), nodes.end(), id) - nodes.begin())];
  };
  RunStore fresh(shape_of(program_));
  for (const Id id : nodes) {
    const RunStore::Node node = store_.node(id);
    copies.push_back(fresh.copy_node(node, node.is_first() ? none : moved(node.parent()), now_));
  }
  buckets_.clear();
  for (auto run = waiting.rbegin(); run != waiting.rend(); ++run) {  // oldest first, as each goes in front
    const std::uint16_t direct = direct_of_[run->address.wait()];
    Id& bucket = direct != not_direct ? records_.bucket(run->address.slot(), direct)
                                      : buckets_.try_emplace(run->address, none).first->second;
    put_in_front(fresh, bucket, moved(run->node));
  }
  ordered_.clear();
  for (const Ordered& run : ordered)
    ordered_[run.address].push({run.entry.rank, moved(run.entry.node)}, [](Id) { return false; });
  for (Ending& ending : endings_)
    ending.node = moved(ending.node);
  auto kept = of_starts.begin();
  for (Start& start : starts_) {
    start.nodes = none;
    for (const Id node : *kept++)
      start.nodes = fresh.add_cell(moved(node), start.nodes, now_);
  }
  forget_starts(nodes);
  replace_store(std::move(fresh));
  free_idle_keys();
}

// Frees idle keys and empty buckets, and leaves the runs where they are. Linear in the runs that wait.
void ArenaMatcher::sweep() {
  waiting_.assign(records_.size(), false);
  // Gives whether something waits there.
  const auto mark_all = [&](Id& bucket, std::uint16_t wait) {
    clear_front(bucket, [&](Id node) { return is_over(node, wait); });
    if (bucket == none) return false;
    if (holds_single(bucket)) {
      mark(bucket ^ single_mark);
      return true;
    }
    for_each_in(bucket, [&](Id node) {
      if (!is_over(node, wait)) mark(node);
    });
    return store_.alive(bucket);
  };
  boost::unordered::erase_if(buckets_,
                             [&](auto& bucket) { return !mark_all(bucket.second, bucket.first.wait()); });
  for_each_direct([&](std::uint32_t, std::uint16_t wait, Id& bucket) { mark_all(bucket, wait); });
  boost::unordered::erase_if(ordered_, [&](auto& bucket) {
    bucket.second.erase_if([&](Id node) { return is_over(node, bucket.first.wait()); });
    for (const auto& entry : bucket.second.entries())
      mark(entry.node);
    return bucket.second.size() == 0;
  });
  for (const Ending& ending : endings_) {
    if (!dropped(ending.node)) mark(ending.node);
  }
  free_idle_keys();
}

// A start stays as long as some run of it is kept, which may yet be carried on. `kept`: the nodes.
void ArenaMatcher::forget_starts(const std::vector<Id>& kept) {
  if (starts_.empty()) return;
  std::vector<std::uint64_t> orders;
  for (const Id id : kept)
    orders.push_back(store_.node(id).start_order());
  std::sort(orders.begin(), orders.end());
  starts_.erase_if(
      [&](const Start& start) { return !std::binary_search(orders.begin(), orders.end(), start.order); });
}

void ArenaMatcher::free_idle_keys() {
  const std::size_t count = program_.before.size();
  for (std::uint32_t slot = 0; slot < keys_.capacity(); ++slot) {
    if (!keys_.in_use(slot) || waiting_[slot]) continue;
    bool seen = false;
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t seen_ns = records_.time(slot, i);
      seen |= seen_ns != INT64_MIN && now_ - seen_ns <= program_.before[i].for_ns;
    }
    if (seen) continue;
    records_.clear(slot);
    records_.reset_order(slot) =
        last_order_ - 1;  // runs of the key that were dropped may still lie in the store
    keys_.erase(slot);
  }
}

}  // namespace tocsin::match
