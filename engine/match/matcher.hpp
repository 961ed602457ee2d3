// A matcher runs one rule on one shard: it is shown the events that may concern the rule, in order, and
// reports matches. All matchers give the same matches; which one serves a rule is decided by choose().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/base/limits.hpp"
#include "engine/match/counters.hpp"
#include "engine/match/program.hpp"
#include "engine/model/match.hpp"

namespace tocsin::match {

/// Where a matcher puts its matches.
class Output {
 public:
  virtual ~Output() = default;
  /// `events` in order; the last one is `trigger`. Valid during the call.
  virtual void report(const Program& program, model::EventView trigger,
                      std::span<const model::MatchedEvent> events) = 0;
};

class Matcher {
 public:
  virtual ~Matcher() = default;

  /// Shows the next event of the rule's stream. `order` grows from event to event of the shard; bit i of
  /// `steps` is set where the event satisfies the predicate of step i (bit 0 for a rule without steps).
  virtual void visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) = 0;

  virtual RuleCounters counters() const = 0;
};

/// Sets program.matcher and program.matcher_reason.
void choose(Program& program, MatcherChoice choice);

/// The matcher chosen; `program` and `scratch` must outlive it.
std::unique_ptr<Matcher> make_matcher(const Program& program, const Limits& limits, Scratch& scratch);

}  // namespace tocsin::match
