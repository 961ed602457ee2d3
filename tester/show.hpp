// Values, events and times as the rule text of a test writes them.
#pragma once

#include <string>

#include "dsl/test_block.hpp"
#include "engine/model/event.hpp"
#include "engine/model/schema.hpp"
#include "engine/plan/expr.hpp"

namespace tocsin::tester {

class Show {
 public:
  /// Times are shown as `test` writes them: since its start, or as such. Both must outlive this.
  Show(const model::Catalog& catalog, const dsl::TestBlock& test) : catalog_(catalog), test_(test) {}

  const model::Catalog& catalog() const { return catalog_; }

  /// `9s`, or `@2026-01-31T12:00:09Z`.
  std::string time(std::int64_t ns) const;
  std::string value(const model::Value& value, const model::Type& type) const;
  /// The value that a test gives a field of `type`.
  std::string value(const dsl::TestField& field, const model::Type& type) const;
  /// `Payment { card: "A", amount: 500.0 }`: all fields but nulls and the timestamp.
  std::string event(model::EventView event) const;
  /// The same behind its time: `9s Payment { … }`.
  std::string event_at(model::EventView event) const {
    return time(event.time_ns()) + " " + this->event(event);
  }
  /// That `throttle` held a match back, as one had passed at `last_ns`.
  std::string throttled(std::int64_t throttle_ns, std::int64_t last_ns) const;

 private:
  const model::Catalog& catalog_;
  const dsl::TestBlock& test_;
};

/// A constant as a value; its text lives as long as the constant.
model::Value value_of(const plan::Constant& constant);

}  // namespace tocsin::tester
