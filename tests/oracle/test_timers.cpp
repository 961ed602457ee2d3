// What time alone completes: absence and timeouts, by the oracle, against answers worked out by hand.
#include <doctest/doctest.h>

#include "tests/oracle/letters.hpp"

using namespace tocsin;
using namespace tocsin::oracle;
using plan::Contiguity;
using plan::Loop;
using plan::PatternNode;
using plan::Skip;

namespace {

/// ( a -> b | c -> d )
plan::Rule either() {
  return rule({step("a"), step("b"), step("c"), step("d")},
              sequence({group(PatternNode::Kind::alternation,
                              {sequence({leaf(0), leaf(1)}), sequence({leaf(2), leaf(3)})})}));
}

}  // namespace

TEST_CASE("an absence is complete once its time has passed") {
  const plan::Rule silent = absent_after(rule({step("a")}), "b", 3);
  CHECK(matches(silent, "a...c") == "1@3");
  CHECK(matches(silent, "a...b") == "1@3");
  CHECK(matches(silent, "a..c") == "");   // it has come, not passed
  CHECK(matches(silent, "a..bc") == "");  // at exactly 3 s
  CHECK(matches(silent, "ab...c") == "");
  CHECK(matches(silent, "a") == "");
}

TEST_CASE("absences side by side are complete with the longest") {
  const plan::Rule silent = absent_after(absent_after(rule({step("a")}), "b", 3), "x", 1);
  CHECK(matches(silent, "a...c") == "1@3");
  CHECK(matches(silent, "ax..c") == "");
  CHECK(matches(silent, "a.x.c") == "1@3");
}

TEST_CASE("what completes by time uses up what began up to its instant") {
  plan::Rule silent = absent_after(rule({step("a")}), "b", 3);
  CHECK(matches(silent, "aa...a...c") == "1@3|3@8");
  silent.skip = Skip::none;
  CHECK(matches(silent, "aa...a...c") == "1@3|2@4|3@8");
  silent.skip = Skip::to_next;
  CHECK(matches(silent, "aa...a...c") == "1@3|2@4|3@8");
}

TEST_CASE("what completes at one instant is chosen among together") {
  plan::Rule silent = absent_after(rule({step("a", {1, many})}), "b", 3);
  CHECK(matches(silent, "a+a...c") == "1 2@3");
  CHECK(matches(all(silent), "a+a...c") == "1 2@3|1@3|2@3");
  silent.report = plan::Report::last;
  CHECK(matches(silent, "a+a...c") == "2@3");
}

TEST_CASE("a possessive loop waits until its series has ended") {
  plan::Rule series = absent_after(rule({step("a", {1, many})}), "b", 3);
  CHECK(matches(series, "aa....c") == "1@3");
  series.steps[0].quantifier.loop = Loop::possessive;
  CHECK(matches(series, "aa....c") == "1 2@4");
  CHECK(matches(all(series), "aa....c") == "1 2@4|2@4");
}

TEST_CASE("within bounds the events, not the absence") {
  CHECK(matches(within(absent_after(rule({step("a"), step("b")}), "x", 5), 1), "ab.....c") == "1 2@6");
}

TEST_CASE("an absence before the start, inclusive") {
  const plan::Rule fresh = all(absent_before(rule({step("a"), step("b")}), "x", 2));
  CHECK(matches(fresh, "x.ab") == "");
  CHECK(matches(fresh, "x..ab") == "2 3");
  CHECK(matches(fresh, "x+ab") == "");
  CHECK(matches(fresh, "a+xb") == "1 3");
}

TEST_CASE("timers stand before the event that lets their time pass, in order of time, rule and last event") {
  plan::Rule long_wait = absent_after(all(rule({step("a")})), "b", 3);
  plan::Rule short_wait = absent_after(all(rule({step("a")})), "b", 2);
  plan::Rule each = all(rule({step(compare_letter(plan::Op::ne, text("a")))}));
  long_wait.name = "l";
  short_wait.name = "s";
  each.name = "e";
  CHECK(matches(plan_of({long_wait, each, short_wait}), "aa...c") == "s:1@2|l:1@3|s:2@3|l:2@4|e:3");
}

TEST_CASE("a run that its bound ends unfinished") {
  const plan::Rule pair = timed(rule({step("a"), step("b")}), 3);
  CHECK(matches(pair, "a...c") == "!1@3");
  CHECK(matches(pair, "a...b") == "!1@3");
  CHECK(matches(pair, "a..bc") == "1 2");
  CHECK(matches(pair, "a..c") == "");
  CHECK(matches(pair, "ab...c") == "1 2");
}

TEST_CASE("only a run that was never carried on times out") {
  plan::Rule three = timed(rule({step("a"), step("b"), step("c")}), 4);
  three.pattern.edges[1].contiguity = Contiguity::any;
  CHECK(matches(three, "abb...x") == "!1 2@4");
  CHECK(matches(all(three), "abb...x") == "!1 2@4|!1 3@4");
  CHECK(matches(all(three), "abbc.x") == "1 2 4|1 3 4");
}

TEST_CASE("a run that nothing could carry on any more does not time out") {
  const std::vector<plan::Step> ab = {step("a"), step("b")};
  CHECK(matches(timed(rule(ab, Contiguity::strict), 4), "ac....x") == "");
  CHECK(matches(timed(rule(ab, Contiguity::strict), 4), "a.....x") == "!1@4");
  CHECK(matches(timed(ban(rule(ab), 1, "x"), 4), "ax....c") == "");
  CHECK(matches(timed(ban(rule(ab), 1, "x", true), 4), "ax....c") == "");
  CHECK(matches(timed(ban(rule(ab), 1, "x", true), 4), "a.....x") == "!1@4");

  plan::Rule soon = timed(rule({step("a"), step("c"), step("b")}), 4);
  soon.pattern.edges[2].bound_ns = 2 * second_ns;
  CHECK(matches(soon, "a.c...x") == "!1 2@4");
  CHECK(matches(soon, "ac....x") == "");

  plan::Rule ended = timed(rule({step("a"), step("b", {1, many}), step("c")}), 4);
  ended.steps[1].until = {is("x")};
  CHECK(matches(ended, "ax....y") == "");
  CHECK(matches(ended, "abx...y") == "!1 2@4");  // c may still come
}

TEST_CASE("a run that was dropped does not time out") {
  plan::Rule two = timed(either(), 3);
  CHECK(matches(two, "cab...x") == "2 3");
  two.skip = Skip::none;
  CHECK(matches(two, "cab...x") == "2 3|!1@3");
}

TEST_CASE("a run that waits for an absence alone does not time out; absences come before timeouts") {
  const plan::Rule two = timed(absent_after(either(), "x", 2), 3);
  CHECK(matches(two, "ab....y") == "1 2@3");
  CHECK(matches(two, "abx...y") == "");
  CHECK(matches(all(two), "c+ab....y") == "2 3@3|!1@3");
  CHECK(matches(two, "c+ab....y") == "2 3@3");  // the match drops the other
}
