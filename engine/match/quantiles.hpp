// Percentiles of values that come and go. Up to 1,024 values are kept in order, and the answer is exact.
// Beyond that values are counted in buckets whose bounds grow by 2 %, so that the answer is within 1 % of a
// value of that rank: DDSketch (Masson, Rim, Lee: "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
// Relative-Error Guarantees", PVLDB 12, 2019), from which a value is taken out as it was put in. A cursor for
// each percentile stands at its bucket and moves as values come and go, so that asking is amortised constant.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/match/sorted_blocks.hpp"

namespace tocsin::match {

class Quantiles {
 public:
  static constexpr std::size_t most_exact = SortedBlocks::most;

  /// Values that are no number are left out. Constant time, for all that most_exact is.
  void add(double value);
  /// `value` must have been added.
  void remove(double value);
  void clear();
  bool empty() const { return count() == 0; }
  std::uint64_t count() const { return sketch_ ? sketch_->count : exact_.size(); }

  /// The percentile, 0 < percent <= 100. `cursor` numbers those that are asked for, from 0.
  /// Precondition: not empty.
  double percentile(double percent, std::uint32_t cursor);

  // Ask for the memory that is read when a value comes or goes, and for a percentile: first the head.

  void prefetch_head() const { exact_.prefetch_head(); }
  void prefetch_value(double value) const { exact_.prefetch_block(value); }
  void prefetch_percentile() const { exact_.prefetch_asked(); }

 private:
  /// Counts of the buckets of one sign, by number from `first` on.
  struct Side {
    std::vector<std::uint32_t> counts;
    std::int32_t first = 0;
    std::uint32_t& at(std::int32_t bucket);
    std::uint32_t count(std::int32_t bucket) const;
  };
  struct Cursor {
    std::int32_t bucket = 0;
    std::uint64_t below = 0;  // values in lesser buckets
  };
  struct Sketch {
    std::uint64_t count = 0;
    // Buckets are numbered in order of their values: 0 holds 0, negative numbers negative values.
    Side positive, negative;
    std::uint32_t zeros = 0;
    std::vector<Cursor> cursors;

    void change(double value, std::int32_t by);
    std::uint32_t count_of(std::int32_t bucket) const {
      return bucket == 0 ? zeros : bucket > 0 ? positive.count(bucket) : negative.count(-bucket);
    }
    std::int32_t next_bucket(std::int32_t bucket, std::int32_t by) const;
    double value_at(std::uint64_t rank, std::uint32_t cursor);
  };

  SortedBlocks exact_;
  std::unique_ptr<Sketch> sketch_;  // from more than most_exact values on, until none is left
};

}  // namespace tocsin::match
