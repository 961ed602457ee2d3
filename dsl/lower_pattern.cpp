// Patterns: the tree of steps, flattened so that no plain sequence stands in a sequence and no plain
// alternation in an alternation; each `not` moved to the edge that it guards, or to the pattern's begin or
// end. Quantifiers and edges by themselves are in lower_loop.cpp; what follows from the shape alone is in
// pattern_shape.cpp.
#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "dsl/lower.hpp"

namespace tocsin::dsl {

using model::EventTypeId;
using plan::PatternNode;
using AstKind = ast::Pattern::Kind;
using NodeKind = plan::PatternNode::Kind;

namespace {

constexpr std::size_t max_steps = 64;
constexpr std::size_t max_negations = 16;
constexpr std::size_t max_bits = 64;  // steps, negations and untils together
constexpr std::size_t max_operands = 6;
constexpr std::uint64_t max_states = 1000;

/// Neither a quantifier nor a bound of its own.
bool is_plain(const PatternNode& node) {
  return node.quantifier == plan::Quantifier{} && node.within_ns == plan::no_bound;
}

bool is_plain_step(const ast::Pattern& pattern) {
  return pattern.kind == AstKind::step && !pattern.quantifier && !pattern.until;
}

bool is_negation(const ast::Pattern& pattern) {
  return pattern.kind == AstKind::negation;
}

class PatternLowerer {
 public:
  PatternLowerer(Symbols& symbols, const std::vector<EventTypeId>& any_types)
      : symbols_(symbols), any_types_(any_types) {}

  LoweredPattern lower(const ast::Pattern& pattern) {
    if (is_negation(pattern)) {
      fail(pattern, "a pattern needs a step", "as in A -> not B for 30s");
      return std::move(result_);
    }
    result_.root = element(pattern, true);
    if (!result_.sound) return std::move(result_);
    if (result_.steps.size() + result_.negations.size() + untils_ > max_bits) {
      fail(pattern,
           fmt::format("the steps, 'not' and 'until' of a pattern are at most {} together", max_bits));
    } else {
      check_shape(pattern);
    }
    return std::move(result_);
  }

 private:
  void error(Span span, std::string message, std::string hint = {}) {
    symbols_.error(span, std::move(message), std::move(hint));
  }

  /// An error after which the steps are not all there.
  void fail(const ast::Pattern& at, std::string message, std::string hint = {}) {
    if (result_.sound) error(at.span, std::move(message), std::move(hint));
    result_.sound = false;
  }

  void check_shape(const ast::Pattern& pattern) {
    if (result_.least_events(result_.root) == 0) {
      error(pattern.span, "this pattern can match nothing at all",
            "make one of its steps match at least once");
    }
    const auto states = result_.states(result_.root);
    if (states > max_states) {
      error(
          pattern.span,
          fmt::format("this pattern has {}{} states once its groups are unrolled; at most {}",
                      states == many_states ? "over " : "", states, max_states),
          "each counted repeat of a group is a copy of it: repeat fewer, or leave the end open, as in {3..}");
    }
  }

  // Elements.

  PatternNode element(const ast::Pattern& pattern, bool outermost = false) {
    return pattern.kind == AstKind::step ? step(pattern) : group(pattern, outermost && !pattern.grouped);
  }

  PatternNode group(const ast::Pattern& pattern, bool outermost) {
    plan::Quantifier written;
    if (pattern.quantifier) written = lower_quantifier(symbols_, *pattern.quantifier, "group");
    std::int64_t within_ns = plan::no_bound;
    if (pattern.duration) {
      within_ns = lower_duration(symbols_, *pattern.duration, "'within'").value_or(plan::no_bound);
    }
    if (pattern.children.size() == 1 && is_plain_step(pattern.children[0]) && !pattern.duration) {
      PatternNode node = step(pattern.children[0]);  // `(A){3}` is `A{3}`
      if (result_.sound) result_.steps.back().quantifier = written;
      return node;
    }
    const bool in_loop = std::exchange(in_loop_, in_loop_ || written.max > 1);
    if (written.min == 0) choices_.push_back({parts_++, 0});
    PatternNode out = pattern.kind == AstKind::sequence      ? sequence(pattern, outermost)
                      : pattern.kind == AstKind::alternation ? alternation(pattern)
                                                             : permutation(pattern);
    if (written.min == 0) choices_.pop_back();
    in_loop_ = in_loop;
    if (out.children.empty()) {
      fail(pattern, outermost ? "a pattern needs a step" : "a group needs a step",
           outermost ? "as in A -> not B for 30s" : "");
      return out;
    }
    const bool alone = out.children.size() == 1;
    const bool says_nothing = written == plan::Quantifier{} && within_ns == plan::no_bound;
    if (alone && (says_nothing || (out.children[0].kind != NodeKind::step && is_plain(out.children[0])))) {
      PatternNode child = std::move(out.children.front());
      out = std::move(child);
    }
    if (!says_nothing) {
      out.quantifier = written;
      out.within_ns = within_ns;
    }
    return out;
  }

  PatternNode alternation(const ast::Pattern& pattern) {
    PatternNode out;
    out.kind = NodeKind::alternation;
    Branch branch{parts_++, 0};
    for (const ast::Pattern& each : pattern.children) {
      if (is_negation(each)) {
        error(each.span, "'not' is no alternative", "write it before the brackets: -> not B -> (C | D)");
        continue;
      }
      choices_.push_back(branch);
      // In a loop one repeat may take this alternative, and the next another.
      if (!in_loop_) exclusive_.push_back(branch);
      add(out, element(each), {});
      if (!in_loop_) exclusive_.pop_back();
      choices_.pop_back();
      ++branch.number;
    }
    return out;
  }

  PatternNode permutation(const ast::Pattern& pattern) {
    PatternNode out;
    out.kind = NodeKind::permutation;
    if (pattern.children.size() > max_operands) {
      error(pattern.span, fmt::format("'&' joins at most {} elements", max_operands));
    }
    Branch branch{parts_++, 0};
    for (const ast::Pattern& each : pattern.children) {
      if (is_negation(each)) {
        error(each.span, "'not' is no element of '&'", "write it before the brackets: -> not B -> (C & D)");
        continue;
      }
      operands_.push_back(branch);
      out.children.push_back(element(each));
      operands_.pop_back();
      ++branch.number;
    }
    return out;
  }

  // Elements that stand one behind the other, with what must not stand between.

  struct Pending {
    const ast::Pattern* source;
    const ast::Edge* edge;  // before it; null: it is the first
  };

  PatternNode sequence(const ast::Pattern& pattern, bool outermost) {
    PatternNode out;
    out.kind = NodeKind::sequence;
    std::vector<Pending> pending;  // negations since the element before
    for (std::size_t i = 0; i < pattern.children.size(); ++i) {
      const ast::Pattern& child = pattern.children[i];
      const ast::Edge* edge = i > 0 ? &pattern.edges[i] : nullptr;
      if (is_negation(child)) {
        pending.push_back({&child, edge});
        continue;
      }
      plan::Edge lowered;
      if (out.children.empty()) {
        leading(pending, edge, outermost);
      } else {
        lowered = between(pending, *edge);
      }
      pending.clear();
      add(out, element(child), std::move(lowered));
    }
    if (!out.children.empty()) trailing(pending, outermost);
    return out;
  }

  /// As a child of `parent`, or, if it is no more than that, as its children.
  static void add(PatternNode& parent, PatternNode child, plan::Edge edge) {
    const bool is_sequence = parent.kind == NodeKind::sequence;
    if (child.kind != parent.kind || !is_plain(child)) {
      if (is_sequence) parent.edges.push_back(std::move(edge));
      parent.children.push_back(std::move(child));
      return;
    }
    for (std::size_t i = 0; i < child.children.size(); ++i) {
      if (is_sequence) parent.edges.push_back(i == 0 ? std::move(edge) : std::move(child.edges[i]));
      parent.children.push_back(std::move(child.children[i]));
    }
  }

  plan::Edge between(const std::vector<Pending>& negations, const ast::Edge& written) {
    plan::Edge edge = lower_edge(symbols_, written);
    for (const auto& [source, before] : negations) {
      if (source->duration) {
        error(source->duration->span, "'for' goes with a 'not' at the begin or end of the pattern",
              "no event at all may come between two steps; leave out 'for'");
      }
      if (!check_edge_before(*before)) continue;
      const bool strict = before->contiguity == ast::Contiguity::strict;
      if (!strict && edge.contiguity == plan::Contiguity::strict) {
        error(source->span, "between ',' and its step no event stands, so this 'not' says nothing",
              "write '->' behind it, or ',' before it");
      }
      edge.bans.push_back({.negation = negation(*source), .strict = strict});
    }
    return edge;
  }

  bool check_edge_before(const ast::Edge& edge) {
    if (edge.contiguity == ast::Contiguity::any) {
      error(edge.span, "'~>' does not go before 'not'", "write -> not");
    } else if (edge.bound) {
      error(edge.span, "a bound does not go before 'not'", "write it at the edge behind the 'not'");
    } else {
      return true;
    }
    return false;
  }

  void leading(const std::vector<Pending>& negations, const ast::Edge* behind, bool outermost) {
    for (std::size_t i = 0; i < negations.size(); ++i) {
      const ast::Pattern& source = *negations[i].source;
      if (!outermost) {
        error(source.span, "a group does not begin with 'not'", "write it before the brackets");
        continue;
      }
      const ast::Edge& edge = i + 1 < negations.size() ? *negations[i + 1].edge : *behind;
      if (edge.contiguity != ast::Contiguity::relaxed || edge.bound) {
        error(edge.span, "behind a 'not' that begins the pattern stands '->'", "as in not B for 30s -> A");
      }
      absence(source, result_.before, "a 'not' before the first step needs a time",
              "as in not B for 30s -> A");
    }
  }

  void trailing(const std::vector<Pending>& negations, bool outermost) {
    for (const auto& [source, edge] : negations) {
      if (!outermost) {
        error(source->span, "a group does not end with 'not'", "write it behind the brackets");
        continue;
      }
      if (edge->contiguity == ast::Contiguity::strict) {
        error(edge->span, "before a 'not' that ends the pattern stands '->'", "as in A -> not B for 30s");
      } else {
        check_edge_before(*edge);
      }
      absence(*source, result_.after, "a 'not' behind the last step needs a time",
              "as in A -> not B for 30s");
    }
  }

  void absence(const ast::Pattern& source, std::vector<plan::Absence>& out, const char* message,
               const char* hint) {
    if (!source.duration) return error(source.span, message, hint);
    const auto for_ns = lower_duration(symbols_, *source.duration, "'for'");
    out.push_back({.negation = negation(source), .for_ns = for_ns.value_or(0)});
  }

  std::uint32_t negation(const ast::Pattern& pattern) {
    if (result_.negations.size() == max_negations) {
      fail(pattern, fmt::format("a pattern has at most {} 'not'", max_negations));
      return 0;
    }
    auto types = types_of(pattern);
    result_.mentions.push_back({&pattern, types});
    result_.negations.push_back({.source = &pattern,
                                 .types = std::move(types),
                                 .place = static_cast<std::uint32_t>(result_.steps.size())});
    return static_cast<std::uint32_t>(result_.negations.size() - 1);
  }

  // Steps.

  PatternNode step(const ast::Pattern& pattern) {
    PatternNode out;
    out.step = static_cast<std::uint32_t>(result_.steps.size());
    if (result_.steps.size() == max_steps) {
      fail(pattern, fmt::format("a pattern has at most {} steps", max_steps));
      out.step = 0;
      return out;
    }
    StepInfo info;
    info.span = pattern.name ? pattern.name->span : pattern.type.span;
    info.types = types_of(pattern);
    info.in_loop = in_loop_;
    info.choices = choices_;
    info.exclusive = exclusive_;
    info.operands = operands_;
    if (pattern.quantifier) info.quantifier = lower_quantifier(symbols_, *pattern.quantifier, "step");
    if (!operands_.empty() && info.quantifier.loop != plan::Loop::greedy) {
      error(pattern.quantifier->span, "an element of '&' is neither reluctant nor possessive",
            "what follows it may be any other element; leave out the sign behind the quantifier");
    }
    if (pattern.until) {
      ++untils_;
      if (info.quantifier.max == 1) {
        error(pattern.until->span, "'until' ends a loop, and this step is not repeated",
              "give it a quantifier, as in {1..} until […]");
      }
    }
    if (pattern.name) info.name = step_name(*pattern.name);
    result_.mentions.push_back({&pattern, info.types});
    result_.steps.push_back(std::move(info));
    result_.sources.push_back(&pattern);
    return out;
  }

  std::vector<EventTypeId> types_of(const ast::Pattern& pattern) {
    if (pattern.any) return any_types_;
    if (pattern.type.text == "any" && !symbols_.find_type("any")) {
      error(pattern.type.span, "'any' needs a condition", "as in any[true]");
      return {};
    }
    const auto type = symbols_.require_type(pattern.type);
    return type ? std::vector<EventTypeId>{*type} : std::vector<EventTypeId>{};
  }

  std::string step_name(const ast::Name& name) {
    if (name.text == "prev") {
      error(name.span, "'prev' is not a name for a step: it means the event before");
      return "";
    }
    for (const StepInfo& other : result_.steps) {
      if (other.name != name.text) continue;
      error(name.span, fmt::format("step '{}' is named twice", name.text),
            fmt::format("first named at {}", symbols_.place(other.span)));
      return "";
    }
    return name.text;
  }

  Symbols& symbols_;
  const std::vector<EventTypeId>& any_types_;
  LoweredPattern result_;
  std::size_t untils_ = 0;

  // Where we are.
  std::uint32_t parts_ = 0;  // alternations, optional groups and `&` seen so far
  bool in_loop_ = false;
  std::vector<Branch> choices_;
  std::vector<Branch> exclusive_;
  std::vector<Branch> operands_;
};

}  // namespace

LoweredPattern lower_pattern(Symbols& symbols, const ast::Pattern& pattern,
                             const std::vector<EventTypeId>& any_types) {
  return PatternLowerer(symbols, any_types).lower(pattern);
}

}  // namespace tocsin::dsl
