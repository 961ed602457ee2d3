// What the user reads: message, place and hint of each error, and that one run reports every declaration's.
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "tests/dsl/parse_support.hpp"

namespace tocsin::dsl {
namespace {

struct Wrong {
  const char* text;
  const char* error;  // line:column-column message [hint]
};

void check(const std::vector<Wrong>& cases) {
  for (const Wrong& each : cases) {
    CAPTURE(std::string(each.text));
    CHECK(ParsedText(each.text).errors() == std::string(each.error) + "\n");
  }
}

}  // namespace

TEST_CASE("errors: declarations") {
  check({
      {"rul a { from A emit B { x } }",
       "1:1-4 expected a declaration: event, param, import, table, rule or test, found 'rul' [did you mean "
       "'rule'?]"},
      {"hello", "1:1-6 expected a declaration: event, param, import, table, rule or test, found 'hello'"},
      {"Event A {}",
       "1:1-6 expected a declaration: event, param, import, table, rule or test, found 'Event' [did you mean "
       "'event'?]"},
      {"rule { from A }", "1:6-7 expected a rule name, found '{'"},
      {"rule a from A", "1:8-12 expected '{', found 'from'"},
      {"rule in { }",
       "1:6-8 expected a rule name, found 'in' ['in' is an operator or a value: choose another name]"},
      {"rule a { } }",
       "1:12-13 expected a declaration: event, param, import, table, rule or test, found '}' [is this '}' "
       "one too "
       "many?]"},
      {"event A { x int }", "1:13-16 expected ':' and a type, found 'int'"},
      {"event A { x: }", "1:14-15 expected a field type, found '}'"},
      {"event A { x: int y: int }", "1:18-19 expected ',', a new line or '}', found 'y'"},
      {"event A { x: enum }", "1:19-20 expected '(' and the labels of the enum, found '}'"},
      {"event A { x: enum(a b) }", "1:21-22 expected ',' or ')', found 'b'"},
      {"event A { x: enum(\"a\") }", "1:19-22 expected a label name or ')', found \"a\""},
      {"event A { x: time(min) }", "1:19-22 expected a unit: 'ns', 'us', 'ms' or 's', found 'min'"},
      {"event A { x: int[ }", "1:19-20 expected ']', found '}'"},
      {"event A { x: int @ }", "1:20-21 expected an annotation name, found '}'"},
      {"event A { not: int }",
       "1:11-14 expected a field, as name: type, or '}', found 'not' "
       "['not' is an operator or a value: choose another name]"},
      {"event A {\n  x: int\n",
       "3:1-1 expected a field, as name: type, or '}', found the end of the file "
       "[the '{' of line 1 is not closed]"},
      {"param x = 5", "1:9-10 expected ':' and a type, found '='"},
      {"param x: int 5", "1:14-15 expected '=' or a new line, found '5'"},
      {"param x: int = 5 6", "1:18-19 expected an operator or a new line, found '6'"},
      {"param x: int =", "1:15-15 expected an expression, found the end of the file"},
      {"import common", "1:8-14 expected a file name in double quotes, found 'common'"},
      {"import \"x\" \"y\"", "1:12-15 expected a new line, found \"y\""},
      {"table t", "1:8-8 expected 'from', found the end of the file"},
      {"table t from 5", "1:14-15 expected a file name in double quotes or an event type, found '5'"},
      {"table t from \"x.csv\"", "1:21-21 expected '{' and the columns, found the end of the file"},
      {"table t from \"x.csv\" { x int }", "1:26-29 expected ':' and a type, found 'int'"},
      {"table t from A by k", "1:16-18 expected 'keyed by' and the key's fields, found 'by'"},
      {"table t from A keyed by", "1:24-24 expected a field name, found the end of the file"},
      {"table t from A keyed by a b", "1:27-28 expected ',' or a new line, found 'b'"},
      {"@severity(high) rule a { }", "1:11-15 expected a literal or ')', found 'high'"},
      {"@severity(\"high\" rule a { }", "1:18-22 expected ',' or ')', found 'rule'"},
      {"@severity(\"high\") param x: int", "1:1-18 an annotation stands before 'event' or 'rule'"},
      {"@severity(\"high\")",
       "1:18-18 expected a declaration: event, param, import, table, rule or test, found the end of the "
       "file"},
  });
}

TEST_CASE("errors: clauses") {
  check({
      {"rule a { mach x: A }", "1:10-14 expected a clause or '}', found 'mach' [did you mean 'match'?]"},
      {"rule a { match x: A wihin 10m }",
       "1:21-26 expected '->', '~>', ',', '|', '&' or a clause, found 'wihin' [did you mean 'within'?]"},
      {"rule a { from A; emit B { x } }",
       "1:16-17 expected '[', ',' or a clause, found ';' [nothing ends with ';' here: leave it out]"},
      {"rule a { from A within 10m within 5m }", "1:28-34 a second 'within': each clause stands once"},
      {"rule a { match A match B }", "1:18-23 a second 'match': each clause stands once"},
      {"rule a { from A from B }", "1:17-21 a second 'from': each clause stands once"},
      {"rule a { report all after match skip none report all }",
       "1:43-49 a second 'report': each clause stands once"},
      {"rule a { from A within }", "1:24-25 expected a duration or a number of events, found '}'"},
      {"rule a { match A within 5 minutes }",
       "1:27-34 expected an operator or a clause, found 'minutes' "
       "[a unit stands right after its number: 5m, 30s, 1h30m]"},
      {"rule a { from A partition card }", "1:27-31 expected 'by', found 'card'"},
      {"rule a { from A partition by x. }", "1:33-34 expected a field name, found '}'"},
      {"rule a { from A partition by A.x == B.y }", "1:34-36 key fields are joined with '=' [write '=']"},
      {"rule a { from A report every }",
       "1:24-29 expected 'first', 'last', 'longest', 'any', 'all' or 'total', found 'every'"},
      {"rule a { from A report frist }",
       "1:24-29 expected 'first', 'last', 'longest', 'any', 'all' or 'total', found 'frist' [did you mean "
       "'first'?]"},
      {"rule a { from A after match skip past first }", "1:39-44 expected 'last', found 'first'"},
      {"rule a { from A after match skip nothing }",
       "1:34-41 expected 'past last', 'to next', 'to first', 'to last' or 'none', found 'nothing'"},
      {"rule a { from A emit { x } }", "1:22-23 expected an emitted type, found '{'"},
      {"rule a { from A emit B { x y } }", "1:28-29 expected ',' or '}', found 'y'"},
      {"rule a { from A emit B { x: , y } }", "1:29-30 expected an expression, found ','"},
      {"rule a { from A emit B { x, , y } }", "1:29-30 expected a field name or '}', found ','"},
      {"rule a { from A emit B { x = 5 } }", "1:28-29 an emitted field's value stands after ':' [write ':']"},
      {"rule a {\n  from A\n  emit B { x, y }\n",
       "4:1-1 expected a clause or '}', found the end of the file [the '{' of line 1 is not closed]"},
      {"rule a {\n  from A where\n  emit B { x }\n}", "3:3-7 expected a condition, found 'emit'"},
  });
}

TEST_CASE("errors: patterns") {
  check({
      {"rule a { match x: A -> }", "1:24-25 expected a step, as name: Type[condition], found '}'"},
      {"rule a { match x A }",
       "1:18-19 expected '->', '~>', ',', '|', '&' or a clause, found 'A' [a step with a name is written "
       "name: "
       "Type]"},
      {"rule a { match A || B }",
       "1:18-20 expected '->', '~>', ',', '|', '&' or a clause, found '||' [alternatives are joined with "
       "'|']"},
      {"rule a { match A => B }",
       "1:18-19 expected '->', '~>', ',', '|', '&' or a clause, found '=' [steps that follow each other are "
       "joined with '->']"},
      {"rule a { match A[ -> B }", "1:19-21 expected a condition, found '->'"},
      {"rule a { match A[y > ] -> B }", "1:22-23 expected an expression, found ']'"},
      {"rule a { match A[y > 1 -> B }", "1:24-26 expected an operator or ']', found '->'"},
      {"rule a { match x: }", "1:19-20 expected an event type, found '}'"},
      {"rule a { match () }", "1:17-18 expected a step, as name: Type[condition], found ')'"},
      {"rule a { match (A -> B }", "1:24-25 expected '->', '~>', ',', '|', '&', 'within' or ')', found '}'"},
      {"rule a { match A{} }", "1:18-19 expected a number of repeats, found '}'"},
      {"rule a { match A{3 srict} }",
       "1:20-25 expected '..', 'strict', 'any', 'gap' or '}', found 'srict' [did you mean 'strict'?]"},
      {"rule a { match A{3..2} }", "1:17-23 the least number of repeats is above the greatest"},
      {"rule a { match A{0} }", "1:17-20 what is repeated 0 times matches nothing"},
      {"rule a { match A{99999999999999999999} }", "1:18-38 the integer does not fit into 64 bits"},
  });
}

TEST_CASE("errors: loops, groups, 'not' and edges") {
  check({
      {"rule a { match A{3.. gap} }", "1:25-26 expected an expression, found '}'"},
      {"rule a { match A{3.. gap 5s strict} }", "1:29-35 expected an operator or '}', found 'strict'"},
      {"rule a { match A+ until x }", "1:25-26 expected '[', found 'x'"},
      {"rule a { match A+ until [] }", "1:26-27 expected a condition, found ']'"},
      {"rule a { match A ->[] B }", "1:21-22 expected an expression, found ']'"},
      {"rule a { match A ->[5s B }", "1:24-25 expected an operator or ']', found 'B'"},
      {"rule a { match A ,[5s] B }",
       "1:19-20 ',' takes the very next event, and no bound on its time [write ->[…] or ~>[…]]"},
      {"rule a { match A && B }",
       "1:18-20 expected '->', '~>', ',', '|', '&' or a clause, found '&&' [elements in any order are joined "
       "with '&']"},
      {"rule a { match A & }", "1:20-21 expected a step, as name: Type[condition], found '}'"},
      {"rule a { match (A -> B)+? }",
       "1:25-26 a reluctant or possessive loop belongs to a step, not to a group [put the suffix behind the "
       "quantifier of a step]"},
      {"rule a { match (A -> B){2..}+ }",
       "1:29-30 a reluctant or possessive loop belongs to a step, not to a group [put the suffix behind the "
       "quantifier of a step]"},
      {"rule a { match (A -> B)+ until [x] }",
       "1:26-31 'until' belongs to a step, not to a group [put it behind a step's quantifier]"},
      {"rule a { match (A -> B within 5 events) }",
       "1:33-39 expected '->', '~>', ',', '|', '&', 'within' or ')', found 'events' [the bound of a group is "
       "a time, as in within 10s]"},
      {"rule a { match A -> not }", "1:25-26 expected an event type, found '}'"},
      {"rule a { match A -> not b: B -> C }",
       "1:25-26 an event that does not come has no name [leave out the name and the ':']"},
      {"rule a { match A -> not B+ -> C }",
       "1:26-27 'not' takes one step, without a quantifier [no event at all may come in between]"},
      {"rule a { match A -> not (B -> C) -> D }",
       "1:25-26 'not' takes one step, not a group [as in -> not A -> not B -> C]"},
      {"rule a { match A -> not B for }", "1:31-32 expected an expression, found '}'"},
      {"rule a { match A -> B for 5s }", "1:23-26 'for' belongs to a 'not' [as in -> not B for 30s]"},
      {"rule a { match A -> (B -> C) for 5s }", "1:30-33 'for' belongs to a 'not' [as in -> not B for 30s]"},
      {"rule a { match any[] }", "1:20-21 expected a condition, found ']'"},
      {"rule a { on timeout { x } }", "1:21-22 expected 'emit', found '{'"},
      {"rule a { on timeuot emit B { x } }",
       "1:13-20 expected 'timeout', found 'timeuot' [did you mean 'timeout'?]"},
      {"rule a { on timeout emit B { x } on timeout emit B { y } }",
       "1:34-36 a second 'on': each clause stands once"},
      {"rule a { after match skip to a }",
       "1:30-31 expected 'next', or 'first' or 'last' and the name of a step, found 'a'"},
      {"rule a { after match skip to first }", "1:36-37 expected a step name, found '}'"},
  });
}

TEST_CASE("errors: expressions") {
  const auto in_rule = [](const std::string& condition) {
    return ParsedText("rule a { from A where " + condition + " }").errors();
  };
  const std::vector<Wrong> cases = {
      {"x = 1", "1:25-26 '=' does not compare [write '==']"},
      {"x == 1 = 2", "1:30-31 '=' does not compare [write '==']"},
      {"x && y", "1:25-27 '&&' is not an operator [write 'and']"},
      {"x || y", "1:25-27 '||' is not an operator [write 'or']"},
      {"!x", "1:23-24 '!' is not an operator [write 'not']"},
      {"x and !y", "1:29-30 '!' is not an operator [write 'not']"},
      {"x <> 1", "1:25-27 '<>' is not an operator [write '!=']"},
      {"x == 'a'", "1:28-31 text stands in double quotes [write \"a\"]"},
      {"x AND y", "1:25-28 expected an operator or a clause, found 'AND' [did you mean 'and'?]"},
      {"1 < x < 3", "1:29-30 comparisons do not chain [join two of them with 'and', or set brackets]"},
      {"x like \"a\" in (1)",
       "1:34-36 comparisons do not chain [join two of them with 'and', or set brackets]"},
      {"x in ()", "1:29-30 the list is empty"},
      {"x in 5", "1:28-29 expected '(' and a list of values, or the name of a table, found '5'"},
      {"x not y", "1:29-30 expected 'in', 'like', 'matches' or 'between', found 'y'"},
      {"x is 5", "1:28-29 expected 'null', found '5'"},
      {"x between 1 or 3", "1:35-37 expected 'and', found 'or'"},
      {"x ==", "1:28-29 expected an expression, found '}'"},
      {"x like", "1:30-31 expected an expression, found '}'"},
      {"not", "1:27-28 expected an expression, found '}'"},
      {"(x == 1", "1:31-32 expected an operator or ')', found '}'"},
      {"f(x y)", "1:27-28 expected an operator, ',' or ')', found 'y'"},
      {"f(x,", "1:28-29 expected an expression or ')', found '}'"},
      {"x. == 1", "1:26-28 expected a field name, found '=='"},
      {"x.in",
       "1:25-27 expected a field name, found 'in' ['in' is an operator or a value: choose another name]"},
      {"x[]", "1:25-26 expected an expression, found ']'"},
      {"x # y", "1:25-26 unexpected character '#'"},
      {"x === 1", "1:27-28 expected an expression, found '='"},
      {"x in~ t", "1:29-30 the keys of a table are compared as they are [write 'in']"},
      {"(x, y in t", "1:34-35 expected an operator or ')', found '}'"},
  };
  for (const Wrong& each : cases) {
    CAPTURE(std::string(each.text));
    CHECK(in_rule(each.text) == std::string(each.error) + "\n");
  }
}

TEST_CASE("errors: what is not supported yet says so") {
  const std::vector<Wrong> cases = {
      {"rule a { from A window sliding 10s }", "1:17-23 'window'"},
      {"rule a { from A when count(x) > 3 }", "1:17-21 'when'"},
      {"rule a { from A throttle 1m }", "1:17-25 'throttle'"},
  };
  for (const Wrong& each : cases) {
    CAPTURE(std::string(each.text));
    CHECK(ParsedText(each.text).errors() == std::string(each.error) + " is not supported yet\n");
  }
}

TEST_CASE("one run reports the error of every declaration, and keeps the others") {
  const ParsedText result(R"(event A { x int }
event B {
  x: int
/// The brace of B is missing.
@severity("low")
rule one {
  match a: A -> 
  within 10m
}
rule good { from B emit C { x } }
param p: int = = 5
rule two {
  from B where x = 1
rule three { from B[x > 1 emit D { x } }
event E { x: int }
)");
  CHECK(result.errors() ==
        "1:13-16 expected ':' and a type, found 'int'\n"
        "5:1-2 expected a field, as name: type, or '}', found '@' [the '{' of line 2 is not closed]\n"
        "8:3-9 expected a step, as name: Type[condition], found 'within'\n"
        "11:16-17 expected an expression, found '='\n"
        "13:18-19 '=' does not compare [write '==']\n"
        "14:27-31 expected an operator or ']', found 'emit'\n");
  CHECK(ast::dump(result.parsed.file) == "rule good\n  from B\n  emit C\n    x\nevent E\n  field x: int\n");
}

TEST_CASE("a keyword at the start of a line begins a declaration only where it goes on like one") {
  const ParsedText result(R"(event A {
  event: int
  rule:  int
}
rule r {
  match A[
    rule == 1 and
    event
    in (1, 2)
  ] ->
    event[x > 1] ->
    within{2..}
  emit B {
    rule,
    event: event
  }
}
)");
  CHECK(result.errors() == "");
  CHECK(result.parsed.file.declarations.size() == 2);
}

}  // namespace tocsin::dsl
