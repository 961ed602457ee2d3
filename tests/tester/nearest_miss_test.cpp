// What is said of an alert that did not come. Each case is a rule, the events of a test and the lines behind
// "the nearest miss".
#include "tests/tester/support.hpp"

using namespace tocsin;
using namespace tocsin::test;

namespace {

constexpr const char* events =
    "event A { k: string, x: int, at: time @timestamp }\n"
    "event B { k: string, x: int, at: time @timestamp }\n"
    "event C { k: string, x: int, at: time @timestamp }\n";

// The lines of the miss, after `test` expected `R` of the rule.
std::string miss(const std::string& rule, const std::string& body, const std::string& expected = "expect R") {
  return nearest(events + std::string("rule r { ") + rule + " }\ntest \"t\" { " + body + " " + expected +
                 " }\n");
}

std::string event(const char* time, const char* type, int x, const char* key = "k") {
  return std::string(time) + " " + type + " { k: \"" + key + "\", x: " + std::to_string(x) + " } ";
}

}  // namespace

TEST_CASE("the condition that refused the event that came nearest, with its values") {
  const std::string rule = "match a: A{2..} -> b: B[x > 10 * avg(a.x) and k != \"z\"] emit R { n: count(a) }";
  CHECK(miss(rule, event("0s", "A", 1) + event("1s", "A", 3) + event("2s", "B", 5) + event("3s", "B", 15)) ==
        "rule r: this run is one event short of a match\n"
        "  a: 0s A { k: \"k\", x: 1 }\n"
        "  a: 1s A { k: \"k\", x: 3 }\n"
        "  not b: 3s B { k: \"k\", x: 15 }\n"
        "    x > 10.0 * avg(a.x) is false\n"
        "      x = 15\n"
        "      avg(a.x) = 2.0\n");
}

TEST_CASE("an event that fewer conditions refuse is nearer") {
  const std::string rule = "match a: A -> b: B[x == 7 and k == \"q\"] emit R { x: a.x }";
  CHECK(miss(rule, event("0s", "A", 1) + event("1s", "B", 6, "z") + event("2s", "B", 700, "q")) ==
        "rule r: this run is one event short of a match\n"
        "  a: 0s A { k: \"k\", x: 1 }\n"
        "  not b: 2s B { k: \"q\", x: 700 }\n"
        "    x == 7 is false\n"
        "      x = 700\n");
}

TEST_CASE("a bound that had passed") {
  CHECK(miss("match a: A -> b: B within 5s emit R { x: a.x }", event("1s", "A", 1) + event("9s", "B", 2)) ==
        "rule r: this run is one event short of a match\n"
        "  a: 1s A { k: \"k\", x: 1 }\n"
        "  not b: 9s B { k: \"k\", x: 2 }\n"
        "    but 'within 5s' had passed: it came 8s after 1s\n");
  CHECK(miss("match a: A ->[2s] b: B emit R { x: a.x }", event("1s", "A", 1) + event("9s", "B", 2))
            .find("'the bound of 2s since the event before' had passed") != std::string::npos);
  CHECK(miss("match (a: A -> b: B within 2s) -> c: C emit R { x: a.x }",
             event("1s", "A", 1) + event("9s", "B", 2))
            .find("'the group's within 2s' had passed") != std::string::npos);
  CHECK(miss("from A, B, C match a: A -> b: B within 2 events emit R { x: a.x }",
             event("1s", "A", 1) + event("2s", "C", 2) + event("3s", "B", 2))
            .find("'within 2 events' had passed") != std::string::npos);
}

TEST_CASE("an event that must not come, one in between, and too many steps to go") {
  CHECK(miss("match a: A -> not C[x > 3] -> b: B emit R { x: a.x }",
             event("0s", "A", 1) + event("1s", "C", 4) + event("2s", "B", 2)) ==
        "rule r: this run is one event short of a match\n"
        "  a: 0s A { k: \"k\", x: 1 }\n"
        "  not b: 2s B { k: \"k\", x: 2 }\n"
        "    but 1s C { k: \"k\", x: 4 } came before, which 'not C[x > 3]' forbids\n");
  CHECK(miss("match a: A , not B -> c: C[x > 5] emit R { x: a.x }",
             event("0s", "A", 1) + event("1s", "B", 4) + event("2s", "C", 2)) ==
        "rule r: this run is one event short of a match\n"
        "  a: 0s A { k: \"k\", x: 1 }\n"
        "  but 1s B { k: \"k\", x: 4 } came, which 'not B' forbids\n");
  CHECK(miss("match a: A -> c: C[x > 5] within 1s emit R { x: a.x }",
             event("0s", "A", 1) + event("2s", "C", 2)) ==
        "rule r: this run is one event short of a match\n"
        "  a: 0s A { k: \"k\", x: 1 }\n"
        "  no further C came after that in time\n");
  CHECK(miss("from A, B, C match a: A , b: B emit R { x: a.x }",
             event("0s", "A", 1) + event("1s", "C", 4) + event("2s", "B", 2)) ==
        "rule r: this run is one event short of a match\n"
        "  a: 0s A { k: \"k\", x: 1 }\n"
        "  not b: 2s B { k: \"k\", x: 2 }\n"
        "    but another event came in between, and it must be the very next\n");
  CHECK(miss("match a: A{5..} -> b: B emit R { n: count(a) }", event("0s", "A", 1) + event("1s", "A", 2)) ==
        "rule r: this run is 4 events short of a match\n"
        "  a: 0s A { k: \"k\", x: 1 }\n"
        "  a: 1s A { k: \"k\", x: 2 }\n"
        "  no further A came after that\n");
}

TEST_CASE("absence: what forbade it, and time that has not passed") {
  const std::string rule = "match a: A -> not B for 30s emit R { x: a.x }";
  CHECK(miss(rule, event("0s", "A", 1) + event("30s", "B", 4) + "advance 1m") ==
        "rule r: this run waited for time to pass\n"
        "  a: 0s A { k: \"k\", x: 1 }\n"
        "  but 30s B { k: \"k\", x: 4 } came, which 'not B' forbids\n");
  CHECK(miss(rule, event("0s", "A", 1) + event("30s", "C", 4)) ==
        "rule r: this run waits for time to pass\n"
        "  a: 0s A { k: \"k\", x: 1 }\n"
        "  it is a match once 30s has passed, but the test ends before: 'advance'\n");
  CHECK(miss("match a: A -> b: B within 1m emit S { x: a.x } on timeout emit R { y: a.x }",
             event("0s", "A", 1) + event("30s", "C", 4)) ==
        "rule r: this run is under way\n"
        "  a: 0s A { k: \"k\", x: 1 }\n"
        "  it times out once 1m has passed, but the test ends before: 'advance'\n");
}

TEST_CASE("nothing came at all, or not with the key") {
  CHECK(miss("match a: A -> b: B emit R { x: a.x }", event("0s", "C", 1)) == "rule r: no A or B came\n");
  CHECK(miss("match a: A -> b: B emit R { x: a.x }", event("0s", "B", 1)) ==
        "rule r: no run began\n"
        "  no A came\n");
  CHECK(miss("match a: A -> b: B partition by k emit R { k }", event("0s", "A", 1),
             "expect R { k: \"z\" }") == "rule r: no A or B came with k: \"z\"\n");
  CHECK(miss("match a: A -> b: B partition by k emit R { k }",
             event("0s", "A", 1, "y") + event("1s", "B", 1, "y") + event("2s", "A", 7, "z"),
             "expect 1 R { k: \"z\" }") ==
        "rule r: this run is one event short of a match\n"
        "  a: 2s A { k: \"z\", x: 7 }\n"
        "  no further B came after that\n");
}

TEST_CASE("filters, and a rule whose feeder gave nothing") {
  CHECK(miss("from A[x > 3 and k == \"k\"] emit R { x }", event("0s", "A", 1) + event("1s", "A", 2)) ==
        "rule r:\n"
        "  not reported: 1s A { k: \"k\", x: 2 }\n"
        "    x > 3 is false\n"
        "      x = 2\n");
  CHECK(miss("match a: S{2..} emit R { n: count(a) } } rule s { from A[x > 3] emit S { x }",
             event("0s", "A", 1)) ==
        "rule r: no S came\n"
        "  rule s:\n"
        "    not reported: 0s A { k: \"k\", x: 1 }\n"
        "      x > 3 is false\n"
        "        x = 1\n");
}

TEST_CASE("a throttle held it back") {
  CHECK(miss("from A[x > 3] partition by k throttle 10s emit R { x }",
             event("0s", "A", 4) + event("5s", "A", 1) + event("9s", "A", 6) + event("10s", "A", 7),
             "expect 3 R") ==
        "rule r:\n"
        "  not reported: 9s A { k: \"k\", x: 6 }\n"
        "    but 'throttle 10s' held the match back: the last one was at 0s\n");
  CHECK(miss("match a: A -> b: B throttle 10s emit R { x: a.x }",
             event("0s", "A", 4) + event("1s", "B", 1) + event("2s", "A", 6) + event("3s", "B", 7),
             "expect 2 R")
            .find("or it came too soon after one (throttle)\n") != std::string::npos);
}

TEST_CASE("what a match has used up is no miss of the next") {
  CHECK(miss("match a: A -> b: B emit R { x: a.x }",
             event("0s", "A", 1) + event("1s", "B", 1) + event("2s", "B", 1), "expect 2 R") ==
        "rule r: no further run began\n"
        "  no A came\n");
  CHECK(miss("match a: A -> b: B report all after match skip past last emit R { x: a.x }",
             event("0s", "A", 1) + event("1s", "A", 2) + event("2s", "B", 1) + event("3s", "A", 3),
             "expect 3 R") ==
        "rule r: this run is one event short of a match\n"
        "  a: 3s A { k: \"k\", x: 3 }\n"
        "  no further B came after that\n");
}

TEST_CASE("a long run is shown by its ends") {
  const std::string said =
      miss("match a: A{2..} -> b: B emit R { n: count(a) }", "0s..9s every 1s A { k: \"k\", x: 1 } ");
  CHECK(said ==
        "rule r: this run is one event short of a match\n"
        "  a: 0s A { k: \"k\", x: 1 }\n"
        "  a: 1s A { k: \"k\", x: 1 }\n"
        "  a: 2s A { k: \"k\", x: 1 }\n"
        "  … 4 more\n"
        "  a: 7s A { k: \"k\", x: 1 }\n"
        "  a: 8s A { k: \"k\", x: 1 }\n"
        "  a: 9s A { k: \"k\", x: 1 }\n"
        "  no further A or B came after that\n");
}

TEST_CASE("many events make no long search") {
  const std::string said = miss("match a: A{2..} -> b: B[x > 5] emit R { n: count(a) }",
                                "0s..1500s every 1s A { k: \"k\", x: 1 } 1501s B { k: \"k\", x: 1 } ");
  CHECK(said.find("  … 1495 more\n") != std::string::npos);
  CHECK(said.find("x > 5 is false") != std::string::npos);
}
