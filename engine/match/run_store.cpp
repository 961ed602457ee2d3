#include "engine/match/run_store.hpp"

#include <cstring>

namespace tocsin::match {

Id RunStore::add_node(const Node& node, model::EventView event, std::int64_t now) {
  NodeSlab& slab = nodes_.grow();
  if (slab.event_words.empty() || slab.last_order != node.order) {
    const std::size_t offset = slab.event_words.size();
    slab.event_words.resize(offset + event.size() / 8);
    std::memcpy(slab.event_words.data() + offset, event.bytes(), event.size());
    slab.last_order = node.order;
    slab.last_event = static_cast<std::uint32_t>(offset);
  }
  slab.newest = now;
  Node stored = node;
  stored.event = slab.last_event;
  return nodes_.add(stored);
}

Id RunStore::add_cell(const Cell& cell, std::int64_t now) {
  cells_.grow().newest = now;
  return cells_.add(cell);
}

bool RunStore::drop_oldest_nodes() {
  if (!nodes_.has_full_slab()) return false;
  nodes_.drop_oldest();
  return true;
}

}  // namespace tocsin::match
