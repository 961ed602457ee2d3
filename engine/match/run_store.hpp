// Where the arena's runs live: nodes (one captured event of one or more runs, linked to what came before) and
// cells (entries of the lists of runs that wait), in slabs by ever-growing ids (slab_ring.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/prefetch.hpp"
#include "engine/match/slab_ring.hpp"
#include "engine/model/event.hpp"

namespace tocsin::match {

/// A captured event. `parent` is the node that the runs through this one took before; `none` at a run's first
/// event.
struct alignas(64) Node {
  Id parent = none;
  std::uint64_t order = 0;          // of the event, in the shard's order of processing
  std::uint64_t start_order = 0;    // of the run's first event
  std::int64_t start = 0;           // stamp of the first event: a time in ns or a position in the stream, as
                                    // the rule's bound counts
  std::uint64_t position = 0;       // of the event in the partition's stream, where the rule counts it
  std::uint32_t count = 1;          // repeats of the step so far, this one included
  std::uint32_t key = 0;            // slot in the key table
  std::uint32_t event = 0;          // 8-byte words from the begin of the slab's event bytes
  std::uint16_t arc = 0;            // by which it was reached
  bool extended : 1 = false;        // some event carried the run on from here
  bool absence_closed : 1 = false;  // what must not come at the end came
  bool reported : 1 = false;        // of a run's first event: something was reported of the run
  std::uint64_t closed = 0;         // arcs by which the run can't go on any more, as a mask
};
static_assert(sizeof(Node) == 64);

/// An entry of a list of runs that wait, newest first.
struct Cell {
  Id node = none;
  Id next = none;
  std::uint16_t arc = 0;  // that the run waits on
};

class RunStore {
 public:
  /// Stores `node` with a copy of `event` (one a slab, however many nodes capture it). `now` must not go
  /// back from call to call.
  Id add_node(const Node& node, model::EventView event, std::int64_t now) {
    NodeSlab& slab = nodes_.grow();
    if (slab.event_words.empty() || slab.last_order != node.order) {
      slab.last_event = static_cast<std::uint32_t>(slab.event_words.size());
      slab.last_order = node.order;
      const auto* const words = reinterpret_cast<const std::uint64_t*>(event.bytes());
      slab.event_words.insert(slab.event_words.end(), words, words + event.size() / 8);
      event_words_ += event.size() / 8;
    }
    slab.newest = now;
    slab.unreported += node.parent == none;
    const Id id = nodes_.add(node);
    nodes_.item(id).event = slab.last_event;
    return id;
  }
  /// The same of a node that was in another store.
  Id copy_node(const Node& node, model::EventView event, std::int64_t now) {
    const Id id = add_node(node, event, now);
    nodes_.head(id).unreported -= node.parent == none && node.reported;
    return id;
  }
  Id add_cell(const Cell& cell, std::int64_t now) {
    cells_.grow().newest = now;
    return cells_.add(cell);
  }

  bool alive(Id node) const { return nodes_.alive(node); }
  bool cell_alive(Id cell) const { return cells_.alive(cell); }
  const Node& node(Id id) const { return nodes_.item(id); }
  const Cell& cell(Id id) const { return cells_.item(id); }
  /// Where arcs are closed to a run.
  Node& mutable_node(Id id) { return nodes_.item(id); }
  /// Where a list's cell may be unlinked from its list.
  Cell& mutable_cell(Id id) { return cells_.item(id); }
  /// Ask for the memory of a node, or of a cell or the node that it holds; of dead ones too.
  void prefetch_node(Id id) const {
    if (!alive(id)) return;
    prefetch(&node(id));
    prefetch(&nodes_.head(id));
  }
  void prefetch_cell(Id id, bool its_node) const {
    if (!cell_alive(id)) return;
    if (its_node) return prefetch_node(cell(id).node);
    prefetch(&cell(id));
  }
  model::EventView event(Id id) const {
    return model::EventView(
        reinterpret_cast<const std::byte*>(nodes_.head(id).event_words.data() + node(id).event));
  }

  /// Something is reported of the run that began with this node. True where nothing was before.
  bool note_report(Id first) {
    Node& node = nodes_.item(first);
    if (node.reported) return false;
    node.reported = true;
    --nodes_.head(first).unreported;
    return true;
  }
  /// Runs whose first event is here, and of which nothing was reported. Linear in the slabs.
  std::size_t unreported() const {
    std::size_t count = 0;
    for (Id id = nodes_.base(); nodes_.alive(id); id += nodes_per_slab)
      count += nodes_.head(id).unreported;
    return count;
  }
  /// Such runs that expire() has freed.
  std::uint64_t expired() const { return expired_; }

  /// Frees every slab whose youngest item is older than `before`. Amortised constant.
  void expire(std::int64_t before) {
    while (nodes_.has_full_slab() && nodes_.oldest().newest < before)
      expired_ += drop_oldest_nodes();
    while (cells_.has_full_slab() && cells_.oldest().newest < before)
      cells_.drop_oldest();
  }

  std::size_t nodes() const { return nodes_.size(); }
  std::size_t cells() const { return cells_.size(); }
  Id oldest_node() const { return nodes_.base(); }
  std::size_t bytes() const {
    return nodes_.size() * sizeof(Node) + cells_.size() * sizeof(Cell) + 8 * event_words_;
  }

  /// Frees the oldest nodes, a slab of them, with the runs that it counts as unreported.
  bool can_drop() const { return nodes_.has_full_slab(); }
  std::uint64_t drop_oldest_nodes() {
    event_words_ -= nodes_.oldest().event_words.size();
    const std::uint64_t unreported = nodes_.oldest().unreported;
    nodes_.drop_oldest();
    return unreported;
  }
  static constexpr std::size_t nodes_per_slab = 256;

 private:
  struct NodeSlab {
    std::vector<std::uint64_t> event_words;
    std::int64_t newest = 0;
    std::uint64_t last_order = 0;  // of the event stored last, at last_event
    std::uint32_t last_event = 0;
    std::uint32_t unreported = 0;  // runs that begin in it, and of which nothing was reported
    void reset() {
      event_words.clear();
      unreported = 0;
    }
  };
  struct CellSlab {
    std::int64_t newest = 0;
    void reset() {}
  };

  SlabRing<Node, nodes_per_slab, NodeSlab> nodes_;
  SlabRing<Cell, 512, CellSlab> cells_;
  std::uint64_t expired_ = 0;
  std::size_t event_words_ = 0;  // in all slabs
};

}  // namespace tocsin::match
