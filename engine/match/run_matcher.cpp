#include "engine/match/run_matcher.hpp"

#include "engine/base/saturate.hpp"

namespace tocsin::match {

std::uint32_t RunMatcher::slot_for(model::EventView event, std::uint64_t order, bool may_start) {
  if (!program_.partitioned) return 0;
  std::size_t input = 0;
  while (program_.keys[input].type != event.type())
    ++input;
  return keys_.find(event, order, program_.keys[input], may_start);
}

void RunMatcher::set_bound(model::EventView event, std::uint64_t position) {
  switch (program_.within.unit) {
    case plan::Within::Unit::none: break;  // all stamps are 0
    case plan::Within::Unit::time:
      stamp_ = event.time_ns();
      cutoff_ = earlier(stamp_, program_.within.time_ns);
      store_.expire(earlier(stamp_, retention_ns_));
      break;
    case plan::Within::Unit::events:
      stamp_ = static_cast<std::int64_t>(position);
      cutoff_ = cutoff_at(position);
      break;
  }
}

bool RunMatcher::drop_to(std::size_t keep) {
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
