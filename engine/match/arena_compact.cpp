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
  if (program_.within.unit == plan::Within::Unit::time && store_.nodes() < room_) {
    sweep();  // runs go by age: it is about keys and buckets alone
  } else {
    compact();
    if (drop_to_limit()) compact();
  }
  room_ =
      program_.room_for(keys_.size() + buckets_.size() + ordered_.size() + 2 * store_.nodes(), node_limit());
  bucket_room_ = std::max<std::size_t>(1024, 2 * (buckets_.size() + ordered_.size()));
  key_room_ = std::max<std::size_t>(1024, 2 * keys_.size());
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

  waiting_.assign(records_.size(), false);
  const auto keep = [&](Id node) {
    if (dropped(node) || !reach(node)) return false;
    mark(node);
    return true;
  };
  struct Waiting {
    std::uint64_t address;  // or the slot
    Id node;
    std::uint16_t wait;
  };
  std::vector<Waiting> waiting;
  const std::int64_t cutoff = cutoff_;
  const auto collect_cell = [&](std::uint64_t address, const Cell& cell) {
    if (store_.alive(cell.node)) cutoff_ = cutoff_at(records_.position(store_.node(cell.node).key));
    if (!is_over(cell) && keep(cell.node)) waiting.push_back({address, cell.node, cell.arc});
  };
  const auto collect = [&](std::uint64_t address, Id first) {
    for (Id id = first; store_.cell_alive(id); id = store_.cell(id).next)
      collect_cell(address, store_.cell(id));
  };
  for (const auto& [address, first] : buckets_)
    collect(address, first);
  for (std::uint32_t slot = 0; slot < records_.size(); ++slot) {
    for (std::uint16_t wait = 0; wait < direct_of_.size(); ++wait) {
      if (direct_of_[wait] == not_direct) continue;
      Id& bucket = records_.bucket(slot, direct_of_[wait]);
      if (holds_single(bucket)) collect_cell(slot, {bucket ^ single_mark, none, wait});
      collect(slot, bucket);
      bucket = none;
    }
  }
  struct Ordered {
    std::uint64_t address;
    OrderedRuns::Entry entry;
  };
  std::vector<Ordered> ordered;
  for (const auto& [address, runs] : ordered_) {
    for (const auto& entry : runs.entries()) {
      const Id node = entry.cell.node;
      if (store_.alive(node)) cutoff_ = cutoff_at(records_.position(store_.node(node).key));
      if (!is_over(entry.cell) && keep(node)) ordered.push_back({address, entry});
    }
  }
  cutoff_ = cutoff;
  endings_.erase_if([&](const Ending& ending) { return !keep(ending.node); });
  std::vector<std::vector<Id>> of_starts;
  for (const Start& start : starts_) {
    auto& kept = of_starts.emplace_back();
    for (Id id = start.nodes; store_.cell_alive(id); id = store_.cell(id).next) {
      const Id node = store_.cell(id).node;
      const bool told = store_.alive(node) && store_.node(node).extended && !program_.is_ambiguous;
      if (!dropped(node) && !told && keep(node)) kept.push_back(node);
    }
  }

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
    const std::uint16_t direct = direct_of_[run->wait];
    Id& first = direct != not_direct ? records_.bucket(static_cast<std::uint32_t>(run->address), direct)
                                     : buckets_.try_emplace(run->address, none).first->second;
    first = fresh.add_cell({moved(run->node), first, run->wait}, now_);
  }
  ordered_.clear();
  for (Ordered& run : ordered) {
    run.entry.cell.node = moved(run.entry.cell.node);
    ordered_[run.address].push(run.entry, [](const Cell&) { return false; });
  }
  for (Ending& ending : endings_)
    ending.node = moved(ending.node);
  auto kept = of_starts.begin();
  for (Start& start : starts_) {
    start.nodes = none;
    for (const Id node : *kept++)
      start.nodes = fresh.add_cell({moved(node), start.nodes, 0}, now_);
  }
  replace_store(std::move(fresh));
  forget_starts();
  free_idle_keys();
}

// Frees idle keys and empty buckets, and leaves the runs where they are. Linear in the runs that wait.
void ArenaMatcher::sweep() {
  waiting_.assign(records_.size(), false);
  const auto mark_all = [&](Id& first) {
    while (store_.cell_alive(first) && is_over(store_.cell(first)))
      first = store_.cell(first).next;
    for (Id id = first; store_.cell_alive(id); id = store_.cell(id).next) {
      if (!is_over(store_.cell(id))) mark(store_.cell(id).node);
    }
    return store_.cell_alive(first);
  };
  boost::unordered::erase_if(buckets_, [&](auto& bucket) { return !mark_all(bucket.second); });
  for (std::uint32_t slot = 0; slot < records_.size(); ++slot) {
    for (std::uint16_t wait = 0; wait < direct_of_.size(); ++wait) {
      if (direct_of_[wait] == not_direct) continue;
      Id& bucket = records_.bucket(slot, direct_of_[wait]);
      const Id node = bucket ^ single_mark;
      if (!holds_single(bucket)) {
        mark_all(bucket);
      } else if (is_over({node, none, wait})) {
        bucket = none;
      } else {
        mark(node);
      }
    }
  }
  boost::unordered::erase_if(ordered_, [&](auto& bucket) {
    bucket.second.erase_if([&](const Cell& cell) { return is_over(cell); });
    for (const auto& entry : bucket.second.entries())
      mark(entry.cell.node);
    return bucket.second.size() == 0;
  });
  for (const Ending& ending : endings_) {
    if (!dropped(ending.node)) mark(ending.node);
  }
  free_idle_keys();
}

// A start stays as long as some run of it is kept, which may yet be carried on.
void ArenaMatcher::forget_starts() {
  if (starts_.empty()) return;
  std::vector<std::uint64_t> orders;
  for (Id id = store_.oldest_node(); store_.alive(id); ++id)
    orders.push_back(store_.node(id).start_order);
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
