#include "engine/match/window_log.hpp"

#include <utility>

namespace tocsin::match {

Entry WindowLog::take() {
  if (free_.empty()) return push();
  const Entry entry = free_.back();
  free_.pop_back();
  ++size_;
  return entry;
}

// The slab of tail_, which is its first entry.
void WindowLog::add_slab() {
  const std::uint32_t number = tail_ / entries_per_slab;
  if (slabs_in_use_ == slabs_.size()) {
    const auto old_mask = mask_;
    std::vector<Slab> larger(2 * slabs_.size());
    mask_ = static_cast<std::uint32_t>(larger.size() - 1);
    for (std::uint32_t i = 1; i <= slabs_in_use_; ++i)
      larger[(number - i) & mask_] = std::move(slabs_[(number - i) & old_mask]);
    slabs_ = std::move(larger);
  }
  ++slabs_in_use_;
  auto& slab = slabs_[number & mask_];
  if (spare_.empty()) {
    slab = Slab(std::size_t{bytes_per_entry_} * entries_per_slab / sizeof(std::uint64_t));
  } else {
    slab = std::move(spare_.back());
    spare_.pop_back();
  }
}

// Keeps a few for later. More than half as many as are in use would be a burst's, and go as these become
// fewer, two at a time at most.
void WindowLog::retire_slab(Entry last) {
  spare_.push_back(std::move(slabs_[(last / entries_per_slab) & mask_]));
  --slabs_in_use_;
  while (spare_.size() > 2 + slabs_in_use_ / 2)
    spare_.pop_back();
}

}  // namespace tocsin::match
