// What the run arena keeps of each key of a rule beside its runs, in one record of a few words, so that an
// event mostly meets one cache line of it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "engine/base/large_memory.hpp"
#include "engine/base/prefetch.hpp"
#include "engine/match/slab_ring.hpp"

namespace tocsin::match {

class KeyRecords {
 public:
  /// Records with `times` times and `buckets` buckets.
  KeyRecords(std::size_t times, std::size_t buckets)
      : times_(times), buckets_(buckets), words_(std::max<std::size_t>(4, 2 + times + buckets)) {
    if (words_ <= 8) words_ = std::bit_ceil(words_);  // so that none lies across two lines
  }

  /// Events of the key's stream so far.
  std::uint64_t& position(std::uint32_t slot) { return record(slot)[0]; }
  std::uint64_t position(std::uint32_t slot) const { return record(slot)[0]; }
  /// Runs that started at or before this event are dropped.
  std::uint64_t& reset_order(std::uint32_t slot) { return record(slot)[1]; }
  std::uint64_t reset_order(std::uint32_t slot) const { return record(slot)[1]; }
  /// When an event of Program::before[i] last came, INT64_MIN where none did.
  std::int64_t time(std::uint32_t slot, std::size_t i) const {
    return static_cast<std::int64_t>(record(slot)[2 + i]);
  }
  void set_time(std::uint32_t slot, std::size_t i, std::int64_t time_ns) {
    record(slot)[2 + i] = static_cast<std::uint64_t>(time_ns);
  }
  Id& bucket(std::uint32_t slot, std::size_t i) { return record(slot)[2 + times_ + i]; }
  Id bucket(std::uint32_t slot, std::size_t i) const { return record(slot)[2 + times_ + i]; }
  std::size_t buckets() const { return buckets_; }
  std::size_t bytes_per_key() const { return 8 * words_; }

  std::size_t size() const { return items_.size() / words_; }
  /// There are at least `size` records afterwards.
  void grow(std::size_t size) {
    const std::size_t before = this->size();
    if (size <= before) return;
    items_.resize(size * words_);
    for (std::size_t slot = before; slot < size; ++slot)
      clear(static_cast<std::uint32_t>(slot));
  }
  void clear(std::uint32_t slot) {
    position(slot) = 0;
    reset_order(slot) = 0;
    for (std::size_t i = 0; i < times_; ++i)
      set_time(slot, i, INT64_MIN);
    for (std::size_t i = 0; i < buckets_; ++i)
      bucket(slot, i) = none;
  }
  void prefetch(std::uint32_t slot) const { tocsin::prefetch(record(slot)); }

 private:
  std::uint64_t* record(std::uint32_t slot) { return items_.data() + slot * words_; }
  const std::uint64_t* record(std::uint32_t slot) const { return items_.data() + slot * words_; }

  std::size_t times_;
  std::size_t buckets_;
  std::size_t words_;  // of a record
  LargeVector<std::uint64_t> items_;
};

}  // namespace tocsin::match
