// The oracle's loops, groups and permutations against answers worked out by hand from docs/language.md.
#include <doctest/doctest.h>

#include "tests/oracle/letters.hpp"

using namespace tocsin;
using namespace tocsin::oracle;
using plan::Contiguity;
using plan::Loop;
using plan::PatternNode;
using plan::Quantifier;

namespace {

Quantifier loop(std::uint32_t min, std::uint32_t max, Loop kind, Contiguity mode = Contiguity::relaxed) {
  return {.min = min, .max = max, .mode = mode, .loop = kind};
}

plan::Expr is_not(const char* value) {
  return compare_letter(plan::Op::ne, text(value));
}

PatternNode repeated(PatternNode group, Quantifier quantifier) {
  group.quantifier = quantifier;
  return group;
}

/// ( a -> b ){…}
PatternNode pair(Quantifier quantifier) {
  return repeated(sequence({leaf(0), leaf(1)}), quantifier);
}

}  // namespace

TEST_CASE("a possessive loop leaves out nothing that it could have taken") {
  const auto rule_of = [](Contiguity mode) {
    return all(rule({step("a", loop(1, many, Loop::possessive, mode)), step("b")}));
  };
  CHECK(matches(rule_of(Contiguity::relaxed), "aab") == "1 2 3|2 3");
  CHECK(matches(rule_of(Contiguity::relaxed), "acab") == "1 3 4|3 4");
  CHECK(matches(rule_of(Contiguity::strict), "aab") == "1 2 3|2 3");
  CHECK(matches(rule_of(Contiguity::strict), "acab") == "1 4|3 4");
  CHECK(matches(rule_of(Contiguity::any), "aab") == "1 2 3|1 3|2 3");
}

TEST_CASE("an event that fits a possessive loop and what follows is a repeat and nothing else") {
  const auto rule_of = [](std::uint32_t max, Contiguity mode) {
    return all(rule({step("a", loop(1, max, Loop::possessive, mode)), step(is_not("c"))}));
  };
  CHECK(matches(rule_of(many, Contiguity::relaxed), "aab") == "1 2 3|2 3");
  CHECK(matches(rule_of(many, Contiguity::any), "aab") == "1 2 3|1 3|2 3");
  CHECK(matches(rule_of(2, Contiguity::relaxed), "aaa") == "1 2 3");  // a full loop takes no more
}

TEST_CASE("a possessive loop that was skipped takes its first event all the same") {
  plan::Rule optional = all(rule({step("a"), step("b", loop(0, many, Loop::possessive)), step("c")}));
  CHECK(matches(optional, "abc") == "1 2 3");
  CHECK(matches(optional, "ac") == "1 2");
  optional.pattern.edges[1].contiguity = Contiguity::any;  // `~>` may pass over events
  CHECK(matches(optional, "abc") == "1 2 3|1 3");
  CHECK(matches(all(rule({step("a", loop(0, 1, Loop::possessive)), step(is_not("c"))})), "ab") == "1 2|2");
}

TEST_CASE("a reluctant loop is left where what follows fits") {
  const auto rule_of = [](std::uint32_t min, Loop kind) {
    return all(rule({step("a", loop(min, many, kind)), step(is_not("c"))}));
  };
  CHECK(matches(rule_of(1, Loop::greedy), "aab") == "1 2|1 2 3|2 3");
  CHECK(matches(rule_of(1, Loop::reluctant), "aab") == "1 2|2 3");
  CHECK(matches(rule_of(2, Loop::reluctant), "aaab") == "1 2 3|2 3 4");
  CHECK(matches(all(rule({step("a"), step("b", loop(0, many, Loop::reluctant)), step(is_not("c"))})), "ab") ==
        "1 2");
}

TEST_CASE("a reluctant loop is left for good") {
  const auto rule_of = [](Loop kind) {
    return all(rule({step("a", loop(1, many, kind)), step("b"), step("c")}));
  };
  CHECK(matches(rule_of(Loop::greedy), "ababc") == "1 3 4 5|1 2 5|3 4 5");
  CHECK(matches(rule_of(Loop::reluctant), "ababc") == "1 2 5|3 4 5");
  CHECK(matches(rule_of(Loop::reluctant), "aab") == "");
  CHECK(matches(rule_of(Loop::reluctant), "aabc") == "1 2 3 4|1 3 4|2 3 4");
}

TEST_CASE("each step that may come next ends a reluctant loop, if its edge allows") {
  // a{1..}? -> b? -> c
  plan::Rule three = all(rule({step("a", loop(1, many, Loop::reluctant)), step("b", {0, 1}), step("c")}));
  CHECK(matches(three, "abac") == "1 2 4|1 4|3 4");  // 3 is no repeat of 1: b came
  three.pattern.edges[1].contiguity = Contiguity::strict;
  CHECK(matches(three, "axbac") == "1 4 5|1 5|4 5");  // b was not the very next
}

TEST_CASE("until ends a loop") {
  const auto rule_of = [](plan::Step looped) {
    looped.until = {is("x")};
    return all(rule({std::move(looped), step("b")}));
  };
  CHECK(matches(rule_of(step("a", {1, many})), "aaxab") == "1 2 5|1 5|2 5|4 5");
  CHECK(matches(rule_of(step(is_not("b"), {1, many})), "axb") == "1 3");  // what ends the loop is not in it
  plan::Rule after = rule_of(step("a", {1, many}));
  after.steps[1] = step("x");
  CHECK(matches(after, "aaxx") == "1 2 3|1 3|2 3");  // but may be what follows
}

TEST_CASE("until ends a loop that has not begun") {
  plan::Rule optional = all(rule({step("a"), step("b", {0, many}), step("c")}));
  optional.steps[1].until = {is("x")};
  CHECK(matches(optional, "axbc") == "1 4");
  CHECK(matches(optional, "abxbc") == "1 2 5|1 5");
}

TEST_CASE("a bound between repeats, inclusive") {
  const plan::Rule near = all(rule({step("a", {.min = 1, .max = many, .gap_ns = 2 * second_ns}), step("b")}));
  CHECK(matches(near, "a.ab") == "1 2 3|1 3|2 3");
  CHECK(matches(near, "aa..ab") == "1 2 4|1 4|2 4|3 4");
}

TEST_CASE("a group is run through again from its start") {
  const plan::Rule pairs = all(rule({step("a"), step("b"), step("c")}, sequence({pair({1, many}), leaf(2)})));
  CHECK(matches(pairs, "ababc") == "1 2 3 4 5|1 2 5|3 4 5");
  CHECK(matches(pairs, "aabc") == "1 3 4|2 3 4");
  CHECK(matches(pairs, "bac") == "");
}

TEST_CASE("how repeats of a group follow each other") {
  const auto rule_of = [](Quantifier quantifier) {
    return all(rule({step("a"), step("b")}, pair(quantifier)));
  };
  CHECK(matches(rule_of({2, 2}), "abxab") == "1 2 4 5");
  CHECK(matches(rule_of({2, 2, Contiguity::strict}), "abxab") == "");
  CHECK(matches(rule_of({2, 2, Contiguity::strict}), "abab") == "1 2 3 4");
  CHECK(matches(rule_of({2, 2, Contiguity::any}), "ababab") == "1 2 3 4|1 2 5 6|3 4 5 6");
  const Quantifier near{.min = 2, .max = 2, .gap_ns = second_ns};
  CHECK(matches(rule_of(near), "abab") == "1 2 3 4");
  CHECK(matches(rule_of(near), "ab.ab") == "");
}

TEST_CASE("an optional group") {
  const plan::Rule optional =
      all(rule({step("a"), step("b"), step("x"), step("c")}, sequence({leaf(2), pair({0, 1}), leaf(3)})));
  CHECK(matches(optional, "xabc") == "1 2 3 4|1 4");
  CHECK(matches(optional, "xac") == "1 3");
}

TEST_CASE("a repeat that takes nothing is none, and a candidate by two ways is one") {
  const auto rule_of = [](Quantifier inner, Quantifier outer) {
    return all(
        rule({step("a", inner), step("b")}, sequence({repeated(sequence({leaf(0)}), outer), leaf(1)})));
  };
  CHECK(matches(rule_of({0, 1}, {0, many}), "ab") == "1 2|2");
  CHECK(matches(rule_of({0, 1}, {2, 2}), "ab") == "1 2|2");
  CHECK(matches(rule_of({1, 2}, {1, 2}), "aab") == "1 2 3|1 3|2 3");
}

TEST_CASE("preference is among the ways that led to the candidates") {
  // ( ( b{2} | c )+ ){2} -> d: from c1 on, b would be preferred to c within one run through the outer group,
  // but then there is no second.
  const PatternNode inner =
      repeated(group(PatternNode::Kind::alternation, {leaf(0), leaf(1)}), {.min = 1, .max = many});
  const plan::Rule nested = rule({step("b", {2, 2}), step("c"), step("d")},
                                 sequence({repeated(sequence({inner}), {2, 2}), leaf(2)}));
  CHECK(matches(nested, "ccbbd") == "1 2 3 4 5");
}

TEST_CASE("a bound within a group is for each of its repeats") {
  PatternNode bounded = pair({1, many});
  bounded.within_ns = 2 * second_ns;
  const plan::Rule pairs = all(rule({step("a"), step("b"), step("c")}, sequence({bounded, leaf(2)})));
  CHECK(matches(pairs, "a.bc") == "1 2 3");
  CHECK(matches(pairs, "a..bc") == "");
  CHECK(matches(pairs, "a.ba.b....c") == "1 2 3 4 5|1 2 5|3 4 5");
  CHECK(matches(pairs, "a.ba..bc") == "1 2 5");
}

TEST_CASE("prev in a group is the event that the step took in the repeat before") {
  plan::Step changes = step(compare_letter(plan::Op::ne, letter(plan::Selector::previous)));
  changes.in_loop = true;
  const Quantifier thrice{.min = 3, .max = 3, .mode = Contiguity::strict};
  CHECK(matches(all(rule({changes}, repeated(sequence({leaf(0)}), thrice))), "aaba") == "2 3 4");
}

TEST_CASE("any order") {
  const auto rule_of = [](std::vector<plan::Step> steps, std::size_t children) {
    std::vector<PatternNode> in_any_order, rest;
    for (std::uint32_t i = 0; i < steps.size(); ++i)
      (i < children ? in_any_order : rest).push_back(leaf(i));
    rest.insert(rest.begin(), group(PatternNode::Kind::permutation, in_any_order));
    return all(rule(std::move(steps), sequence(rest)));
  };
  CHECK(matches(rule_of({step("a"), step("b")}, 2), "aba") == "1 2|2 3");
  CHECK(matches(rule_of({step("a"), step("b")}, 2), "aab") == "1 3|2 3");
  CHECK(matches(rule_of({step("a"), step("b"), step("c"), step("d")}, 3), "cabd") == "1 2 3 4");
  CHECK(matches(rule_of({step("a", {2, 2}), step("b")}, 2), "aba") == "");
  CHECK(matches(rule_of({step("a", {2, 2}), step("b")}, 2), "abaab") == "2 3 4|1 3 5|3 4 5");
  CHECK(matches(rule_of({step("a", {0, 1}), step("b"), step("c")}, 2), "bac") == "1 2 3|1 3");
}

TEST_CASE("a permutation stands for its orders, with loops as in each") {
  // a? & a{0..1}? -> b: in the order in which the first is skipped, only b comes behind the reluctant one
  const PatternNode both = group(PatternNode::Kind::permutation, {leaf(0), leaf(1)});
  const plan::Rule reluctant = all(rule(
      {step("a", {0, 1}), step("a", loop(0, 1, Loop::reluctant)), step("b")}, sequence({both, leaf(2)})));
  CHECK(matches(reluctant, "ab") == "1 2|1 2|2");
}

TEST_CASE("the edge before a permutation governs its first event") {
  plan::Rule after =
      all(rule({step("x"), step("a", {0, 1}), step("b")},
               sequence({leaf(0), group(PatternNode::Kind::permutation, {leaf(1), leaf(2)})})));
  after.pattern.edges[1].contiguity = Contiguity::strict;
  CHECK(matches(after, "xbca") == "1 2|1 2 4");
  CHECK(matches(after, "xcab") == "");
  CHECK(matches(after, "xcb") == "");
  CHECK(matches(after, "xacb") == "1 2 4");
}
