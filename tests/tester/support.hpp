// What the tester's tests share: rules with tests, compiled; results as text.
#pragma once

#include <doctest/doctest.h>
#include <string>

#include "dsl/compile.hpp"
#include "tester/run.hpp"

namespace tocsin::test {

inline dsl::Compiled compiled(const std::string& text) {
  dsl::Compiled out = dsl::compile_text("rules.tocsin", text);
  INFO(dsl::render(out.diagnostics, out.sources));
  REQUIRE(out.plan.has_value());
  return out;
}

/// What is said about the failures of the file's only test; empty where it passes.
inline std::string failures(const std::string& text) {
  const dsl::Compiled rules = compiled(text);
  REQUIRE(rules.tests.size() == 1);
  const tester::Result result = tester::run_test(rules, rules.tests[0]);
  std::string out;
  for (const auto& failure : result.failures) {
    for (const std::string& line : failure)
      out += line + "\n";
  }
  return out;
}

/// Of these, the lines behind "the nearest miss".
inline std::string nearest(const std::string& text) {
  const std::string said = failures(text);
  const std::string head = "  the nearest miss:\n";
  const auto at = said.find(head);
  REQUIRE_MESSAGE(at != std::string::npos, said);
  std::string out;
  for (std::size_t begin = at + head.size(); begin < said.size();) {
    const std::size_t end = said.find('\n', begin);
    out += said.substr(begin + 4, end - begin - 4) + "\n";
    begin = end + 1;
  }
  return out;
}

}  // namespace tocsin::test
