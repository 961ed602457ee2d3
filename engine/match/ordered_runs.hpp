// Runs that wait behind an inequality (`price > a.price`): a binary heap by the run's side of it, so that an
// event meets the runs whose value it exceeds, and no more than twice as many others.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/match/slab_ring.hpp"

namespace tocsin::match {

class OrderedRuns {
 public:
  struct Entry {
    std::int64_t rank;  // the run's side as OrderJoin::rank() gives it
    Id node;            // none: to be taken out
  };
  /// Working memory of visit_up_to(), which all may share.
  struct Scratch {
    std::vector<std::size_t> open;
    std::vector<std::size_t> gone;
  };

  std::size_t size() const { return heap_.size(); }
  const std::vector<Entry>& entries() const { return heap_; }

  /// Logarithmic. At times, amortised constant, all runs for which `is_over(node)` holds are taken out.
  template <class IsOver>
  void push(const Entry& entry, IsOver is_over) {
    if (heap_.size() >= room_) {
      erase_if(is_over);
      room_ = std::max<std::size_t>(16, 2 * heap_.size());
    }
    heap_.push_back(entry);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  /// Takes out all runs for which `is_over(node)` holds. Linear.
  template <class IsOver>
  void erase_if(IsOver is_over) {
    std::erase_if(heap_, [&](const Entry& e) { return is_over(e.node); });
    std::make_heap(heap_.begin(), heap_.end(), later);
  }

  /// Calls visit(node) for each run whose rank is at most `rank`; those for which it gives false go. `visit`
  /// must not push. Linear in the runs visited, logarithmic in all for each that goes.
  template <class Visit>
  void visit_up_to(std::int64_t rank, Scratch& scratch, Visit visit) {
    auto& [open, gone] = scratch;
    gone.clear();
    open.assign(!heap_.empty(), 0);
    while (!open.empty()) {
      const std::size_t i = open.back();
      open.pop_back();
      if (heap_[i].rank > rank) continue;
      if (!visit(heap_[i].node)) gone.push_back(i);
      for (const std::size_t child : {2 * i + 1, 2 * i + 2}) {
        if (child < heap_.size()) open.push_back(child);
      }
    }
    // What goes is first made least, top down, as that moves nothing below, and then taken from the top.
    std::sort(gone.begin(), gone.end());
    for (const std::size_t i : gone) {
      heap_[i].node = none;
      for (std::size_t at = i; at > 0 && later(heap_[(at - 1) / 2], heap_[at]); at = (at - 1) / 2)
        std::swap(heap_[at], heap_[(at - 1) / 2]);
    }
    for (std::size_t i = 0; i < gone.size(); ++i) {
      std::pop_heap(heap_.begin(), heap_.end(), later);
      heap_.pop_back();
    }
  }

 private:
  static bool later(const Entry& a, const Entry& b) {
    const bool is_gone = b.node == none;
    return (a.node == none) != is_gone ? is_gone : a.rank > b.rank;
  }

  std::vector<Entry> heap_;  // the least rank first
  std::size_t room_ = 16;    // entries at which to look for those that are over
};

}  // namespace tocsin::match
