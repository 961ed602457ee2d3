// What the two logs of runs have in common (run_log.hpp, run_store.hpp): words in slabs, links as distances,
// and what each slab counts, so that nobody looks at a run that comes to nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/match/slab_ring.hpp"

namespace tocsin::match {

class WordLog {
 public:
  bool alive(Id id) const { return words_.alive(id); }

  /// Runs whose first event is here, and of which nothing was reported. Linear in the slabs.
  std::size_t unreported() const {
    std::size_t count = 0;
    for (Id id = words_.base(); words_.alive(id); id += slab_words)
      count += words_.head(id).unreported;
    return count;
  }
  /// Such runs that expire() has freed.
  std::uint64_t expired() const { return expired_; }

  /// Frees every slab whose youngest item is older than `before`. Amortised constant.
  void expire(std::int64_t before) {
    while (can_drop() && words_.oldest().newest < before)
      expired_ += drop_oldest_nodes();
  }
  /// Frees the oldest items, a slab of them; gives how many runs with them that it counts as unreported.
  bool can_drop() const { return words_.has_full_slab(); }
  std::uint64_t drop_oldest_nodes() {
    const Slab& oldest = words_.oldest();
    nodes_ -= oldest.nodes;
    apart_words_ -= oldest.apart.size();
    const std::uint64_t unreported = oldest.unreported;
    words_.drop_oldest();
    return unreported;
  }

  std::size_t nodes() const { return nodes_; }
  std::size_t bytes() const { return 8 * (words_.size() + apart_words_); }

  static constexpr std::size_t slab_words = 1024;

 protected:
  /// Holds `most_words` at most: what distances can span.
  explicit WordLog(std::size_t most_words) : most_words_(most_words) {}

  struct Slab {
    std::int64_t newest = 0;
    std::uint64_t first_order = 0;  // for whoever counts from it
    std::uint32_t nodes = 0;
    std::uint32_t unreported = 0;      // runs that begin in it, and of which nothing was reported
    std::vector<std::uint64_t> apart;  // long events
    void reset() {
      nodes = unreported = 0;
      apart.clear();
    }
  };
  static constexpr std::size_t most_event_words = 64;  // behind a node: little is lost at a slab's end

  /// Something is reported of the run that began with node `first`, as its record notes. True where nothing
  /// was before.
  template <class Record>
  bool count_report(Id first, Record& record) {
    if (record.reported) return false;
    record.reported = true;
    --words_.head(first).unreported;
    return true;
  }
  /// Back from one to the other; 0 leads nowhere.
  std::uint32_t distance(Id from, Id to) const {
    return words_.alive(to) ? static_cast<std::uint32_t>(from - to) : 0;
  }
  static Id target(Id from, std::uint32_t distance) { return distance == 0 ? none : from - distance; }

  SlabRing<std::uint64_t, slab_words, Slab> words_;
  std::size_t most_words_;
  std::size_t nodes_ = 0;
  std::size_t apart_words_ = 0;  // in all slabs
  std::uint64_t expired_ = 0;
};

}  // namespace tocsin::match
