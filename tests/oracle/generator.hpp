// Random rule files and streams over a tiny schema. Few keys, few values and many equal times, so that almost
// everything that can meet does. The same seed gives the same case.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/oracle/rule_text.hpp"

namespace tocsin::oracle {

/// A seeded source of choices.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  /// 0 … n - 1. Precondition: n > 0.
  int below(int n) { return int(engine_() % std::uint64_t(n)); }
  bool chance(int percent) { return below(100) < percent; }
  template <class Element>
  const Element& pick(const std::vector<Element>& list) {
    return list[std::size_t(below(int(list.size())))];
  }
  std::string pick(std::initializer_list<const char*> list) { return list.begin()[below(int(list.size()))]; }

 private:
  std::mt19937_64 engine_;
};

/// Rules of every kind that the language has, up to three, which may feed each other, and a short stream.
Case random_case(std::uint64_t seed);

/// Rules with wide windows, and a stream of some hundreds of events with more keys and values.
Case wide_window_case(std::uint64_t seed);

}  // namespace tocsin::oracle
