// Tests that pass and tests that fail: what expectations mean, how time passes, what is shown of what came.
#include "tester/junit.hpp"
#include "tests/tester/support.hpp"

using namespace tocsin;
using namespace tocsin::test;

namespace {

constexpr const char* rules =
    "param limit: float = 10\n"
    "event Pay { card: string, amount: float, note: string?, tags: string[], side: enum(buy, sell),\n"
    "  at: time @timestamp }\n"
    "event Beat { host: string }\n"
    "rule large { from Pay[amount > limit] emit Large { card, amount, note, tags, side, at, lasted: 2 * 1m } "
    "}\n"
    "rule down { match b: Beat -> not Beat for 30s partition by host emit Down { host } }\n"
    "rule two { match a: Beat -> b: Beat within 5s }\n";

std::string pay(const char* time, const char* card, const char* amount, const char* more = "") {
  return std::string(time) + " Pay { card: \"" + card + "\", amount: " + amount +
         ", tags: [\"a\", \"b\"], side: sell" + more + " }\n";
}

std::string said(const std::string& body) {
  return failures(rules + std::string("test \"t\" {\n") + body + "\n}\n");
}

bool passes(const std::string& body) {
  const std::string text = said(body);
  INFO(text);
  return text.empty();
}

}  // namespace

TEST_CASE("expectations that hold and that don't") {
  const std::string three = pay("1s", "A", "20") + pay("2s", "A", "20") + pay("3s", "B", "30");
  CHECK(passes(three + "expect Large"));
  CHECK(passes(three + "expect Large { card: \"A\", amount: 20 } at 2s"));
  CHECK(passes(three + "expect Large { tags: [\"a\", \"b\"], side: sell, note: null, lasted: 2m, at: 3s }"));
  CHECK(!passes(three + "expect Large { tags: [\"a\"] }"));
  CHECK(!passes(three + "expect Large { tags: [\"a\", \"c\"] }"));
  CHECK(!passes(three + "expect Large { side: buy }"));
  CHECK(!passes(three + "expect Large { note: \"x\" }"));
  CHECK(!passes(three + "expect Large { card: \"B\" } at 2s"));
  CHECK(passes(three +
               "expect Large exactly { card: \"B\", amount: 30, tags: [\"a\", \"b\"], side: sell, at: 3s, "
               "lasted: 2m }"));
  CHECK(!passes(pay("1s", "A", "20", ", note: \"x\"") +
                "expect Large exactly { card: \"A\", amount: 20, tags: [\"a\", \"b\"], side: sell, at: 1s, "
                "lasted: 2m }"));
  CHECK(passes(three + "expect 2 Large { card: \"A\" } expect 3 Large expect 0 Large { card: \"C\" }"));
  CHECK(!passes(three + "expect 2 Large"));
  CHECK(passes(three + "expect no Large { card: \"C\" } expect no Down expect no two"));
  CHECK(!passes(three + "expect no Large { card: \"B\" }"));
}

TEST_CASE("each expectation without a number has an alert of its own, wherever there are enough") {
  const std::string three = pay("1s", "A", "20") + pay("2s", "A", "20") + pay("3s", "B", "30");
  CHECK(passes(three + "expect Large expect Large expect Large"));
  CHECK(passes(three + "expect Large { card: \"A\" } expect Large { card: \"A\" }"));
  CHECK(!passes(three + "expect Large { card: \"B\" } expect Large { card: \"B\" }"));
  // The first would do with any; the others need theirs.
  CHECK(passes(three + "expect Large expect Large { card: \"A\" } expect Large { card: \"A\" } at 1s"));
  CHECK(said(three + "expect Large { card: \"B\" } expect Large at 3s")
            .find("such an alert came, but other expectations need it:\n    Large { card: \"B\"") !=
        std::string::npos);
}

TEST_CASE("floats compare with a relative 1e-9") {
  CHECK(passes(pay("1s", "A", "30.000000001") + "expect Large { amount: 30 }"));
  CHECK(!passes(pay("1s", "A", "30.0000001") + "expect Large { amount: 30 }"));
  CHECK(passes(pay("1s", "A", "1e300") + "expect Large { amount: 1e300 }"));
}

TEST_CASE("time passes by events, by advance, and then what waits for that very time happens, too") {
  const std::string beat = " Beat { host: \"h\" } ";
  CHECK(passes("0s..60s every 1s" + beat + "advance 5m expect Down { host: \"h\" } at 90s expect 1 Down"));
  CHECK(passes("0s" + beat + "advance 30s expect Down at 30s"));
  CHECK(passes("0s" + beat + "advance 29s expect no Down"));
  CHECK(passes("0s" + beat + "advance 30s 30s" + beat + "expect no Down"));
  CHECK(passes("0s" + beat + "advance 30s 31s" + beat + "expect Down at 30s"));
  CHECK(passes("0s" + beat + "advance 29s advance 1s expect Down at 30s"));
  CHECK(passes("0s" + beat + "expect no Down"));
  CHECK(passes("advance 1h 1h" + beat + "advance 1m expect Down at 1h30s"));
  CHECK(passes("start @2026-01-31T12:00:00Z 0s" + beat + "advance 1m expect Down at @2026-01-31T12:00:30Z"));
  CHECK(passes("@2026-01-31" + beat + "advance 1m expect Down at @2026-01-31T00:00:30Z"));
}

TEST_CASE("repeats overlap other events, in order of time and then of the text") {
  const std::string beat = " Beat { host: \"h\" } ";
  CHECK(passes("0s..40s every 20s" + beat + "10s Beat { host: \"i\" } 40s..40s every 1s" + beat +
               "advance 1m expect 1 Down { host: \"i\" } at 40s expect 1 Down { host: \"h\" } at 70s"));
  CHECK(passes("0s..9s every 4s" + beat + "advance 1m expect Down at 38s"));  // the last is at 8 s
  CHECK(passes("0s..3s every 1s" + beat + "expect 2 two"));
}

TEST_CASE("params of a test") {
  CHECK(passes("param limit = 50 " + pay("1s", "A", "20") + "expect no Large"));
  CHECK(passes("param limit = 50 " + pay("1s", "A", "limit + 1") + "expect Large { amount: 51 }"));
}

TEST_CASE("tables: rows of a file are the test's, those of events come with events") {
  const std::string with_tables =
      "event Login { user: string, ip: string, at: time @timestamp }\n"
      "table list from \"there is no such file.csv\" { ip: string @key, score: int }\n"
      "table last from Login keyed by user\n"
      "rule listed { from Login[list[ip].score > 3] emit Listed { user, score: list[ip].score } }\n"
      "rule moved { from Login[last[user].ip != ip] emit Moved { user, before: last[user].ip } }\n";
  CHECK(failures(
            with_tables +
            "test \"t\" { table list { { ip: \"a\", score: 5 } { ip: \"b\", score: 2 } }\n"
            "  0s Login { user: \"u\", ip: \"a\" } 1s Login { user: \"u\", ip: \"b\" }\n"
            "  expect 1 Listed { user: \"u\", score: 5 } at 0s expect 1 Moved { before: \"a\" } at 1s }\n") ==
        "");
  CHECK(failures(with_tables + "test \"t\" { 0s Login { user: \"u\", ip: \"a\" } 1s Login { user: \"u\", ip: "
                               "\"a\" } expect Listed }") ==
        "rules.tocsin:6:76: expect Listed\n"
        "  but none came\n"
        "  the nearest miss:\n"
        "    rule listed:\n"
        "      not reported: 0s Login { user: \"u\", ip: \"a\" }\n"
        "        list[ip].score > 3 is false\n"
        "          list[ip].score = null\n");
  CHECK(failures(with_tables + "test \"t\" { 0s Login { user: \"u\", ip: \"a\" } 1s Login { user: \"u\", ip: "
                               "\"a\" } expect Moved }") ==
        "rules.tocsin:6:76: expect Moved\n"
        "  but none came\n"
        "  the nearest miss:\n"
        "    rule moved:\n"
        "      not reported: 0s Login { user: \"u\", ip: \"a\" }\n"
        "        last[user].ip != ip is false\n"
        "          last[user].ip = null\n"
        "          ip = \"a\"\n");
}

TEST_CASE("what is shown of alerts that came") {
  CHECK(said(pay("1s", "A", "20") + pay("2s", "A", "30") +
             "expect Large { card: \"A\", amount: 31,\n  side: buy } at 2s") ==
        "rules.tocsin:11:1: expect Large { card: \"A\", amount: 31, side: buy } at 2s\n"
        "  but the likest is, at 2s:\n"
        "      card: \"A\"\n"
        "    ! amount: 30.0, expected 31.0\n"
        "      note: null\n"
        "      tags: [\"a\", \"b\"]\n"
        "    ! side: sell, expected buy\n"
        "      at: 2s\n"
        "      lasted: 2m\n"
        "  others of the type:\n"
        "    Large { card: \"A\", amount: 20.0, tags: [\"a\", \"b\"], side: sell, at: 1s, lasted: 2m } at "
        "1s\n");
  CHECK(said("@2026-01-31 Beat { host: \"h\" } @2026-01-31T00:00:01Z Beat { host: \"h\" } expect no two") ==
        "rules.tocsin:9:73: expect no two\n"
        "  but there is:\n"
        "    a match of two at @2026-01-31T00:00:01Z\n");
  CHECK(said("0s..20s every 1s Beat { host: \"h\" } expect 3 two").find("but 10 came:\n") !=
        std::string::npos);
  CHECK(said("0s..20s every 1s Beat { host: \"h\" } expect 3 two").find("    … 5 more\n") !=
        std::string::npos);
}

TEST_CASE("filters of names") {
  CHECK(tester::is_chosen("three probes", ""));
  CHECK(tester::is_chosen("three probes", "e p"));
  CHECK(!tester::is_chosen("three probes", "E p"));
  CHECK(tester::is_chosen("three probes", "three*"));
  CHECK(tester::is_chosen("three probes", "*pro*s"));
  CHECK(tester::is_chosen("three probes", "*"));
  CHECK(!tester::is_chosen("three probes", "probes*"));
  CHECK(!tester::is_chosen("three probes", "*probe"));
  CHECK(tester::is_chosen("aab", "*ab"));
}

TEST_CASE("coverage") {
  const auto compiled = test::compiled(
      "event A { x: int } event B { x: int } event C { x: int }\n"
      "rule one { match a: A -> b: B -> c: C[x > 3] }\n"
      "rule two { match (A[x == 1] | B) -> C }\n"
      "rule filter { from A[x > 100] emit F { x } }\n"
      "rule wait { match a: A -> b: B within 5s on timeout emit T { x: a.x } }\n"
      "rule feed { match f: F{2..} }\n"
      "test \"one\" { 0s A { x: 2 } 1s B { x: 2 } 2s C { x: 1 } expect no one }\n"
      "test \"two\" { 0s A { x: 200 } advance 1m expect F }\n");
  tester::Coverage coverage(*compiled.plan);
  for (const auto& test : compiled.tests)
    CHECK(tester::run_test(compiled, test, &coverage).passed());
  CHECK(coverage.matched() == 3);
  CHECK(coverage.lines(*compiled.plan) ==
        std::vector<std::string>{"one     started; never reached: c", "two     matched; never reached: A",
                                 "filter  matched", "wait    matched", "feed    started"});
}

TEST_CASE("JUnit text is escaped") {
  const auto compiled = test::compiled(
      "event A { x: string } rule r { match a: A -> b: A }\n"
      "test \"<&\\\"\\t\\u0001>\" { 0s A { x: \"<\" } expect r }\ntest \"fine\" { expect no r }\n");
  std::vector<tester::Result> results;
  for (const auto& test : compiled.tests)
    results.push_back(tester::run_test(compiled, test));
  const std::string text = tester::junit_text(results);
  CHECK(text.find("<testsuites tests=\"2\" failures=\"1\" errors=\"0\"") != std::string::npos);
  CHECK(text.find("name=\"&lt;&amp;&quot;&#9;\xEF\xBF\xBD&gt;\" file=\"rules.tocsin\" line=\"2\"") !=
        std::string::npos);
  CHECK(text.find("a: 0s A { x: &quot;&lt;&quot; }") != std::string::npos);
}
