// What follows from a pattern's shape alone: how few events match it, which step may be the last, which is
// never taken, and how large it is once unrolled.
#include <algorithm>
#include <limits>

#include "dsl/lower.hpp"

namespace tocsin::dsl {

using plan::PatternNode;
using NodeKind = plan::PatternNode::Kind;

namespace {

std::uint64_t times(std::uint64_t left, std::uint64_t right, std::uint64_t most) {
  return left != 0 && right > most / left ? most : std::min(left * right, most);
}

std::vector<std::uint32_t> all_steps(const PatternNode& node) {
  if (node.kind == NodeKind::step) return {node.step};
  std::vector<std::uint32_t> out;
  for (const PatternNode& child : node.children) {
    const auto steps = all_steps(child);
    out.insert(out.end(), steps.begin(), steps.end());
  }
  return out;
}

}  // namespace

std::uint64_t LoweredPattern::least_events(const PatternNode& node) const {
  constexpr auto most = std::numeric_limits<std::uint32_t>::max();
  if (node.kind == NodeKind::step) return steps.empty() ? 0 : steps[node.step].quantifier.min;
  const bool either = node.kind == NodeKind::alternation;
  std::uint64_t least = either ? most : 0;
  for (const PatternNode& child : node.children) {
    least = either ? std::min(least, least_events(child)) : least + least_events(child);
  }
  return times(least, node.quantifier.min, most);
}

std::vector<std::uint32_t> LoweredPattern::last_steps(const PatternNode& node, bool shortest) const {
  if (node.kind == NodeKind::step) return {node.step};
  std::vector<std::uint32_t> out;
  for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
    const bool skippable = least_events(*child) == 0;
    if (node.kind == NodeKind::alternation || !skippable || !shortest) {
      const auto last = last_steps(*child, shortest);
      out.insert(out.end(), last.begin(), last.end());
    }
    if (node.kind == NodeKind::sequence && !skippable) break;
  }
  return out;
}

std::vector<std::uint32_t> LoweredPattern::idle_steps(const PatternNode& node) const {
  std::vector<std::uint32_t> out;
  // What ends one repeat of a group may come before the next, and what ends an operand of `&` before another.
  if (node.quantifier.min > 1 || node.kind == NodeKind::permutation) return out;
  if (node.kind == NodeKind::alternation) {
    for (const PatternNode& child : node.children) {
      const auto idle = idle_steps(child);
      out.insert(out.end(), idle.begin(), idle.end());
    }
  }
  if (node.kind != NodeKind::sequence) return out;
  for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
    const bool skippable = least_events(*child) == 0;
    const auto idle = skippable ? all_steps(*child) : idle_steps(*child);
    out.insert(out.end(), idle.begin(), idle.end());
    if (!skippable) break;
  }
  return out;
}

std::uint64_t LoweredPattern::states(const PatternNode& node) const {
  if (node.kind == NodeKind::step) return 1;
  std::uint64_t sum = 0;
  for (const PatternNode& child : node.children)
    sum += states(child);
  if (node.kind == NodeKind::permutation) {
    sum = times(sum, std::uint64_t{1} << (node.children.size() - 1), many_states);
  }
  const auto& quantifier = node.quantifier;
  const auto copies = quantifier.max == plan::unbounded ? std::max(quantifier.min, 1U) : quantifier.max;
  return times(sum, copies, many_states);
}

}  // namespace tocsin::dsl
