#include "engine/match/run_matcher.hpp"

namespace tocsin::match {

bool RunMatcher::drop_to(std::size_t keep) {
  const std::size_t unreported = store_.unreported();
  bool dropped = false;
  while (store_.nodes() > keep && store_.drop_oldest_nodes())
    dropped = true;
  counters_.dropped_runs += unreported - store_.unreported();
  return dropped;
}

void RunMatcher::replace_store(RunStore fresh) {
  counters_.expired += store_.expired() + store_.unreported() - fresh.unreported();
  store_ = std::move(fresh);
}

}  // namespace tocsin::match
