// Numbers by (key, value): how often a key's window holds a value, and the like. A hash table with linear
// probing from which an entry goes by moving up those behind it, so that, unlike one with marks for what has
// gone, it never needs to be rebuilt under steady coming and going.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine/base/hash.hpp"
#include "engine/base/large_memory.hpp"
#include "engine/base/prefetch.hpp"

namespace tocsin::match {

class ValueTable {
 public:
  /// The number kept for (key, value). Where there was none it is 0, and the caller makes it another. The
  /// reference is valid until the next call. Constant time.
  std::uint32_t& operator()(std::uint32_t key, std::uint64_t value) {
    if (2 * (size_ + 1) > cells_.size()) grow();
    std::size_t at = home(key, value);
    while (cells_[at].number != 0 && !(cells_[at].key == key && cells_[at].value == value))
      at = (at + 1) & mask_;
    if (cells_[at].number == 0) {
      cells_[at] = {value, key, 0};
      ++size_;
    }
    return cells_[at].number;
  }
  /// The same without adding an entry: 0 where there is none.
  std::uint32_t find(std::uint32_t key, std::uint64_t value) const {
    if (cells_.empty()) return 0;
    std::size_t at = home(key, value);
    while (cells_[at].number != 0 && !(cells_[at].key == key && cells_[at].value == value))
      at = (at + 1) & mask_;
    return cells_[at].number;
  }
  /// Precondition: there is an entry.
  void erase(std::uint32_t key, std::uint64_t value) {
    std::size_t gap = home(key, value);
    while (cells_[gap].key != key || cells_[gap].value != value)
      gap = (gap + 1) & mask_;
    for (std::size_t at = (gap + 1) & mask_; cells_[at].number != 0; at = (at + 1) & mask_) {
      // It may move up unless its home lies behind the gap.
      const std::size_t from_home = (at - home(cells_[at].key, cells_[at].value)) & mask_;
      if (from_home < ((at - gap) & mask_)) continue;
      cells_[gap] = cells_[at];
      gap = at;
    }
    cells_[gap].number = 0;
    --size_;
  }
  /// Asks for the memory that a look-up will read first.
  void prefetch(std::uint32_t key, std::uint64_t value) const {
    if (!cells_.empty()) tocsin::prefetch(&cells_[home(key, value)]);
  }
  std::size_t size() const { return size_; }

 private:
  struct Cell {
    std::uint64_t value = 0;
    std::uint32_t key = 0;
    std::uint32_t number = 0;  // 0: the cell is free
  };
  std::size_t home(std::uint32_t key, std::uint64_t value) const { return hash_mix(value, key) & mask_; }
  void grow() {
    LargeVector<Cell> old(cells_.empty() ? 64 : 2 * cells_.size());
    std::swap(old, cells_);
    mask_ = cells_.size() - 1;
    for (const Cell& cell : old) {
      if (cell.number == 0) continue;
      std::size_t at = home(cell.key, cell.value);
      while (cells_[at].number != 0)
        at = (at + 1) & mask_;
      cells_[at] = cell;
    }
  }

  LargeVector<Cell> cells_;  // their number a power of two, at most half of them used
  std::size_t mask_ = 0;
  std::size_t size_ = 0;
};

}  // namespace tocsin::match
