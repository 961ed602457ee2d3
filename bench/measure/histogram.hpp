// Counts of values by size, with a relative error that is bounded: Gil Tene's HdrHistogram. Buckets are
// linear within each power of two, so that finding one is a shift and an addition, and two histograms are
// merged by adding their counts.
//
// A value below 2048 has a bucket of its own; of any larger one the upper 11 bits choose the bucket, so that
// what is told differs from what was recorded by less than 1 in 1024. Values beyond `highest` are counted as
// that. Tested in tests/measure/histogram_test.cpp.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tocsin::measure {

class Histogram {
 public:
  static constexpr unsigned precision_bits = 11;
  static constexpr std::uint64_t highest = (std::uint64_t{1} << 42) - 1;  // of ns more than an hour

  Histogram() : counts_(index_of(highest) + 1) {}

  /// Constant time, no allocation.
  void record(std::uint64_t value) {
    value = std::min(value, highest);
    ++counts_[index_of(value)];
    ++total_;
    max_ = std::max(max_, value);
    min_ = std::min(min_, value);
  }
  /// Adds what `other` holds. Linear in the buckets, as is what follows.
  void merge(const Histogram& other);
  void clear() { *this = Histogram(); }

  std::uint64_t total() const { return total_; }
  std::uint64_t max() const { return max_; }                    // exact; 0 where there is none
  std::uint64_t min() const { return total_ == 0 ? 0 : min_; }  // exact
  double mean() const;
  double deviation() const;

  /// The least value such that at least `percent` of all are at most that: the upper end of its bucket, but
  /// never above max(). 0 where there is none. Precondition: 0 <= percent <= 100.
  std::uint64_t at_percentile(double percent) const;

  struct Bucket {
    std::uint64_t upper = 0;  // the largest value that falls into it
    std::uint64_t count = 0;
  };
  /// Those that hold something, in order.
  std::vector<Bucket> buckets() const;

 private:
  static constexpr std::uint64_t half = std::uint64_t{1} << (precision_bits - 1);

  static std::size_t index_of(std::uint64_t value) {
    const auto bits = static_cast<unsigned>(std::bit_width(value | (2 * half - 1)));
    const unsigned shift = bits - precision_bits;
    return static_cast<std::size_t>(shift * half + (value >> shift));
  }
  static std::uint64_t upper_of(std::size_t index) {
    if (index < 2 * half) return index;
    const std::size_t shift = index / half - 1;
    return ((index - shift * half + 1) << shift) - 1;
  }

  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
  std::uint64_t min_ = UINT64_MAX;
};

}  // namespace tocsin::measure
