// Rule texts print as the language writes them, and a failing case loses everything that it can lose.
#include <algorithm>
#include <doctest/doctest.h>

#include "tests/oracle/generator.hpp"
#include "tests/oracle/rule_text.hpp"
#include "tests/oracle/runs.hpp"

using namespace tocsin::oracle;

namespace {

PatternText step(const char* name, const char* type, const char* quantifier = "") {
  PatternText out;
  out.name = name;
  out.type = type;
  out.quantifier = quantifier;
  return out;
}

PatternText list_of(PatternText::Kind kind, std::vector<PatternText> children) {
  PatternText out;
  out.kind = kind;
  out.edges.assign(children.size(), "->");
  out.nots.resize(children.size());
  out.children = std::move(children);
  return out;
}

PatternText sequence(std::vector<PatternText> children) {
  return list_of(PatternText::Kind::sequence, std::move(children));
}

PatternText either(std::vector<PatternText> children) {
  return list_of(PatternText::Kind::alternation, std::move(children));
}

}  // namespace

TEST_CASE("a pattern prints with the parentheses that it needs") {
  const PatternText a = step("a", "A"), b = step("b", "B"), c = step("", "C", "+");
  CHECK(print(sequence({either({a, b}), c})) == "a: A | b: B -> C+");
  CHECK(print(either({sequence({a, b}), c})) == "( a: A -> b: B ) | C+");
  CHECK(print(sequence({a, sequence({b, c})})) == "a: A -> ( b: B -> C+ )");
}

TEST_CASE("what the parts of a pattern look like") {
  PatternText a = step("a", "A", "{2.. gap 3s}?"), b = step("b", "B"), c = step("", "any");
  a.until = "x > 1";
  c.conditions = {"x > 1", "y > 1"};
  PatternText list = sequence({a, b, c});
  list.edges[1] = "~>[5s]";
  list.nots[2] = {", not A", "-> not B[x > 1]"};
  CHECK(print(list) ==
        "a: A{2.. gap 3s}? until [x > 1] ~>[5s] b: B , not A -> not B[x > 1] -> any[x > 1 and y > 1]");
  PatternText bounded = sequence({b, step("d", "C")});
  bounded.within = "5s";
  bounded.quantifier = "{1..}";
  const PatternText both = list_of(PatternText::Kind::permutation, {b, step("d", "C")});
  CHECK(print(sequence({a, bounded})) ==
        "a: A{2.. gap 3s}? until [x > 1] -> ( b: B -> d: C within 5s ){1..}");
  CHECK(print(either({both, bounded})) == "b: B & d: C | ( b: B -> d: C within 5s ){1..}");
  CHECK(print(list_of(PatternText::Kind::permutation, {b, either({b, b})})) == "b: B & ( b: B | b: B )");

  RuleText rule;
  rule.name = "r";
  rule.match = sequence({b, b});
  rule.before = {"not A for 2s"};
  rule.after = {"not A for 3s", "not B for 1s"};
  rule.timeout_type = "T";
  rule.timeout = {{"x", "1"}};
  CHECK(print(rule) ==
        "rule r {\n  match not A for 2s -> b: B -> b: B -> not A for 3s -> not B for 1s\n"
        "  on timeout emit T { x: 1 }\n}\n");
}

TEST_CASE("what windows, thresholds and throttle look like, and what is less") {
  RuleText rule;
  rule.name = "r";
  rule.from = {{"A", "x > 1"}};
  rule.partition = {"k"};
  rule.window = "sliding 5s";
  rule.when = {"count() > 1", "avg(x) < 2"};
  rule.on = "fall";
  rule.keep = "2s";
  rule.throttle = "3s";
  rule.emit_type = "D";
  rule.emit = {{"n", "count()"}};
  CHECK(print(rule) ==
        "rule r {\n  from A[x > 1]\n  partition by k\n  window sliding 5s\n"
        "  when count() > 1 and avg(x) < 2 on fall keep 2s\n  throttle 3s\n  emit D { n: count() }\n}\n");
  rule.on = "";
  rule.hold = "1s";
  CHECK(print(rule).find("  when count() > 1 and avg(x) < 2 for 1s keep 2s\n") != std::string::npos);

  // What is left of it needs its window and one of its conditions.
  Case test;
  test.rules = {rule};
  const Case small = shrink(test, [](const Case& less) {
    const std::string text = rules_of(less);
    return text.find("window") != std::string::npos && text.find("avg") != std::string::npos;
  });
  CHECK(rules_of(small) == "rule r {\n  from A\n  window sliding 5s\n  when avg(x) < 2\n}\n");

  // Without the last condition there is nothing that could be kept.
  rule.when.resize(1);
  const auto less = reductions(rule);
  CHECK(std::any_of(less.begin(), less.end(), [](const RuleText& each) { return each.when.empty(); }));
  CHECK(std::none_of(less.begin(), less.end(), [](const RuleText& each) {
    return each.when.empty() && !(each.keep.empty() && each.hold.empty());
  }));
}

TEST_CASE("the least number of events") {
  const PatternText none = step("n", "A", "{0..2 any}"), two = step("t", "A", "{2.. strict}"),
                    one = step("o", "A", "+");
  CHECK(least_events(sequence({none, two, one})) == 3);
  CHECK(least_events(either({two, one})) == 1);
  CHECK(least_events(either({two, step("s", "A", "*")})) == 0);
  PatternText group = sequence({two, one});
  group.quantifier = "{2..}?";
  CHECK(least_events(group) == 6);
  CHECK(least_events(list_of(PatternText::Kind::permutation, {two, one, none})) == 3);
}

TEST_CASE("shrinking leaves what the failure needs and nothing else") {
  Case test;
  test.events = {"1", "2", "3", "4", "5"};
  RuleText rule;
  rule.name = "r1";
  rule.match = sequence({step("a", "A", "{2..}"), either({step("b", "B"), step("c", "C")}), step("d", "A")});
  rule.partition = {"k", "s"};
  rule.within = "5s";
  rule.report = "all";
  test.rules = {rule, rule};
  test.rules[1].name = "r2";

  // It takes the third event and rule r2 with `report all` and step c.
  const Case small = shrink(test, [](const Case& less) {
    const auto has = [&](const char* text) { return rules_of(less).find(text) != std::string::npos; };
    const bool event = std::find(less.events.begin(), less.events.end(), "3") != less.events.end();
    return event && has("rule r2") && has("c: C") && has("report all");
  });
  CHECK(small.events == std::vector<std::string>{"3"});
  CHECK(rules_of(small) == "rule r2 {\n  match c: C\n  report all\n}\n");
}

TEST_CASE("random cases compile, and a seed gives its case again") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const std::string rules = rules_of(random_case(seed));
    CHECK(rules == rules_of(random_case(seed)));
    CHECK_NOTHROW(compile(rules));
  }
}
