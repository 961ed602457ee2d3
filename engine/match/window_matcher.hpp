// Thresholds on windows: the rule's condition, looked at whenever its window changes, and what it means that
// it becomes true or false. The window itself is the WindowStore's, which other rules may share.
//
// `keep` and `for` are deadlines: all of a rule's last equally long, so they stand in queues in order of
// time, and one that an event has made void is told by its number. Tested against the oracle in tests/oracle.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/fifo.hpp"
#include "engine/match/matcher.hpp"
#include "engine/match/window_store.hpp"

namespace tocsin::match {

class WindowMatcher final : public Matcher, private WindowStore::Member {
 public:
  WindowMatcher(std::shared_ptr<const Program> program, const Resources& resources);
  ~WindowMatcher() override;

  KeySpace* key_space() override { return store_.key_space(); }
  void visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) override;
  void visit_all(std::span<const Visit> visits, KeySpace* keys, Output& output) override;
  void prefetch_all(std::span<const Visit> visits, const KeySpace& keys, PrefetchStage stage) const override;
  void prefetch(model::EventView event, std::uint32_t slot, PrefetchStage stage) const override;
  unsigned prefetch_stages() const override;
  Instant next_timer() const override;
  void run_timers(Output& output) override;
  RuleState state() const override { return store_.held(); }
  RuleCounters counters() const override;

 private:
  /// An instant at which the condition is looked at for a key.
  struct Look {
    std::uint32_t slot;
    model::EventView event;  // at hand
    std::int64_t at_ns;
    std::uint64_t group;  // its place among those of one time
    bool arrival;
  };
  /// What is known of a key's condition.
  struct State {
    bool holds = false;           // it counts as true
    std::uint64_t falls = 0;      // the deadline of `keep` under way, 0: none
    std::uint64_t completes = 0;  // that of `for`
  };
  struct Deadline {
    std::int64_t at_ns;
    std::uint64_t number;
    std::uint64_t group;
    std::uint32_t slot;
  };
  /// The window at a look, as expressions read it.
  class View final : public WindowView {
   public:
    View(const WindowMatcher& matcher, const Look& look) : matcher_(matcher), look_(look) {}
    model::Value aggregate(std::uint32_t index) const override;
    std::int64_t start_ns() const override;
    std::int64_t end_ns() const override;

   private:
    const WindowMatcher& matcher_;
    const Look& look_;
  };

  void look_again(std::uint32_t slot) override;
  bool forget(std::uint32_t slot, bool at_once) override;

  State& state_of(std::uint32_t slot) {
    if (slot >= states_.size()) states_.resize(room_for(slot));
    return states_[slot];
  }
  bool is_true(const Look& look) {
    if (store_.count(look.slot) == 0) return false;
    for (const WindowCondition& condition : window_.conditions) {
      const bool holds =
          condition.is_simple
              ? store_.lies_in(condition.range, aggregates_[condition.aggregate], look.slot, look.arrival)
              : holds_otherwise(condition.expression, look);
      if (!holds) return false;
    }
    return true;
  }
  bool holds_otherwise(const Expression& condition, const Look& look) const;
  void change(const Look& look, bool raw, Output& output);
  void fall(const Look& look, State& state, Output& output);
  void fire(const Look& look, Output& output);
  void run_deadlines(std::int64_t now_ns, Output& output);
  Look look_at(const Deadline& deadline) const;

  const Program& program_;
  const WindowProgram& window_;
  Scratch& scratch_;
  const std::shared_ptr<WindowStore> shared_store_;
  WindowStore& store_;
  const std::vector<std::uint32_t> aggregates_;  // the rule's, by their numbers in the store
  LargeVector<State> states_;                    // by slot, of rules that compare with what was before
  Fifo<Deadline> keeps_, waits_;
  std::uint64_t last_number_ = 0;
  std::uint64_t seen_ = 0;  // instants of the store that this rule has looked at
  RuleCounters counters_;
};

}  // namespace tocsin::match
