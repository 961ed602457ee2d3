#include "engine/match/automaton_arcs.hpp"

#include <algorithm>
#include <stdexcept>

namespace tocsin::match {

using plan::Contiguity;

namespace {

// To its like only where that comes behind it: in the next repeat.
bool yields(const Target& loop, const Target& to) {
  const auto is_that = [&](const Entrance& entrance) { return to.is(entrance); };
  return (&loop < &to || !to.is({loop.state, loop.gap})) &&
         std::any_of(loop.yields_to.begin(), loop.yields_to.end(), is_that);
}

// What a run closes to itself when it goes to target `i`: a possessive loop that consumes its event all
// that passes over it, ends too, and whatever comes behind a reluctant loop that loop.
void set_closes(const Targets& targets, std::size_t i, Arc& arc) {
  const bool consumes = arc.contiguity != Contiguity::any;
  for (std::size_t other = 0; other < targets.list.size(); ++other) {
    const Target& target = targets.list[other];
    const bool passes = (target.passes & bit(i)) != 0 && consumes;
    if (passes || yields(target, targets.list[i])) arc.closes |= bit(other);
  }
  for (std::size_t end = 0; end < targets.ends.size(); ++end) {
    if ((targets.ends[end].passes & bit(i)) != 0 && consumes) arc.closes |= bit(targets.list.size() + end);
  }
}

}  // namespace

void AutomatonArcs::refuse() const {
  throw std::runtime_error("rule '" + rule_.name + "': more than " + std::to_string(max_arcs_of_state) +
                           " elements may come next at one place of the pattern");
}

Range AutomatonArcs::add(std::uint16_t from, const Targets& targets) {
  // Behind the bits of the arcs stand those of the ends, where something can close them.
  const std::size_t ends = rule_.after.empty() ? 0 : targets.ends.size();
  if (targets.list.size() + ends > max_arcs_of_state) refuse();
  Range range;
  range.begin = static_cast<std::uint16_t>(program_.arcs.size());
  const std::size_t first_closing = program_.closings.size();
  for (std::size_t i = 0; i < targets.list.size(); ++i) {
    const Target& target = targets.list[i];
    program_.is_ambiguous |=
        std::any_of(targets.list.begin(), targets.list.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const Target& other) { return other.state == target.state; });
    Arc arc;
    arc.from = from;
    arc.to = target.state;
    arc.repeats = target.repeats;
    arc.contiguity = target.gap.contiguity;
    arc.bound_ns = target.gap.bound_ns;
    arc.opens = target.gap.opens;
    arc.barred_by = target.passes;
    for (std::size_t other = 0; other < i; ++other) {
      if (!target.repeats && targets.list[other].is({target.state, target.gap})) arc.twins |= bit(other);
    }
    for (std::size_t other = 0; other < targets.list.size(); ++other) {
      if (yields(target, targets.list[other])) arc.barred_by |= bit(other);
    }
    set_closes(targets, i, arc);
    const std::uint16_t until = watch_of_until_[program_.states[target.state].step];
    if (from == start_state) {
      arc.until = until;
    } else {
      if (until != no_watch) close(first_closing, until, false, true, bit(i));
      for (const plan::Ban& ban : target.gap.bans)
        close(first_closing, static_cast<std::uint16_t>(ban.negation), ban.strict, ban.strict, bit(i));
    }
    program_.arcs.push_back(std::move(arc));
  }
  range.end = static_cast<std::uint16_t>(program_.arcs.size());
  return range;
}

// Adds an arc to those that `watch` closes, in a state whose closings begin at `begin`.
void AutomatonArcs::close(std::size_t begin, std::uint16_t watch, bool strict, bool first,
                          std::uint64_t arc) {
  for (std::size_t i = begin; i < program_.closings.size(); ++i) {
    Closing& closing = program_.closings[i];
    if (closing.watch == watch && closing.strict == strict) {
      closing.arcs |= arc;
      return;
    }
  }
  Closing closing;
  closing.watch = watch;
  closing.arcs = arc;
  closing.strict = strict;
  closing.first = first;
  program_.closings.push_back(closing);
}

void AutomatonArcs::add_absences() {
  for (const auto& absence : rule_.after) {
    Closing closing;
    closing.watch = static_cast<std::uint16_t>(absence.negation);
    closing.absence = true;
    closing.for_ns = absence.for_ns;
    program_.closings.push_back(closing);
  }
}

}  // namespace tocsin::match
