#include "engine/match/run_matcher.hpp"

namespace tocsin::match {

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
