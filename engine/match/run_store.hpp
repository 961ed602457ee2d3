// Where the arena's runs live: a log of words, in slabs by ever-growing ids (slab_ring.hpp). An id is a place
// in the log, so that ids grow with the order of events; links lead back, and are kept as distances.
//
// A node is one captured event of one or more runs, linked to what they took before. It has a head, then the
// words that nodes of the rule need (NodeShape), then its event, which conditions read where it lies. Lists
// of runs that wait consist of cells, a word each.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/base/assert.hpp"
#include "engine/base/prefetch.hpp"
#include "engine/match/word_log.hpp"
#include "engine/model/event.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::match {

/// What nodes keep that not every rule asks for.
struct NodeShape {
  bool counts = false;                                   // repeats of a step
  bool positions = false;                                // places in the stream
  bool closes = false;                                   // which arcs are closed
  plan::Within::Unit starts = plan::Within::Unit::none;  // what the run's start counts in
};

/// A captured event, to be stored.
struct NewNode {
  Id parent = none;         // the node that the runs through this one took before; `none` at a run's first
  std::uint64_t order = 0;  // of the event, in the shard's order of processing
  std::uint64_t start_order = 0;  // of the run's first event
  std::int64_t start = 0;      // stamp of the run's first event: its time in ns or position, as `starts` says
  std::uint64_t position = 0;  // of the event in the partition's stream
  std::uint32_t count = 1;     // repeats of the step so far, this one included
  std::uint32_t key = 0;       // slot in the key table
  std::uint16_t arc = 0;       // by which it was reached
};

class RunStore : public WordLog {
 private:
  /// Where a node's event is: nowhere, as nobody will ask for it, behind the node, elsewhere in its slab, or
  /// apart from the nodes as it is long. Of the last two a word behind the node says where.
  enum class EventPlace : std::uint8_t { nowhere, behind, in_slab, apart };

  // The event's order is counted from the slab's first; where that is far, the last of the node's words has
  // it.
  struct Head {
    std::uint32_t parent = 0;  // distance in words; 0 of a run's first event
    std::uint32_t key = 0;
    std::uint32_t order = 0;  // the low bits
    std::uint16_t arc = 0;
    std::uint8_t order_high = 0;
    EventPlace event_place : 2 = EventPlace::nowhere;
    bool is_far : 1 = false;
    bool extended : 1 = false;        // some event carried the run on from here; noted where time may ask
    bool absence_closed : 1 = false;  // what must not come at the end came
    bool reported : 1 = false;        // of a run's first event: something was reported of the run
  };
  static_assert(sizeof(Head) == 16);

  // The places of a node's words, 0 where it has none of the kind. Those of the start are only in nodes that
  // are not the first of a run, as the first has them in its event.
  struct Layout {
    explicit Layout(const NodeShape& shape);
    std::uint16_t count = 0;
    std::uint16_t position = 0;
    std::uint16_t closed = 0;
    std::uint16_t first_size = head_words;  // of a run's first node, without its event
    std::uint16_t start_order = 0;
    std::uint16_t start = 0;
    std::uint16_t size = 0;  // of the others
    plan::Within::Unit starts;
  };

 public:
  /// A node as it lies in the store.
  class Node {
   public:
    bool is_first() const { return head().parent == 0; }
    Id parent() const { return is_first() ? none : id_ - head().parent; }
    std::uint32_t key() const { return head().key; }
    std::uint16_t arc() const { return head().arc; }
    std::uint64_t order() const {
      if (head().is_far) return words_[own_words() - 1];
      return slab_->first_order + head().order + (std::uint64_t{head().order_high} << 32);
    }
    std::uint64_t start_order() const { return is_first() ? order() : words_[layout_->start_order]; }
    std::int64_t start() const {
      if (layout_->starts == plan::Within::Unit::none) return 0;
      if (!is_first()) return static_cast<std::int64_t>(words_[layout_->start]);
      if (layout_->starts == plan::Within::Unit::time) return event().time_ns();
      return static_cast<std::int64_t>(position());
    }
    std::uint64_t position() const { return layout_->position == 0 ? 0 : words_[layout_->position]; }
    std::uint32_t count() const {
      return layout_->count == 0 ? 1 : static_cast<std::uint32_t>(words_[layout_->count]);
    }
    /// Arcs by which the run can't go on any more, as a mask.
    std::uint64_t closed() const { return layout_->closed == 0 ? 0 : words_[layout_->closed]; }
    bool absence_closed() const { return head().absence_closed; }
    bool extended() const { return head().extended; }
    bool reported() const { return head().reported; }
    /// Readable until something is added to the store; none where none was stored.
    model::EventView event() const {
      if (head().event_place == EventPlace::nowhere) return {};
      const std::uint64_t* words = words_ + own_words();
      if (head().event_place == EventPlace::in_slab) words = words_ - id_ % slab_words + *words;
      if (head().event_place == EventPlace::apart) words = slab_->apart.data() + *words;
      return model::EventView(reinterpret_cast<const std::byte*>(words));
    }

   private:
    friend RunStore;
    Node(const RunStore& store, Id id)
        : words_(&store.words_.item(id)), slab_(&store.words_.head(id)), layout_(&store.layout_), id_(id) {}
    const Head& head() const { return *reinterpret_cast<const Head*>(words_); }
    // Those before the event.
    std::size_t own_words() const {
      return (is_first() ? layout_->first_size : layout_->size) + std::size_t{head().is_far};
    }

    const std::uint64_t* words_;
    const Slab* slab_;
    const Layout* layout_;
    Id id_;
  };

  /// Holds `most_words` at most: what distances can span.
  explicit RunStore(const NodeShape& shape = {}, std::size_t most_words = UINT32_MAX)
      : WordLog(most_words), layout_(shape) {}

  /// Stores `node` with a copy of `event` (one a slab, however many nodes capture it), or without where
  /// nobody will ask for it: never of a run's first. `now` must not go back from call to call, and neither
  /// must the order.
  Id add_node(const NewNode& node, model::EventView event, std::int64_t now) {
    const bool is_first = node.parent == none;
    const bool is_far = node.order - first_order_ > most_order;
    const std::size_t own_words = (is_first ? layout_.first_size : layout_.size) + std::size_t{is_far};
    const std::size_t event_words = event ? event.size() / 8 : 0;
    const bool shares = event_words > 0 && shared_order_ == node.order &&
                        shared_slab_ == words_.end() / slab_words && words_.fits(own_words + 1);
    const bool is_long = event_words > most_event_words;
    const std::size_t size = own_words + (shares || is_long ? 1 : event_words);
    words_.grow(size).newest = now;
    const Id id = words_.take(size);
    Slab& slab = words_.head(id);
    if (slab.nodes == 0) {
      TOCSIN_ASSERT(words_.size() <= most_words_);
      first_order_ = slab.first_order = node.order;
    }
    ++slab.nodes;
    ++nodes_;
    slab.unreported += is_first;
    std::uint64_t* const words = &words_.item(id);
    Head& head = head_at(id);
    head = Head{};
    head.parent = distance(id, node.parent);
    head.key = node.key;
    head.arc = node.arc;
    const std::uint64_t order = node.order - slab.first_order;
    head.order = static_cast<std::uint32_t>(order);
    head.order_high = static_cast<std::uint8_t>(order >> 32);
    if (is_far) {
      head.is_far = true;
      words[own_words - 1] = node.order;
    }
    if (layout_.count != 0) words[layout_.count] = node.count;
    if (layout_.position != 0) words[layout_.position] = node.position;
    if (layout_.closed != 0) words[layout_.closed] = 0;
    if (!is_first) {
      words[layout_.start_order] = node.start_order;
      if (layout_.start != 0) words[layout_.start] = static_cast<std::uint64_t>(node.start);
    }
    if (!event) return id;
    std::uint64_t* const place = words + own_words;
    if (shares) {
      head.event_place = shared_place_;
      *place = shared_;
      return id;
    }
    shared_slab_ = id / slab_words;
    shared_order_ = node.order;
    shared_place_ = is_long ? EventPlace::apart : EventPlace::in_slab;
    shared_ = is_long ? slab.apart.size() : id % slab_words + own_words;
    head.event_place = is_long ? EventPlace::apart : EventPlace::behind;
    if (is_long) {
      *place = shared_;
      const auto* const from = reinterpret_cast<const std::uint64_t*>(event.bytes());
      slab.apart.insert(slab.apart.end(), from, from + event_words);
      apart_words_ += event_words;
    } else {
      std::memcpy(place, event.bytes(), event.size());
    }
    return id;
  }
  /// A copy of a node of another store with the same shape. `parent`: what its parent is here.
  Id copy_node(const Node& node, Id parent, std::int64_t now) {
    const Id id = add_node({.parent = parent,
                            .order = node.order(),
                            .start_order = node.start_order(),
                            .start = node.start(),
                            .position = node.position(),
                            .count = node.count(),
                            .key = node.key(),
                            .arc = node.arc()},
                           node.event(), now);
    Head& head = head_at(id);
    head.extended = node.extended();
    head.absence_closed = node.absence_closed();
    close(id, node.closed());
    if (node.reported()) note_report(id);
    return id;
  }
  /// An entry of a list before `next`, `none` where it is the last one.
  Id add_cell(Id node, Id next, std::int64_t now) {
    words_.grow().newest = now;
    const Id id = words_.take(1);
    cell_at(id) = {distance(id, node), distance(id, next)};
    return id;
  }

  Node node(Id id) const { return Node(*this, id); }
  Id node_of(Id cell) const { return target(cell, cell_at(cell).node); }
  Id next(Id cell) const { return target(cell, cell_at(cell).next); }
  /// Unlinks the cell that follows this one.
  void drop_next(Id cell) { cell_at(cell).next = distance(cell, next(next(cell))); }

  /// Some event carried the run on from here.
  void set_extended(Id node) { head_at(node).extended = true; }
  void close_absence(Id node) { head_at(node).absence_closed = true; }
  /// Closes arcs to a run, or opens them. Nothing where the shape has no `closes`.
  void close(Id node, std::uint64_t arcs) {
    if (layout_.closed != 0) (&words_.item(node))[layout_.closed] |= arcs;
  }
  void open(Id node, std::uint64_t arcs) {
    if (layout_.closed != 0) (&words_.item(node))[layout_.closed] &= ~arcs;
  }

  /// Ask for the memory of a node, or of a cell or the node that it holds; of dead ones too.
  void prefetch_node(Id id) const {
    if (!alive(id)) return;
    const std::uint64_t* const words = &words_.item(id);
    tocsin::prefetch(words);
    tocsin::prefetch(words + 7);
    tocsin::prefetch(&words_.head(id));
  }
  void prefetch_cell(Id id, bool its_node) const {
    if (!alive(id)) return;
    if (its_node) return prefetch_node(node_of(id));
    tocsin::prefetch(&words_.item(id));
  }

  /// Something is reported of the run that began with this node. True where nothing was before.
  bool note_report(Id first) { return count_report(first, head_at(first)); }
  /// The oldest must go before the next event adds more. The other half is for what one event may add.
  bool is_full() const { return words_.size() > most_words_ / 2; }

  static constexpr std::size_t head_words = sizeof(Head) / 8;
  static constexpr std::size_t nodes_per_slab = slab_words / head_words;  // at most

 private:
  static constexpr std::uint64_t most_order = (std::uint64_t{1} << 40) - 1;  // from the slab's first

  /// An entry of a list of runs that wait, newest first. Distances are in words; 0 leads nowhere.
  struct Cell {
    std::uint32_t node;
    std::uint32_t next;
  };
  static_assert(sizeof(Cell) == 8);

  Head& head_at(Id id) { return reinterpret_cast<Head&>(words_.item(id)); }
  Cell& cell_at(Id id) { return reinterpret_cast<Cell&>(words_.item(id)); }
  const Cell& cell_at(Id id) const { return reinterpret_cast<const Cell&>(words_.item(id)); }
  Layout layout_;
  std::uint64_t first_order_ = 0;  // of the newest slab
  // The event that was stored last.
  Id shared_slab_ = none;
  std::uint64_t shared_order_ = 0;
  EventPlace shared_place_ = EventPlace::in_slab;
  std::uint64_t shared_ = 0;
};

inline RunStore::Layout::Layout(const NodeShape& shape) : starts(shape.starts) {
  if (shape.counts) count = first_size++;
  if (shape.positions) position = first_size++;
  if (shape.closes) closed = first_size++;
  size = first_size;
  start_order = size++;
  if (starts != plan::Within::Unit::none) start = size++;
}

}  // namespace tocsin::match
