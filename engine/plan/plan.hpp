// The plan: the contract between the language and the engine. Everything is resolved, typed and checked;
// nothing here refers to text. It is made by dsl/, read by match/, and never changed in between.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
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

/// `{min..max mode}`. A plain step is {1..1}.
struct Quantifier {
  std::uint32_t min = 1;
  std::uint32_t max = 1;  // `unbounded` where open
  Contiguity mode = Contiguity::relaxed;  // how repeats follow each other

  friend bool operator==(const Quantifier&, const Quantifier&) = default;
};

struct Step {
  std::string name;              // empty where the rule gave none
  model::EventTypeId type = 0;
  std::vector<Expr> conditions;  // conjuncts, all bool; those of `where` among them, each at the step that
                                 // binds the last of its names. They read the event tried as
                                 // Selector::current; of the step's own earlier repeats `previous` and
                                 // aggregates. A conjunct with `previous` applies from the second repeat on.
  Quantifier quantifier;

  bool repeated() const { return quantifier.max > 1; }
};

/// The shape of a pattern. Leaves are steps, each used once. Binding: quantifier, then `|`, then edges.
struct PatternNode {
  enum class Kind : std::uint8_t { step, sequence, alternation };
  Kind kind = Kind::step;
  std::uint32_t step = 0;              // of a step: index in Rule::steps
  std::vector<PatternNode> children;   // of a sequence or alternation, in text order
  std::vector<Contiguity> edges;       // of a sequence: edges[i] stands before children[i]; edges[0] unused
};

/// One key of `partition by`, with the field that carries it in each type of the rule's stream.
struct PartitionKey {
  std::string name;
  model::Type type;                                                  // never nullable, never an array
  std::vector<std::pair<model::EventTypeId, std::uint32_t>> fields;  // (type, field index)
};

/// One event type of the rule's stream. With `from T[cond]` only events for which `cond` holds belong to it.
struct Input {
  model::EventTypeId type = 0;
  std::vector<Expr> conditions;  // conjuncts over Selector::current
};

struct Within {
  enum class Unit : std::uint8_t { none, time, events };
  Unit unit = Unit::none;
  std::int64_t time_ns = 0;   // last - first event time, inclusive
  std::uint64_t events = 0;   // of the rule's stream in the partition, first and last counted
};

enum class Report : std::uint8_t { first, all };
enum class Skip : std::uint8_t { past_last, none };

/// `@severity("high")` → {"severity", {"high"}}; `@urgent` → {"urgent", {}}.
struct Label {
  std::string name;
  std::vector<Constant> values;
};

struct EmitField {
  std::uint32_t field = 0;  // in the emitted type
  Expr value;
};

struct Emit {
  model::EventTypeId type = 0;
  std::vector<EmitField> fields;
};

struct Rule {
  std::string name;
  std::string doc;
  std::vector<Label> labels;
  std::vector<Input> inputs;       // the stream, one entry a type, in order of first mention
  bool has_pattern = false;        // false: a filter or projection over `inputs`
  std::vector<Step> steps;         // in text order; empty without a pattern
  PatternNode pattern;
  std::vector<PartitionKey> partition;
  Within within;
  Report report = Report::first;
  Skip skip = Skip::past_last;
  std::optional<Emit> emit;
};

struct Plan {
  model::Catalog catalog;
  std::vector<Rule> rules;           // in declaration order; a rule's id is its index
  std::vector<std::uint32_t> order;  // rule ids, each rule after all that emit a type it reads; else by id
};

/// A stable text form of the whole plan, for `explain`, golden tests and diagnosis.
std::string dump(const Plan& plan);
std::string dump(const Plan& plan, const Rule& rule);
/// One expression as rule text, with steps by name (`#2` where unnamed).
std::string dump(const Plan& plan, const Rule& rule, const Expr& expr);

}  // namespace tocsin::plan
