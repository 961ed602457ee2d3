// A rule's window and threshold as the matcher runs them: part of its Program.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "engine/match/evaluate.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::match {

/// What aggregates are over: an expression on one event. Equal ones of a rule are one.
struct WindowArgument {
  plan::Expr source;
  Expression value;
  model::Kind kind = model::Kind::null;
  bool nullable = false;
  std::uint32_t slot = 0;  // of a field's value in the event; only where it is never null
};

struct WindowAggregate {
  static constexpr std::uint32_t no_argument = 0xFFFFFFFF;

  plan::WindowFunction function = plan::WindowFunction::count;
  std::uint32_t argument = no_argument;  // in WindowProgram::arguments
  double percent = 0;
  std::int64_t half_life_ns = 0;
  std::uint32_t most = 0;
  model::Kind result = model::Kind::null;
};

/// The numbers that satisfy a comparison with a constant: both ends are among them.
struct WindowRange {
  std::int64_t least = INT64_MIN;
  std::int64_t greatest = INT64_MAX;
  double least_float = -std::numeric_limits<double>::infinity();
  double greatest_float = std::numeric_limits<double>::infinity();

  bool holds(std::int64_t value) const { return value >= least && value <= greatest; }
  bool holds(double value) const { return value >= least_float && value <= greatest_float; }
  bool holds(const model::Value& value) const {
    if (value.is_null()) return false;
    return value.kind == model::Kind::floating ? holds(value.f) : holds(value.i);
  }
};

/// Those that stand on the left of `op`, which is <, <=, > or >=, before `bound`.
WindowRange range_of(plan::Op op, std::int64_t bound);
WindowRange range_of(plan::Op op, double bound);

/// A conjunct of `when`. What compares an aggregate with a number is compared directly.
struct WindowCondition {
  Expression expression;
  bool is_simple = false;
  std::uint32_t aggregate = 0;  // in WindowProgram::aggregates
  WindowRange range;
};

struct WindowProgram {
  plan::Window window;
  std::vector<WindowArgument> arguments;
  std::vector<WindowAggregate> aggregates;  // as Rule::aggregates

  plan::Threshold::On on = plan::Threshold::On::every;
  std::int64_t for_ns = plan::no_bound;
  std::int64_t keep_ns = plan::no_bound;
  std::vector<WindowCondition> conditions;

  bool sees_instants = false;  // it must look whenever events leave by time, or a window closes by time
  bool keeps_newest = false;   // it reads or reports the newest event of a partition when none comes in

  std::string reason;  // for `explain`: what it does when

  bool by_time() const { return window.events == 0; }
  bool slides_by_time() const { return by_time() && window.kind == plan::Window::Kind::sliding; }
  /// Has a timer.
  bool is_timed() const { return sees_instants || for_ns != plan::no_bound || keep_ns != plan::no_bound; }
};

/// Precondition: the rule has a window.
WindowProgram build_window(const plan::Rule& rule, const model::Catalog& catalog);

}  // namespace tocsin::match
