// Runs tests: plays each, checks what it expects and, where that fails, says why. The report of all is for
// people (report_text), for build servers (junit.hpp) and about what no test reached (coverage.hpp).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "dsl/compile.hpp"
#include "tester/coverage.hpp"

namespace tocsin::tester {

struct Result {
  const dsl::TestBlock* test = nullptr;
  std::string file;
  dsl::LineColumn place;  // of its name
  std::vector<std::vector<std::string>>
      failures;  // lines each: what was expected, what came, the nearest miss
  std::chrono::duration<double> elapsed{};

  bool passed() const { return failures.empty(); }
};

/// Runs one test of `compiled`, which must have a plan. Adds what it reached to `coverage`, where one is
/// given.
Result run_test(const dsl::Compiled& compiled, const dsl::TestBlock& test, Coverage* coverage = nullptr);

/// True where `name` holds `filter`, or where that has a `*`, is like it.
bool is_chosen(std::string_view name, std::string_view filter);

}  // namespace tocsin::tester
