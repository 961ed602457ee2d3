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
  /// Matches of one rule that one event may complete. Further ones are counted as dropped.
  std::size_t matches_per_event = std::size_t{1} << 20;
  /// Events that wait in the reorder buffer. Beyond it the oldest is released before its time.
  std::size_t reorder_events = std::size_t{1} << 20;
  /// Rows of one table. Of a table of events, beyond it the key goes that has waited longest for a newer one,
  /// and is counted as dropped; a file with more rows is refused.
  std::size_t table_rows = std::size_t{1} << 22;
  /// Events in one batch between ingress and a shard.
  std::size_t batch_events = 1024;
  /// Batches under way to the shards at once; ingress waits when all are in use.
  std::size_t batches_in_flight = 64;
};

}  // namespace tocsin
