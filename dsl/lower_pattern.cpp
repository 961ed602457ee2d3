// Patterns: the tree of steps, flattened so that no sequence stands in a sequence and no alternation in an
// alternation, and what follows from its shape alone.
#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "dsl/lower.hpp"

namespace tocsin::dsl {

using plan::PatternNode;
using NodeKind = plan::PatternNode::Kind;

namespace {

constexpr std::size_t max_steps = 64;
constexpr std::uint64_t max_repeats = 1'000'000;

plan::Contiguity contiguity_of(ast::Contiguity contiguity) {
  switch (contiguity) {
    case ast::Contiguity::strict: return plan::Contiguity::strict;
    case ast::Contiguity::any: return plan::Contiguity::any;
    case ast::Contiguity::relaxed: break;
  }
  return plan::Contiguity::relaxed;
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

class PatternLowerer {
 public:
  explicit PatternLowerer(Symbols& symbols) : symbols_(symbols) {}

  LoweredPattern lower(const ast::Pattern& pattern) {
    result_.root = node(pattern);
    if (result_.sound && result_.least_events(result_.root) == 0) {
      symbols_.error(pattern.span, "this pattern can match nothing at all",
                     "make one of its steps match at least once");
    }
    return std::move(result_);
  }

 private:
  PatternNode node(const ast::Pattern& pattern) {
    if (pattern.kind == ast::Pattern::Kind::step) return step(pattern);
    if (pattern.quantifier) {
      symbols_.error(pattern.quantifier->span, "a quantifier on a group is not supported yet");
    }
    const bool sequence = pattern.kind == ast::Pattern::Kind::sequence;
    PatternNode out;
    out.kind = sequence ? NodeKind::sequence : NodeKind::alternation;
    const auto alternation = alternations_;
    if (!sequence) ++alternations_;
    for (std::uint32_t i = 0; i < pattern.children.size(); ++i) {
      if (!sequence) path_.emplace_back(alternation, i);
      PatternNode child = node(pattern.children[i]);
      if (!sequence) path_.pop_back();
      const auto edge =
          i < pattern.edges.size() ? contiguity_of(pattern.edges[i]) : plan::Contiguity::relaxed;
      if (child.kind == out.kind) {
        for (std::size_t j = 0; j < child.children.size(); ++j) {
          if (sequence) out.edges.push_back(j == 0 ? edge : child.edges[j]);
          out.children.push_back(std::move(child.children[j]));
        }
      } else {
        if (sequence) out.edges.push_back(edge);
        out.children.push_back(std::move(child));
      }
    }
    if (out.children.size() == 1) return std::move(out.children.front());
    return out;
  }

  PatternNode step(const ast::Pattern& pattern) {
    PatternNode out;
    out.step = static_cast<std::uint32_t>(result_.steps.size());
    if (result_.steps.size() == max_steps) {
      if (result_.sound)
        symbols_.error(pattern.span, fmt::format("a pattern has at most {} steps", max_steps));
      result_.sound = false;
      out.step = 0;
      return out;
    }
    StepInfo info;
    info.span = pattern.name ? pattern.name->span : pattern.type.span;
    info.type = symbols_.require_type(pattern.type);
    info.alternatives = path_;
    if (pattern.quantifier) info.quantifier = quantifier(*pattern.quantifier);
    if (pattern.name) info.name = step_name(*pattern.name);
    result_.steps.push_back(std::move(info));
    result_.sources.push_back(&pattern);
    return out;
  }

  std::string step_name(const ast::Name& name) {
    if (name.text == "prev") {
      symbols_.error(name.span, "'prev' is not a name for a step: it means the event before");
      return "";
    }
    for (const StepInfo& other : result_.steps) {
      if (other.name != name.text) continue;
      symbols_.error(name.span, fmt::format("step '{}' is named twice", name.text),
                     fmt::format("first named at {}", symbols_.place(other.span)));
      return "";
    }
    return name.text;
  }

  plan::Quantifier quantifier(const ast::Quantifier& written) {
    const auto fail = [&](std::string message, std::string hint = {}) {
      symbols_.error(written.span, std::move(message), std::move(hint));
      return plan::Quantifier{};
    };
    const std::uint64_t max = written.max.value_or(plan::unbounded);
    if (written.min > max_repeats || (written.max && max > max_repeats)) {
      return fail(fmt::format("a step repeats at most {} times", max_repeats),
                  "leave the end open, as in {3..}");
    }
    if (max == 0) return fail("a step that is taken 0 times says nothing");
    if (written.min > max) return fail(fmt::format("{} repeats at least, but {} at most", written.min, max));
    return {.min = static_cast<std::uint32_t>(written.min),
            .max = static_cast<std::uint32_t>(max),
            .mode = contiguity_of(written.mode.value_or(ast::Contiguity::relaxed))};
  }

  Symbols& symbols_;
  LoweredPattern result_;
  std::uint32_t alternations_ = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> path_;
};

}  // namespace

std::uint64_t LoweredPattern::least_events(const PatternNode& node) const {
  if (node.kind == NodeKind::step) return steps.empty() ? 0 : steps[node.step].quantifier.min;
  const bool sequence = node.kind == NodeKind::sequence;
  std::uint64_t least = sequence ? 0 : std::numeric_limits<std::uint64_t>::max();
  for (const PatternNode& child : node.children) {
    least = sequence ? least + least_events(child) : std::min(least, least_events(child));
  }
  return least;
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

LoweredPattern lower_pattern(Symbols& symbols, const ast::Pattern& pattern) {
  return PatternLowerer(symbols).lower(pattern);
}

}  // namespace tocsin::dsl
