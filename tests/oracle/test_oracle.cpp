// The oracle against answers worked out by hand, on plans built by hand: neither parser nor engine takes
// part. Events are letters of one type, a second apart; the events of a match are written as their numbers.
#include <doctest/doctest.h>
#include <string>

#include "tests/oracle/letters.hpp"
#include "tests/oracle/oracle.hpp"

using namespace tocsin;
using namespace tocsin::oracle;
using plan::Contiguity;
using plan::PatternNode;
using plan::Report;
using plan::Skip;

TEST_CASE("edges") {
  const std::vector<plan::Step> ab = {step(is("a")), step(is("b"))};
  CHECK(matches(all(rule(ab)), "aabb") == "1 3|2 3");
  CHECK(matches(all(rule(ab, Contiguity::any)), "aabb") == "1 3|2 3|1 4|2 4");
  CHECK(matches(all(rule(ab, Contiguity::strict)), "aabb") == "2 3");
  CHECK(matches(all(rule(ab)), "bcac") == "");
}

TEST_CASE("repetition goes on and leaves at once, each with the first event that fits") {
  const auto loop = [](Contiguity mode, std::uint32_t max = many) {
    return all(rule({step(is("a"), {1, max, mode}), step(is("b"))}));
  };
  CHECK(matches(loop(Contiguity::relaxed), "aab") == "1 2 3|1 3|2 3");
  CHECK(matches(loop(Contiguity::relaxed), "acab") == "1 3 4|1 4|3 4");
  CHECK(matches(loop(Contiguity::strict), "acab") == "1 4|3 4");
  CHECK(matches(loop(Contiguity::any), "aaab") == "1 2 3 4|1 2 4|1 3 4|1 4|2 3 4|2 4|3 4");
  CHECK(matches(loop(Contiguity::relaxed, 2), "aaab") == "1 2 4|1 4|2 3 4|2 4|3 4");
}

TEST_CASE("report and skip") {
  plan::Rule loop = rule({step(is("a"), {1, many}), step(is("b"))});
  CHECK(matches(loop, "aabab") == "1 2 3|4 5");
  loop.skip = plan::Skip::none;
  CHECK(matches(loop, "aabab") == "1 2 3|1 2 4 5");
  loop.report = plan::Report::all;
  loop.skip = plan::Skip::past_last;
  CHECK(matches(loop, "aabab") == "1 2 3|1 3|2 3|4 5");
}

TEST_CASE("report chooses among what completes at one event") {
  plan::Rule loop = rule({step("a", {1, many}), step("b", {1, many})});
  loop.skip = Skip::none;
  CHECK(matches(loop, "aabb") == "1 2 3");  // complete at its minimum, so that nothing is left for b4
  loop.report = Report::last;
  CHECK(matches(loop, "aabb") == "2 3|2 3 4");
  loop.report = Report::longest;
  CHECK(matches(loop, "aabb") == "1 2 3|1 2 3 4");
  loop.report = Report::any;
  CHECK(matches(loop, "b") == "");
  CHECK(matches(loop, "ab") == "1 2");
}

TEST_CASE("of the latest start, and of the longest, the preferred one") {
  // ( a -> b | a -> x ) -> c, both of three events
  const PatternNode either =
      group(PatternNode::Kind::alternation, {sequence({leaf(0), leaf(1)}), sequence({leaf(2), leaf(3)})});
  plan::Rule both =
      rule({step("a"), step("x"), step("a"), step("b"), step("c")}, sequence({either, leaf(4)}));
  for (const Report report : {Report::last, Report::longest}) {
    both.report = report;
    CHECK(matches(both, "abxc") == "1 3 4");
  }
}

TEST_CASE("under report any, each of the candidates will do") {
  plan::Rule loop = rule({step("a", {1, many}), step("b")});
  loop.report = Report::any;
  const auto found = find_in(plan_of({loop}), "aab");
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].in_its_place.size() == 2);
  CHECK(found[0].events.size() == 3);
  CHECK(found[0].in_its_place[0].events.size() == 2);
  CHECK(found[0].in_its_place[1].events.front().second == 2);
}

TEST_CASE("what a reported match uses up") {
  // a -> x+ -> b, so that several runs are under way when one completes
  plan::Rule three = rule({step("a"), step("x", {1, many}), step("b")});
  const auto skipping = [&](Skip skip, std::uint32_t step, const char* stream) {
    three.skip = skip;
    three.skip_step = step;
    return matches(three, stream);
  };
  CHECK(skipping(Skip::none, 0, "aaxbb") == "1 3 4");
  three.pattern.edges[2].contiguity = Contiguity::any;  // now b5 completes the same runs again
  CHECK(skipping(Skip::none, 0, "aaxbb") == "1 3 4|1 3 5");
  CHECK(skipping(Skip::past_last, 0, "aaxbb") == "1 3 4");
  CHECK(skipping(Skip::to_next, 0, "aaxbb") == "1 3 4|2 3 5");
  CHECK(skipping(Skip::to_first, 0, "aaxbb") == "1 3 4|1 3 5");
  CHECK(skipping(Skip::to_first, 1, "aaxbb") == "1 3 4");
  CHECK(skipping(Skip::to_last, 1, "axaxbb") == "1 2 4 5");         // run 3 began before the last x, 4
  CHECK(skipping(Skip::to_first, 1, "axaxbb") == "1 2 4 5|3 4 6");  // but not before the first, 2
}

TEST_CASE("skip to a step that the match did not take is skip to next") {
  plan::Rule optional = rule({step("a"), step("x", {0, 1}), step("b")}, Contiguity::any);
  optional.skip = Skip::to_first;
  optional.skip_step = 1;
  CHECK(matches(optional, "aabb") == "1 3|2 4");
}

TEST_CASE("with report all, all that complete at an event are reported before the skip") {
  plan::Rule every = rule({step("a"), step("b")}, Contiguity::any);
  every.report = Report::all;
  every.skip = Skip::to_next;
  CHECK(matches(every, "aabb") == "1 3|2 3");
}

TEST_CASE("a repetition that ends the pattern completes at its minimum, under report all again and again") {
  const std::vector<plan::Step> steps = {step(is("a"), {2, many})};
  CHECK(matches(rule(steps), "aaaaa") == "1 2|3 4");
  CHECK(matches(all(rule(steps)), "aaa") == "1 2|1 2 3|2 3");
}

TEST_CASE("an optional element: its successor keeps its own edge") {
  plan::Rule optional = all(rule({step(is("a")), step(is("b"), {0, 1}), step(is("c"))}));
  CHECK(matches(optional, "abc") == "1 2 3|1 3");
  optional.pattern.edges[2].contiguity = Contiguity::strict;
  CHECK(matches(optional, "abc") == "1 2 3");
  CHECK(matches(optional, "acbc") == "1 2|1 3 4");
}

TEST_CASE("alternatives, the left one preferred") {
  // ( a -> b | a ) -> c
  const PatternNode either = group(PatternNode::Kind::alternation, {sequence({leaf(0), leaf(1)}), leaf(2)});
  const plan::Rule both = rule({step("a"), step("b"), step("a"), step("c")}, sequence({either, leaf(3)}));
  CHECK(matches(both, "abc") == "1 2 3");
  CHECK(matches(both, "acb") == "1 2");
  CHECK(matches(all(both), "abc") == "1 2 3|1 3");
}

TEST_CASE("bounds") {
  plan::Rule bounded = all(rule({step(is("a")), step(is("b"))}, Contiguity::any));
  bounded.within = {.unit = plan::Within::Unit::events, .events = 3};
  CHECK(matches(bounded, "acbb") == "1 3");
  bounded.within = {.unit = plan::Within::Unit::time, .time_ns = 1'000'000'000};
  CHECK(matches(bounded, "abb") == "1 2");
}

TEST_CASE("a conjunct with prev begins at the second repeat") {
  const auto same = compare_letter(plan::Op::eq, letter(plan::Selector::previous));
  CHECK(matches(rule({step(same, {2, 2})}), "abb") == "2 3");
  CHECK(matches(all(rule({step(same, {2, 2})})), "aba") == "1 3");
}

TEST_CASE("an input condition takes an event out of the stream") {
  plan::Rule strict = all(rule({step(is("a")), step(is("b"))}, Contiguity::strict));
  CHECK(matches(strict, "acb") == "");
  strict.inputs[0].conditions.push_back(compare_letter(plan::Op::ne, text("c")));
  CHECK(matches(strict, "acb") == "1 3");
}

TEST_CASE("too many candidates are refused, not enumerated") {
  CHECK_THROWS_AS(matches(all(rule({step(is("a"), {1, many, Contiguity::any})})), std::string(24, 'a')),
                  TooMany);
}
