// Typed expressions: what is left of the rule text once names are resolved, params folded and types checked.
// A tree of plain values; the matchers compile it (match/evaluate.hpp), the oracle walks it.
//
// Null rules (docs/language.md, Expressions): a comparison with null is false; arithmetic and functions of
// null are null; a null bool counts as false to `and`, `or`, `not`, `if` and conditions. Integer overflow
// and division by zero give null.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model/schema.hpp"
#include "engine/model/type.hpp"

namespace tocsin::plan {

enum class Op : std::uint8_t {
  constant,   // Expr::constant
  field,      // a field of an event: Expr::ref
  aggregate,  // over a repeated step's events: Expr::aggregate, Expr::ref.step, args[0] over `element_event`
  is_bound,   // true where step ref.step holds at least one event
  match_start,       // event time of the match's first event
  match_end,         // event time of the match: of its last event, or of the timer that completed it
  match_count,       // under `report total`: how many candidates there are, a float
  window_aggregate,  // over the events of the rule's window: ref.index in Rule::aggregates
  window_start,      // of the window at hand (docs/language.md, Windows)
  window_end,
  in_table,     // a row of table ref.index has the key args
  table_field,  // field ref.field of the row of table ref.index with the key args; null where there is none
  element,      // inside any_element: the array element at hand

  // Arithmetic. args: two (neg: one). Both of the same kind but where times and durations mix:
  // time-time=duration, time+duration=time, duration*int=duration, duration*float=duration,
  // duration/int=duration, duration/duration=float.
  neg,
  add,
  sub,
  mul,
  div,
  mod,
  to_float,  // int or duration to float

  // Comparison; both args of the same kind. `ignore_case` applies to text.
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  in,       // args[0] in (args[1] … args[n]); ignore_case
  is_null,  // args[0] is null

  and_,
  or_,
  not_,
  if_,       // args: condition, then, else
  coalesce,  // the first argument that is not null

  like,         // args[0] like any of patterns; `*` any run, `?` any one character; ignore_case
  matches,      // args[0] matches any of patterns (RE2, found anywhere); ignore_case
  has,          // args[0] is an array that holds args[1]
  any_element,  // args[0] is an array; true where args[1] holds for one of its `element`s

  lower,
  upper,
  length,
  starts_with,
  ends_with,
  contains,
  concat,
  substring,  // args: text, begin (from 0), length (optional); counts characters (UTF-8 code points)
  abs,
  floor,
  ceil,
  round,
  sqrt,
  log,
  exp,
  pow,
  min,
  max,          // of two or more arguments
  hour,         // 0..23, UTC, of a time
  weekday,      // 1 (Monday) .. 7 (Sunday), UTC, of a time
  date_trunc,   // args: a time; `unit` in patterns[0]: second minute hour day week month year
  in_cidr,      // args[0] text; patterns: networks such as 10.0.0.0/8 or 2001:db8::/32; no address: false
  distance_km,  // args: lat, lon, lat, lon in degrees (haversine, mean radius 6371.0088 km)
  hash,         // a non-negative int of any value, stable between runs and machines
};

/// Which event of the run a field is read from.
enum class Selector : std::uint8_t {
  current,   // the event at hand: in a step's condition the one tried, in emit the one that fired the rule
  single,    // the one event of step `step` (null where the step was not taken)
  previous,  // `prev`: the same repeated step's previous event
  first,     // first(step)
  last,      // last(step)
  index,     // step[index], from 0
  element_event,  // inside an aggregate's argument: the step's event at hand
};

struct FieldRef {
  Selector selector = Selector::current;
  std::uint32_t step = 0;   // index in Rule::steps; unused by current and previous
  std::uint32_t index = 0;  // for Selector::index; of an aggregate of the window, or a table
  model::EventTypeId type = 0;
  std::uint32_t field = 0;  // index in EventType::fields
  bool of_any = false;      // the event may be of another type (`any[…]`): then null

  friend bool operator==(const FieldRef&, const FieldRef&) = default;
};

enum class Aggregate : std::uint8_t { count, sum, avg, min, max, distinct };

/// A constant, with its text owned. Arrays do not occur.
struct Constant {
  model::Kind kind = model::Kind::null;
  std::int64_t i = 0;  // integer, time, duration, boolean, enumeration
  double f = 0;        // floating
  std::string s;       // string

  friend bool operator==(const Constant&, const Constant&) = default;
};

struct Expr {
  Op op = Op::constant;
  model::Type type;
  std::vector<Expr> args;
  Constant constant;
  FieldRef ref;
  Aggregate aggregate = Aggregate::count;
  bool ignore_case = false;
  std::vector<std::string> patterns;  // of like, matches, in_cidr, date_trunc

  friend bool operator==(const Expr&, const Expr&) = default;
};

}  // namespace tocsin::plan
