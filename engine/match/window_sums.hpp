// Sums that windows keep up as their events come and go: a value, or all that a pane came to, is added and
// later taken out again, and leaves nothing behind. Integers are summed in 128 bits, floats with what
// rounding loses (compensated.hpp); floats that are not finite are counted apart, as they could not be taken
// out, and not in the sum, as hardly any sum has one. What the usual sums need stands here, to be part of the
// loops that it is met in.
#pragma once

#include <bit>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>

#include "engine/match/compensated.hpp"

namespace tocsin::match {

/// The values in sums of floats that are not finite, by the number that the owner of a sum has for it.
class NonFinite {
 public:
  bool empty() const { return counts_.empty(); }
  /// `value` comes into the sum, or goes. Constant time.
  void add(std::uint64_t sum, double value) { count(sum, value, 1); }
  void take(std::uint64_t sum, double value) { count(sum, value, -1); }
  /// What has come into the sum `part` goes out of `sum`, and `part` is forgotten.
  void subtract(std::uint64_t sum, std::uint64_t part);
  void forget(std::uint64_t sum) { counts_.erase(sum); }
  /// What the sum comes to: nothing where all its values are finite, so that their sum is.
  std::optional<double> value(std::uint64_t sum) const;

 private:
  struct Counts {
    std::uint32_t infinite[2] = {};  // how many are +inf, -inf
    std::uint32_t nan = 0;
    bool is_empty() const { return (infinite[0] | infinite[1] | nan) == 0; }
  };
  void count(std::uint64_t sum, double value, int step);

  boost::unordered_flat_map<std::uint64_t, Counts> counts_;
};

/// How a sum is kept in the words of a row or a pane. Words of 0 are the sum of nothing.
struct WindowSum {
  enum class Kind : std::uint8_t {
    present,   // how many values there are
    integers,  // 128 bits
    floats,    // a Compensated, of floats or integers, of what is finite
    squares,   // the same
  };
  Kind kind = Kind::present;
  bool of_floats = false;  // the values are doubles, else 64-bit integers

  static std::uint32_t words(Kind kind) { return kind == Kind::present ? 1 : 2; }
  double number(std::uint64_t bits) const {
    return of_floats ? std::bit_cast<double>(bits) : static_cast<double>(static_cast<std::int64_t>(bits));
  }

  /// `sum` is the number of this one among those of `others`.
  void add(std::uint64_t* words, std::uint64_t bits, std::uint64_t sum, NonFinite& others) const {
    switch (kind) {
      case Kind::present: ++words[0]; break;
      case Kind::integers: store(words, load(words) + static_cast<std::int64_t>(bits)); break;
      case Kind::floats: {
        const double value = number(bits);
        if (!std::isfinite(value)) [[unlikely]]
          return others.add(sum, value);
        floats(words).add(value);
        break;
      }
      case Kind::squares: add_square(words, number(bits), false); break;
    }
  }
  void take(std::uint64_t* words, std::uint64_t bits, std::uint64_t sum, NonFinite& others) const {
    switch (kind) {
      case Kind::present: --words[0]; break;
      case Kind::integers: store(words, load(words) - static_cast<std::int64_t>(bits)); break;
      case Kind::floats: {
        const double value = number(bits);
        if (!std::isfinite(value)) [[unlikely]]
          return others.take(sum, value);
        floats(words).add(-value);
        break;
      }
      case Kind::squares: add_square(words, number(bits), true); break;
    }
  }
  /// Takes out another sum, that of a pane; not what others are counted of it.
  void subtract(std::uint64_t* words, const std::uint64_t* other) const {
    switch (kind) {
      case Kind::present: words[0] -= other[0]; break;
      case Kind::integers: store(words, load(words) - load(other)); break;
      case Kind::floats:
      case Kind::squares: floats(words).subtract(floats(other)); break;
    }
  }

  /// The sum of floats, of those that are finite.
  static const Compensated& floats(const std::uint64_t* words) {
    return *reinterpret_cast<const Compensated*>(words);
  }
  /// The sum of integers.
  static __int128 load(const std::uint64_t* words) {
    __int128 value;
    std::memcpy(&value, words, sizeof value);
    return value;
  }

 private:
  static Compensated& floats(std::uint64_t* words) { return *reinterpret_cast<Compensated*>(words); }
  static void store(std::uint64_t* words, __int128 value) { std::memcpy(words, &value, sizeof value); }
  static void add_square(std::uint64_t* words, double value, bool out);
};

}  // namespace tocsin::match
