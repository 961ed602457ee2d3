// The plan: the contract between the language and the engine. Everything is resolved, typed and checked;
// nothing here refers to text. It is made by dsl/, read by match/, and never changed in between.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/model/schema.hpp"
#include "engine/plan/expr.hpp"

namespace tocsin::plan {

/// How one matched event follows the one matched before it.
enum class Contiguity : std::uint8_t {
  strict,   // `,`   the very next event of the rule's stream in the partition
  relaxed,  // `->`  the first later event that fits
  any,      // `~>`  each later event that fits is a candidate
};

inline constexpr std::uint32_t unbounded = std::numeric_limits<std::uint32_t>::max();

inline constexpr std::int64_t no_bound = -1;  // of a time in ns that bounds something

/// What a loop does with an event that fits a further repeat and what follows alike.
enum class Loop : std::uint8_t {
  greedy,      // both are candidates; the repeat is preferred
  reluctant,   // `{1..}?`: it leaves, for good, as soon as what follows fits
  possessive,  // `{1..}+`: it never leaves while a further repeat fits
};

/// `{min..max mode gap 5s}`. A plain element is {1..1}.
struct Quantifier {
  std::uint32_t min = 1;
  std::uint32_t max = 1;                  // `unbounded` where open
  Contiguity mode = Contiguity::relaxed;  // how repeats follow each other
  Loop loop = Loop::greedy;               // of a group: greedy
  std::int64_t gap_ns = no_bound;  // the most time from one repeat's last event to the next one's first

  friend bool operator==(const Quantifier&, const Quantifier&) = default;
};

struct Step {
  std::string name;                       // empty where the rule gave none
  std::vector<model::EventTypeId> types;  // one; of `any[…]` those of the rule's stream. Sorted.
  std::vector<Expr> conditions;  // conjuncts, all bool; those of `where` among them, each at the step that
                                 // binds the last of its names. They read the event tried as
                                 // Selector::current; of the step's own earlier repeats `previous` and
                                 // aggregates. A conjunct with `previous` applies once the run holds an
                                 // event of this step.
  Quantifier quantifier;
  std::vector<Expr> until;  // conjuncts; empty: none. The first event after the event matched before the
                            // loop, or after a repeat, for which all hold ends the loop: from it on, itself
                            // included, no (further) repeat is taken. They read what `conditions` may read.
  bool in_loop = false;     // stands in a group that is repeated, so that a run may take it again

  bool repeated() const { return quantifier.max > 1 || in_loop; }

  friend bool operator==(const Step&, const Step&) = default;
};

/// An event that must not come: `not T[cond]`. Its conditions read it as Selector::current, and earlier
/// steps.
struct Negation {
  std::vector<model::EventTypeId> types;
  std::vector<Expr> conditions;

  friend bool operator==(const Negation&, const Negation&) = default;
};

/// A negation that stands before an element: between the event matched last and the element's first event.
struct Ban {
  std::uint32_t negation = 0;  // index in Rule::negations
  bool strict = false;         // `, not B`: the very next event is no B; else none between is

  friend bool operator==(const Ban&, const Ban&) = default;
};

/// `->[5s]` and its like. Governs how the element's first event follows the event matched last, whichever
/// that was; bans before optional elements that were skipped apply as well as its own.
struct Edge {
  Contiguity contiguity = Contiguity::relaxed;
  std::int64_t bound_ns = no_bound;  // the most time since the event matched last, inclusive
  std::vector<Ban> bans;

  friend bool operator==(const Edge&, const Edge&) = default;
};

/// The shape of a pattern. Leaves are steps, each used once. Binding: quantifier, then `&`, then `|`, then
/// edges.
struct PatternNode {
  enum class Kind : std::uint8_t {
    step,
    sequence,
    alternation,
    permutation,  // `&`: all children in some order, each relaxed after the one before, none within another
  };
  Kind kind = Kind::step;
  std::uint32_t step = 0;             // of a step: index in Rule::steps
  std::vector<PatternNode> children;  // of the others, in text order
  std::vector<Edge> edges;            // of a sequence: edges[i] stands before children[i]; edges[0] unused
  Quantifier quantifier;              // of a group (not of a step, which has its own)
  std::int64_t within_ns = no_bound;  // of a group: from its first event to its last, in each repeat

  friend bool operator==(const PatternNode&, const PatternNode&) = default;
};

/// `not B for 30s`, at the pattern's begin or end.
struct Absence {
  std::uint32_t negation = 0;  // index in Rule::negations
  std::int64_t for_ns = 0;

  friend bool operator==(const Absence&, const Absence&) = default;
};

/// One key of `partition by`, with the field that carries it in each type of the rule's stream.
struct PartitionKey {
  std::string name;
  model::Type type;                                                  // never nullable, never an array
  std::vector<std::pair<model::EventTypeId, std::uint32_t>> fields;  // (type, field index)

  friend bool operator==(const PartitionKey&, const PartitionKey&) = default;
};

/// One event type of the rule's stream. With `from T[cond]` only events for which `cond` holds belong to it.
struct Input {
  model::EventTypeId type = 0;
  std::vector<Expr> conditions;  // conjuncts over Selector::current

  friend bool operator==(const Input&, const Input&) = default;
};

struct Within {
  enum class Unit : std::uint8_t { none, time, events };
  Unit unit = Unit::none;
  std::int64_t time_ns = 0;  // last - first event time, inclusive
  std::uint64_t events = 0;  // of the rule's stream in the partition, first and last counted

  friend bool operator==(const Within&, const Within&) = default;
};

enum class Report : std::uint8_t {
  first,
  last,
  longest,
  any,
  all,
  total,  // one report for all; conditions read one event alone, `emit` aggregates and the last event
};
enum class Skip : std::uint8_t { past_last, none, to_next, to_first, to_last };

/// `window …`: which events of a partition are looked at together. By time unless `events` is set.
struct Window {
  enum class Kind : std::uint8_t {
    sliding,   // those of the last width_ns, inclusive at both ends, or the last `events`
    tumbling,  // [k width, (k + 1) width) since the epoch, or each `events` in turn
    hopping,   // [k hop, k hop + width) since the epoch, for every k
    session,   // until none came for width_ns
  };
  Kind kind = Kind::sliding;
  std::int64_t width_ns = 0;  // of a session: its gap
  std::int64_t hop_ns = 0;    // of hopping windows
  std::uint64_t events = 0;   // of sliding and tumbling ones

  friend bool operator==(const Window&, const Window&) = default;
};

enum class WindowFunction : std::uint8_t {
  count,  // without an argument: all events; else those for which it is not null
  sum,
  avg,
  min,
  max,
  stddev,    // of a sample: divided by n - 1
  variance,  // the same
  distinct,
  approx_distinct,
  percentile,  // median: of 50
  first,
  last,
  rate,  // events a second
  ewma,
  top,      // the k most frequent values, an array
  collect,  // all values, an array
  is_new,   // no earlier event of the window has the value of the event at hand
};

/// An aggregate over the events of the window. What is null is left out.
struct WindowAggregate {
  WindowFunction function = WindowFunction::count;
  std::vector<Expr> argument;     // none or one, over Selector::current
  double percent = 0;             // of percentile: 0 to 100
  std::int64_t half_life_ns = 0;  // of ewma
  std::uint32_t most = 0;         // of top
  model::Type type;               // of the result

  friend bool operator==(const WindowAggregate&, const WindowAggregate&) = default;
};

/// `when …`: of a rule with a window.
struct Threshold {
  enum class On : std::uint8_t {
    rise,   // when the conditions become true
    every,  // at every event for which they are
    fall,   // when they become false
    close,  // when a window closes for which they are
  };
  On on = On::rise;
  std::vector<Expr> conditions;     // conjuncts over the window and the event at hand; none: true
  std::int64_t for_ns = no_bound;   // of rise: they must hold that long
  std::int64_t keep_ns = no_bound;  // of rise and fall: they count as true until false for that long

  friend bool operator==(const Threshold&, const Threshold&) = default;
};

inline constexpr std::size_t max_table_keys = 8;

/// A table: rows laid out as events of `type`, at most one a key.
struct Table {
  std::string name;
  model::EventTypeId type = 0;      // of the rows: its own, or of the events that it keeps
  std::vector<std::uint32_t> keys;  // fields
  std::string path;      // of the file that it is read from; empty: it keeps the newest event a key
  bool removed = false;  // of a plan that continues another (continuation.hpp): it is gone

  friend bool operator==(const Table&, const Table&) = default;
};

/// `@severity("high")` → {"severity", {"high"}}; `@urgent` → {"urgent", {}}.
struct Label {
  std::string name;
  std::vector<Constant> values;

  friend bool operator==(const Label&, const Label&) = default;
};

struct EmitField {
  std::uint32_t field = 0;  // in the emitted type
  Expr value;

  friend bool operator==(const EmitField&, const EmitField&) = default;
};

struct Emit {
  model::EventTypeId type = 0;
  std::vector<EmitField> fields;

  friend bool operator==(const Emit&, const Emit&) = default;
};

struct Rule {
  std::string name;
  bool removed = false;  // of a plan that continues another (continuation.hpp): only the name is left
  std::string doc;
  std::vector<Label> labels;
  std::vector<Input> inputs;  // the stream, one entry a type, in order of first mention
  bool has_pattern = false;   // false: a filter or projection over `inputs`, or a window
  std::vector<Step> steps;    // in text order; empty without a pattern
  PatternNode pattern;
  std::vector<Negation> negations;
  std::vector<Absence> before;  // `not B for 30s -> A`: no B in the 30 s before the first event
  std::vector<Absence> after;   // `A -> not B for 30s`: the match completes once all these times have passed
  std::vector<PartitionKey> partition;
  bool partition_found = false;  // it was not written: equality joins over all steps make it
  Within within;
  std::optional<Window> window;             // then there are no steps
  std::vector<WindowAggregate> aggregates;  // of the window, each once
  Threshold threshold;                      // of a rule with a window
  std::int64_t throttle_ns = no_bound;      // at most one match a partition in that time
  Report report = Report::first;
  Skip skip = Skip::past_last;
  std::uint32_t skip_step = 0;  // of to_first and to_last
  std::optional<Emit> emit;
  std::optional<Emit>
      timeout;  // `on timeout emit`: what becomes of runs that `within` (a time) ends unfinished

  friend bool operator==(const Rule&, const Rule&) = default;
};

struct Plan {
  model::Catalog catalog;
  std::vector<Table> tables;
  std::vector<Rule> rules;           // in declaration order; a rule's id is its index
  std::vector<std::uint32_t> order;  // rule ids, each rule after all that emit a type it reads; else by id
};

/// The tables that the rule looks into, by number, each once.
std::vector<std::uint32_t> tables_read(const Rule& rule);

/// `first`, `all`, …: as rules write it.
std::string_view report_word(Report report);
/// `sliding`, `tumbling`, …
std::string_view window_word(Window::Kind kind);
/// `rise`, `every`, `fall` or `close`
std::string_view on_word(Threshold::On on);

/// A step as dumps name it: `#2` where the rule gave it no name.
std::string step_name(const Rule& rule, std::uint32_t step);

/// A stable text form of the whole plan, for `explain`, golden tests and diagnosis.
std::string dump(const Plan& plan);
std::string dump(const Plan& plan, const Rule& rule);
/// One expression as rule text, with steps by name.
std::string dump(const Plan& plan, const Rule& rule, const Expr& expr);

}  // namespace tocsin::plan
