// Filters and projections: every event that satisfies the predicate is a match by itself. In a header, as
// with many rules most of what a shard does is to call this.
#pragma once

#include <algorithm>

#include "engine/match/matcher.hpp"

namespace tocsin::match {

class StatelessMatcher final : public Matcher {
 public:
  explicit StatelessMatcher(const Program& program)
      : program_(program), is_partitioned_(program.partitioned) {}

  void visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) override {
    if (!takes(event, steps)) return;
    const model::MatchedEvent matched{0, event};
    output.report(program_, {{&matched, 1}, event.time_ns(), order, false});
  }
  /// True where the event is a match, which is counted: for whoever reports it without visit().
  bool takes(model::EventView event, std::uint64_t steps) {
    ++counters_.events;
    if (steps == 0 || (is_partitioned_ && !has_keys(event))) return false;
    ++counters_.matches;
    return true;
  }
  RuleCounters counters() const override { return counters_; }

 private:
  // Of a rule with a partition, for `throttle`: an event with a null key belongs to none.
  bool has_keys(model::EventView event) const {
    const auto& fields = program_.keys_of(event.type()).fields;
    return std::none_of(fields.begin(), fields.end(),
                        [&](const auto& field) { return event.is_null(field.index); });
  }

  const Program& program_;  // not looked at for each event: there may be many of them
  const bool is_partitioned_;
  RuleCounters counters_;
};

}  // namespace tocsin::match
