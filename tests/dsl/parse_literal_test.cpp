// Literals: what they stand for, what is wrong with them, and that writing and reading agree.
#include <cmath>
#include <cstring>
#include <doctest/doctest.h>
#include <limits>
#include <random>
#include <vector>

#include "dsl/literal.hpp"
#include "tests/dsl/parse_support.hpp"

namespace tocsin::dsl {
namespace {

constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t second = 1'000'000'000;

ast::Expr value(const std::string& text) {
  const ParsedText result("param p: int = " + text);
  CAPTURE(text);
  REQUIRE(result.errors() == "");
  return *std::get<ast::ParamDecl>(result.parsed.file.declarations.at(0)).value;
}

/// The bytes under the caret, then the message.
std::string problem(const std::string& text) {
  const ParsedText result("param p: int = " + text);
  CAPTURE(text);
  REQUIRE(result.parsed.diagnostics.size() == 1);
  const Diagnostic& wrong = result.parsed.diagnostics[0];
  return result.text().substr(wrong.span.begin, wrong.span.end - wrong.span.begin) + ": " + wrong.message;
}

}  // namespace

TEST_CASE("integers") {
  CHECK(value("0").integer == 0);
  CHECK(value("10_000").integer == 10'000);
  CHECK(value("9223372036854775807").integer == most);
  CHECK(value("-9223372036854775808").integer == least);
  const std::string beyond = ": the integer does not fit into 64 bits";
  CHECK(problem("9223372036854775808") == "9223372036854775808" + beyond);
  CHECK(problem("-9223372036854775809") == "9223372036854775809" + beyond);
  CHECK(problem("1 + 99999999999999999999") == "99999999999999999999" + beyond);
  for (const char* text : {"1_", "1__0", "0x1F", "5min", "1.2.3", "10.5s", "2h30", "1e", "1_000_ms"}) {
    CAPTURE(std::string(text));
    CHECK(problem(text) == std::string(text) + ": '" + text + "' is neither a number nor a duration");
  }
}

TEST_CASE("floats") {
  CHECK(value("1.5e3").floating == 1500.0);
  CHECK(value("1e3").kind == ast::Expr::Kind::floating);
  CHECK(value("2.0").kind == ast::Expr::Kind::floating);
  CHECK(value("1_000.2_5E-1").floating == 100.025);
  CHECK(value("-0.5").floating == -0.5);
  CHECK(problem("1e999") == "1e999: the number is out of the range of a float");
}

TEST_CASE("durations") {
  CHECK(value("500us").integer == 500'000);
  CHECK(value("10ms").integer == 10'000'000);
  CHECK(value("30s").integer == 30 * second);
  CHECK(value("10m").integer == 600 * second);
  CHECK(value("2h").integer == 7200 * second);
  CHECK(value("7d").integer == 7 * 86400 * second);
  CHECK(value("1h30m").integer == 5400 * second);
  CHECK(value("1_000ns").integer == 1000);
  CHECK(value("1d2h3m4s5ms6us7ns").integer == ((26 * 60 + 3) * 60 + 4) * second + 5'006'007);
  CHECK(value("-5s").integer == -5 * second);
  CHECK(value("5s").kind == ast::Expr::Kind::duration);
  const std::string beyond = ": the duration does not fit into 64 bits of nanoseconds (292 years)";
  CHECK(problem("300_000d") == "300_000d" + beyond);
  CHECK(problem("106751d24h") == "106751d24h" + beyond);
  CHECK(problem("99999999999999999999ns") == "99999999999999999999ns" + beyond);
  CHECK(problem("30m1h") == "1h: the units of a duration go from large to small, each once");
  CHECK(problem("1s1s") == "1s: the units of a duration go from large to small, each once");
}

TEST_CASE("times") {
  CHECK(value("@1970-01-01").integer == 0);
  CHECK(value("@2026-01-31T12:00:00Z").integer == 1'769'860'800 * second);
  CHECK(value("@2026-01-31T12:00:00.25Z").integer == 1'769'860'800 * second + second / 4);
  CHECK(value("@2026-01-31T12:00:00+02:00").integer == 1'769'853'600 * second);
  CHECK(value("@2026-01-31T12:00:00.000000001-00:30").integer == 1'769'862'600 * second + 1);
  CHECK(value("@2024-02-29").integer == 1'709'164'800 * second);
  CHECK(value("@1969-12-31T23:59:59.5Z").integer == -second / 2);
  CHECK(value("@1677-09-21T00:12:43.145224192Z").integer == least);
  CHECK(value("@2262-04-11T23:47:16.854775807Z").integer == most);
  const std::string range = ": the time is out of range (1677-09-21 to 2262-04-11)";
  CHECK(problem("@2262-04-12") == "@2262-04-12" + range);
  CHECK(problem("@0001-01-01") == "@0001-01-01" + range);
  CHECK(problem("@2026-02-29") == "2026-02-29: there is no such date");
  CHECK(problem("@2026-13-01") == "2026-13-01: there is no such date");
  CHECK(problem("@2026-01-31T24:00:00Z") == "24:00:00Z: there is no such time of day");
  CHECK(problem("@2026-01-31T12:00:60Z") == "12:00:60Z: there is no such time of day");
  CHECK(problem("@2026-01-31T12:00:00.0000000001Z") ==
        "@2026-01-31T12:00:00.0000000001Z: a time has at most 9 digits of a second");
  for (const char* text : {"@2026-01-31T12:00:00", "@2026-1-31", "@2026-01-31T12:00Z", "@20260131"}) {
    CAPTURE(std::string(text));
    CHECK(problem(text) == std::string(text) + ": '" + text + "' is not a time");
  }
}

TEST_CASE("texts") {
  CHECK(value(R"("")").text == "");
  CHECK(value(R"("a // b 'c'")").text == "a // b 'c'");
  CHECK(value(R"("\"\\\n\t\r")").text == "\"\\\n\t\r");
  CHECK(value(R"("\u0041\u00e9\u20AC\ud83d\ude00")").text == "Aé€😀");
  CHECK(value(R"("\u0000")").text == std::string(1, '\0'));
  CHECK(value("\"é€😀\"").text == "é€😀");
  for (const char* escape : {"\\q", "\\u", "\\é"}) {
    CAPTURE(std::string(escape));
    CHECK(problem("\"a" + std::string(escape) + "b\"") ==
          std::string(escape) + ": unknown escape in the text");
  }
  for (const char* text : {"\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\""}) {
    CAPTURE(std::string(text));
    CHECK(problem(text) == "\\u: unknown escape in the text");
  }
  CHECK(problem("\"abc\n") == "\"abc: the text is not closed on its line");
  CHECK(problem("\"abc\\\"\n") == "\"abc\\\": the text is not closed on its line");
  CHECK(problem("'abc'") == "'abc': text stands in double quotes");
}

TEST_CASE("invalid UTF-8 is an error, in texts, comments and between") {
  const std::vector<std::string> invalid = {
      "\xFF", "\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC3", "\xE2\x82"};
  for (const std::string& bytes : invalid) {
    CAPTURE(bytes.size());
    CHECK(utf8_length(bytes) == 0);
    const std::string message = ": the file is not valid UTF-8 here";
    CHECK(problem("\"a" + bytes + "\"") == bytes.substr(0, 1) + message);
    CHECK(problem("1 // a" + bytes + "\n") == bytes.substr(0, 1) + message);
    CHECK(problem("1 + " + bytes) == bytes.substr(0, 1) + message);
  }
  CHECK(problem("1 + é") == "é: unexpected character 'é'");
  CHECK(problem("1 + ##") == "#: unexpected character '#'");
  CHECK(problem(std::string("1 + \0\0", 6)) == std::string(1, '\0') + ": unexpected control character 0x00");
}

TEST_CASE("what is written is read back") {
  const std::uint64_t seed = 20260131;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::vector<std::int64_t> integers = {0, 1, -1, least, least + 1, most, second, -second, 86'400 * second};
  for (int i = 0; i < 2000; ++i)
    integers.push_back(static_cast<std::int64_t>(random()) >> (random() % 64));
  for (const std::int64_t each : integers) {
    CAPTURE(each);
    const ast::Expr duration = value(write_duration(each));
    CHECK(duration.kind == ast::Expr::Kind::duration);
    CHECK(duration.integer == each);
    CHECK(value(write_time(each)).integer == each);
    CHECK(value(std::to_string(each)).integer == each);
  }
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t bits = random();
    double number = 0;
    std::memcpy(&number, &bits, sizeof number);
    if (!std::isfinite(number)) continue;
    CAPTURE(number);
    const ast::Expr read = value(write_floating(number));
    CHECK(read.kind == ast::Expr::Kind::floating);
    CHECK(std::memcmp(&read.floating, &number, sizeof number) == 0);
  }
  CHECK(write_floating(5) == "5.0");
  CHECK(write_duration(5'400 * second) == "1h30m");
  CHECK(write_time(0) == "@1970-01-01");
  CHECK(write_time(-1) == "@1969-12-31T23:59:59.999999999Z");
  CHECK(write_text("a\"\\\n\x01é") == "\"a\\\"\\\\\\n\\u0001é\"");
}

}  // namespace tocsin::dsl
