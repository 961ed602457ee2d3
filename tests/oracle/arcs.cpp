// Goes through the pattern's tree up to the next steps; what is behind them waits in closures.
#include "tests/oracle/arcs.hpp"

#include <memory>
#include <utility>

namespace tocsin::oracle {

using plan::Loop;
using plan::PatternNode;
using plan::Quantifier;
using plan::Rule;

namespace {

/// Goes on behind an element: the way so far, the number of events in the run, where to put the arcs.
using Next = std::shared_ptr<const std::function<void(Way, std::size_t, Arcs&)>>;

template <class Function>
Next next_by(Function function) {
  return std::make_shared<const std::function<void(Way, std::size_t, Arcs&)>>(std::move(function));
}

void group(const Rule& rule, const PatternNode& pattern, std::uint32_t taken, Way way, std::size_t size,
           const Next& next, Arcs& out);
void repeats(const Rule& rule, std::uint32_t step, std::uint32_t taken, Way way, std::size_t size,
             const Next& next, Arcs& out);

void node(const Rule& rule, const PatternNode& pattern, Way way, std::size_t size, const Next& next,
          Arcs& out) {
  if (pattern.kind == PatternNode::Kind::step) {
    repeats(rule, pattern.step, 0, std::move(way), size, next, out);
  } else {
    group(rule, pattern, 0, std::move(way), size, next, out);
  }
}

/// The children from `index` on. Each has its own edge, but the first, which has that of the group.
void sequence(const Rule& rule, const PatternNode& pattern, std::size_t index, Way way, std::size_t size,
              const Next& next, Arcs& out) {
  if (index == pattern.children.size()) return (*next)(std::move(way), size, out);
  if (index > 0) {
    const plan::Edge& edge = pattern.edges[index];
    way.edge.contiguity = edge.contiguity;
    way.edge.bound_ns = edge.bound_ns;
    way.edge.bans.insert(way.edge.bans.end(), edge.bans.begin(), edge.bans.end());
  }
  const auto rest = [&rule, &pattern, index, next](Way behind, std::size_t now, Arcs& to) {
    sequence(rule, pattern, index + 1, std::move(behind), now, next, to);
  };
  node(rule, pattern.children[index], std::move(way), size, next_by(rest), out);
}

using Children = std::vector<const PatternNode*>;

/// The children that are left, in every order, that of the text first. Optional ones may be skipped where
/// they would stand, but taking any is preferred. The edge before the permutation is that of its first event;
/// of what is skipped no edge is passed.
void permutation(const Rule& rule, const Children& left, const Way& way, std::size_t size, const Next& next,
                 Arcs& out) {
  if (left.empty()) return (*next)(way, size, out);
  const auto behind = [&](std::size_t index, bool skipped) {
    Children others = left;
    others.erase(others.begin() + std::ptrdiff_t(index));
    return next_by([&rule, others, size, next, skipped, way](Way passed, std::size_t now, Arcs& to) {
      if (now == size) {
        if (skipped) permutation(rule, others, way, now, next, to);  // else the other pass does this
        return;
      }
      passed.edge.contiguity = plan::Contiguity::relaxed;
      passed.edge.bound_ns = plan::no_bound;
      permutation(rule, others, passed, now, next, to);
    });
  };
  for (std::size_t i = 0; i < left.size(); ++i)
    node(rule, *left[i], way, size, behind(i, false), out);
  Way skipping = way;
  skipping.skips = true;
  for (std::size_t i = 0; i < left.size(); ++i)
    node(rule, *left[i], skipping, size, behind(i, true), out);
}

/// One run through a group.
void body(const Rule& rule, const PatternNode& pattern, const Way& way, std::size_t size, const Next& next,
          Arcs& out) {
  switch (pattern.kind) {
    case PatternNode::Kind::step: return repeats(rule, pattern.step, 0, way, size, next, out);
    case PatternNode::Kind::sequence: return sequence(rule, pattern, 0, way, size, next, out);
    case PatternNode::Kind::alternation:
      for (const PatternNode& child : pattern.children)
        node(rule, child, way, size, next, out);
      return;
    case PatternNode::Kind::permutation: {
      Children children;
      for (const PatternNode& child : pattern.children)
        children.push_back(&child);
      return permutation(rule, children, way, size, next, out);
    }
  }
}

/// The group has been run through `taken` times: first once more, where it may, then what follows. A repeat
/// that takes nothing is the same as none; it counts only where a repeat is still owed.
void group(const Rule& rule, const PatternNode& pattern, std::uint32_t taken, Way way, std::size_t size,
           const Next& next, Arcs& out) {
  const Quantifier& quantifier = pattern.quantifier;
  const bool bounded = pattern.within_ns != plan::no_bound;
  const bool owed = taken < quantifier.min;
  if (taken < quantifier.max) {
    Way inner = way;
    if (taken > 0) {
      inner.edge.contiguity = quantifier.mode;
      inner.edge.bound_ns = quantifier.gap_ns;
    }
    if (bounded) inner.spans.push_back({pattern.within_ns, size});
    const auto rest = [&rule, &pattern, taken, size, next, bounded, owed, way](Way behind, std::size_t now,
                                                                               Arcs& to) {
      if (bounded) behind.spans.pop_back();
      if (now > size) {
        group(rule, pattern, taken + 1, std::move(behind), now, next, to);
      } else if (owed) {
        (*next)(std::move(behind), now, to);
      } else if (behind.probes) {
        Way outside = way;
        outside.probes = true;
        (*next)(std::move(outside), now, to);
      }
    };
    body(rule, pattern, inner, size, next_by(rest), out);
  }
  if (!owed) (*next)(std::move(way), size, out);
}

/// The step has taken `taken` events of this loop: first one more, where it may, then what follows.
void repeats(const Rule& rule, std::uint32_t step, std::uint32_t taken, Way way, std::size_t size,
             const Next& next, Arcs& out) {
  const Quantifier& quantifier = rule.steps[step].quantifier;
  const bool may_leave = taken >= quantifier.min;
  Arc again{.end = false, .step = step, .way = way, .instead = {}, .then = {}};
  if (taken > 0) {
    again.way.edge.contiguity = quantifier.mode;
    again.way.edge.bound_ns = quantifier.gap_ns;
  }
  if (taken < quantifier.max) {
    again.then = [&rule, step, taken, spans = way.spans, next](std::size_t now, Arcs& to) {
      repeats(rule, step, taken + 1, {.edge = {}, .held = {}, .spans = spans}, now, next, to);
    };
    if (quantifier.loop == Loop::reluctant && may_leave) {
      Way left = way;
      left.probes = true;
      (*next)(std::move(left), size, again.instead);
    }
    if (!way.skips) out.push_back(again);
  }
  if (!may_leave) return;
  if (quantifier.loop == Loop::possessive && taken < quantifier.max) way.held.push_back(std::move(again));
  (*next)(std::move(way), size, out);
}

}  // namespace

Arcs first_arcs(const Rule& rule) {
  Arcs out;
  const auto end = [](Way way, std::size_t, Arcs& to) {
    to.push_back({.end = true, .step = 0, .way = std::move(way), .instead = {}, .then = {}});
  };
  node(rule, rule.pattern, {}, 0, next_by(end), out);
  return out;
}

}  // namespace tocsin::oracle
