// tests/scripts/*.test: a behaviour a file, held by the oracle and by the engine under every setting.
#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>

#include "tests/oracle/script.hpp"

using namespace tocsin::oracle;

TEST_CASE("scripts") {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(TOCSIN_SOURCE_DIR "/tests/scripts")) {
    if (entry.path().extension() == ".test") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  REQUIRE(paths.size() >= 40);

  const auto setups = all_setups();
  for (const auto& path : paths) {
    std::string wrong;
    try {
      const Script script = parse_script(read_text(path));
      wrong = script.purpose.empty() ? "no comment says what it tests" : check(script, setups);
    } catch (const std::exception& error) {
      wrong = error.what();
    }
    INFO(path.filename().string() << "\n" << wrong);
    CHECK(wrong.empty());
  }
}

TEST_CASE("a script prints as it was read") {
  const Script script{.purpose = "Two A.",
                      .rules = "event A {\n}\n",
                      .matcher = "grouped",
                      .lateness_ns = 5,
                      .sources = 2,
                      .tables = {},
                      .events = {R"({"type":"A"})", R"({"type":"A"})"},
                      .matches = {R"({"rule":"r"})"},
                      .errors = {}};
  const Script again = parse_script(print(script));
  CHECK(again.purpose == script.purpose);
  CHECK(again.rules == script.rules);
  CHECK(again.matcher == script.matcher);
  CHECK(again.lateness_ns == script.lateness_ns);
  CHECK(again.sources == script.sources);
  CHECK(again.events == script.events);
  CHECK(again.matches == script.matches);
}
