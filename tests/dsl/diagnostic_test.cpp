// Rendering of diagnostics and the spelling help.
#include "dsl/diagnostic.hpp"

#include <doctest/doctest.h>

using namespace tocsin::dsl;

namespace {

SourceMap map_of(std::string text) {
  return {{{"rules.tocsin", std::move(text)}}};
}

Diagnostic error_at(std::uint32_t begin, std::uint32_t end, std::string hint = {}) {
  return {Severity::error, {0, begin, end}, "wrong", std::move(hint)};
}

}  // namespace

TEST_CASE("line_column counts code points from 1") {
  const SourceFile file{"f", "ab\nä€x\n"};
  const auto at = [&](std::uint32_t offset) {
    const auto [line, column] = line_column(file, offset);
    return std::pair(line, column);
  };
  CHECK(at(0) == std::pair(1u, 1u));
  CHECK(at(2) == std::pair(1u, 3u));
  CHECK(at(3) == std::pair(2u, 1u));
  CHECK(at(5) == std::pair(2u, 2u));  // behind the two bytes of ä
  CHECK(at(8) == std::pair(2u, 3u));  // behind the three of €
  CHECK(at(10) == std::pair(3u, 1u));
  CHECK(at(1000) == std::pair(3u, 1u));
}

TEST_CASE("a diagnostic shows its line, carets and the hint") {
  std::string text(6, '\n');
  text += "  from Payment[ammount > 5]\nnext";
  const auto begin = static_cast<std::uint32_t>(text.find("ammount"));
  const Diagnostic diagnostic{
      Severity::error, {0, begin, begin + 7}, "unknown field 'ammount' of Payment", "did you mean 'amount'?"};
  CHECK(render(diagnostic, map_of(text)) ==
        "rules.tocsin:7:16: error: unknown field 'ammount' of Payment\n"
        "   7 |   from Payment[ammount > 5]\n"
        "     |                ^^^^^^^\n"
        "     = did you mean 'amount'?\n");
}

TEST_CASE("carets stand under multi-byte text, tabs are one column, odd bytes don't reach the terminal") {
  CHECK(render(error_at(5, 7), map_of("\"ä\" öx")) ==
        "rules.tocsin:1:5: error: wrong\n"
        "   1 | \"ä\" öx\n"
        "     |     ^\n");
  CHECK(render(error_at(2, 3), map_of("\t\tx")) ==
        "rules.tocsin:1:3: error: wrong\n"
        "   1 |   x\n"
        "     |   ^\n");
  CHECK(render(error_at(2, 3), map_of("\x1b\xffx\r\n")) ==
        "rules.tocsin:1:3: error: wrong\n"
        "   1 | \uFFFD\uFFFDx\n"
        "     |   ^\n");
}

TEST_CASE("a span over several lines is underlined on its first") {
  CHECK(render(error_at(2, 9), map_of("a bcd\nefgh")) ==
        "rules.tocsin:1:3: error: wrong\n"
        "   1 | a bcd\n"
        "     |   ^^^\n");
}

TEST_CASE("an empty span and one behind the text show one caret") {
  CHECK(render(error_at(1, 1), map_of("abc")) == "rules.tocsin:1:2: error: wrong\n   1 | abc\n     |  ^\n");
  CHECK(render(error_at(90, 95), map_of("abc")) ==
        "rules.tocsin:1:4: error: wrong\n   1 | abc\n     |    ^\n");
  CHECK(render(error_at(0, 0), map_of("")) == "rules.tocsin:1:1: error: wrong\n   1 | \n     | ^\n");
}

TEST_CASE("a long line is cut around the caret") {
  const std::string text = std::string(300, 'a') + "WRONG" + std::string(300, 'b');
  const auto out = render(error_at(300, 305), map_of(text));
  const auto line_begin = out.find('\n') + 1;
  const auto line = out.substr(line_begin, out.find('\n', line_begin) - line_begin);
  const auto carets = out.substr(out.find('\n', line_begin) + 1);
  CHECK(line.starts_with("   1 | …aaa"));
  CHECK(line.ends_with("bbb…"));
  CHECK(line.size() == 120 + 2 * 2);  // 120 columns; an ellipsis has three bytes
  // The text before the carets has one multi-byte character, the ellipsis.
  CHECK(line.find("WRONG") - 2 == carets.find("^^^^^"));

  const auto at_begin = render(error_at(0, 1), map_of(text));
  CHECK(at_begin.find("   1 | aaa") != std::string::npos);
  CHECK(at_begin.find("     | ^\n") != std::string::npos);
  const auto whole = render(error_at(0, 605), map_of(text));
  CHECK(whole.substr(whole.rfind('|')).size() <= 120);
}

TEST_CASE("several are rendered in order of place, each once, up to the limit") {
  const auto sources = map_of("abcdef");
  const Diagnostics diagnostics = {error_at(4, 5), error_at(1, 2), error_at(4, 5), error_at(2, 3)};
  const auto all = render(diagnostics, sources);
  const auto one = render(error_at(1, 2), sources);
  const auto two = render(error_at(2, 3), sources);
  CHECK(all == one + two + render(error_at(4, 5), sources));
  CHECK(render(diagnostics, sources, false, 2) == one + two + "… and 1 more\n");
  CHECK(render(Diagnostics{}, sources).empty());
}

TEST_CASE("colour adds escapes and nothing else") {
  auto coloured = render(error_at(0, 1, "hint"), map_of("abc"), true);
  CHECK(coloured.find("\033[") != std::string::npos);
  for (auto at = coloured.find('\033'); at != std::string::npos; at = coloured.find('\033')) {
    coloured.erase(at, coloured.find('m', at) - at + 1);
  }
  CHECK(coloured == render(error_at(0, 1, "hint"), map_of("abc")));
}

TEST_CASE("warnings are no errors") {
  const Diagnostics warnings = {{Severity::warning, {}, "odd", ""}};
  CHECK(!has_errors(warnings));
  CHECK(has_errors({warnings[0], error_at(0, 1)}));
  CHECK(render(warnings, map_of("x")).find("1:1: warning: odd") != std::string::npos);
}
