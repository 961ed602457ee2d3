// About how many different values a window holds: HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007) over
// what comes and goes (Chabchoub, Hebrail: "Sliding HyperLogLog", ICDM Workshops 2010). Of each register are
// kept the values that may yet become its maximum: those that no later one exceeds. The estimate is Ertl's
// ("New cardinality estimation algorithms for HyperLogLog sketches", 2017) from the number of registers of
// each rank, which is kept up to date, so that asking costs the same however many registers there are.
// 4,096 registers: a standard error of 1.6 %. Registers that hold nothing take no room.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/match/value_table.hpp"

namespace tocsin::match {

class SlidingHyperLogLog {
 public:
  /// The key's window holds one more value, with a good hash, as entry `entry`. Amortised constant.
  void add(std::uint32_t key, std::uint32_t entry, std::uint64_t hash);
  /// The entry leaves. Constant on average.
  void remove(std::uint32_t key, std::uint32_t entry, std::uint64_t hash);
  std::int64_t estimate(std::uint32_t key) const;

 private:
  static constexpr int register_bits = 12;
  static constexpr std::size_t most_ranks = 64 - register_bits + 2;  // 0: a register that holds nothing
  struct Node {
    std::uint32_t entry;
    std::uint32_t older;  // the next one of the register, of a greater rank; 0: none
    std::uint8_t rank;
  };
  static std::uint8_t rank_of(std::uint64_t hash);

  std::vector<Node> nodes_{1};
  std::vector<std::uint32_t> free_;
  ValueTable newest_;                                             // by (key, register): its newest node
  std::vector<std::array<std::uint16_t, most_ranks>> registers_;  // by key: how many have each rank but 0
};

}  // namespace tocsin::match
