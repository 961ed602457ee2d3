// The tests that stand in docs/language.md pass.
#include <fstream>

#include "tests/tester/support.hpp"

using namespace tocsin;

TEST_CASE("the tests in docs/language.md pass") {
  std::ifstream in(TOCSIN_SOURCE_DIR "/docs/language.md");
  std::string block;
  bool inside = false;
  std::size_t tests = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("```", 0) != 0) {
      if (inside) block += line + "\n";
      continue;
    }
    if (inside && block.find("\ntest \"") != std::string::npos) {
      const dsl::Compiled compiled = test::compiled(block);
      for (const dsl::TestBlock& each : compiled.tests) {
        const tester::Result result = tester::run_test(compiled, each);
        INFO(each.name);
        CHECK(result.passed());
        ++tests;
      }
    }
    inside = line == "```tocsin";
    block.clear();
  }
  CHECK(tests >= 3);
}
