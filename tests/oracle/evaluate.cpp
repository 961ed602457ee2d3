// What an expression reads: fields by selector, aggregates over a step's events, logic. The functions of
// plain values are in functions.cpp.
#include "tests/oracle/evaluate.hpp"

#include <algorithm>

#include "engine/base/assert.hpp"

namespace tocsin::oracle {

using model::Kind;
using plan::Aggregate;
using plan::Expr;
using plan::Op;
using plan::Selector;

namespace {

std::vector<const Event*> events_of(std::uint32_t step, const Run& run) {
  std::vector<const Event*> events;
  for (const Taken& taken : run) {
    if (taken.step == step) events.push_back(taken.event);
  }
  return events;
}

const Event* select(const plan::FieldRef& ref, const Scope& scope) {
  if (ref.selector == Selector::current) return scope.current;
  if (ref.selector == Selector::element_event) return scope.element;
  const bool previous = ref.selector == Selector::previous;
  const auto events = events_of(previous ? scope.step : ref.step, scope.run);
  if (events.empty()) return nullptr;
  switch (ref.selector) {
    case Selector::single:
    case Selector::first: return events.front();
    case Selector::previous:
    case Selector::last: return events.back();
    default: return ref.index < events.size() ? events[ref.index] : nullptr;
  }
}

Datum field_of(const plan::FieldRef& ref, const Scope& scope) {
  const Event* event = select(ref, scope);
  if (event == nullptr) return Datum::null();
  if (ref.of_any && event->type != ref.type) return Datum::null();
  TOCSIN_ASSERT(event->type == ref.type);
  return event->fields[ref.field];
}

/// A float under `report total`, else an int.
Datum count_of(std::size_t count, Kind kind) {
  return kind == Kind::floating ? Datum::floating(double(count)) : Datum::of_int(std::int64_t(count));
}

Datum sum_of(const std::vector<Datum>& values, Kind kind) {
  if (kind == Kind::floating) {
    double sum = 0;
    for (const Datum& value : values)
      sum += value.kind == Kind::floating ? value.f : double(value.i);
    return Datum::floating(sum);
  }
  std::int64_t sum = 0;
  for (const Datum& value : values) {
    if (__builtin_add_overflow(sum, value.i, &sum)) return Datum::null();
  }
  return Datum::of_int(sum, kind);
}

Datum average_of(const std::vector<Datum>& values) {
  if (values.empty()) return Datum::null();
  double sum = 0;
  for (const Datum& value : values)
    sum += value.kind == Kind::floating ? value.f : double(value.i);
  return Datum::floating(sum / double(values.size()));
}

Datum extreme_of(const std::vector<Datum>& values, bool greatest) {
  if (values.empty()) return Datum::null();
  Datum best = values.front();
  for (const Datum& value : values) {
    const int order = compare(value, best);
    if (greatest ? order > 0 : order < 0) best = value;
  }
  return best;
}

Datum aggregate(const Expr& expr, const Scope& scope) {
  const auto events = events_of(expr.ref.step, scope.run);
  if (expr.args.empty()) return count_of(events.size(), expr.type.kind);  // count(p)

  std::vector<Datum> values;  // nulls do not take part
  for (const Event* event : events) {
    Scope inner = scope;
    inner.element = event;
    Datum value = evaluate(expr.args[0], inner);
    if (!value.is_null()) values.push_back(std::move(value));
  }
  switch (expr.aggregate) {
    case Aggregate::count: return count_of(values.size(), expr.type.kind);
    case Aggregate::sum: return sum_of(values, expr.type.kind);
    case Aggregate::avg: {
      Datum average = average_of(values);
      const bool of_durations = expr.type.kind == Kind::duration && !average.is_null();
      return of_durations ? Datum::of_int(std::int64_t(average.f), Kind::duration) : average;
    }
    case Aggregate::min: return extreme_of(values, false);
    case Aggregate::max: return extreme_of(values, true);
    case Aggregate::distinct: {
      std::vector<Datum> seen;
      for (const Datum& value : values) {
        if (std::find(seen.begin(), seen.end(), value) == seen.end()) seen.push_back(value);
      }
      return Datum::of_int(std::int64_t(seen.size()));
    }
  }
  return Datum::null();
}

Datum any_element(const Expr& expr, const Scope& scope) {
  const Datum array = evaluate(expr.args[0], scope);
  for (const Datum& item : array.items) {
    Scope inner = scope;
    inner.item = &item;
    if (evaluate(expr.args[1], inner).is_true()) return Datum::boolean(true);
  }
  return Datum::boolean(false);
}

Datum look_up(const Expr& expr, const Scope& scope) {
  std::vector<Datum> key;
  for (const Expr& each : expr.args)
    key.push_back(evaluate(each, scope));
  const Event* row = scope.current->tables->row(expr.ref.index, key, *scope.current, scope.timer_ns);
  if (expr.op == Op::in_table) return Datum::boolean(row != nullptr);
  return row == nullptr ? Datum::null() : row->fields[expr.ref.field];
}

}  // namespace

Datum evaluate(const Expr& expr, const Scope& scope) {
  const auto arg = [&](std::size_t index) { return evaluate(expr.args[index], scope); };
  const auto any_true = [&](bool wanted) {
    return std::any_of(expr.args.begin(), expr.args.end(),
                       [&](const Expr& each) { return evaluate(each, scope).is_true() == wanted; });
  };
  switch (expr.op) {
    case Op::constant: return to_datum(expr.constant);
    case Op::field: return field_of(expr.ref, scope);
    case Op::aggregate: return aggregate(expr, scope);
    case Op::is_bound: return Datum::boolean(!events_of(expr.ref.step, scope.run).empty());
    case Op::match_start: return Datum::of_int(scope.run.front().event->time_ns, Kind::time);
    case Op::match_end: return Datum::of_int(scope.match_end_ns, Kind::time);
    case Op::match_count: return Datum::floating(double(scope.match_count));
    case Op::element: return *scope.item;
    case Op::any_element: return any_element(expr, scope);
    case Op::in_table:
    case Op::table_field: return look_up(expr, scope);

    case Op::and_: return Datum::boolean(!any_true(false));
    case Op::or_: return Datum::boolean(any_true(true));
    case Op::not_: return Datum::boolean(!arg(0).is_true());
    case Op::if_: return arg(0).is_true() ? arg(1) : arg(2);
    case Op::is_null: return Datum::boolean(arg(0).is_null());
    case Op::coalesce:
      for (const Expr& each : expr.args) {
        Datum value = evaluate(each, scope);
        if (!value.is_null()) return value;
      }
      return Datum::null();

    default: {
      std::vector<Datum> args;
      for (const Expr& each : expr.args)
        args.push_back(evaluate(each, scope));
      return call(expr, args);
    }
  }
}

bool names_previous(const Expr& expr) {
  if (expr.op == Op::field && expr.ref.selector == Selector::previous) return true;
  return std::any_of(expr.args.begin(), expr.args.end(), names_previous);
}

}  // namespace tocsin::oracle
