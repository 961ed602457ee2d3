// Which matcher serves a rule, and why: the one place that decides.
#include "engine/match/arena.hpp"
#include "engine/match/grouped.hpp"
#include "engine/match/matcher.hpp"

namespace tocsin::match {

namespace {

/// Filters and projections: every event that satisfies the predicate is a match by itself.
class StatelessMatcher final : public Matcher {
 public:
  explicit StatelessMatcher(const Program& program) : program_(program) {}

  void visit(model::EventView event, std::uint64_t, std::uint64_t steps, Output& output) override {
    ++counters_.events;
    if (steps == 0) return;
    ++counters_.matches;
    const model::MatchedEvent matched{0, event};
    output.report(program_, event, {&matched, 1});
  }
  RuleCounters counters() const override { return counters_; }

 private:
  const Program& program_;
  RuleCounters counters_;
};

// Nothing where grouped runs can serve, else what stands against it.
std::string against_grouped(const Program& program) {
  for (const Step& step : program.steps) {
    if (!step.joined.empty()) {
      return "a condition of step '" + step.name + "' reads events that the run has captured";
    }
  }
  if (unrolled_states(program) > max_unrolled_states) {
    return "its repeats are more than " + std::to_string(max_unrolled_states) + " states";
  }
  return {};
}

}  // namespace

void choose(Program& program, MatcherChoice choice) {
  if (program.steps.empty()) {
    program.matcher = MatcherKind::stateless;
    program.matcher_reason = "each event is a match by itself";
    return;
  }
  const std::string reason = against_grouped(program);
  if (choice == MatcherChoice::arena) {
    program.matcher = MatcherKind::arena;
    program.matcher_reason = "forced";
  } else if (!reason.empty()) {
    program.matcher = MatcherKind::arena;
    program.matcher_reason = reason;
  } else {
    program.matcher = MatcherKind::grouped;
    program.matcher_reason =
        "every condition reads one event alone, so runs that wait for the same step advance together";
  }
}

std::unique_ptr<Matcher> make_matcher(const Program& program, const Limits& limits, Scratch& scratch) {
  switch (program.matcher) {
    case MatcherKind::stateless: return std::make_unique<StatelessMatcher>(program);
    case MatcherKind::grouped: return std::make_unique<GroupedMatcher>(program, limits);
    case MatcherKind::arena: return std::make_unique<ArenaMatcher>(program, limits, scratch);
  }
  return nullptr;
}

}  // namespace tocsin::match
