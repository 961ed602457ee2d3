// Matches kept for a while: those of one batch, shard and layer, until all shards have theirs and they can be
// handed out in one order. An entry holds the match as the sink will get it. What that points to is copied to
// memory that lies still, but for events of the batch itself, which outlives the log's content. What many
// rules copy from one event is one entry, and four bytes twice for each rule. Reused, a log allocates only
// while it still grows.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <cstring>
#include <memory>
#include <tuple>
#include <vector>

#include "engine/match/instant.hpp"
#include "engine/model/batch.hpp"
#include "engine/model/match.hpp"

namespace tocsin::runtime {

/// Where in a batch something happened. The same for every number of shards: what a timer does stands before
/// the first event that its instant precedes, by the instant; a derived event right after the event that led
/// to it, those of one event in the order of the rules, those of one rule in the order of what triggered
/// them.
struct Position {
  static constexpr std::int64_t no_timer = INT64_MAX;
  enum class Cause : std::uint8_t { event, absence, timeout };

  std::uint32_t event = 0;           // index in the batch of the event that it all goes back to
  std::uint32_t ordinal = 0;         // among the matches that the trigger completed
  std::int64_t timer_ns = no_timer;  // before that event: the instant of the timer
  std::uint64_t trigger = 0;         // the order of the event that triggered it
  std::uint32_t rule = 0;  // 0 for that event itself, else 1 + place of the rule in the plan's order
  match::Instant::Phase phase = match::Instant::Phase::closing;  // of the timer
  Cause cause = Cause::event;  // of one rule at one time: first what events complete, last timeouts

  friend auto operator<=>(const Position& a, const Position& b) { return a.order() <=> b.order(); }
  friend bool operator==(const Position& a, const Position& b) { return a.order() == b.order(); }

 private:
  std::tuple<const std::uint32_t&, const std::int64_t&, const match::Instant::Phase&, const std::uint32_t&,
             const Cause&, const std::uint64_t&, const std::uint32_t&>
  order() const {
    return std::tie(event, timer_ns, phase, rule, cause, trigger, ordinal);
  }
};

/// Memory for things of any size that lie still until all go.
class StillMemory {
 public:
  /// Aligned to 8 bytes. Constant time, mostly an addition.
  std::byte* take(std::size_t bytes) {
    const std::size_t words = (bytes + 7) / 8;
    if (words > left_) next_block(words);
    std::byte* const taken = reinterpret_cast<std::byte*>(at_);
    at_ += words;
    left_ -= words;
    return taken;
  }
  void clear() {
    used_ = 0;
    left_ = 0;
  }

 private:
  static constexpr std::size_t block_words = 4096;
  struct Block {
    std::unique_ptr<std::uint64_t[]> words;
    std::size_t size;
  };
  // Blocks that are too small are passed over, until clear().
  void next_block(std::size_t words) {
    while (used_ < blocks_.size() && blocks_[used_].size < words)
      ++used_;
    if (used_ == blocks_.size()) {
      const std::size_t size = std::max(words, block_words);
      blocks_.push_back({std::make_unique_for_overwrite<std::uint64_t[]>(size), size});
    }
    at_ = blocks_[used_].words.get();
    left_ = blocks_[used_++].size;
  }

  std::vector<Block> blocks_;
  std::size_t used_ = 0;         // blocks
  std::uint64_t* at_ = nullptr;  // in the last of them …
  std::size_t left_ = 0;         // … and words behind it
};

/// Two shards write theirs at the same time, so they share no cache line.
class alignas(64) MatchLog {
 public:
  struct Entry {
    Position position;
    model::MatchView match;
    std::uint32_t first_copy = 0;  // the rules whose match it is; none of a match that stands for itself
    std::uint32_t end_copies = 0;

    bool is_copies() const { return first_copy < end_copies; }
    /// Sets the match's number, which was 0, in what it emitted too.
    void number(std::uint32_t ordinal) {
      if (ordinal == 0) return;
      match.ordinal = ordinal;
      set_origin();
    }
    void set_origin() {
      if (!match.emitted) return;
      const model::Origin origin{match.rule, match.ordinal, match.timeout};
      // It is the log's own copy.
      std::byte* const end = const_cast<std::byte*>(match.emitted.bytes()) + match.emitted.size();
      std::memcpy(end - sizeof origin, &origin, sizeof origin);
    }
  };

  /// Empties it, for matches over `events`, which stay where they are as long as these.
  void begin(const model::EventBatch& events) {
    entries_.clear();
    copies_.clear();
    memory_.clear();
    is_in_order_ = true;
    first_still_ = events.empty() ? nullptr : events[0].bytes();
    last_still_ = events.empty() ? nullptr : events[events.size() - 1].bytes();
  }
  std::size_t size() const { return entries_.size(); }

  /// Linear in the bytes of events that are not the batch's.
  void append(const Position& position, const model::MatchView& match) {
    if (!entries_.empty() && position < entries_.back().position) is_in_order_ = false;
    const std::size_t count = match.events.size();
    auto* const events =
        reinterpret_cast<model::MatchedEvent*>(memory_.take(count * sizeof(model::MatchedEvent)));
    for (std::size_t i = 0; i < count; ++i)
      new (events + i) model::MatchedEvent{match.events[i].step, still(match.events[i].event)};
    Entry& entry = entries_.emplace_back(Entry{position, match, 0, 0});
    entry.match.events = {events, count};
    if (match.emitted) entry.match.emitted = copy(match.emitted);
  }
  /// The matches of several rules, which differ in the rule alone; the rules, of which the position has the
  /// first, come by append_rule().
  void append_copies(const Position& position, const model::MatchView& match) {
    append(position, match);
    entries_.back().first_copy = entries_.back().end_copies = static_cast<std::uint32_t>(copies_.size());
  }
  /// Another of them, behind those before in the plan's order; nothing was appended since. `position` is
  /// Position::rule.
  void append_rule(std::uint32_t position, std::uint32_t rule) {
    copies_.push_back({position, rule});
    ++entries_.back().end_copies;
  }
  /// Once all is appended: puts it in order, where it is not. (What goes back to events that were emitted
  /// comes in their order, not in that of the rules.)
  void end() {
    if (is_in_order_) return;
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return a.position < b.position; });
  }

  /// Walks over the matches, those of copies one by one: each stands in its entry while it is the one at
  /// hand.
  class Cursor {
   public:
    explicit Cursor(MatchLog& log)
        : log_(&log), entry_(log.entries_.data()), end_(entry_ + log.entries_.size()) {
      enter();
    }
    bool at_end() const { return entry_ == end_; }
    Entry& operator*() const { return *entry_; }
    Entry* operator->() const { return entry_; }
    void next() {
      if (entry_->is_copies() && ++copy_ < entry_->end_copies) return show_copy();
      ++entry_;
      enter();
    }

   private:
    void enter() {
      if (at_end() || !entry_->is_copies()) return;
      copy_ = entry_->first_copy;
      show_copy();
    }
    void show_copy() {
      const Copy& copy = log_->copies_[copy_];
      entry_->position.rule = copy.position;
      entry_->match.rule = copy.rule;
      entry_->set_origin();
    }

    MatchLog* log_;
    Entry* entry_;
    Entry* end_;
    std::uint32_t copy_ = 0;
  };

 private:
  struct Copy {
    std::uint32_t position;
    std::uint32_t rule;
  };

  model::EventView still(model::EventView event) {
    return event.bytes() >= first_still_ && event.bytes() <= last_still_ ? event : copy(event);
  }
  model::EventView copy(model::EventView event) {
    std::byte* const bytes = memory_.take(event.size());
    std::memcpy(bytes, event.bytes(), event.size());
    return model::EventView(bytes);
  }

  std::vector<Entry> entries_;
  std::vector<Copy> copies_;
  StillMemory memory_;
  bool is_in_order_ = true;
  const std::byte* first_still_ = nullptr;  // the batch's first event …
  const std::byte* last_still_ = nullptr;   // … and its last
};

/// Calls take(entry) for all matches that the cursors have before them, in order, and uses the cursors up. A
/// match costs a look at the cursors, but for those that come in a row.
template <class Take>
void merge(std::vector<MatchLog::Cursor>& cursors, Take take) {
  while (!cursors.empty()) {
    MatchLog::Cursor* first = cursors.data();
    const Position* next = nullptr;  // of the others
    for (auto cursor = cursors.begin() + 1; cursor != cursors.end(); ++cursor) {
      if ((*cursor)->position < (*first)->position) {
        next = &(*first)->position;
        first = &*cursor;
      } else if (!next || (*cursor)->position < *next) {
        next = &(*cursor)->position;
      }
    }
    do {
      take(**first);
      first->next();
    } while (!first->at_end() && (!next || (*first)->position < *next));
    if (first->at_end()) {
      *first = cursors.back();
      cursors.pop_back();
    }
  }
}

}  // namespace tocsin::runtime
