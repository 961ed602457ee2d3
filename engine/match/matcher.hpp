// A matcher runs one rule on one shard: it is shown the events that may concern the rule, in order, and
// reports matches. All matchers give the same matches; which one serves a rule is decided by choose().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/limits.hpp"
#include "engine/match/counters.hpp"
#include "engine/match/instant.hpp"
#include "engine/match/key_space.hpp"
#include "engine/match/program.hpp"
#include "engine/model/match.hpp"

namespace tocsin::match {

class WindowStore;
/// By WindowStore::hash_of() the first program.
using WindowStores = std::unordered_multimap<std::uint64_t, std::shared_ptr<WindowStore>>;

/// A match, or a run that its bound ended unfinished.
struct Completion {
  std::span<const model::MatchedEvent> events;  // in order; valid during the call
  std::int64_t at_ns = 0;                       // the time of the last event, or of the timer
  std::uint64_t group = 0;  // at a timer: the order of the last event of what ended first in
                            // this partition; else of the event that completed it
  bool timeout = false;
  const Totals* totals = nullptr;      // under `report total`; `events` is then the last one alone
  const WindowView* window = nullptr;  // of a rule with a window; `events` is then the event at hand
};

/// Where a matcher puts its matches.
class Output {
 public:
  virtual ~Output() = default;
  virtual void report(const Program& program, const Completion& completion) = 0;

  /// The number of the visit at hand, which Matcher::visit_all() counts on.
  std::uint32_t at_hand = 0;
};

/// What a matcher may ask the memory for before it is shown an event: each needs what the one before brought.
enum class PrefetchStage : std::uint8_t { key, cells, nodes };

class Matcher {
 public:
  virtual ~Matcher() = default;

  /// Where it looks up the keys of the events that it is shown; null where it looks up none.
  virtual KeySpace* key_space() { return nullptr; }

  /// Shows the next event of the rule's stream; the arguments are as in Visit. `order` is the same on all
  /// shards. The key at hand in its key space is the event's.
  virtual void visit(model::EventView event, std::uint64_t order, std::uint64_t steps, Output& output) = 0;

  /// Shows several events that come one after the other, with no timer between them. `keys` is its key space.
  /// Where visits are many it is this that a matcher makes its own, so that they are one loop.
  virtual void visit_all(std::span<const Visit> visits, KeySpace* keys, Output& output) {
    show_all(*this, visits, keys, output);
  }

  /// Soon it will be shown these events, whose keys were looked up ahead in `keys`. Changes nothing.
  virtual void prefetch_all(std::span<const Visit> visits, const KeySpace& keys, PrefetchStage stage) const {
    prefetch_each(*this, visits, keys, stage);
  }
  /// The same for one of them, whose key has this slot in the key space.
  virtual void prefetch(model::EventView, std::uint32_t /*slot*/, PrefetchStage) const {}
  /// How many of these stages it has a use for, in their order.
  virtual unsigned prefetch_stages() const { return 0; }

  /// The next timer, `never` where there is none. Timers run in order of their instants, before any event
  /// that these precede.
  virtual Instant next_timer() const { return never; }
  /// Runs the timers of next_timer().
  virtual void run_timers(Output&) {}

  /// What it holds. Constant time.
  virtual RuleState state() const { return {}; }
  /// Drops and counts its oldest runs until it holds no more than `nodes`, as far as slabs go.
  virtual void shrink(std::size_t /*nodes*/) {}

  virtual RuleCounters counters() const = 0;

 protected:
  // What visit_all() and prefetch_all() do; for a final class without virtual calls.
  template <class Self>
  static void show_all(Self& self, std::span<const Visit> visits, KeySpace* keys, Output& output) {
    for (const Visit& each : visits) {
      if (keys) keys->come_to(each.key);
      self.visit(each.event, each.order, each.steps, output);
      ++output.at_hand;
    }
  }
  template <class Self>
  static void prefetch_each(const Self& self, std::span<const Visit> visits, const KeySpace& keys,
                            PrefetchStage stage) {
    for (const Visit& each : visits)
      self.prefetch(each.event, keys.slot_ahead(each.key), stage);
  }
};

/// Sets program.matcher and program.matcher_reason.
void choose(Program& program, MatcherChoice choice);

/// What matchers of one shard share; it must outlive them.
struct Resources {
  const Limits& limits;
  Scratch& scratch;
  KeySpace& keys;         // of all rules with this one's partition
  WindowStores& windows;  // of the rules of its layer that are set up together: the same windows are shared
};

/// The matcher chosen. All of `resources` but the list of windows must outlive it.
std::unique_ptr<Matcher> make_matcher(std::shared_ptr<const Program> program, const Resources& resources);

}  // namespace tocsin::match
