// Percentiles of values that come and go. Up to 1,024 values are kept in order, and the answer is exact.
// Beyond that values are counted in buckets whose bounds grow by 2 %, so that the answer is within 1 % of a
// value of that rank: DDSketch (Masson, Rim, Lee: "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
// Relative-Error Guarantees", PVLDB 12, 2019), from which a value is taken out as it was put in. A cursor for
// each percentile stands at its bucket and moves as values come and go, so that asking is amortised constant.
#pragma once

#include <cstdint>
#include <vector>

namespace tocsin::match {

class Quantiles {
 public:
  static constexpr std::size_t most_exact = 1024;

  /// Values that are no number are left out. At most linear in most_exact, then constant.
  void add(double value);
  /// `value` must have been added.
  void remove(double value);
  void clear();
  bool empty() const { return count_ == 0; }
  std::uint64_t count() const { return count_; }

  /// The percentile, 0 < percent <= 100. `cursor` numbers those that are asked for, from 0.
  /// Precondition: not empty.
  double percentile(double percent, std::uint32_t cursor);

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
  void change(double value, std::uint32_t by);
  std::uint32_t count_of(std::int32_t bucket) const {
    return bucket == 0 ? zeros_ : bucket > 0 ? positive_.count(bucket) : negative_.count(-bucket);
  }
  std::int32_t next_bucket(std::int32_t bucket, std::int32_t by) const;

  std::vector<double> sorted_;
  bool exact_ = true;
  std::uint64_t count_ = 0;
  // Buckets are numbered in order of their values: 0 holds 0, negative numbers negative values.
  Side positive_, negative_;
  std::uint32_t zeros_ = 0;
  std::vector<Cursor> cursors_;
};

}  // namespace tocsin::match
