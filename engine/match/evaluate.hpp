// Compiled expressions: a plan::Expr flattened into one array, operands typed and offsets resolved, so that
// evaluation is a switch a node with no lookups by name, no allocation and no exceptions. A tree and not a
// stack code, as `and`, `or`, `if` and `any` then skip what they need not know; the parser bounds its depth.
//
// Cost: constant a node but for text functions and for aggregates, which walk the run's events.
// Tested in tests/engine/evaluate_test.cpp and against the oracle's own evaluator.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/match/functions.hpp"
#include "engine/match/packed_event.hpp"
#include "engine/match/totals.hpp"
#include "engine/model/match.hpp"
#include "engine/model/schema.hpp"
#include "engine/plan/expr.hpp"

namespace re2 {
class RE2;
}

namespace tocsin::match {

class Table;

/// Working memory of evaluation, one a thread. Text made by an expression lives here until reset().
struct Scratch {
  std::deque<std::string> texts;  // a deque, so that growing moves no text that a value points to
  std::size_t used = 0;
  model::Value element;                 // of the `any_element` at hand
  model::EventView element_event;       // of the aggregate at hand
  std::uint64_t arithmetic_faults = 0;  // overflows and divisions by zero, each of which gave null
  std::vector<model::Value> distinct;
  std::string key;                       // of the table row at hand
  std::span<const Table* const> tables;  // by number, as they stand for the event or timer at hand

  std::string& text() {
    if (used == texts.size()) texts.emplace_back();
    return texts[used++];
  }
  void reset() { used = 0; }
};

/// The window of a rule at some instant.
class WindowView {
 public:
  /// Aggregate number `index` of the rule. Computed when asked for.
  virtual model::Value aggregate(std::uint32_t index) const = 0;
  virtual std::int64_t start_ns() const = 0;
  virtual std::int64_t end_ns() const = 0;

 protected:
  ~WindowView() = default;
};

/// What an expression reads: the event at hand and the events that the run has taken, in order.
struct Bindings {
  model::EventView current;
  std::span<const model::MatchedEvent> run;
  std::uint32_t step = 0;              // whose condition it is: `prev` is of this step
  std::int64_t end_ns = 0;             // in emit: the time of the match
  const Totals* totals = nullptr;      // in emit under `report total`: what aggregates come to
  const WindowView* window = nullptr;  // of a rule with a window
};

class Expression {
 public:
  /// `taken`: the forms of events of the run, where these are trimmed. It is read during the call alone.
  Expression(const plan::Expr& expr, const model::Catalog& catalog, std::span<const EventForm> taken = {});
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;
  ~Expression();

  /// The value; text in it lives as long as the events, this object and `scratch`'s next reset().
  model::Value evaluate(const Bindings& bindings, Scratch& scratch) const {
    const Node& root = nodes_[root_];
    if (root.op == plan::Op::field) return eval_field(root, bindings, scratch);  // as most of what is emitted
    return eval(root_, bindings, scratch);
  }

  /// As a condition: null counts as false.
  bool holds(const Bindings& bindings, Scratch& scratch) const { return truth(root_, bindings, scratch); }

  /// True where it reads events of the run other than `prev`.
  bool reads_run() const { return reads_run_; }
  /// True where it names `prev`.
  bool reads_previous() const { return reads_previous_; }

 private:
  struct Node {
    plan::Op op = plan::Op::constant;
    model::Kind result = model::Kind::null;   // what arithmetic tags its value with
    model::Kind kind = model::Kind::null;     // of a field
    model::Kind element = model::Kind::null;  // of an array field
    plan::Selector selector = plan::Selector::current;
    plan::Aggregate aggregate = plan::Aggregate::count;
    bool ignore_case = false;
    bool of_any = false;  // of a field: null where the event is of another type
    model::EventTypeId type = 0;
    std::uint16_t arity = 0;
    std::uint32_t first_arg = 0;  // in args_
    std::uint32_t step = 0;
    std::uint32_t index = 0;
    std::uint32_t field = 0;
    std::uint32_t slot = 0;
    std::uint32_t pattern = 0;   // first in patterns_, regexes_, networks_ or units_
    std::uint32_t patterns = 0;  // how many
    model::Value constant;
  };

  std::uint32_t compile(const plan::Expr& expr, const model::Catalog& catalog,
                        std::span<const EventForm> taken);
  void compile_patterns(const plan::Expr& expr, Node& node);
  model::Value eval(std::uint32_t at, const Bindings& bindings, Scratch& scratch) const;
  bool truth(std::uint32_t at, const Bindings& bindings, Scratch& scratch) const {
    const model::Value value = eval(at, bindings, scratch);
    return !value.is_null() && value.i != 0;
  }
  model::Value eval_field(const Node& node, const Bindings& bindings, const Scratch& scratch) const;
  static model::Value eval_total(const Node& node, const Totals& totals);
  model::Value eval_aggregate(const Node& node, const Bindings& bindings, Scratch& scratch) const;
  model::Value eval_arithmetic(const Node& node, const Bindings& bindings, Scratch& scratch) const;
  bool eval_comparison(const Node& node, const Bindings& bindings, Scratch& scratch) const;
  bool eval_set_test(const Node& node, const Bindings& bindings, Scratch& scratch) const;
  model::Value eval_text(const Node& node, const Bindings& bindings, Scratch& scratch) const;
  model::EventView find_row(const Node& node, const Bindings& bindings, Scratch& scratch) const;
  model::Value eval_row_field(const Node& node, const Bindings& bindings, Scratch& scratch) const;
  model::Value eval_number(const Node& node, const Bindings& bindings, Scratch& scratch) const;
  std::uint32_t arg(const Node& node, std::uint32_t i) const { return args_[node.first_arg + i]; }

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> args_;
  std::deque<std::string> texts_;  // of constants and `like` patterns; a deque, as values point into it
  std::vector<std::string_view> patterns_;
  std::vector<std::unique_ptr<re2::RE2>> regexes_;
  std::vector<Network> networks_;
  std::vector<DateUnit> units_;
  std::uint32_t root_ = 0;
  bool reads_run_ = false;
  bool reads_previous_ = false;
};

/// True where `expr` reads no event but the one at hand. (Rows of tables are none.)
bool is_single_event(const plan::Expr& expr);

/// True where `expr` looks into a table: what it gives holds for the event at hand, and not for later ones.
bool looks_up(const plan::Expr& expr);

}  // namespace tocsin::match
