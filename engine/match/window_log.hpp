// The events that a window holds, as columns in slabs: an entry is a number, and what is known of it stands
// at its place in each column. Entries of a window by time are taken out in the order in which they came, so
// they are a queue in which slabs go round; those of other windows are handed out and given back one by one.
// Either way all steps are constant time, and no memory is asked for once there are as many slabs as needed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/base/fifo.hpp"
#include "engine/base/large_memory.hpp"

namespace tocsin::match {

using Entry = std::uint32_t;  // its number; goes round, at most 2^31 are in use at once
inline constexpr Entry no_entry = 0xFFFFFFFF;

class WindowLog {
 public:
  static constexpr std::uint32_t entries_per_slab = 4096;

  template <class T>
  struct Column {
    std::uint32_t offset = 0;  // in a slab
  };

  /// Before the first entry.
  template <class T>
  Column<T> add_column() {
    return {add_bytes(sizeof(T))};
  }
  /// A column of `bytes` bytes an entry, to be read by byte.
  std::uint32_t add_bytes(std::uint32_t bytes) {
    const std::uint32_t offset = bytes_per_entry_ * entries_per_slab;
    bytes_per_entry_ += bytes;
    return offset;
  }
  std::uint32_t bytes_per_entry() const { return bytes_per_entry_; }

  template <class T>
  T& at(Column<T> column, Entry entry) {
    return reinterpret_cast<T*>(slab(entry) + column.offset)[entry % entries_per_slab];
  }
  template <class T>
  const T& at(Column<T> column, Entry entry) const {
    return reinterpret_cast<const T*>(slab(entry) + column.offset)[entry % entries_per_slab];
  }
  std::uint8_t& byte_at(std::uint32_t offset, std::uint32_t bytes, Entry entry, std::uint32_t index) {
    return reinterpret_cast<std::uint8_t*>(slab(entry) + offset)[entry % entries_per_slab * bytes + index];
  }

  /// Where an entry stands, for those who want several columns of it.
  struct Place {
    std::byte* slab;
    std::uint32_t index;
    template <class T>
    T& at(Column<T> column) const {
      return reinterpret_cast<T*>(slab + column.offset)[index];
    }
  };
  Place place(Entry entry) { return {slab(entry), entry % entries_per_slab}; }

  /// Entries in use.
  std::size_t size() const { return size_; }

  /// Slabs that it has, those among them that wait to be used again.
  std::size_t slabs() const { return slabs_in_use_ + spare_.size(); }

  // As a queue.
  Entry front() const { return head_; }
  /// The one behind the newest.
  Entry end() const { return tail_; }
  Entry push() {
    if (tail_ % entries_per_slab == 0) add_slab();
    ++size_;
    return tail_++;
  }
  /// Takes out the oldest. Precondition: size() > 0.
  void pop() {
    if (++head_ % entries_per_slab == 0) retire_slab(head_ - 1);
    --size_;
  }

  // As a pool.
  Entry take();
  void give_back(Entry entry) {
    free_.push_back(entry);
    --size_;
  }

 private:
  using Slab = LargeBlock<std::uint64_t>;
  std::byte* slab(Entry entry) const {
    return reinterpret_cast<std::byte*>(slabs_[(entry / entries_per_slab) & mask_].data());
  }
  void add_slab();
  void retire_slab(Entry last);

  std::uint32_t bytes_per_entry_ = 0;
  std::vector<Slab> slabs_{1};  // a ring, its length a power of two
  std::uint32_t mask_ = 0;
  std::uint32_t slabs_in_use_ = 0;
  std::vector<Slab> spare_;
  Entry head_ = 0;
  Entry tail_ = 0;
  std::size_t size_ = 0;
  std::vector<Entry> free_;
};

/// A column of numbers that grow from entry to entry of a queue, of which only the first and the last are
/// asked for: each entry keeps the step to it, four bytes; the rare step that is too large is kept apart.
class AscendingColumn {
 public:
  void add_to(WindowLog& log) { steps_ = log.add_column<std::uint32_t>(); }

  /// The entry pushed last has this number.
  void push(WindowLog& log, std::uint64_t number) {
    if (log.size() == 1) {
      first_ = number;
    } else {
      const std::uint64_t step = number - last_;
      log.at(steps_, log.end() - 1) = static_cast<std::uint32_t>(std::min<std::uint64_t>(step, far));
      if (step >= far) far_numbers_.push_back(number);
    }
    last_ = number;
  }
  /// The oldest entry is about to be popped.
  void pop(WindowLog& log) {
    if (log.size() == 1) return;
    const std::uint32_t step = log.at(steps_, log.front() + 1);
    if (step < far) {
      first_ += step;
    } else {
      first_ = far_numbers_.front();
      far_numbers_.pop_front();
    }
  }
  /// Of the oldest and the newest entry. Precondition: there is one.
  std::uint64_t first() const { return first_; }
  std::uint64_t last() const { return last_; }

 private:
  static constexpr std::uint32_t far = 0xFFFFFFFF;

  WindowLog::Column<std::uint32_t> steps_;
  std::uint64_t first_ = 0;
  std::uint64_t last_ = 0;
  Fifo<std::uint64_t> far_numbers_;
};

}  // namespace tocsin::match
