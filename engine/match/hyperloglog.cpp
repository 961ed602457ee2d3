#include "engine/match/hyperloglog.hpp"

#include <bit>
#include <cmath>
#include <limits>

namespace tocsin::match {

namespace {

// The two series of Ertl's estimator, for registers that hold nothing and for those that are full.
double sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double power = 1;
  double sum = x;
  for (double before = -1; before != sum;) {
    x *= x;
    before = sum;
    sum += x * power;
    power += power;
  }
  return sum;
}

double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double power = 1;
  double sum = 1 - x;
  for (double before = -1; before != sum;) {
    x = std::sqrt(x);
    before = sum;
    power *= 0.5;
    sum -= (1 - x) * (1 - x) * power;
  }
  return sum / 3;
}

}  // namespace

std::uint8_t SlidingHyperLogLog::rank_of(std::uint64_t hash) {
  return static_cast<std::uint8_t>(std::countl_zero(hash << register_bits | 1u << (register_bits - 1)) + 1);
}

void SlidingHyperLogLog::add(std::uint32_t key, std::uint32_t entry, std::uint64_t hash) {
  if (key >= registers_.size()) registers_.resize(key + 1);
  const std::uint8_t rank = rank_of(hash);
  std::uint32_t& head = newest_(key, hash >> (64 - register_bits));
  std::uint8_t greatest = 0;
  while (head != 0 && nodes_[head].rank <= rank) {  // it can't become the maximum any more
    greatest = nodes_[head].rank;
    free_.push_back(head);
    head = nodes_[head].older;
  }
  if (head == 0) {
    if (greatest != 0) --registers_[key][greatest];
    ++registers_[key][rank];
  }
  std::uint32_t node = 0;
  if (free_.empty()) {
    node = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  } else {
    node = free_.back();
    free_.pop_back();
  }
  nodes_[node] = {entry, head, rank};
  head = node;
}

void SlidingHyperLogLog::remove(std::uint32_t key, std::uint32_t entry, std::uint64_t hash) {
  const std::uint64_t place = hash >> (64 - register_bits);
  const std::uint32_t head = newest_.find(key, place);
  std::uint32_t younger = 0;
  std::uint32_t node = head;
  while (node != 0 && nodes_[node].entry != entry) {
    younger = node;
    node = nodes_[node].older;
  }
  if (node == 0) return;
  const std::uint32_t older = nodes_[node].older;
  if (older == 0) {  // it was the maximum
    --registers_[key][nodes_[node].rank];
    if (younger != 0) ++registers_[key][nodes_[younger].rank];
  }
  if (younger != 0) {
    nodes_[younger].older = older;
  } else if (older != 0) {
    newest_(key, place) = older;
  } else {
    newest_.erase(key, place);
  }
  free_.push_back(node);
}

std::int64_t SlidingHyperLogLog::estimate(std::uint32_t key) const {
  if (key >= registers_.size()) return 0;
  constexpr double count = 1 << register_bits;
  const auto& ranks = registers_[key];
  double used = 0;
  for (std::size_t rank = 1; rank < most_ranks; ++rank)
    used += ranks[rank];
  if (used == 0) return 0;
  double sum = count * tau(1 - ranks[most_ranks - 1] / count);
  for (std::size_t rank = most_ranks - 2; rank > 0; --rank)
    sum = 0.5 * (sum + ranks[rank]);
  sum += count * sigma(1 - used / count);
  return std::llround(count * count / (2 * std::log(2.0)) / sum);
}

}  // namespace tocsin::match
