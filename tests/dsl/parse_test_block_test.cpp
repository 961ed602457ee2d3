// Syntax errors of `test` blocks, and that the parser finds its way behind them. That they parse is in
// golden/tests.tocsin and in the random ASTs.
#include <doctest/doctest.h>

#include "tests/dsl/parse_support.hpp"

namespace tocsin::dsl {
namespace {

struct Wrong {
  const char* text;
  const char* error;
};

/// The errors in the body of a test.
std::string in_test(const std::string& body) {
  return ParsedText("test \"t\" { " + body + " }").errors();
}

}  // namespace

TEST_CASE("errors in tests") {
  const std::vector<Wrong> cases = {
      {"9 Payment { }", "1:12-13 a time in a test has a unit [as in 9s, or @2026-01-31T12:00:00Z]"},
      {"9s", "1:15-16 expected '..' or an event type, found '}'"},
      {"9s Payment", "1:23-24 expected '{' and the event's fields, found '}'"},
      {"9s Payment { card = 1 }", "1:30-31 a field's value stands after ':' [write ':']"},
      {"9s Payment { card }", "1:30-31 expected ':' and a value, found '}'"},
      {"9s Payment { tags: [1 2] }", "1:34-35 expected an operator, ',' or ']', found '2'"},
      {"9s Payment { card: 1 amount: 2 }", "1:33-39 expected an operator, ',' or '}', found 'amount'"},
      {"0s..9s Payment { }", "1:19-26 expected 'every' and a duration, found 'Payment'"},
      {"0s..9 every 1s P { }", "1:16-17 a time in a test has a unit [as in 9s, or @2026-01-31T12:00:00Z]"},
      {"advance", "1:20-21 expected an expression, found '}'"},
      {"start 5", "1:18-19 a time in a test has a unit [as in 9s, or @2026-01-31T12:00:00Z]"},
      {"expect", "1:19-20 expected 'no', a number or the type of an alert, found '}'"},
      {"expect 1.5 T", "1:19-22 a number of alerts is a whole number"},
      {"expect exactly T { a: 1 }",
       "1:19-26 'exactly' stands behind the type [as in expect Alert exactly { … }; a number alone counts "
       "exactly: expect 3 Alert]"},
      {"expect exactly 3 T",
       "1:19-26 'exactly' stands behind the type [as in expect Alert exactly { … }; a number alone counts "
       "exactly: expect 3 Alert]"},
      {"expect T exactly", "1:29-30 expected '{' and the alert's fields, found '}'"},
      {"expect T at noon", "1:24-28 expected a time, as 9s or @2026-01-31T12:00:00Z, found 'noon'"},
      {"param p: int = 3", "1:19-20 the param has its type where it is declared [write param name = value]"},
      {"param p", "1:20-21 expected '=' and a value, found '}'"},
      {"table t { a: 1 }", "1:22-23 expected a row, as { key: value }, or '}', found 'a'"},
      {"exspect T",
       "1:12-19 expected a time and an event, 'expect', 'advance', 'start', 'param', 'table' or '}', found "
       "'exspect' [did you mean 'expect'?]"},
  };
  for (const Wrong& each : cases) {
    CAPTURE(std::string(each.text));
    CHECK(in_test(each.text) == std::string(each.error) + "\n");
  }
  CHECK(ParsedText("test t { }").errors() == "1:6-7 expected the test's name in double quotes, found 't'\n");
  CHECK(ParsedText("@a test \"t\" { }").errors() == "1:1-3 an annotation stands before 'event' or 'rule'\n");
  CHECK(ParsedText("test \"t\" { expect T").errors() ==
        "1:20-20 expected a time and an event, 'expect', 'advance', 'start', 'param', 'table' or '}', found "
        "the end of the file [the '{' of line 1 is not closed]\n");
}

TEST_CASE("behind an error in a test the next declaration is found, not a statement of the test") {
  const ParsedText result(R"(test "one" {
  9 A { }
  param limit = 3
  table t {
    { a: 1 }
  }
  expect B
}
test "two" {
  expect B
}
param limit: int = x y
)");
  CHECK(result.errors() ==
        "2:3-4 a time in a test has a unit [as in 9s, or @2026-01-31T12:00:00Z]\n"
        "12:22-23 expected an operator or a new line, found 'y'\n");
  CHECK(ast::dump(result.parsed.file) == "test \"two\"\n  expect B\n");
}

}  // namespace tocsin::dsl
