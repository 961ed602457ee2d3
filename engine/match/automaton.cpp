// The automaton of a pattern, found by walking the pattern with its continuation: what may come after the
// element at hand. `enter` lists the states that can take the next event, in order of preference: an element
// before what follows it where it is optional, a left alternative before a right one, a further repeat of a
// group before what follows the group. `visit` gives every state of an element its arcs (automaton_arcs.hpp).
//
// A state is a step at a place: the copy of each repeated group around it, and of each `&` the set of
// elements that came before.
#include <algorithm>
#include <functional>
#include <map>

#include "engine/base/assert.hpp"
#include "engine/match/automaton_arcs.hpp"

namespace tocsin::match {

using plan::Ban;
using plan::Contiguity;
using plan::Loop;
using plan::PatternNode;
using NodeKind = plan::PatternNode::Kind;

namespace {

constexpr std::size_t max_ways = 100'000;

using Bans = std::vector<Ban>;
/// What may come where an element ends, or is skipped; the bans are those passed since the event matched
/// last.
using Then = std::function<void(Targets&, const Bans&)>;
using Place = std::vector<std::uint32_t>;

Bans joined_bans(Bans bans, const Bans& more) {
  for (const Ban& ban : more) {
    if (std::find(bans.begin(), bans.end(), ban) == bans.end()) bans.push_back(ban);
  }
  return bans;
}

void add(const Entrance& entrance, Entrances& to) {
  if (std::find(to.begin(), to.end(), entrance) == to.end()) to.push_back(entrance);
}

Place inside(Place place, std::uint32_t copy) {
  place.push_back(copy);
  return place;
}

bool is_group(const PatternNode& node) {
  return node.kind != NodeKind::step &&
         (node.quantifier != plan::Quantifier{} || node.within_ns != plan::no_bound);
}

class AutomatonBuilder {
 public:
  AutomatonBuilder(const plan::Rule& rule, const model::Catalog& catalog,
                   const std::vector<std::uint16_t>& watch_of_until, Program& program)
      : rule_(rule), catalog_(catalog), program_(program), arcs_(rule, watch_of_until, program) {
    for (const plan::Step& step : rule.steps)
      has_choices_ |= step.quantifier.loop != Loop::greedy;
  }

  void build() {
    const Then end = [this](Targets& out, const Bans&) {
      if (is_no_better_than(out.ends)) return;
      out.ends.push_back({out.list.size(), passed_});
    };
    Targets first;
    enter(rule_.pattern, {}, {}, end, first);
    TOCSIN_ASSERT(first.ends.empty());
    program_.start = arcs_.add(start_state, first);
    visit(rule_.pattern, {}, end);
    for (const auto& absence : rule_.after)
      program_.after_ns = std::max(program_.after_ns, absence.for_ns);
  }

 private:
  // Entering.

  void enter(const PatternNode& node, const Place& place, const Gap& gap, const Then& then, Targets& out) {
    if (node.kind == NodeKind::step) return enter_step(node.step, place, gap, then, out);
    if (is_group(node)) return enter_repeat(node, place, 0, gap, then, out);
    enter_body(node, place, gap, then, out);
  }

  void enter_body(const PatternNode& node, const Place& place, const Gap& gap, const Then& then,
                  Targets& out) {
    switch (node.kind) {
      case NodeKind::step: break;
      case NodeKind::sequence: return enter_from(node, 0, place, gap, then, out);
      case NodeKind::permutation: return enter_rest(node, 0, place, gap, then, out);
      case NodeKind::alternation: {
        // What follows is listed once, for the leftmost alternative that can be empty.
        bool listed = false;
        const Then once = [&](Targets& o, const Bans& bans) {
          if (!listed || tries_all_ways()) then(o, bans);
          listed = true;
        };
        for (const auto& child : node.children)
          enter(child, place, gap, once, out);
      }
    }
  }

  void enter_step(std::uint32_t step, const Place& place, const Gap& gap, const Then& then, Targets& out) {
    const std::uint16_t state = state_of(step, place);
    const auto& quantifier = rule_.steps[step].quantifier;
    // One state may be reached as the next repeat of an inner group and of an outer one, and only the latter
    // begins the outer one's time anew; and one way may be closed by a possessive loop that another does not
    // pass over. So there are as many arcs as there are such ways.
    const Entrance entrance{state, gap};
    if (has_choices_) add(entrance, listed_);
    if (quantifier.min == 0 && quantifier.loop == Loop::reluctant)
      return enter_reluctant(entrance, then, out);
    const auto known = std::find_if(out.list.begin(), out.list.end(), [&](const Target& t) {
      return t.is(entrance) && is_subset(t.passes, passed_);
    });
    const auto own = static_cast<std::size_t>(known - out.list.begin());
    if (known == out.list.end()) add_target(entrance, out);
    if (quantifier.min == 0) pass_over(quantifier.loop, own, then, gap.bans, out);
  }

  // A loop that a group's next repeat begins with yields to less there than in the repeat before, which may
  // be left for that: each has an arc of its own, unless a better one yields to no more.
  void enter_reluctant(const Entrance& entrance, const Then& then, Targets& out) {
    const std::size_t own = out.list.size(), ends = out.ends.size();
    add_target(entrance, out);
    out.list[own].is_left = true;
    pass_over(Loop::reluctant, own, then, entrance.gap.bans, out);
    out.list[own].is_left = false;
    const bool is_last = own + 1 == out.list.size() && ends == out.ends.size();
    const bool is_needless = std::any_of(out.list.begin(), out.list.begin() + std::ptrdiff_t(own),
                                         [&](const Target& t) { return is_better(t, out.list[own]); });
    if (is_last && is_needless) out.list.pop_back();
  }

  void add_target(const Entrance& entrance, Targets& out) {
    if (out.list.size() > 2 * max_arcs_of_state) arcs_.refuse();  // early, as there may be many more
    out.list.push_back({entrance.state, entrance.gap, false, passed_, {}});
  }

  // Of two arcs to one place.
  static bool is_better(const Target& first, const Target& then) {
    const auto yields_too = [&](const Entrance& each) {
      return std::find(then.yields_to.begin(), then.yields_to.end(), each) != then.yields_to.end();
    };
    return !first.is_left && first.is({then.state, then.gap}) && is_subset(first.passes, then.passes) &&
           std::all_of(first.yields_to.begin(), first.yields_to.end(), yields_too);
  }

  // Lists what comes where the loop that is target `own` is left or passed over.
  void pass_over(Loop loop, std::size_t own, const Then& then, const Bans& bans, Targets& out) {
    if (loop == Loop::greedy) return then(out, bans);
    const std::uint64_t passed = passed_;
    if (loop == Loop::possessive) passed_ |= bit(own);
    auto listed = std::exchange(listed_, {});
    then(out, bans);
    for (const Entrance& entrance : listed_) {
      if (loop == Loop::reluctant) add(entrance, out.list[own].yields_to);
      add(entrance, listed);
    }
    listed_ = std::move(listed);
    passed_ = passed;
  }

  // Is the way at hand to the pattern's end closed wherever a known one is?
  bool is_no_better_than(const std::vector<End>& known) const {
    return std::any_of(known.begin(), known.end(),
                       [&](const End& end) { return is_subset(end.passes, passed_); });
  }

  // Which of several ways leads to a target matters only where a loop may be passed over on one of them.
  // There are too many of them to try where it makes no difference, and some patterns have too many at all.
  bool tries_all_ways() { return has_choices_ && ++ways_ < max_ways; }

  void enter_from(const PatternNode& sequence, std::size_t i, const Place& place, const Gap& gap,
                  const Then& then, Targets& out) {
    if (i == sequence.children.size()) return then(out, gap.bans);
    enter(
        sequence.children[i], place, gap,
        [&, i](Targets& o, const Bans& bans) {
          Gap next{Contiguity::relaxed, plan::no_bound, bans, gap.opens};
          if (i + 1 < sequence.edges.size()) next = behind(sequence.edges[i + 1], bans, gap.opens);
          enter_from(sequence, i + 1, place, next, then, o);
        },
        out);
  }

  // `done` repeats of the group are taken. One without an event is none, and nothing in it was passed; but
  // where a repeat is still due, one without an event will do for all that are.
  void enter_repeat(const PatternNode& group, const Place& place, std::uint32_t done, const Gap& gap,
                    const Then& then, Targets& out) {
    const auto& quantifier = group.quantifier;
    const bool is_due = done < quantifier.min;
    const std::uint64_t passed = passed_;
    const Then leave = [&](Targets& o, const Bans& bans) {
      if (is_due) return then(o, bans);
      if (!has_choices_) return;
      Targets aside = o;  // no way on, but what a reluctant loop in the group yields to
      const std::uint64_t passed_inside = std::exchange(passed_, passed);
      then(aside, gap.bans);
      passed_ = passed_inside;
    };
    if (done < quantifier.max) {
      Gap inner = gap;
      if (group.within_ns != plan::no_bound) inner.opens.push_back(group_id(group));
      enter_body(group, inside(place, copy_of(group, done)), inner, leave, out);
    }
    if (!is_due) then(out, gap.bans);
  }

  // The elements of `&` in `before` are taken; any other may be next.
  void enter_rest(const PatternNode& permutation, std::uint32_t before, const Place& place, const Gap& gap,
                  const Then& then, Targets& out) {
    bool rest_is_optional = true;
    const Then skipped = [](Targets&, const Bans&) {};
    for (std::uint32_t i = 0; i < permutation.children.size(); ++i) {
      if (((before >> i) & 1) != 0) continue;
      enter(permutation.children[i], inside(place, before), gap, skipped, out);
      rest_is_optional = rest_is_optional && is_optional(permutation.children[i]);
    }
    if (rest_is_optional) then(out, gap.bans);
  }

  static Gap behind(const plan::Edge& edge, const Bans& passed, std::vector<std::uint16_t> opens) {
    return {edge.contiguity, edge.bound_ns, joined_bans(passed, edge.bans), std::move(opens)};
  }

  // Visiting. `then` is what follows the node.

  void visit(const PatternNode& node, const Place& place, const Then& then) {
    if (node.kind == NodeKind::step) return visit_step(node.step, place, then);
    if (!is_group(node)) return visit_body(node, place, then);
    const bool bounded = node.within_ns != plan::no_bound;
    if (bounded) groups_.push_back(group_id(node));
    program_.is_ambiguous |= node.quantifier.max > 1;
    for (std::uint32_t copy = 0; copy < copies_of(node); ++copy) {
      visit_body(node, inside(place, copy), [&](Targets& out, const Bans& bans) {
        const Gap gap{node.quantifier.mode, node.quantifier.gap_ns, bans, {}};
        enter_repeat(node, place, copy + 1, gap, then, out);
      });
    }
    if (bounded) groups_.pop_back();
  }

  void visit_body(const PatternNode& node, const Place& place, const Then& then) {
    switch (node.kind) {
      case NodeKind::step: break;
      case NodeKind::sequence:
        for (std::size_t i = 0; i < node.children.size(); ++i) {
          visit(node.children[i], place, [&, i](Targets& out, const Bans& bans) {
            if (i + 1 == node.children.size()) return then(out, bans);
            enter_from(node, i + 1, place, behind(node.edges[i + 1], bans, {}), then, out);
          });
        }
        break;
      case NodeKind::alternation:
        for (const auto& child : node.children)
          visit(child, place, then);
        break;
      case NodeKind::permutation: visit_permutation(node, place, then); break;
    }
  }

  void visit_permutation(const PatternNode& node, const Place& place, const Then& then) {
    const std::uint32_t all = (std::uint32_t{1} << node.children.size()) - 1;
    for (std::uint32_t before = 0; before < all; ++before) {
      for (std::uint32_t i = 0; i < node.children.size(); ++i) {
        if (((before >> i) & 1) != 0) continue;
        const std::uint64_t bound = bound_, unbound = unbound_;
        for (std::uint32_t j = 0; j < node.children.size(); ++j) {
          if (((before >> j) & 1) != 0) bound_ |= steps_of(node.children[j], true);
          if (((before >> j) & 1) == 0 && j != i) unbound_ |= steps_of(node.children[j], false);
        }
        visit(node.children[i], inside(place, before), [&](Targets& out, const Bans& bans) {
          enter_rest(node, before | (std::uint32_t{1} << i), place,
                     {Contiguity::relaxed, plan::no_bound, bans, {}}, then, out);
        });
        bound_ = bound;
        unbound_ = unbound;
      }
    }
  }

  void visit_step(std::uint32_t step, const Place& place, const Then& then) {
    const auto& quantifier = rule_.steps[step].quantifier;
    const std::uint16_t state = state_of(step, place);
    Targets next;
    if (quantifier.max > 1) {
      next.list.push_back({state, {quantifier.mode, quantifier.gap_ns, {}, {}}, true, 0, {}});
      pass_over(quantifier.loop, 0, then, {}, next);
    } else {
      then(next, {});
    }
    State& made = program_.states[state];
    made.accepts = !next.ends.empty();
    for (const End& end : next.ends)
      made.end_ranks.push_back(static_cast<std::uint16_t>(end.rank));
    made.groups = groups_;
    made.joined =
        join_conditions(rule_.steps[step].conditions, catalog_, program_.taken_forms(), bound_, unbound_);
    made.closings.begin = static_cast<std::uint16_t>(program_.closings.size());
    made.out = arcs_.add(state, next);
    if (made.accepts) arcs_.add_absences();
    made.closings.end = static_cast<std::uint16_t>(program_.closings.size());
  }

  // Places.

  std::uint16_t state_of(std::uint32_t step, const Place& place) {
    const auto [known, is_new] =
        states_.try_emplace({step, place}, static_cast<std::uint16_t>(program_.states.size()));
    if (is_new) {
      program_.states.emplace_back();
      program_.states.back().step = static_cast<std::uint16_t>(step);
    }
    return known->second;
  }

  std::uint16_t group_id(const PatternNode& group) {
    const auto [known, is_new] =
        group_ids_.try_emplace(&group, static_cast<std::uint16_t>(program_.groups.size()));
    if (is_new) program_.groups.push_back(group.within_ns);
    return known->second;
  }

  // An open group's last copy leads to itself.
  static std::uint32_t copies_of(const PatternNode& group) {
    return group.quantifier.max == plan::unbounded ? std::max(group.quantifier.min, 1u)
                                                   : group.quantifier.max;
  }
  static std::uint32_t copy_of(const PatternNode& group, std::uint32_t done) {
    return std::min(done, copies_of(group) - 1);
  }

  bool is_optional(const PatternNode& node) const {
    const auto optional = [&](const PatternNode& child) { return is_optional(child); };
    if (node.kind == NodeKind::step) return rule_.steps[node.step].quantifier.min == 0;
    if (node.quantifier.min == 0) return true;
    if (node.kind == NodeKind::alternation)
      return std::any_of(node.children.begin(), node.children.end(), optional);
    return std::all_of(node.children.begin(), node.children.end(), optional);
  }

  // As a set. With `certain` those that whoever passes the node must take.
  std::uint64_t steps_of(const PatternNode& node, bool certain) const {
    if (certain && (node.kind == NodeKind::alternation || is_optional(node))) return 0;
    if (node.kind == NodeKind::step) return std::uint64_t{1} << node.step;
    std::uint64_t steps = 0;
    for (const auto& child : node.children)
      steps |= steps_of(child, certain);
    return steps;
  }

  const plan::Rule& rule_;
  const model::Catalog& catalog_;
  Program& program_;
  AutomatonArcs arcs_;
  std::map<std::pair<std::uint32_t, Place>, std::uint16_t> states_;
  std::map<const PatternNode*, std::uint16_t> group_ids_;
  bool has_choices_ = false;           // some loop is reluctant or possessive
  std::size_t ways_ = 0;               // tried so far
  std::uint64_t passed_ = 0;           // possessive loops that the way at hand passes over
  Entrances listed_;                   // met on the ways tried
  std::vector<std::uint16_t> groups_;  // bounded ones around the node at hand
  std::uint64_t bound_ = 0;            // steps known to be taken there
  std::uint64_t unbound_ = 0;          // and known not to be
};

}  // namespace

void build_automaton(const plan::Rule& rule, const model::Catalog& catalog,
                     const std::vector<std::uint16_t>& watch_of_until, Program& program) {
  AutomatonBuilder(rule, catalog, watch_of_until, program).build();
}

}  // namespace tocsin::match
