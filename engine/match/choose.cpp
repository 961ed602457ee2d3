// Which matcher serves a rule, and why: the one place that decides.
#include "engine/match/arena.hpp"
#include "engine/match/contiguous.hpp"
#include "engine/match/grouped.hpp"
#include "engine/match/matcher.hpp"
#include "engine/match/stateless.hpp"
#include "engine/match/total.hpp"
#include "engine/match/window_matcher.hpp"

namespace tocsin::match {

namespace {

// Nothing where grouped runs can serve, else what stands against it.
std::string against_grouped(const Program& program) {
  for (const State& state : program.states) {
    if (!state.joined.conjuncts.empty()) {
      return "a condition of step '" + program.steps[state.step].name +
             "' reads events that the run has captured";
    }
  }
  for (const Watch& watch : program.watches) {
    if (!watch.joined.conjuncts.empty())
      return "a condition of 'not' or 'until' reads events that the run has captured";
  }
  for (const Arc& arc : program.arcs) {
    if (arc.bound_ns != plan::no_bound) return "an edge has a bound of its own";
  }
  for (const Closing& closing : program.closings) {
    if (closing.strict) return "the very next event must not be one";
  }
  if (!program.groups.empty()) return "a group has a bound of its own";
  if (program.has_bars) return "a loop is reluctant or possessive";
  if (program.is_ambiguous) return "one assignment may be found in two ways, as where a group is repeated";
  if (!program.before.empty() || program.is_timed()) return "it waits for time to pass";
  if (program.report == plan::Report::last || program.report == plan::Report::longest)
    return "it reports the last or the longest match";
  if (program.skip != plan::Skip::none && program.skip != plan::Skip::past_last)
    return "a match drops some of the runs";
  if (unrolled_states(program) > max_unrolled_states) {
    return "its repeats are more than " + std::to_string(max_unrolled_states) + " states";
  }
  return {};
}

}  // namespace

void choose(Program& program, MatcherChoice choice) {
  if (program.window) {
    program.matcher = MatcherKind::window;
    program.matcher_reason = program.window->reason;
    return;
  }
  if (program.steps.empty()) {
    program.matcher = MatcherKind::stateless;
    program.matcher_reason = "each event is a match by itself";
    return;
  }
  if (program.report == plan::Report::total) {
    program.matcher = MatcherKind::total;
    program.matcher_reason = "it reports what all candidates come to, so none is kept";
    return;
  }
  const std::string reason = against_grouped(program);
  if (choice == MatcherChoice::arena) {
    program.matcher = MatcherKind::arena;
    program.matcher_reason = "forced";
  } else if (!reason.empty()) {
    program.matcher = MatcherKind::arena;
    program.matcher_reason = reason;
  } else if (choice == MatcherChoice::automatic && is_contiguous_chain(program)) {
    program.matcher = MatcherKind::contiguous;
    program.matcher_reason =
        "each step is one event right behind the one before, and every condition reads one event alone, so "
        "the runs of a key are a set of bits";
  } else {
    program.matcher = MatcherKind::grouped;
    program.matcher_reason =
        "every condition reads one event alone, so runs that wait for the same step advance together";
  }
}

std::unique_ptr<Matcher> make_matcher(std::shared_ptr<const Program> program, const Resources& resources) {
  switch (program->matcher) {
    case MatcherKind::stateless: return std::make_unique<StatelessMatcher>(*program);
    case MatcherKind::contiguous: return std::make_unique<ContiguousMatcher>(*program, resources);
    case MatcherKind::grouped: return std::make_unique<GroupedMatcher>(*program, resources);
    case MatcherKind::arena: return std::make_unique<ArenaMatcher>(*program, resources);
    case MatcherKind::total: return std::make_unique<TotalMatcher>(*program, resources);
    case MatcherKind::window: return std::make_unique<WindowMatcher>(std::move(program), resources);
  }
  return nullptr;
}

}  // namespace tocsin::match
