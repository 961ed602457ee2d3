#include "engine/match/run_matcher.hpp"

namespace tocsin::match {

std::uint32_t RunMatcher::slot_for(model::EventView event, bool may_start) {
  if (!program_.partitioned) return 0;
  std::size_t input = 0;
  while (program_.keys[input].type != event.type())
    ++input;
  KeyView key;
  if (!make_key(event, program_.keys[input], key_scratch_, key)) return KeyTable::absent;
  const std::uint32_t slot = keys_.find(key);
  return slot != KeyTable::absent || !may_start ? slot : keys_.add(key);
}

void RunMatcher::set_bound(model::EventView event, std::uint64_t position) {
  switch (program_.within.unit) {
    case plan::Within::Unit::none: break;  // all stamps are 0
    case plan::Within::Unit::time:
      stamp_ = event.time_ns();
      if (__builtin_sub_overflow(stamp_, program_.within.time_ns, &cutoff_)) cutoff_ = INT64_MIN;
      store_.expire(cutoff_);
      break;
    case plan::Within::Unit::events:
      stamp_ = static_cast<std::int64_t>(position);
      cutoff_ = cutoff_at(position);
      break;
  }
}

bool RunMatcher::drop_to_limit() {
  const std::size_t keep = node_limit() / 4 * 3;
  bool dropped = false;
  while (store_.nodes() > keep) {
    const Id oldest = store_.oldest_node();
    std::uint64_t begins = 0;
    for (Id id = oldest; id < oldest + RunStore::nodes_per_slab && store_.alive(id); ++id) {
      begins += store_.node(id).parent == none;
    }
    if (!store_.drop_oldest_nodes()) break;
    counters_.dropped_runs += begins;
    dropped = true;
  }
  return dropped;
}

}  // namespace tocsin::match
