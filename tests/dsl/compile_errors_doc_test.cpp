// docs/errors.md says what users see: each `tocsin` block, compiled as rules.tocsin, gives exactly the `text`
// block behind it.
#include <doctest/doctest.h>
#include <fstream>
#include <sstream>

#include "dsl/compile.hpp"

using namespace tocsin::dsl;

namespace {

// The text between the next fence opened with `language` and its end; moves `at` behind it. Nothing: no more.
std::optional<std::string> next_block(const std::string& page, const std::string& language, std::size_t& at) {
  const std::string fence = "\n```" + language + "\n";
  const auto begin = page.find(fence, at);
  if (begin == std::string::npos) return std::nullopt;
  const auto text = begin + fence.size();
  const auto end = page.find("\n```\n", text - 1);
  if (end == std::string::npos) return std::nullopt;
  at = end + 1;
  return page.substr(text, end + 1 - text);
}

}  // namespace

TEST_CASE("docs/errors.md shows what the compiler says") {
  std::ifstream in(TOCSIN_SOURCE_DIR "/docs/errors.md");
  std::stringstream text;
  text << in.rdbuf();
  const std::string page = text.str();

  int rules = 0;
  std::size_t at = 0;
  while (const auto source = next_block(page, "tocsin", at)) {
    const auto shown = next_block(page, "text", at);
    REQUIRE(shown);
    const auto compiled = compile_text("rules.tocsin", *source);
    CHECK(!compiled.plan);
    CHECK(render(compiled.diagnostics, compiled.sources) == *shown);
    ++rules;
  }
  CHECK(rules >= 10);
}
