// What is said of an alert that did not come of a rule with a window. Each case is a rule, the events of a
// test and the lines behind "the nearest miss".
#include "tester/coverage.hpp"
#include "tester/play.hpp"
#include "tests/tester/support.hpp"

using namespace tocsin;
using namespace tocsin::test;

namespace {

const std::string events =
    "event A { k: string, x: int, at: time @timestamp }\n"
    "event B { k: string, x: int, at: time @timestamp }\n";

/// Of the only rule, `r`, that emits R { k }.
std::string miss(const std::string& rule, const std::string& body, const std::string& expected = "expect R") {
  return nearest(events + "rule r { " + rule + " emit R { k } }\ntest \"t\" { " + body + " " + expected +
                 " }\n");
}

/// `A { k: …, x: … }` at some seconds.
std::string a(const std::string& time, int x, const std::string& key = "k") {
  return time + " A { k: \"" + key + "\", x: " + std::to_string(x) + " } ";
}

std::string lines(std::initializer_list<const char*> all) {
  std::string out;
  for (const char* line : all)
    out += std::string(line) + "\n";
  return out;
}

}  // namespace

TEST_CASE("the instant at which the condition was nearest to true, with what it saw") {
  const std::string rule = "from A partition by k window sliding 10s when count() >= 4 and sum(x) > 100";
  // Two conjuncts are false for p; of q one is, and nearest to true at 4s.
  CHECK(miss(rule, a("0s", 1, "p") + a("1s", 20, "q") + a("2s", 60, "q") + a("3s", 50, "q") +
                       a("9s", 1, "p") + a("30s", 60, "q")) ==
        lines({"rule r: its condition was nearest to true at 3s, with k: \"q\"", "  count() >= 4 is false",
               "    count() = 3"}));
  // The key that is asked for.
  CHECK(miss(rule, a("0s", 1, "p") + a("1s", 200, "q"), "expect R { k: \"p\" }") ==
        lines({"rule r: its condition was nearest to true at 0s, with k: \"p\"", "  count() >= 4 is false",
               "    count() = 1", "  sum(x) > 100 is false", "    sum(x) = 1"}));
  CHECK(miss(rule, a("0s", 1, "p"), "expect R { k: \"z\" }") == "rule r: no A came with k: \"z\"\n");
}

TEST_CASE("what leaves the window and the event at hand count") {
  // Nearest at 12s, when 500 has left and nothing has come.
  CHECK(miss("from A window sliding 10s when avg(x) < 5 and count() >= 2 on rise",
             a("2s", 500) + a("3s", 5) + a("4s", 6) + "advance 1m") ==
        lines({"rule r: its condition was nearest to true at 12s", "  avg(x) < 5.0 is false",
               "    avg(x) = 5.5"}));
  // `x` is the event's that came: 7 of 20, not the 10 that is nearer to the bound but alone.
  CHECK(miss("from A window sliding 3 events when 2 * x > max(x) and count() > 2 and x < 15 on every",
             a("0s", 10) + a("1s", 20) + a("2s", 7)) ==
        lines({"rule r: its condition was nearest to true at 2s", "  2 * x > max(x) is false", "    x = 7",
               "    max(x) = 20"}));
}

TEST_CASE("what is no number, texts and lists") {
  CHECK(miss("from A window sliding 10s when is_new(k) and x > 5 on every",
             a("0s", 4, "p") + a("1s", 1, "q") + a("2s", 9, "q")) ==
        lines({"rule r: its condition was nearest to true at 0s", "  x > 5 is false", "    x = 4"}));
  CHECK(miss("from A window tumbling 10s when last(k) == \"z\" and collect(x) has 5",
             a("0s", 5, "p") + a("1s", 7, "q") + "advance 1m") ==
        lines({"rule r: its condition was nearest to true at 10s", "  last(k) == \"z\" is false",
               "    last(k) = \"q\""}));
  CHECK(miss("from A window tumbling 10s when collect(x) has 6", a("0s", 5) + a("1s", 7) + "advance 1m") ==
        lines({"rule r: its condition was nearest to true at 10s", "  collect(x) has 6 is false",
               "    collect(x) = [5, 7]"}));
}

TEST_CASE("it was true, but not for long enough") {
  const std::string rule = "from A window sliding 10s when count() >= 2 for 5s";
  CHECK(miss("from A window sliding 3 events when min(x) > 5 for 5s",
             a("0s", 1) + a("2s", 6) + a("3s", 6) + a("4s", 6) + a("8s", 0)) ==
        lines({"rule r: its condition was true from 4s to 8s", "  but 'for 5s' had not passed"}));
  CHECK(miss("from A window sliding 3s when count() >= 2 for 5s", a("0s", 1) + a("2s", 1) + "advance 1m") ==
        lines({"rule r: its condition was true from 2s to 3s", "  but 'for 5s' had not passed"}));
  CHECK(miss(rule, a("0s", 1) + a("2s", 1)) ==
        lines({"rule r: its condition has been true since 2s",
               "  it is a match once 7s has passed, but the test ends before: 'advance'"}));
  CHECK(miss("from A window sliding 3s when count() >= 2 for 5s keep 1s",
             a("0s", 1) + a("2s", 1) + "advance 1m") ==
        lines({"rule r: its condition was true from 2s to 4s", "  but 'for 5s' had not passed"}));
}

TEST_CASE("it was true already") {
  CHECK(miss("from A window sliding 10s when count() >= 2", a("0s", 1) + a("2s", 1) + a("3s", 1),
             "expect 2 R") == lines({"rule r: its condition was true at 3s",
                                     "  but it fired at 2s and was true ever since: 'on rise' fires once"}));
  CHECK(miss("from A window sliding 10s when count() >= 2 for 2s",
             a("0s", 1) + a("2s", 1) + a("3s", 1) + a("5s", 1),
             "expect 2 R") == lines({"rule r: its condition was true at 5s",
                                     "  but it fired at 4s and was true ever since: 'on rise' fires once"}));
  CHECK(miss("from A window sliding 10s when count() >= 2 on every", a("0s", 1) + a("2s", 1), "expect 2 R") ==
        lines({"rule r: its condition was nearest to true at 0s", "  count() >= 2 is false",
               "    count() = 1"}));
}

TEST_CASE("the throttle held it back") {
  CHECK(miss("from A partition by k window sliding 10s when x > 5 on every throttle 1m",
             a("0s", 9) + a("20s", 8) + a("25s", 1) + a("30s", 9, "l"),
             "expect 3 R") == lines({"rule r: it fired at 20s, with k: \"k\"",
                                     "  but 'throttle 1m' held the match back: the last one was at 0s"}));
}

TEST_CASE("it has not become false") {
  CHECK(miss("from A window sliding 3 events when max(x) > 5 on fall", a("0s", 9) + a("2s", 1)) ==
        lines({"rule r: its condition has been true since 0s",
               "  it has not become false when the test ends"}));
  CHECK(miss("from A window sliding 1 events when x > 5 on fall keep 10s", a("0s", 9) + a("2s", 1)) ==
        lines({"rule r: its condition has been true since 0s",
               "  'keep 10s' ends once 12s has passed, but the test ends before: 'advance'"}));
  CHECK(
      miss("from A window sliding 3 events when max(x) > 5 on fall", a("0s", 4) + a("2s", 1)) ==
      lines({"rule r: its condition was nearest to true at 2s", "  max(x) > 5 is false", "    max(x) = 4"}));
}

TEST_CASE("windows that close") {
  const std::string condition = " when count() > 2";
  CHECK(
      miss("from A window tumbling 10s" + condition, a("1s", 1) + a("2s", 1) + a("11s", 1) + "advance 10s") ==
      lines(
          {"rule r: its condition was nearest to true at 10s", "  count() > 2 is false", "    count() = 2"}));
  CHECK(miss("from A window hopping 10s every 5s" + condition,
             a("1s", 1) + a("4s", 1) + a("8s", 1) + "advance 1s") ==
        lines({"rule r: its window has not closed",
               "  it closes once 10s has passed, but the test ends before: 'advance'"}));
  CHECK(miss("from A window session gap 10s" + condition, a("1s", 1) + a("4s", 1) + a("40s", 1)) ==
        lines({"rule r: its condition was nearest to true at 14s", "  count() > 2 is false",
               "    count() = 2"}));
  CHECK(miss("from A window session gap 10s" + condition, a("1s", 1) + a("4s", 1)) ==
        lines({"rule r: its window has not closed",
               "  it closes once 14s has passed, but the test ends before: 'advance'",
               "  count() > 2 is false", "    count() = 2"}));
  CHECK(miss("from A window tumbling 3 events when sum(x) > 5 on close",
             a("1s", 1) + a("2s", 1) + a("3s", 1) + a("4s", 9)) ==
        lines({"rule r: its window has not closed", "  it holds 1 of 3 events"}));
  CHECK(
      miss("from A window tumbling 2 events when sum(x) > 5 on rise",
           a("1s", 1) + a("2s", 1) + a("3s", 4) + a("4s", 1)) ==
      lines({"rule r: its condition was nearest to true at 4s", "  sum(x) > 5 is false", "    sum(x) = 5"}));
}

TEST_CASE("no event came into the window") {
  CHECK(miss("from A[x > 5] window sliding 10s when count() > 2", "0s B { k: \"k\", x: 9 }") ==
        "rule r: no A came\n");
  CHECK(miss("from A[x > 5] window sliding 10s when count() > 2", a("0s", 3) + a("1s", 1)) ==
        lines({"rule r: no event came into its window", "  not taken: 0s A { k: \"k\", x: 3 }",
               "    x > 5 is false", "      x = 3"}));
  CHECK(miss("from A window hopping 1s every 10s when count() > 2", a("5s", 3) + a("6s", 1)) ==
        "rule r: no event came into a window\n");
  CHECK(miss("from A window sliding 10s", a("5s", 3) + a("6s", 1), "expect 3 R") ==
        "rule r: all that came is reported\n");
}

TEST_CASE("tables as they stood at the instant") {
  // k has a row from 5s on: when the -9 leaves, at 11s, that is so.
  const std::string text = events +
                           "table seen from B keyed by k\n"
                           "rule r { from A window sliding 10s when k in seen and sum(x) > 5 emit R { k } }\n"
                           "test \"t\" { " +
                           a("1s", -9) + a("3s", 4) + "5s B { k: \"k\", x: 0 } advance 1m expect R }\n";
  CHECK(nearest(text) == lines({"rule r: its condition was nearest to true at 11s", "  sum(x) > 5 is false",
                                "    sum(x) = 4"}));
}

TEST_CASE("coverage of rules with a window") {
  const dsl::Compiled rules =
      compiled(events +
               "rule fired { from A window sliding 1 events when x > 1 emit R { k } }\n"
               "rule started { from A window sliding 1 events when x > 100 emit R { k } }\n"
               "rule nothing { from A[x > 100] window sliding 1 events when x > 1 emit R { k } }\n"
               "test \"t\" { " +
               a("0s", 5) + "expect R }\n");
  tester::Coverage coverage(*rules.plan);
  CHECK(tester::run_test(rules, rules.tests[0], &coverage).passed());
  CHECK(coverage.matched() == 1);
  CHECK(coverage.lines(*rules.plan) ==
        std::vector<std::string>{"fired    matched", "started  started; never fired", "nothing  never"});
}
