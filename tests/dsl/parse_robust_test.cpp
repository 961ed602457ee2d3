// Junk, deep nesting and half-finished files end in a few clean errors. Time is bounded by the test's own
// limit: a parser that is not linear would not come back from these.
#include <doctest/doctest.h>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "tests/dsl/parse_support.hpp"

namespace tocsin::dsl {
namespace {

constexpr std::size_t megabyte = std::size_t{1} << 20;

std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  while (times-- > 0)
    out += text;
  return out;
}

std::size_t error_count(const std::string& text) {
  return ParsedText(text).parsed.diagnostics.size();
}

std::string only_error(const std::string& text) {
  const ParsedText result(text);
  REQUIRE(result.parsed.diagnostics.size() == 1);
  return result.parsed.diagnostics[0].message;
}

const std::string too_deep = "brackets and prefix operators nest deeper than 200";

}  // namespace

TEST_CASE("a megabyte of junk") {
  const std::uint64_t seed = 7;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::string bytes(megabyte, '\0'), ascii(megabyte, '\0');
  for (char& c : bytes)
    c = static_cast<char>(random());
  for (char& c : ascii)
    c = static_cast<char>(random() % 128);
  CHECK(error_count(bytes) == 1);
  CHECK(error_count(ascii) == 1);
  for (const char* unit : {"(", "{", "rule ", "\"", "\"abc\n", "'", "@", "@a(", "-", "not ", "1", "a.",
                           "\xFF", "//\xFF\n", "rule\n", "@2026", "..", "\\"}) {
    CAPTURE(std::string(unit));
    CHECK(error_count(repeated(unit, megabyte / std::string(unit).size())) == 1);
  }
  CHECK(error_count(std::string(megabyte, '\0')) == 1);
  CHECK(error_count(std::string(megabyte, ' ')) == 0);
  CHECK(error_count(repeated("/// doc\n", megabyte / 8)) == 0);
}

TEST_CASE("errors without number are cut off") {
  CHECK(error_count(repeated("rule x {\n", 100'000)) == 1000);
  CHECK(error_count(repeated("event x\n", 100'000)) == 1000);
}

TEST_CASE("nesting deeper than the limit is an error, at it is not") {
  for (const char* head :
       {"rule r { where ", "rule r { match ", "rule r { from A[", "param p: int = ", "event A { x: "}) {
    CAPTURE(std::string(head));
    CHECK(error_count(head + repeated("(", 20'000)) == 1);
    CHECK(error_count(head + repeated("(", 20'000) + "x" + repeated(")", 20'000) + " }") == 1);
  }
  const std::string head = "param p: int = ";
  for (const char* unit : {"(", "not ", "- ", "f(", "a[", "a in (", "(not - ", "x like ("}) {
    CAPTURE(std::string(unit));
    CHECK(only_error(head + repeated(unit, 20'000) + "x") == too_deep);
  }
  CHECK(only_error("rule r { match " + repeated("(", 20'000) + "A") == too_deep);
  const auto brackets = [&](std::size_t n) { return head + repeated("(", n) + "x" + repeated(")", n); };
  CHECK(error_count(brackets(200)) == 0);
  CHECK(only_error(brackets(201)) == too_deep);
  CHECK(error_count(head + repeated("f(", 200) + "x" + repeated(")", 200)) == 0);
  CHECK(error_count(head + repeated("not ", 200) + "x") == 0);
  CHECK(only_error(head + repeated("not ", 201) + "x") == too_deep);
  CHECK(error_count("rule r { match " + repeated("(", 199) + "A" + repeated(")", 199) + "}") == 0);
  // Depth is counted anew in each declaration, whatever the one before left open.
  CHECK(error_count("rule r { where " + repeated("(", 150) + "\n" + brackets(150)) == 1);
}

TEST_CASE("a long chain is as deep as nesting") {
  const std::string head = "param p: int = x";
  const std::string message = "the expression chains more than 1000 operators";
  for (const char* unit : {" + x", " or x", " and x", " * x", ".x", "[0]"}) {
    CAPTURE(std::string(unit));
    CHECK(error_count(head + repeated(unit, 999)) == 0);
    CHECK(only_error(head + repeated(unit, 200'000)) == message);
  }
  // Brackets do not get around it.
  std::string nested = "x";
  for (int i = 0; i < 50; ++i)
    nested = "(" + nested + repeated(" + x", 50) + ")";
  CHECK(only_error("param p: int = " + nested) == message);
  // A long list is wide, not deep.
  CHECK(error_count("param p: bool = x in (" + repeated("1, ", 100'000) + ")") == 0);
  CHECK(error_count("rule r { match A" + repeated(" -> A", 100'000) + " }") == 0);
}

TEST_CASE("every beginning of a file, and the file with any one byte wrong") {
  std::ostringstream read;
  read << std::ifstream(TOCSIN_SOURCE_DIR "/tests/dsl/golden/clauses.tocsin", std::ios::binary).rdbuf();
  const std::string text = read.str();
  REQUIRE(text.size() > 500);
  for (std::size_t length = 0; length < text.size(); ++length) {
    const ParsedText result(text.substr(0, length));
    CHECK(result.parsed.diagnostics.size() <= 1);
    for (const Diagnostic& each : result.parsed.diagnostics)
      CHECK(each.span.end <= length);
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char c : {'\0', '"', '(', '}', '\n', '\xFF', '/', '9'}) {
      std::string changed = text;
      changed[at] = c;
      const ParsedText result(changed);
      CHECK(result.parsed.diagnostics.size() <= 5);
      for (const Diagnostic& each : result.parsed.diagnostics)
        CHECK(!each.message.empty());
    }
  }
}

}  // namespace tocsin::dsl
