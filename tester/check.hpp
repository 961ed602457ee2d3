// What a test expects, held against what came.
#pragma once

#include <cstddef>
#include <vector>

#include "dsl/test_block.hpp"
#include "tester/play.hpp"

namespace tocsin::tester {

/// One expectation and the alerts that it is about: those of its type, or of its rule.
struct Verdict {
  const dsl::Expectation* expected = nullptr;
  bool holds = false;
  std::vector<std::size_t> fitting;  // in Record::alerts
  std::vector<std::size_t> others;   // of the type, but with other values or at another time
  std::vector<std::size_t> taken;    // of `fitting`, those that other expectations need
};

/// True where both are the same; floats up to a relative 1e-9.
bool same_value(const model::Value& a, const model::Value& b);

/// True where the alert has the value that `field` asks for.
bool has_value(const dsl::TestField& field, const Alert& alert, const Record& record,
               const model::Catalog& catalog);

/// One a expectation, in order. Those without a count get an alert each, so that as many as possible hold.
std::vector<Verdict> check(const dsl::TestBlock& test, const Record& record, const model::Catalog& catalog);

}  // namespace tocsin::tester
