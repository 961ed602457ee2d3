// Runs that wait behind an inequality (`price > a.price`): a binary heap by the run's side of it, so that an
// event meets the runs whose value it exceeds, and no more than twice as many others.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/match/run_store.hpp"

namespace tocsin::match {

class OrderedRuns {
 public:
  struct Entry {
    std::int64_t rank;  // the run's side as order_of() gives it
    Cell cell;          // its `next` unused
    bool gone = false;
  };

  std::size_t size() const { return heap_.size(); }
  const std::vector<Entry>& entries() const { return heap_; }

  /// Logarithmic. At times, amortised constant, all runs for which `is_over` holds are taken out.
  template <class IsOver>
  void push(const Entry& entry, IsOver is_over) {
    if (heap_.size() >= room_) {
      erase_if(is_over);
      room_ = std::max<std::size_t>(16, 2 * heap_.size());
    }
    heap_.push_back(entry);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  /// Takes out all runs for which `is_over` holds. Linear.
  template <class IsOver>
  void erase_if(IsOver is_over) {
    std::erase_if(heap_, [&](const Entry& e) { return is_over(e.cell); });
    std::make_heap(heap_.begin(), heap_.end(), later);
  }

  /// Calls visit(cell) for each run whose rank is at most `rank`; those for which it gives false go. `visit`
  /// must not push. Linear in the runs visited, logarithmic in all for each that goes.
  template <class Visit>
  void visit_up_to(std::int64_t rank, Visit visit) {
    gone_.clear();
    open_.assign(!heap_.empty(), 0);
    while (!open_.empty()) {
      const std::size_t i = open_.back();
      open_.pop_back();
      if (heap_[i].rank > rank) continue;
      if (!visit(heap_[i].cell)) gone_.push_back(i);
      for (const std::size_t child : {2 * i + 1, 2 * i + 2}) {
        if (child < heap_.size()) open_.push_back(child);
      }
    }
    // What goes is first made least, top down, as that moves nothing below, and then taken from the top.
    std::sort(gone_.begin(), gone_.end());
    for (const std::size_t i : gone_) {
      heap_[i].gone = true;
      for (std::size_t at = i; at > 0 && later(heap_[(at - 1) / 2], heap_[at]); at = (at - 1) / 2)
        std::swap(heap_[at], heap_[(at - 1) / 2]);
    }
    for (std::size_t i = 0; i < gone_.size(); ++i) {
      std::pop_heap(heap_.begin(), heap_.end(), later);
      heap_.pop_back();
    }
  }

 private:
  static bool later(const Entry& a, const Entry& b) { return a.gone != b.gone ? b.gone : a.rank > b.rank; }

  std::vector<Entry> heap_;  // the least rank first
  std::size_t room_ = 16;    // entries at which to look for those that are over
  std::vector<std::size_t> gone_;
  std::vector<std::size_t> open_;
};

}  // namespace tocsin::match
