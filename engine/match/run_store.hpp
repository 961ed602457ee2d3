// Where runs live: nodes (one captured event of one or more runs, linked to what came before) and cells
// (entries of the lists of runs that wait), in slabs addressed by ever-growing ids, never by pointer.
//
// Ids grow with time, so a slab is an epoch: once the youngest thing in it is older than the rule's window,
// nothing in it can be part of a match any more and the whole slab is reused. A link to something reclaimed
// is told by its id alone, so nobody needs to be informed. Slabs are recycled: in a steady state nothing is
// allocated.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "engine/base/assert.hpp"
#include "engine/base/large_memory.hpp"
#include "engine/base/prefetch.hpp"
#include "engine/model/event.hpp"

namespace tocsin::match {

using Id = std::uint64_t;
inline constexpr Id none = std::numeric_limits<Id>::max();

/// A captured event. `parent` is what the runs through this node took before: a node in the run arena, the
/// first cell of a list in the grouped matcher; `none` at a run's first event.
struct alignas(64) Node {
  Id parent = none;
  std::uint64_t order = 0;          // of the event, in the shard's order of processing
  std::uint64_t start_order = 0;    // of the run's first event (run arena)
  std::int64_t start = 0;           // stamp of the first event, the latest one where runs are grouped; a
                                    // time in ns or a position in the stream, as the rule's bound counts
  std::uint64_t position = 0;       // of the event in the partition's stream, where the rule counts it; where
                                    // runs are grouped: the walk that reached it last …
  std::uint32_t count = 1;          // repeats of the step so far, this one included; … and its number there
  std::uint32_t key = 0;            // slot in the key table
  std::uint32_t event = 0;          // 8-byte words from the begin of the slab's event bytes
  std::uint16_t arc = 0;            // by which it was reached
  bool extended : 1 = false;        // some event carried the run on from here (run arena)
  bool absence_closed : 1 = false;  // what must not come at the end came (run arena)
  bool reported : 1 = false;        // of a run's first event: something was reported of the run
  std::uint64_t closed = 0;         // arcs by which the run can't go on any more, as a mask (run arena)
};
static_assert(sizeof(Node) == 64);

/// An entry of a list of runs that wait, newest first.
struct Cell {
  Id node = none;
  Id next = none;
  std::uint16_t arc = 0;  // that the run waits on
};

/// Items of a trivial type in slabs of equal size, by id; the oldest slab goes first. A slab has a head,
/// which stands apart from its items: heads are few, and so are near when an item is not.
template <class Item, Id slab_size, class Head>
class SlabRing {
 public:
  static constexpr Id per_slab = slab_size;

  Id base() const { return first_ * per_slab; }
  Id end() const { return end_; }
  std::size_t size() const { return static_cast<std::size_t>(end_ - base()); }
  bool alive(Id id) const { return id - base() < end_ - base(); }  // `none` wraps round to far away
  Item& item(Id id) { return slabs_[place_of(id)][id % per_slab]; }
  const Item& item(Id id) const { return slabs_[place_of(id)][id % per_slab]; }
  Head& head(Id id) { return heads_[place_of(id)]; }
  const Head& head(Id id) const { return heads_[place_of(id)]; }
  const Head& oldest() const { return head(base()); }
  bool has_full_slab() const { return end_ - base() >= per_slab; }

  /// The head of the slab that takes the next item; begins a slab where the last is full.
  Head& grow() {
    if (end_ % per_slab == 0) {
      if (end_ / per_slab - first_ == slabs_.size()) widen();
      head(end_).reset();
    }
    return head(end_);
  }
  Id add(const Item& item) {
    slabs_[place_of(end_)][end_ % per_slab] = item;
    return end_++;
  }

  /// Frees the oldest slab, which must be full.
  void drop_oldest() {
    TOCSIN_ASSERT(has_full_slab());
    ++first_;
  }

 private:
  std::size_t place_of(Id id) const { return (id / per_slab) & (slabs_.size() - 1); }

  // Twice as many slabs. The new ones are one block of memory, so that of many most lie on huge pages.
  void widen() {
    const std::size_t before = slabs_.size();
    const std::size_t added = std::max<std::size_t>(1, before);
    std::vector<Item*> slabs(before + added);
    std::vector<Head> heads(before + added);
    for (Id number = first_; number * per_slab < end_; ++number) {
      slabs[number & (slabs.size() - 1)] = slabs_[number & (before - 1)];
      heads[number & (slabs.size() - 1)] = std::move(heads_[number & (before - 1)]);
    }
    Item* next = blocks_.emplace_back(added * per_slab).data();
    for (Item*& slab : slabs) {
      if (slab) continue;
      slab = next;
      next += per_slab;
    }
    slabs_ = std::move(slabs);
    heads_ = std::move(heads);
  }

  std::vector<Item*> slabs_;  // a ring; its size is a power of two
  std::vector<Head> heads_;   // of each
  std::vector<LargeBlock<Item>> blocks_;
  Id first_ = 0;  // number of the oldest slab
  Id end_ = 0;    // the next id
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
