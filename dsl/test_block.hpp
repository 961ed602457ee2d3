// `test` blocks as plain data: what comes in, when, and what must come of it. Whoever runs them needs this
// and the plan, and nothing of the text but the places.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsl/source.hpp"
#include "engine/model/schema.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::dsl {

/// More events would make a test a benchmark.
inline constexpr std::uint64_t max_test_events = 1'000'000;

/// A field with its value, which fits the field's type.
struct TestField {
  std::uint32_t field = 0;  // index in the type's fields
  bool array = false;
  plan::Constant value;                  // not of an array
  std::vector<plan::Constant> elements;  // of an array
};

/// One event, or one every `period_ns` from `first_ns` to `last_ns`, both included; or, without a type, time
/// alone, which comes to `first_ns`.
struct TestInput {
  std::optional<model::EventTypeId> type;
  std::vector<TestField> fields;  // the others are null
  std::int64_t first_ns = 0;
  std::int64_t last_ns = 0;
  std::int64_t period_ns = 1;
  Span span;
};

/// What must come: alerts of a type, or matches of a rule that emits nothing.
struct Expectation {
  std::optional<model::EventTypeId> type;
  std::uint32_t rule = 0;         // where there is no type
  std::vector<TestField> fields;  // that an alert must have; null is a value, too
  std::optional<std::int64_t> at_ns;
  std::optional<std::uint64_t> count;  // so many must fit; none: one that no other expectation needs
  Span span;
};

/// The rows of a table that is read from a file, in a test; the file itself is not read.
struct TestTable {
  std::uint32_t table = 0;  // index in the plan's tables
  std::vector<std::vector<TestField>> rows;
};

struct TestBlock {
  std::string name;
  Span span;              // of the name
  bool imported = false;  // its file was not named by the user
  std::int64_t start_ns = 0;
  bool absolute = false;          // it writes all times as such, none since its start
  std::vector<TestInput> inputs;  // in order of first_ns
  std::vector<TestTable> tables;  // the others are empty
  std::vector<Expectation> expectations;
  std::optional<plan::Plan> plan;  // the rules with the params of this test; none: those of all
};

}  // namespace tocsin::dsl
