// Every queue, arena and loop has its limit here, with a default. Tests also run with tiny ones.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tocsin {

struct Limits {
  /// Nodes of runs (one a captured event and rule) that a rule may hold on one shard. Beyond it the oldest
  /// runs go, and are counted as dropped.
  std::size_t run_nodes_per_rule = std::size_t{1} << 22;
  /// The same of all rules on one shard together, as counted now and then: beyond it the rule that holds the
  /// most loses its oldest runs.
  std::size_t run_nodes_in_all = std::size_t{1} << 24;
  /// Events that the windows of a rule may hold on one shard. Beyond it the oldest go, and are counted as
  /// dropped. Rules that share their windows share the limit.
  std::size_t window_events_per_rule = std::size_t{1} << 26;
  /// Keys of which windows of a rule on one shard may hold events. Beyond it those go that have been idle
  /// longest, and their events are counted as dropped.
  std::size_t window_keys_per_rule = std::size_t{1} << 22;
  /// Matches of one rule that one event may complete. Further ones are counted as dropped.
  std::size_t matches_per_event = std::size_t{1} << 20;
  /// Keys of one partition whose state is taken to lie in the near caches. With more, memory is asked for
  /// some events ahead; that changes no result.
  std::size_t near_keys = 8192;
  /// Events that wait in the reorder buffer. Beyond it the oldest is released before its time.
  std::size_t reorder_events = std::size_t{1} << 20;
  /// Events in one batch between ingress and a shard.
  std::size_t batch_events = 1024;
  /// Batches under way to the shards at once; ingress waits when all are in use.
  std::size_t batches_in_flight = 64;
};

}  // namespace tocsin
