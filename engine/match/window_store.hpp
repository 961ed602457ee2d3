// The windows of one stream (inputs, partition, kind and size of window) and the passing of time over them.
// Rules of a shard whose windows are the same share a store, whatever they ask of it: the first that is
// shown an event puts it in, the others find it in, and the state is that of all their aggregates together.
//
// Time goes on from instant to instant: one at which events leave a sliding window, or at which windows
// close. Rules that must look at each of them have timers, and each looks once, as all timers of an instant
// run before anything else. Where no rule needs to look, what time has passed goes when the next event comes.
//
//   sliding, hopping by time   one queue of all keys' events: what leaves is at its front
//   tumbling by time           all windows that are open close together, in the order of their first events
//   session                    keys in order of their last event: what closes is at the front
//   by number of events        nothing depends on time
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/limits.hpp"
#include "engine/base/saturate.hpp"
#include "engine/match/instant.hpp"
#include "engine/match/key_space.hpp"
#include "engine/match/matcher.hpp"
#include "engine/match/program.hpp"
#include "engine/match/window_state.hpp"

namespace tocsin::match {

class WindowStore {
 public:
  static constexpr std::uint32_t absent = KeyTable::absent;

  /// A rule that looks at the windows.
  class Member {
   public:
    virtual ~Member() = default;
    /// The key's window is about to change, and has not been looked at since events left it.
    virtual void look_again(std::uint32_t slot) = 0;
    /// The key's window is empty, and what the rule knows of the key is void. False where it still needs
    /// that; not with `at_once`, as what closes or is dropped begins anew.
    virtual bool forget(std::uint32_t slot, bool at_once) = 0;
  };

  /// A key that an instant concerns.
  struct Touched {
    std::uint32_t slot;
    std::uint64_t order;  // of the first event that leaves, or of the window's first event
  };

  /// `program` is that of the first rule that will join.
  WindowStore(const Program& program, const Limits& limits, KeySpace& keys, Scratch& scratch);

  /// True where a rule with this program may share this store.
  static bool may_share(const Program& a, const Program& b);
  /// The same for programs that may share one.
  static std::uint64_t hash_of(const Program& program);
  const Program& program() const { return program_; }
  /// Where its keys are looked up, null without a partition: that of the first rule, whichever the others'
  /// partition would lead to.
  KeySpace* key_space() const { return partitioned_ ? &keys_.space() : nullptr; }

  /// Takes a rule in, before the first event. The numbers of its aggregates here. The program stays, as what
  /// it asked for is kept up even when its rule has left.
  std::vector<std::uint32_t> join(Member& member, std::shared_ptr<const Program> program);
  void leave(Member& member) { std::erase(members_, &member); }

  /// Brings the windows to the event, whose key is at hand in the key space and which then is in its key's
  /// window. The key's slot, or `absent` where it is in no window. To be called by each member for each event
  /// that it is shown.
  std::uint32_t take(model::EventView event, std::uint64_t order) {
    if (order == order_) return slot_;
    order_ = order;
    return slot_ = slides_ ? take_sliding(event, order) : take_otherwise(event, order);
  }
  /// Soon this event will come, whose key has this slot in the key space.
  void prefetch(model::EventView event, std::uint32_t space_slot, PrefetchStage stage) const {
    const std::uint32_t slot = keys_.number_ahead(space_slot);
    if (slot >= slots_) return;
    switch (stage) {
      case PrefetchStage::key: state_.prefetch_row(slot); return state_.prefetch_tables(slot);
      case PrefetchStage::cells: return state_.prefetch_heads(slot);
      case PrefetchStage::nodes: return state_.prefetch_values(slot, event);
    }
  }
  /// True where the window closes with the event taken last.
  bool closes() const { return closes_; }

  /// The next instant of these windows, as far as the events so far tell.
  Instant next_instant() const;
  /// Goes to next_instant().
  void go_on();
  /// How many instants there have been, and of the last one the time and the keys that it concerns. What
  /// closes is there until the next event or instant.
  std::uint64_t instants() const { return instants_; }
  Instant instant() const { return instant_; }
  const std::vector<Touched>& touched() const { return touched_; }

  // Of a key.
  std::uint32_t count(std::uint32_t slot) const { return state_.count(slot); }
  /// The newest event that its window has held.
  model::EventView newest(std::uint32_t slot) const {
    return model::EventView(reinterpret_cast<const std::byte*>(newest_[slot].data()));
  }
  /// An aggregate and the bounds of its window as seen at `at_ns`.
  model::Value value(std::uint32_t aggregate, std::uint32_t slot, bool arrival);
  /// True where it lies in `range`.
  bool lies_in(const WindowRange& range, std::uint32_t aggregate, std::uint32_t slot, bool arrival) {
    return state_.lies_in(range, aggregate, slot, [&] { return value(aggregate, slot, arrival); });
  }
  std::int64_t start_ns(std::uint32_t slot, std::int64_t at_ns) const;
  std::int64_t end_ns(std::uint32_t slot, std::int64_t at_ns) const;

  /// What the windows of all keys take, but for tables of values and copies of events. Constant time.
  RuleState held() const {
    return {.entries = state_.entries(),
            .keys = partitioned_ ? keys_.size() : 0,
            .bytes = state_.entries() * state_.bytes_per_entry() +
                     std::size_t{slots_} * state_.bytes_per_row() +
                     touched_in_.size() * sizeof(std::uint64_t) + spans_.size() * sizeof(Span)};
  }
  std::uint64_t dropped() const { return dropped_; }
  std::uint32_t capacity() const { return partitioned_ ? static_cast<std::uint32_t>(keys_.capacity()) : 1; }
  const WindowState& state();
  /// Of windows whose state keeps panes: the span of one.
  std::int64_t pane_ns() const;

 private:
  using Kind = plan::Window::Kind;
  static constexpr std::uint32_t none = 0xFFFFFFFF;
  static constexpr std::uint32_t unlisted = none - 1;
  /// What is known of a key's window beside its events; not of sliding and hopping windows of time.
  struct Span {
    std::int64_t first_ns = 0;
    std::int64_t last_ns = 0;
    std::uint64_t first_order = 0;
    std::uint32_t older = unlisted;  // of the keys in order of their last event
    std::uint32_t younger = none;
    bool is_listed() const { return older != unlisted; }
  };

  bool queue() const { return by_time_ && (kind_ == Kind::sliding || kind_ == Kind::hopping); }
  bool lists_keys() const { return !by_time_ || kind_ == Kind::session; }
  void build();
  std::uint32_t take_sliding(model::EventView event, std::uint64_t order);
  std::uint32_t take_otherwise(model::EventView event, std::uint64_t order);
  void look_again(std::uint32_t slot);
  void keep_newest(std::uint32_t slot, model::EventView event);
  void settle(std::int64_t now_ns);
  void finish_instant();
  std::uint32_t slot_at_hand() {
    if (!partitioned_) return 0;
    const std::uint32_t slot = keys_.find(false);
    return slot == absent ? add_key() : slot;
  }
  std::uint32_t add_key();
  void insert(std::uint32_t slot, model::EventView event, std::uint64_t order);
  void reset(std::uint32_t slot);
  void make_room();
  std::uint32_t drop_oldest();
  bool free_key(std::uint32_t slot);
  void touch(std::uint32_t slot, std::uint64_t order);
  void append(std::uint32_t slot);
  void unlist(std::uint32_t slot);
  void reserve(std::uint32_t slot);
  std::int64_t hopping_window_of(std::int64_t time_ns) const;
  Instant hopping_close() const;

  const Program& program_;
  const plan::Window window_;
  const Kind kind_;
  const bool by_time_;
  const bool slides_;  // by time: the usual case, of which what each event costs stands in this header
  const bool partitioned_;
  const Limits limits_;
  const std::size_t most_entries_;
  Scratch& scratch_;
  RuleKeys keys_;
  WindowState state_;
  std::vector<Member*> members_;
  std::vector<std::shared_ptr<const Program>> programs_;  // of all that ever joined
  bool built_ = false;
  bool keeps_newest_ = false;

  std::uint32_t slots_ = 0;                         // for which there is room
  LargeVector<Span> spans_;                         // by slot
  std::vector<std::vector<std::uint64_t>> newest_;  // by slot: a copy of the event
  LargeVector<std::uint64_t>
      touched_in_;                   // by slot, where instants of sliding windows are looked at: the last
  std::uint32_t oldest_key_ = none;  // of the list of keys
  std::uint32_t youngest_key_ = none;
  std::vector<Touched> open_;             // tumbling by time: the windows that are open
  std::int64_t open_until_ns_ = 0;        // and when they close
  std::int64_t next_window_ = INT64_MIN;  // hopping: the first that has not closed
  std::int64_t pane_end_ns_ = INT64_MIN;  // of the pane at hand
  std::size_t key_room_ = 1024;           // keys at which to look for idle ones

  // The event taken last.
  std::uint64_t order_ = 0;
  std::uint32_t slot_ = absent;
  bool closes_ = false;

  // The last instant.
  std::uint64_t instants_ = 0;
  Instant instant_;
  bool unfinished_ = false;  // what closed at it is still there
  std::vector<Touched> touched_;
  std::uint64_t dropped_ = 0;
};

inline std::uint32_t WindowStore::take_sliding(model::EventView event, std::uint64_t order) {
  if (!built_) build();
  const std::int64_t begin_ns = earlier(event.time_ns(), window_.width_ns);
  while (state_.entries() > 0 && state_.oldest_ns() < begin_ns)
    state_.evict_oldest();
  const std::uint32_t slot = slot_at_hand();
  if (slot == absent) return absent;
  if (slot >= slots_) reserve(slot);
  if (state_.entries() >= most_entries_) drop_oldest();
  if (state_.take_changed(slot)) look_again(slot);
  state_.insert(slot, event, order, scratch_);
  if (keeps_newest_) keep_newest(slot, event);
  return slot;
}

}  // namespace tocsin::match
