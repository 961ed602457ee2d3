// Tests of rule files, typed: what they become, and what is said about wrong ones.
#include <doctest/doctest.h>

#include "tests/dsl/compile_support.hpp"

using namespace tocsin::dsl;
using tocsin::dsl::test::compile_with_events;
using tocsin::dsl::test::summary;

namespace {

constexpr std::int64_t second = 1'000'000'000;

struct Case {
  const char* text;  // the body of a test, in line 1
  const char* said;  // "column message | hint", lines
};

const std::string rules =
    " rule large { from Payment[amount > limit] emit Large { card, amount, took, note, at } } "
    "rule silent { match a: Login -> b: Tick within 5s } param limit: float = 5 param wait: duration = 1m ";

void check_bodies(const std::vector<Case>& cases) {
  const std::string before = "test \"t\" { ";
  for (const Case& each : cases) {
    // Each test expects something, so that it is about its mistake alone.
    const auto compiled = compile_with_events(before + each.text + " expect no Large }" + rules + "\n");
    CAPTURE(each.text);
    std::string said;
    for (const auto& diagnostic : compiled.diagnostics) {
      if (diagnostic.message == "param 'wait' is never used") continue;
      const auto column =
          line_column(compiled.sources.files[0], diagnostic.span.begin).column - before.size();
      said += fmt::format("{} {}{}{}\n", column, diagnostic.message, diagnostic.hint.empty() ? "" : " | ",
                          diagnostic.hint);
    }
    CHECK(said == std::string(each.said) + "\n");
    CHECK(compiled.tests.empty() == has_errors(compiled.diagnostics));
  }
}

}  // namespace

TEST_CASE("a test becomes plain data") {
  const auto compiled = compile_with_events(R"(
test "a day" {
  start @2026-01-31
  0s Tick { symbol: "a", price: 1, volume: 2 }
  1s..3s every 500ms Login { user: "u", ip: "i", tries: 1 }
  2s Payment { card: "c", merchant: "m", amount: limit + 1, count: 1, side: sell, tags: ["a", concat("b", "c")],
               took: wait, ok: true, note: null }
  advance 2 * wait
  expect Large { card: "c", note: null, at: 2s } at @2026-01-31T00:00:02Z
  expect 2 Large
  expect no silent
  expect Large exactly { card: "c", amount: 6, took: 1m, at: @2026-01-31T00:00:02Z }
}
)" + rules);
  CHECK(summary(compiled) == "");
  REQUIRE(compiled.tests.size() == 1);
  const TestBlock& test = compiled.tests[0];
  CHECK(test.name == "a day");
  CHECK(!test.absolute);
  CHECK(!test.imported);
  CHECK(!test.plan);
  REQUIRE(test.inputs.size() == 4);
  const std::int64_t start = test.start_ns;
  CHECK(start == 1769817600 * second);
  CHECK(test.inputs[0].first_ns == start);
  CHECK(test.inputs[0].fields.size() == 3);
  CHECK(test.inputs[0].fields[1].value.f == 1.0);  // an int as a float
  CHECK(test.inputs[1].first_ns == start + second);
  CHECK(test.inputs[1].last_ns == start + 3 * second);
  CHECK(test.inputs[1].period_ns == second / 2);
  const auto& payment = test.inputs[2].fields;
  CHECK(payment[2].value.f == 6.0);
  CHECK(payment[4].value.i == 1);  // the label's index
  CHECK(payment[5].array);
  REQUIRE(payment[5].elements.size() == 2);
  CHECK(payment[5].elements[1].s == "bc");
  CHECK(payment[6].value.i == 60 * second);
  CHECK(payment[8].value.kind == tocsin::model::Kind::null);
  CHECK(!test.inputs[3].type);
  CHECK(test.inputs[3].first_ns == start + 123 * second);  // after the repeats
  REQUIRE(test.expectations.size() == 4);
  CHECK(test.expectations[0].at_ns == start + 2 * second);
  CHECK(test.expectations[0].fields[2].value.i == start + 2 * second);
  CHECK(test.expectations[1].count == 2);
  CHECK(!test.expectations[2].type);
  CHECK(test.expectations[2].rule == 1);
  CHECK(test.expectations[2].count == 0);
  CHECK(test.expectations[3].fields.size() == 5);  // note: null
}

TEST_CASE("params of a test are its own") {
  const auto compiled = compile_with_events(R"(
test "one" { param limit = 2 * 3 0s Tick { symbol: "a", price: limit, volume: 2 } expect no Large }
test "two" { 0s Tick { symbol: "a", price: limit, volume: 2 } expect no Large }
)" + rules);
  REQUIRE(compiled.tests.size() == 2);
  REQUIRE(compiled.tests[0].plan);
  CHECK(compiled.tests[0].inputs[0].fields[1].value.f == 6.0);
  CHECK(compiled.tests[0].plan->rules[0].inputs[0].conditions[0].args[1].constant.f == 6.0);
  CHECK(!compiled.tests[1].plan);
  CHECK(compiled.tests[1].inputs[0].fields[1].value.f == 5.0);
  CHECK(compiled.plan->rules[0].inputs[0].conditions[0].args[1].constant.f == 5.0);

  CompileOptions options;
  options.params = {{"limit", "9"}};
  const auto set = compile_with_events("test \"t\" { param limit = 6 expect no Large }" + rules, options);
  CHECK(set.tests.at(0).plan->rules[0].inputs[0].conditions[0].args[1].constant.f == 6.0);
  CHECK(set.plan->rules[0].inputs[0].conditions[0].args[1].constant.f == 9.0);
}

TEST_CASE("wrong params of a test") {
  check_bodies({
      {"param limmit = 3", "7 no param is named 'limmit' | did you mean 'limit'?"},
      {"param limit = 3 param limit = 4", "23 param 'limit' is set twice"},
      {"param limit = \"a\"", "15 param 'limit' is a float; this is a string"},
      {"param limit = other", "15 unknown name 'other': only params are known here"},
  });
  // What is wrong elsewhere only with the test's params says whose they are.
  const auto compiled = compile_with_events(
      "test \"t\" { param d = -1s expect no r }\nrule r { match a: Tick -> b: Tick within d }\n"
      "param d: duration = 1s\n");
  CHECK(summary(compiled) ==
        "2:42 'within' wants a duration that is not negative, with the params of test \"t\"\n");
}

TEST_CASE("wrong events of a test") {
  const std::string tick = "Tick { symbol: \"a\", price: 1, volume: 2 }";
  check_bodies({
      {"0s Tik { }", "4 unknown event type 'Tik' | did you mean 'Tick'?"},
      {"0s Large { }", "4 Large is what rules emit; a test gives them what comes in"},
      {"0s Tick { symbol: \"a\", prize: 1, volume: 2 }",
       "24 unknown field 'prize' of Tick | did you mean 'price'?"},
      {"0s Tick { symbol: \"a\", volume: 2 }",
       "4 this Tick lacks 'price', never null | add price: …, or declare it with '?'"},
      {"0s Tick { symbol: \"a\" }",
       "4 this Tick lacks 'price' and 'volume', never null | add price: …, or declare it with '?'"},
      {"0s Tick { symbol: \"a\", symbol: \"b\", price: 1, volume: 2 }", "24 field 'symbol' is given twice"},
      {"0s Tick { symbol: 5, price: 1, volume: 2 }",
       "19 'symbol' of Tick is a string; this is an int | text is written in quotes: \"5\""},
      {"0s Tick { symbol: \"a\", price: \"1\", volume: 2 }",
       "31 'price' of Tick is a float; this is a string | a number is written without quotes"},
      {"0s Tick { symbol: \"a\", price: 1, volume: 2.5 }", "42 'volume' of Tick is an int; this is a float"},
      {"0s Tick { symbol: null, price: 1, volume: 2 }", "19 'symbol' of Tick is never null"},
      {"0s Tick { symbol: lower(\"A\"), price: 1, volume: 2 }", "19 'symbol' of Tick wants a plain value"},
      {"0s Tick { symbol: [\"A\"], price: 1, volume: 2 }",
       "19 'symbol' of Tick is a string, not an array | leave out the brackets"},
      {"0s Login { user: \"u\", ip: \"i\", tries: 1, at: 5s }",
       "42 'at' is the time of the event, which stands before it | leave it out"},
  });
  const auto in_payment = [](const std::string& fields) {
    return "0s Payment { card: \"c\", merchant: \"m\", amount: 1, count: 1, ok: true, " + fields + " }";
  };
  const std::string side = in_payment("took: 1s, tags: [], side: byu");
  const std::string tags = in_payment("took: 1s, side: buy, tags: \"a\"");
  const std::string element = in_payment("took: 1s, side: buy, tags: [\"a\", 5]");
  const std::string took = in_payment("side: buy, tags: [], took: 5");
  check_bodies({
      {side.c_str(), "97 unknown label 'byu' of enum(buy, sell) | did you mean 'buy'?"},
      {tags.c_str(),
       "98 'tags' of Payment is a string[]; this is a string | an array stands in brackets: [ … ]"},
      {element.c_str(),
       "104 an element of 'tags' of Payment is a string; this is an int | text is written in quotes: \"5\""},
      {took.c_str(),
       "98 'took' of Payment is a duration; this is an int | a duration has a unit, as in 500ms, 30s or 10m"},
  });
  const std::string order = "5s " + tick + " 3s " + tick;
  const std::string moved = "5s " + tick + " advance 10s 14s " + tick;
  const std::string repeats = "0s..60s every 1s " + tick + " 30s " + tick + " advance 1m 90s " + tick;
  const std::string dates = "@2026-01-31 " + tick + " @2026-01-30 " + tick;
  check_bodies({
      {order.c_str(),
       "46 this is before 5s, to which the test has come already | the events of a test stand "
       "in order of time"},
      {moved.c_str(),
       "58 this is before 15s, to which the test has come already | the events of a test stand "
       "in order of time"},
      {repeats.c_str(),
       "117 this is before 2m, to which the test has come already | the events of a test "
       "stand in order of time"},
      {dates.c_str(),
       "55 this is before @2026-01-31, to which the test has come already | the events of a "
       "test stand in order of time"},
  });
}

TEST_CASE("wrong times of a test") {
  const std::string tick = " Tick { symbol: \"a\", price: 1, volume: 2 }";
  const std::string backwards = "9s..5s every 1s" + tick;
  const std::string zero = "0s..5s every 0s" + tick;
  const std::string unitless = "0s..5s every 1" + tick;
  const std::string many = "0s..1d every 1ms" + tick;
  const std::string late_start = "0s" + tick + " start @2026-01-31";
  check_bodies({
      {backwards.c_str(), "5 this ends before it begins"},
      {zero.c_str(), "14 'every' wants a duration above 0"},
      {unitless.c_str(),
       "14 'every' wants a duration; this is an int | a bare number has no unit: write 1s or 500ms"},
      {many.c_str(), "1 a test has at most 1000000 events"},
      {late_start.c_str(), "46 'start' stands before all times that it is the start of"},
      {"start @2026-01-31 start @2026-01-31", "19 a second 'start': a test starts once"},
      {"start 5s", "7 a test starts at a time; this is a duration | as in start @2026-01-31T12:00:00Z"},
      {"advance 5",
       "9 'advance' wants a duration; this is an int | a bare number has no unit: write 30s or 5m"},
      {"advance -5s", "9 'advance' wants a duration that is not negative"},
  });
}

TEST_CASE("wrong expectations of a test") {
  check_bodies({
      {"expect Larg", "8 no rule emits 'Larg' | did you mean 'Large'?"},
      {"expect Payment", "8 Payment is an event that comes in; no rule emits it"},
      {"expect large", "8 rule 'large' emits Large: expect that | write expect Large"},
      {"expect silent { user: \"u\" }", "17 rule 'silent' emits nothing, so its matches have no fields"},
      {"expect Large { crad: \"c\" }", "16 unknown field 'crad' of Large | did you mean 'card'?"},
      {"expect Large { card: 5 }",
       "22 'card' of Large is a string; this is an int | text is written in quotes: \"5\""},
      {"expect Large { card: null }", "22 'card' of Large is never null"},
      {"expect Large exactly { card: \"c\" }",
       "8 'exactly' compares all fields, and 'amount', 'took' and 'at' of Large is never null | add amount: "
       "…, or leave out 'exactly'"},
  });
}

TEST_CASE("tables of a test") {
  const std::string tables =
      "\ntable list from \"list.csv\" { ip: string @key, score: int, note: string? }\n"
      "table last from Login keyed by user\n"
      "rule r { from Login[ip in list and list[ip].score > 3 and user in last] emit R { user } }\n";
  const auto compiled = compile_with_events(
      "test \"t\" { table list { { ip: \"a\", score: 5 } { ip: \"b\", score: 2, note: \"n\" } } expect no R "
      "}" +
      tables);
  CHECK(summary(compiled) == "");
  REQUIRE(compiled.tests.size() == 1);
  REQUIRE(compiled.tests[0].tables.size() == 1);
  CHECK(compiled.tests[0].tables[0].rows.size() == 2);
  CHECK(compiled.tests[0].tables[0].rows[1].size() == 3);
  const auto said = [&](const std::string& statement) {
    return summary(compile_with_events("test \"t\" { " + statement + " expect no R }" + tables));
  };
  CHECK(said("table lst { }") == "1:18 unknown table 'lst' | did you mean 'list'?\n");
  CHECK(said("table last { }") == "1:18 table 'last' keeps events, so events fill it\n");
  CHECK(said("table list { } table list { }") == "1:33 a second table 'list' in this test\n");
  CHECK(said("table list { { ip: \"a\", scor: 5 } }") ==
        "1:36 unknown field 'scor' of list | did you mean 'score'?\n");
  CHECK(said("table list { { ip: 5, score: 5 } }") ==
        "1:31 'ip' of list is a string; this is an int | text is written in quotes: \"5\"\n");
}

TEST_CASE("names of tests, tests of nothing, tests of imported files") {
  CHECK(summary(compile_with_events("test \"t\" {}\n")) ==
        "1:6 warning: this test expects nothing, so it cannot fail\n");
  CHECK(summary(compile_with_events("test \"t\" { expect no r }\ntest \"t\" { expect no r }\n"
                                    "rule r { match a: Tick -> b: Tick }\n")) ==
        "2:6 test \"t\" is written twice | first at rules.tocsin:1:6\n");

  CompileOptions options;
  options.read_file = [](const std::string& path) -> std::optional<std::string> {
    if (path == "b.tocsin")
      return "event A { x: int } rule r { match a: A -> b: A } test \"of b\" { expect no r }";
    return "import \"b.tocsin\" test \"of a\" { expect no r }";
  };
  const auto imports = compile_files({"a.tocsin"}, options);
  REQUIRE(imports.tests.size() == 2);
  CHECK(imports.tests[0].name == "of b");
  CHECK(imports.tests[0].imported);
  CHECK(!imports.tests[1].imported);
  const auto named = compile_files({"a.tocsin", "b.tocsin"}, options);
  REQUIRE(named.tests.size() == 2);
  CHECK(!named.tests[0].imported);
}
