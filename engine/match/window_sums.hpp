// Sums that windows keep up as their events come and go: a value, or all that a pane came to, is added and
// later taken out again, and leaves nothing behind. Integers are summed in 128 bits, floats with what
// rounding loses (compensated.hpp); floats that are not finite are counted apart, as they could not be taken
// out. What the usual sums need stands here, to be part of the loops that it is met in.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "engine/match/compensated.hpp"

namespace tocsin::match {

/// All bits 0 is the sum of nothing.
struct FloatSum {
  Compensated finite;
  std::uint32_t infinite[2];  // how many are +inf, -inf
  std::uint32_t nan;
  std::uint32_t unused;

  void add(double value) {
    if (!std::isfinite(value)) [[unlikely]]
      return count(value, 1);
    finite.add(value);
  }
  void take(double value) {
    if (!std::isfinite(value)) [[unlikely]]
      return count(value, ~std::uint32_t{0});
    finite.add(-value);
  }
  void subtract(const FloatSum& other) {
    finite.subtract(other.finite);
    infinite[0] -= other.infinite[0];
    infinite[1] -= other.infinite[1];
    nan -= other.nan;
  }
  bool is_finite() const { return (infinite[0] | infinite[1] | nan) == 0; }
  double value() const {
    if (is_finite()) return finite.value();
    if (nan > 0 || (infinite[0] > 0 && infinite[1] > 0)) return std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();
    return infinite[0] > 0 ? infinity : -infinity;
  }

 private:
  void count(double value, std::uint32_t step);
};

/// How a sum is kept in the words of a row or a pane. Words of 0 are the sum of nothing.
struct WindowSum {
  enum class Kind : std::uint8_t {
    present,   // how many values there are
    integers,  // 128 bits
    floats,    // a FloatSum, of floats or integers
    squares,   // a Compensated, of what is finite
  };
  Kind kind = Kind::present;
  bool of_floats = false;  // the values are doubles, else 64-bit integers

  static std::uint32_t words(Kind kind) {
    return kind == Kind::present ? 1 : kind == Kind::floats ? sizeof(FloatSum) / 8 : 2;
  }
  double number(std::uint64_t bits) const {
    return of_floats ? std::bit_cast<double>(bits) : static_cast<double>(static_cast<std::int64_t>(bits));
  }

  void add(std::uint64_t* words, std::uint64_t bits) const {
    switch (kind) {
      case Kind::present: ++words[0]; break;
      case Kind::integers: store(words, load(words) + static_cast<std::int64_t>(bits)); break;
      case Kind::floats: reinterpret_cast<FloatSum*>(words)->add(number(bits)); break;
      case Kind::squares: add_square(words, number(bits), false); break;
    }
  }
  void take(std::uint64_t* words, std::uint64_t bits) const {
    switch (kind) {
      case Kind::present: --words[0]; break;
      case Kind::integers: store(words, load(words) - static_cast<std::int64_t>(bits)); break;
      case Kind::floats: reinterpret_cast<FloatSum*>(words)->take(number(bits)); break;
      case Kind::squares: add_square(words, number(bits), true); break;
    }
  }
  /// Takes out another sum, that of a pane.
  void subtract(std::uint64_t* words, const std::uint64_t* other) const {
    switch (kind) {
      case Kind::present: words[0] -= other[0]; break;
      case Kind::integers: store(words, load(words) - load(other)); break;
      case Kind::floats:
        reinterpret_cast<FloatSum*>(words)->subtract(*reinterpret_cast<const FloatSum*>(other));
        break;
      case Kind::squares:
        reinterpret_cast<Compensated*>(words)->subtract(*reinterpret_cast<const Compensated*>(other));
        break;
    }
  }

  /// The sum of integers.
  static __int128 load(const std::uint64_t* words) {
    __int128 value;
    std::memcpy(&value, words, sizeof value);
    return value;
  }

 private:
  static void store(std::uint64_t* words, __int128 value) { std::memcpy(words, &value, sizeof value); }
  static void add_square(std::uint64_t* words, double value, bool out);
};

}  // namespace tocsin::match
