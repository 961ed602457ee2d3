// Values and events as the oracle sees them: owned, spelled out, compared member by member. Nothing here
// shares a line with the engine's way of holding them, so that a layout bug shows as a difference.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/event.hpp"
#include "engine/plan/expr.hpp"

namespace tocsin::oracle {

/// A value of any kind. Members that its kind does not use are left empty, so that == means the same value.
struct Datum {
  model::Kind kind = model::Kind::null;
  std::int64_t i = 0;        // integer, time, duration, boolean, enumeration
  double f = 0;              // floating
  std::string s;             // string
  std::vector<Datum> items;  // array

  bool is_null() const { return kind == model::Kind::null; }
  /// A condition holds where its value is true; a null one does not.
  bool is_true() const { return kind == model::Kind::boolean && i != 0; }

  static Datum null() { return {}; }
  static Datum boolean(bool v) { return of_int(v ? 1 : 0, model::Kind::boolean); }
  static Datum of_int(std::int64_t v, model::Kind kind = model::Kind::integer) {
    Datum datum;
    datum.kind = kind;
    datum.i = v;
    return datum;
  }
  static Datum floating(double v) {
    Datum datum;
    datum.kind = model::Kind::floating;
    datum.f = v;
    return datum;
  }
  static Datum text(std::string v) {
    Datum datum;
    datum.kind = model::Kind::string;
    datum.s = std::move(v);
    return datum;
  }

  friend bool operator==(const Datum&, const Datum&) = default;
};

/// Below zero, zero or above zero, as `a` stands before, at or behind `b`. Both of one kind, neither null.
int compare(const Datum& a, const Datum& b);

class Tables;

/// A match that emitted an event.
struct Cause {
  std::uint32_t rule = 0;
  std::int64_t at_ns = 0;
  std::uint64_t seq = 0;      // of its last event
  std::uint32_t ordinal = 0;  // among those that agree in all that
  bool timeout = false;

  friend bool operator==(const Cause&, const Cause&) = default;
};

struct Event {
  model::EventTypeId type = 0;
  std::int64_t time_ns = 0;
  std::uint64_t seq = 0;
  std::vector<Datum> fields;
  std::optional<Cause> cause = {};
  const Tables* tables = nullptr;  // as it finds them when it comes
};

/// What tables hold.
class Tables {
 public:
  virtual ~Tables() = default;
  /// The row with this key, or null. Of a table of events, the newest before `now` came; with a timer, up to
  /// its instant.
  virtual const Event* row(std::uint32_t table, const std::vector<Datum>& key, const Event& now,
                           std::optional<std::int64_t> timer_ns) const = 0;
};

Datum to_datum(const model::Value& value);
Datum to_datum(const plan::Constant& constant);
Event to_event(model::EventView view, const model::Catalog& catalog);

/// As the project's JSON shows it; times and durations in ns.
std::string to_json(const Datum& datum, const model::Type& type, const model::Catalog& catalog);

}  // namespace tocsin::oracle
