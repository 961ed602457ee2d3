#include "engine/match/run_matcher.hpp"

namespace tocsin::match {

template <class Store>
bool RunMatcher<Store>::drop_to(std::size_t keep) {
  bool dropped = false;
  for (; store_.nodes() > keep && store_.can_drop(); dropped = true)
    counters_.dropped_runs += store_.drop_oldest_nodes();
  return dropped;
}

template <class Store>
void RunMatcher<Store>::replace_store(Store fresh) {
  counters_.expired += store_.expired() + store_.unreported() - fresh.unreported();
  store_ = std::move(fresh);
}

template <class Store>
RuleState RunMatcher<Store>::state_of_runs(std::size_t bytes_per_key) const {
  const RuleCounters now = counters();
  return {.runs = now.started - now.expired - now.dropped_runs - reported_,
          .nodes = store_.nodes(),
          .keys = program_.partitioned ? keys_.size() : 0,
          .bytes = store_.bytes() + slots() * bytes_per_key};
}

template class RunMatcher<RunStore>;
template class RunMatcher<RunLog>;

}  // namespace tocsin::match
