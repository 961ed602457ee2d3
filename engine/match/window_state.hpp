// What the windows of all keys hold, and what their aggregates come to. It knows of coming in and going out,
// not of time: when something goes is the WindowStore's to say.
//
// A key has a row of fixed size with the state of each aggregate, and the events that must be known when they
// leave are entries of a WindowLog with only the columns that some aggregate needs. Of a hopping window whose
// aggregates allow it an entry is a pane instead: what a key's events of one hop come to. Counts, sums and
// variances are kept by adding and taking out; min and max by a queue of what may yet be it, apart from the
// log (window_extremes.hpp). What can't be taken out either (ewma) is kept by two stacks that lie in the log
// itself: entries of a key are linked, the newer ones backwards (the back stack, whose aggregate is in the
// row), the older ones forwards, each with the aggregate of all newer ones of its stack in its columns (the
// front stack, whose aggregate is in the row, too, so that a look reads nothing else). When the front stack
// is used up, one walk along the links turns the back stack into the front stack: amortised constant, and no
// room but the link. Tested in tests/engine/window_test.cpp against a plain computation.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "engine/base/large_memory.hpp"
#include "engine/base/prefetch.hpp"
#include "engine/match/hyperloglog.hpp"
#include "engine/match/quantiles.hpp"
#include "engine/match/text_pool.hpp"
#include "engine/match/value_table.hpp"
#include "engine/match/window_extremes.hpp"
#include "engine/match/window_log.hpp"
#include "engine/match/window_program.hpp"
#include "engine/match/window_sums.hpp"

namespace tocsin::match {

inline constexpr std::size_t most_collected = 1000;

/// What aggregates need to know of the window at hand beside its events.
struct WindowPlace {
  std::int64_t first_ns = 0;  // times of its first and last event
  std::int64_t last_ns = 0;
  bool arrival = false;  // the event at hand has just come in
};

class WindowState {
 public:
  explicit WindowState(const plan::Window& window);

  // Set-up, before the first event.

  /// An aggregate of a rule; `program` must outlive this. Its number here.
  std::uint32_t add(const WindowProgram& program, std::uint32_t aggregate);
  /// Each entry is to know its event's order.
  void keep_orders() { keeps_orders_ = true; }
  void build();

  // Per event.

  /// Makes rows for keys with slots up to `slots`. Amortised linear in how many more these are.
  void make_rows(std::size_t slots);
  std::uint32_t count(std::uint32_t slot) const { return row(slot).count; }
  /// Takes the event in.
  void insert(std::uint32_t slot, model::EventView event, std::uint64_t order, Scratch& scratch) {
    if (only_sums_) return insert_sums(slot, event, order);
    insert_otherwise(slot, event, order, scratch);
  }
  /// Takes out the key's oldest event, in windows by number of events.
  void evict(std::uint32_t slot) { evict(slot, row(slot).front, true); }
  /// Takes out the oldest event of all, in windows by time. Its key.
  std::uint32_t evict_oldest() {
    if (!only_sums_) return evict_oldest_otherwise();
    const Entry entry = log_.front();
    if (log_.size() > ahead) prefetch_row(log_.at(keys_, entry + ahead));
    const WindowLog::Place place = log_.place(entry);
    const std::uint32_t slot = place.at(keys_);
    evict_sums(slot, place);
    pop();
    return slot;
  }
  /// Empties the key's window.
  void clear(std::uint32_t slot);
  /// True once after events have left the key's window by evict_oldest().
  bool take_changed(std::uint32_t slot) {
    Row& here = row(slot);
    const bool changed = here.changed != 0;
    here.changed = 0;
    return changed;
  }

  /// Entries in use. Of all keys.
  std::size_t entries() const { return log_.size(); }
  bool keeps_entries() const { return keeps_entries_; }
  bool keeps_panes() const { return keeps_panes_; }
  /// Where an entry is a pane: what comes in from now on belongs to another pane.
  void begin_pane() { pane_begin_ = log_.end(); }
  /// Of the oldest and the newest entry, in windows by time; of a pane its first event's. Precondition:
  /// entries() > 0.
  std::int64_t oldest_ns() const { return static_cast<std::int64_t>(times_.first()); }
  std::int64_t newest_ns() const { return static_cast<std::int64_t>(times_.last()); }
  std::uint64_t oldest_order() const { return keeps_orders_ ? orders_.first() : 0; }
  /// How many events the oldest entry is.
  std::uint32_t oldest_size() const { return keeps_panes_ ? log_.at(counts_, log_.front()) : 1; }
  /// Of the key's oldest event, where they are linked.
  std::int64_t first_ns(std::uint32_t slot) const { return log_.at(linked_times_, row(slot).front); }
  std::uint64_t first_order(std::uint32_t slot) const { return log_.at(linked_orders_, row(slot).front); }

  /// True where aggregate number `aggregate` comes to something in `range` for the key. `value` gives what it
  /// comes to, where that can't be read off the key's row.
  template <class Value>
  bool lies_in(const WindowRange& range, std::uint32_t aggregate, std::uint32_t slot, Value value) const;
  /// What it comes to for the key. Text and arrays live as long as `scratch` says.
  model::Value value(std::uint32_t aggregate, std::uint32_t slot, const WindowPlace& place, Scratch& scratch);

  // Ask for what is read when the key's window changes, each for what the one before leads to. `slot` is one
  // that has a row.

  void prefetch_row(std::uint32_t slot) const {
    const std::uint64_t* const begin = &rows_[std::size_t{slot} * words_per_row_];
    prefetch(begin);
    prefetch(begin + words_ahead_);
  }
  void prefetch_tables(std::uint32_t slot) const {
    for (const auto& of_slot : quantiles_)
      prefetch(&of_slot[slot]);
  }
  void prefetch_heads(std::uint32_t slot) const {
    for (const auto& of_slot : quantiles_)
      of_slot[slot].prefetch_head();
  }
  void prefetch_values(std::uint32_t slot, model::EventView event) const {
    for (const std::uint32_t number : different_) {
      const Argument& argument = arguments_[cells_[number].argument];
      if (argument.is_plain) values_[cells_[number].table].prefetch(slot, plain_bits(argument, event));
    }
    for (const std::uint32_t number : sorted_) {
      const Argument& argument = arguments_[cells_[number].argument];
      const Quantiles& quantiles = quantiles_[cells_[number].table][slot];
      quantiles.prefetch_percentile();
      if (argument.is_plain) quantiles.prefetch_value(this->number(argument, plain_bits(argument, event)));
    }
  }

  std::uint32_t bytes_per_row() const { return 8 * words_per_row_; }
  std::uint32_t bytes_per_entry() const { return keeps_entries_ ? log_.bytes_per_entry() : 0; }

 private:
  static constexpr std::uint32_t none = 0xFFFFFFFF;
  static constexpr std::uint32_t ahead = 12;  // entries, of what is asked of the memory first

  struct Row {
    std::uint32_t count;
    std::uint32_t changed;
    // Only there where entries are linked:
    Entry front;  // its oldest entry
    Entry newest;
    std::uint32_t in_front;  // entries of the front stack
    std::uint32_t entries;
  };
  struct Argument {
    const WindowArgument* source = nullptr;
    bool is_raw = false;     // entries keep its value
    bool is_wanted = false;  // some cell reads its value, not only whether there is one
    bool is_text = false;
    bool is_plain = false;  // a number in a field that is never null
    WindowLog::Column<std::uint64_t> raw;
    std::uint32_t null_bit = 0;    // of entries: its number among those that may be null
    std::uint32_t present = none;  // the cell that counts what is not null, where it may be null
    // Of the event at hand.
    std::uint64_t bits = 0;
    bool null = false;
  };
  /// A part of the state; several aggregates may read one.
  struct Cell {
    enum class Kind : std::uint8_t {
      sum,
      extreme,  // min or max
      decayed,  // sums of weights, and of weights times values
      first,    // of windows that keep no entries
      last,
      different,  // how often each value occurs
      quantiles,
      registers,  // of approx_distinct
      collected,
    };
    Kind kind = Kind::sum;
    WindowSum sum;
    std::uint32_t argument = 0;
    std::uint32_t word = 0;     // in the row
    std::uint32_t partial = 0;  // word in an entry, where entries are panes
    bool floating = false;
    bool greatest = false;        // of extreme
    double decay = 0;             // of ewma: 1 / half-life in ns
    std::uint32_t table = 0;      // in values_, quantiles_, registers_ or extremes_
    std::uint32_t ranked = none;  // of different: in ranked_, where values are wanted by how often they occur
    WindowLog::Column<double> weighted;  // of decayed: the weighted values …
    WindowLog::Column<double> weights;   // … and the weights
  };
  /// A sum of the values of a field that is never null.
  struct PlainSum {
    WindowSum sum;
    std::uint32_t field;  // its place in an event
    std::uint32_t word;   // in the row
    WindowLog::Column<std::uint64_t> raw;
  };
  struct Aggregate {
    /// Where its value can be read off the row: how.
    enum class Form : std::uint8_t { other, count, word, float_sum, float_extreme };
    Form form = Form::other;
    WindowAggregate source;
    std::uint32_t argument = none;  // here
    std::uint32_t cell = none;
    std::uint32_t second = none;  // of variance the squares
    std::uint32_t word = 0;       // in the row, where it has a form
    std::uint32_t cursor = 0;     // of percentiles
  };
  struct Extreme {
    std::uint64_t bits;
    Entry entry;  // whose value it is
    std::uint32_t known;
  };
  struct Decayed {
    double weighted;  // of the back stack, weights relative to back_ns
    double weights;
    std::int64_t back_ns;  // the time of its newest value
    double front_weighted;
    double front_weights;
    std::int64_t front_ns;  // to which the front stack's weights are relative
  };
  struct Ranked {
    std::uint64_t bits;
    std::uint32_t count;
  };

  Row& row(std::uint32_t slot) { return reinterpret_cast<Row&>(rows_[std::size_t{slot} * words_per_row_]); }
  const Row& row(std::uint32_t slot) const {
    return reinterpret_cast<const Row&>(rows_[std::size_t{slot} * words_per_row_]);
  }
  static std::uint64_t* words(Row& row) { return reinterpret_cast<std::uint64_t*>(&row); }
  template <class T>
  static T& state(Row& row, const Cell& cell) {
    return *reinterpret_cast<T*>(words(row) + cell.word);
  }
  std::uint64_t* partial(const Cell& cell, Entry entry) {
    return reinterpret_cast<std::uint64_t*>(&log_.byte_at(partials_, 8 * words_per_partial_, entry, 0)) +
           cell.partial;
  }
  // The numbers of sums in non_finite_: of a row, by its words, and of an entry.
  std::uint64_t sum_number(const std::uint64_t* words) const {
    return static_cast<std::uint64_t>(words - rows_.data());
  }
  std::uint64_t partial_number(const Cell& cell, Entry entry) const {
    return std::uint64_t{1} << 63 | (std::uint64_t{entry} * words_per_partial_ + cell.partial);
  }
  void prefetch_entries(Entry entry) const;
  std::uint32_t evict_oldest_otherwise();
  /// The oldest entry of a queue, which has been taken out.
  void pop() {
    times_.pop(log_);
    if (keeps_orders_) orders_.pop(log_);
    log_.pop();
  }

  std::uint32_t argument(const WindowProgram& program, std::uint32_t number);
  std::uint32_t cell(const Cell& wanted);
  std::uint32_t cell(Cell::Kind kind, std::uint32_t argument);
  std::uint32_t sum(WindowSum::Kind kind, std::uint32_t argument);
  void set_form(Aggregate& aggregate) const;
  static std::uint64_t plain_bits(const Argument& argument, model::EventView event) {
    return static_cast<std::uint64_t>(event.load_int(argument.source->slot));
  }
  void insert_sums(std::uint32_t slot, model::EventView event, std::uint64_t order) {
    const Entry entry = log_.push();
    const WindowLog::Place place = log_.place(entry);
    times_.push(log_, static_cast<std::uint64_t>(event.time_ns()));
    place.at(keys_) = slot;
    if (keeps_orders_) orders_.push(log_, order);
    Row& here = row(slot);
    for (const PlainSum& each : plain_sums_) {
      const auto bits = static_cast<std::uint64_t>(event.load_int(each.field));
      place.at(each.raw) = bits;
      std::uint64_t* const sum = words(here) + each.word;
      each.sum.add(sum, bits, sum_number(sum), non_finite_);
    }
    ++here.count;
  }
  void evict_sums(std::uint32_t slot, const WindowLog::Place& place) {
    Row& here = row(slot);
    for (const PlainSum& each : plain_sums_) {
      std::uint64_t* const sum = words(here) + each.word;
      each.sum.take(sum, place.at(each.raw), sum_number(sum), non_finite_);
    }
    here.changed = 1;
    if (--here.count == 0) clear_rest(here);
  }
  /// Of a window that is empty now: what rounding may have left goes, too.
  void clear_rest(Row& row) { std::fill(words(row) + words_per_header_, words(row) + words_per_row_, 0); }
  void insert_otherwise(std::uint32_t slot, model::EventView event, std::uint64_t order, Scratch& scratch);
  void evaluate(model::EventView event, Scratch& scratch);
  Entry add_entry(std::uint32_t slot, model::EventView event, std::uint64_t order);
  void mark_nulls(Entry entry);
  void release_texts(Entry entry);
  void insert_into(const Cell& cell, Row& row, std::uint32_t slot, Entry entry, std::int64_t time_ns);
  void remove_from(const Cell& cell, Row& row, std::uint32_t slot, Entry entry);
  void evict(std::uint32_t slot, Entry entry, bool give_back);
  void unlink_front(Row& row);
  void turn(Row& row);
  void stack(const Cell& cell, Row& row, Entry entry, std::int64_t time_ns);
  void widen(const Cell& cell, Row& row, std::uint32_t slot, Entry entry);
  void link(Row& row, Entry entry);
  void change_rank(const Cell& cell, std::uint32_t slot, std::uint64_t bits, std::uint32_t before,
                   std::uint32_t after);
  bool is_null(const Argument& argument, Entry entry);
  std::uint64_t present(const Argument& argument, Row& row);
  double number(const Argument& argument, std::uint64_t bits) const;
  std::uint64_t hash(const Argument& argument, std::uint64_t bits) const;
  int compare(const Argument& argument, std::uint64_t a, std::uint64_t b) const;
  model::Value value_of(const Argument& argument, std::uint64_t bits, Scratch& scratch) const;
  double float_sum_of(const Aggregate& aggregate, Row& row) const;
  model::Value sum_of(const Aggregate& aggregate, Row& row, Scratch& scratch);
  model::Value average_of(const Aggregate& aggregate, Row& row);
  model::Value variance_of(const Aggregate& aggregate, Row& row);
  model::Value extreme_of(const Aggregate& aggregate, Row& row);
  model::Value decayed_of(const Aggregate& aggregate, Row& row);
  model::Value first_of(const Aggregate& aggregate, Row& row, Scratch& scratch);
  model::Value rate_of(const Row& row, const WindowPlace& place) const;
  model::Value top_of(const Aggregate& aggregate, std::uint32_t slot, Scratch& scratch);
  model::Value collected_of(const Aggregate& aggregate, Row& row, Scratch& scratch);
  model::Value array_of(const Argument& argument, Scratch& scratch) const;

  const plan::Window window_;
  const bool evicts_;  // events leave one by one; else all of a window at once
  const bool queue_;   // entries leave in the order in which they came
  bool keeps_entries_ = false;
  bool is_linked_ = false;
  bool keeps_orders_ = false;
  bool keeps_linked_orders_ = false;
  bool keeps_panes_ = false;
  std::vector<Argument> arguments_;
  std::vector<Cell> cells_;
  std::vector<std::uint32_t> decayed_;    // those cells that are stacks
  std::vector<std::uint32_t> different_;  // those that count values
  std::vector<std::uint32_t> sorted_;     // those that keep values in order
  std::vector<std::uint32_t> raw_;        // those arguments whose values entries keep
  bool has_texts_ = false;                // among them are texts
  std::vector<Aggregate> aggregates_;
  bool only_sums_ = false;  // a sliding window of time of which nothing is asked but the count and …
  std::vector<PlainSum> plain_sums_;  // … these: the usual case, for which insert and evict do nothing else
  std::uint32_t words_per_header_ = 0;  // of a row
  std::uint32_t words_per_row_ = 0;
  std::uint32_t words_ahead_ = 0;    // in a row, where the second cache line to be asked for is
  LargeVector<std::uint64_t> rows_;  // by slot
  NonFinite non_finite_;             // of the sums in rows and panes

  WindowLog log_;
  AscendingColumn times_;                         // of a queue
  WindowLog::Column<std::int64_t> linked_times_;  // where they are asked for by key
  bool keeps_linked_times_ = false;
  WindowLog::Column<std::uint32_t> keys_;  // of a queue
  WindowLog::Column<Entry> links_;
  WindowLog::Column<Entry> before_;  // the key's entry before, where some aggregate collects: links_ or …
  bool has_before_ = false;          // … a column of its own
  AscendingColumn orders_;           // of a queue
  WindowLog::Column<std::uint64_t> linked_orders_;  // where they are asked for by key
  WindowLog::Column<std::uint32_t> counts_;         // of panes: their events
  std::uint32_t partials_ = 0;                      // of panes: their sums, a byte column
  std::uint32_t words_per_partial_ = 0;
  Entry pane_begin_ = 0;          // the first entry of the pane at hand
  std::uint32_t null_bits_ = 0;   // a byte column
  std::uint32_t null_bytes_ = 0;  // of it, an entry

  TextPool texts_;
  std::vector<ValueTable> values_;                        // by Cell::table
  std::vector<std::uint8_t> is_new_;                      // the same: of the event at hand
  std::vector<std::vector<std::vector<Ranked>>> ranked_;  // then by slot: the most frequent first
  std::vector<std::vector<Quantiles>> quantiles_;         // then by slot
  std::vector<SlidingHyperLogLog> registers_;
  std::vector<WindowExtremes> extremes_;
  std::vector<std::uint64_t> elements_;  // working memory: of the array at hand
};

template <class Value>
bool WindowState::lies_in(const WindowRange& range, std::uint32_t number, std::uint32_t slot,
                          Value value) const {
  const Aggregate& aggregate = aggregates_[number];
  const std::uint64_t* const words = &rows_[std::size_t{slot} * words_per_row_];
  switch (aggregate.form) {
    case Aggregate::Form::count: return range.holds(std::int64_t{row(slot).count});
    case Aggregate::Form::word: return range.holds(static_cast<std::int64_t>(words[aggregate.word]));
    case Aggregate::Form::float_sum:
      if (!non_finite_.empty()) break;
      return range.holds(WindowSum::floats(words + aggregate.word).value());
    case Aggregate::Form::float_extreme: {
      const auto& extreme = *reinterpret_cast<const Extreme*>(words + aggregate.word);
      return extreme.known != 0 && range.holds(std::bit_cast<double>(extreme.bits));
    }
    case Aggregate::Form::other: break;
  }
  return range.holds(value());
}

}  // namespace tocsin::match
