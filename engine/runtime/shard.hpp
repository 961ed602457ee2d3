// A shard: the rules' state for a part of the keys, and the code that runs a batch through it. It knows no
// threads: the same code runs inline, under a thread of its own, and in tests.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/limits.hpp"
#include "engine/match/matcher.hpp"
#include "engine/match/predicate_index.hpp"
#include "engine/match/stateless.hpp"
#include "engine/match/throttle.hpp"
#include "engine/match/window_store.hpp"
#include "engine/runtime/batch.hpp"
#include "engine/runtime/rule_set.hpp"

namespace tocsin::runtime {

/// What a shard has done and holds. By rule and table as the plan numbers them.
struct ShardStats {
  std::vector<match::RuleCounters> rules;
  std::vector<match::RuleState> states;
  std::vector<std::uint64_t> dropped_rows;  // by table: at the limit, of the copy that lost most
  std::uint64_t matches = 0;
  std::uint64_t derived = 0;
  std::uint64_t arithmetic_faults = 0;
};

class Shard final : private match::Output {
 public:
  /// `rules` must outlive the shard, or the next replace().
  Shard(const RuleSet& rules, const Limits& limits, bool predicate_index, unsigned number, unsigned shards);
  ~Shard() override;

  /// Between batches: from now on these rules, a continuation of those so far. Rules that stay keep their
  /// state.
  void replace(const RuleSet& rules);

  /// Runs one layer's rules over a batch. Matches go to the batch's log or, with one shard and one layer,
  /// straight to `sink`. Layers of a batch in order, and a layer's batches in order.
  void run_layer(Batch& batch, std::size_t layer, model::MatchSink* sink);

  /// Replaces `stats` by the state of now. Linear in rules and tables.
  void read(ShardStats& stats) const;

 private:
  /// A timed matcher's next timer, where it was last known.
  struct Timer {
    match::Instant at;
    std::uint32_t program;
    friend auto operator<=>(const Timer&, const Timer&) = default;
  };
  using Timers = std::priority_queue<Timer, std::vector<Timer>, std::greater<>>;

  /// What the rules of one layer see of the tables. It has its own copies of those that keep events, which go
  /// along with its events: layers of one batch run at different times.
  struct LayerTables {
    struct Kept {
      std::uint32_t number;
      model::EventTypeId type;
      std::unique_ptr<match::Table> table;
    };
    std::vector<Kept> kept;
    std::vector<std::uint32_t> files;            // the numbers of the others
    std::vector<const match::Table*> by_number;  // null where no rule of the layer looks

    /// Where the table is kept that has this number; null where it is not.
    std::unique_ptr<match::Table>* find(std::uint32_t number) {
      for (Kept& each : kept) {
        if (each.number == number) return &each.table;
      }
      return nullptr;
    }
  };

  /// What a rule without state emits that is fields of its event and constants.
  struct Copy {
    model::EventTypeId type;
    model::EventTypeId from;                                        // of its event
    bool is_read;                                                   // RuleSet::is_read of `type`
    std::vector<std::pair<std::uint32_t, std::uint32_t>> fields;    // of `type`, of `from`
    std::vector<std::pair<std::uint32_t, model::Value>> constants;  // of `type`
  };
  /// Visit::place of an event that is batch.derived[i]; else it is the index of a raw event.
  static constexpr std::uint32_t is_derived = std::uint32_t{1} << 31;
  static constexpr std::uint32_t no_copy = 0xFFFFFFFF;
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  /// What an event needs of a program that it is for, kept close together.
  struct Visited {
    match::Matcher* matcher;
    match::KeySpace* space;        // Matcher::key_space()
    const match::KeyFields* keys;  // by input
    unsigned stages;               // Matcher::prefetch_stages()
    bool is_timed;                 // Program::is_timed()
  };

  /// What a report needs of a program, kept close together.
  struct Reported {
    std::uint32_t rule;
    std::uint32_t copy;  // in copies_, or no_copy
    bool copies_alone;   // it has no partition and no throttle, and no rule reads what it emits
  };

  void set_up(const RuleSet& rules);
  void find_copies();
  void report(const match::Program& program, const match::Completion& completion) override;
  void report_copy(std::uint32_t program, model::EventView event, std::uint32_t place, std::uint64_t steps);
  void log_copy(std::uint32_t program, model::EventView event, std::uint32_t place, std::uint64_t steps);
  match::StatelessMatcher& stateless(std::uint32_t program) {
    return static_cast<match::StatelessMatcher&>(*matchers_[program]);
  }
  /// Rules that copy the same from one event emit the same but for the origin, so it is written once.
  model::EventView copied(std::uint32_t copy, model::EventView event, model::Origin origin) {
    if (copied_ != copy || copied_from_ != event.bytes()) write_copy(copy, event);
    emitted_.set_origin(0, origin);
    return emitted_[0];
  }
  void write_copy(std::uint32_t copy, model::EventView event);
  void drop_gone(const RuleSet& rules);
  LayerTables tables_of(std::size_t layer, std::vector<LayerTables>& before);
  void put_into_tables(std::size_t layer, model::EventView event);
  /// The place of raw event number `raw` of the batch in the order of processing. The low bits tell apart the
  /// derived ones that go back to it.
  std::uint64_t order_of(std::size_t raw) const { return (batch_->first_event + raw) << order_bits; }
  static constexpr int order_bits = 20;
  bool goes_at_once(std::uint32_t program, std::size_t layer) const;
  Position position_of(const match::Visit& visit) const;
  bool is_for_this_shard(model::EventView event, std::uint32_t place, std::uint32_t program,
                         std::uint32_t input);
  template <class Events>
  std::size_t run_raw(std::size_t layer, const Events& events, std::size_t i);
  void run_upcoming(std::size_t layer);
  std::span<match::Visit> visits_from(std::size_t begin);
  void take_keys();
  template <bool sampled>
  void show_upcoming(std::size_t layer);
  template <class Work>
  void time(Work work);
  void draw_sample();
  void look_ahead();
  void run_timers_before(std::int64_t time_ns, std::size_t layer);
  void note_timer(std::size_t layer, std::uint32_t program);
  std::uint32_t place_of(const match::Instant& instant) const;
  match::KeySpace& key_space_of(const match::Program& program);
  match::RuleCounters counters_of(std::size_t program) const;
  void hold_to_limit();

  const RuleSet* rules_ = nullptr;
  const unsigned number_;
  const unsigned shards_;
  const Limits limits_;
  const bool predicate_index_;
  std::uint64_t layers_run_ = 0;  // batches times layers
  match::Scratch scratch_;
  match::KeySpace no_keys_;  // of the rules without a partition
  std::vector<std::unique_ptr<match::KeySpace>> key_spaces_;
  std::vector<std::unique_ptr<match::Matcher>> matchers_;    // by program
  std::vector<Visited> visited_;                             // by program
  std::vector<std::unique_ptr<match::Throttle>> throttles_;  // by program; none where it has none
  std::vector<Copy> copies_;                                 // the different ones
  std::vector<Reported> reported_;                           // by program
  std::vector<std::uint64_t> throttled_;                     // by program: matches suppressed
  std::vector<std::uint64_t> busy_ns_;                       // by program: as the sample says
  std::vector<match::RuleCounters> gone_;                    // by rule: of those that were removed
  std::vector<match::PredicateIndex> indexes_;               // by layer
  std::vector<LayerTables> tables_;                          // by layer
  std::vector<Timers> timers_;                               // by layer; some out of date: those met anew
  std::vector<match::Instant> next_timer_;                   // by program: the one that stands in timers_
  model::EventBatch emitted_;                                // of the match at hand
  std::uint32_t copied_ = no_copy;          // what emitted_ holds, if it is one of copies_, …
  const std::byte* copied_from_ = nullptr;  // … and its event
  std::string key_scratch_;
  std::uint64_t matches_ = 0;
  std::uint64_t derived_ = 0;

  // Visits of events whose predicates were looked at, in order: a few at a time, so that what they will read
  // is asked for long before it is read.
  std::array<match::Visit, match::KeySpace::most_keys> upcoming_;
  std::size_t upcoming_count_ = 0;

  // One visit, or run of timers, in about a thousand is timed, and counts for all since the one before.
  std::size_t visits_to_sample_ = 0;
  std::uint64_t sample_weight_ = 0;
  std::uint64_t sample_seed_;

  // Of the batch at hand.
  const Batch* batch_ = nullptr;
  MatchLog* log_ = nullptr;
  model::MatchSink* sink_ = nullptr;
  // Of the visit or timer at hand.
  std::uint32_t program_ = 0;
  Position position_;
  std::uint32_t positioned_ = none;  // Output::at_hand of which it is: few visits need one
  Ordinals ordinals_{false};         // of what goes to sink_, which is of one layer
  bool is_first_ = true;             // no match of this batch has gone there
  bool copies_at_once_ = false;      // those of rules that copy alone need no report()
  std::size_t logged_ = 0;           // entries of log_, when the last one was made for such
  bool is_owner_ = true;             // of the batch: rules without state run here
};

}  // namespace tocsin::runtime
