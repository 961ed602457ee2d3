// The oracle against answers worked out by hand, on plans built by hand: neither parser nor engine takes
// part. Events are letters of one type, a second apart; the events of a match are written as their numbers.
#include <doctest/doctest.h>
#include <string>

#include "engine/model/batch.hpp"
#include "tests/oracle/evaluate.hpp"
#include "tests/oracle/oracle.hpp"

using namespace tocsin;
using namespace tocsin::oracle;
using plan::Contiguity;
using plan::PatternNode;

namespace {

constexpr auto many = plan::unbounded;

model::Catalog letters() {
  model::Catalog catalog;
  model::EventType type{.name = "L", .id = 0, .fields = {}, .timestamp = {}};
  type.fields.push_back({.name = "c", .type = {.kind = model::Kind::string}});
  type.layout();
  catalog.types.push_back(type);
  return catalog;
}

plan::Expr letter(plan::Selector selector) {
  plan::Expr expr;
  expr.op = plan::Op::field;
  expr.type.kind = model::Kind::string;
  expr.ref.selector = selector;
  return expr;
}

plan::Expr text(const char* value) {
  plan::Expr expr;
  expr.type.kind = model::Kind::string;
  expr.constant.kind = model::Kind::string;
  expr.constant.s = value;
  return expr;
}

/// This event's letter, held against another.
plan::Expr compare_letter(plan::Op op, plan::Expr other) {
  plan::Expr expr;
  expr.op = op;
  expr.type.kind = model::Kind::boolean;
  expr.args = {letter(plan::Selector::current), std::move(other)};
  return expr;
}

plan::Expr is(const char* value) {
  return compare_letter(plan::Op::eq, text(value));
}

plan::Step step(plan::Expr condition, plan::Quantifier quantifier = {}) {
  return {.name = "", .type = 0, .conditions = {std::move(condition)}, .quantifier = quantifier};
}

PatternNode leaf(std::uint32_t index) {
  return {.kind = PatternNode::Kind::step, .step = index, .children = {}, .edges = {}};
}

/// The steps one after the other, with `edge` before each.
plan::Rule rule(std::vector<plan::Step> steps, Contiguity edge = Contiguity::relaxed) {
  plan::Rule out;
  out.inputs.push_back({.type = 0, .conditions = {}});
  out.has_pattern = true;
  out.steps = std::move(steps);
  out.pattern.kind = PatternNode::Kind::sequence;
  for (std::uint32_t i = 0; i < out.steps.size(); ++i) {
    out.pattern.children.push_back(leaf(i));
    out.pattern.edges.push_back(edge);
  }
  return out;
}

plan::Rule all(plan::Rule rule) {
  rule.report = plan::Report::all;
  rule.skip = plan::Skip::none;
  return rule;
}

/// The matches as text: "1 3|2 3".
std::string matches(plan::Rule rule, const std::string& stream) {
  plan::Plan plan;
  plan.catalog = letters();
  plan.rules.push_back(std::move(rule));
  plan.order = {0};
  model::EventBatch batch;
  model::EventWriter writer(batch);
  for (std::size_t i = 0; i < stream.size(); ++i) {
    writer.begin(plan.catalog[0]);
    writer.set_string(0, stream.substr(i, 1));
    writer.commit(std::int64_t(i) * 1'000'000'000, i + 1, 0);
  }
  std::vector<model::EventView> views;
  for (std::size_t i = 0; i < batch.size(); ++i)
    views.push_back(batch[i]);
  std::string out;
  for (const Match& match : find_matches(plan, views)) {
    if (!out.empty()) out += '|';
    for (std::size_t i = 0; i < match.events.size(); ++i) {
      out += (i == 0 ? "" : " ") + std::to_string(match.events[i].second);
    }
  }
  return out;
}

}  // namespace

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

TEST_CASE("a repetition that ends the pattern completes at its minimum, under report all again and again") {
  const std::vector<plan::Step> steps = {step(is("a"), {2, many})};
  CHECK(matches(rule(steps), "aaaaa") == "1 2|3 4");
  CHECK(matches(all(rule(steps)), "aaa") == "1 2|1 2 3|2 3");
}

TEST_CASE("an optional element: its successor keeps its own edge") {
  plan::Rule optional = all(rule({step(is("a")), step(is("b"), {0, 1}), step(is("c"))}));
  CHECK(matches(optional, "abc") == "1 2 3|1 3");
  optional.pattern.edges[2] = Contiguity::strict;
  CHECK(matches(optional, "abc") == "1 2 3");
  CHECK(matches(optional, "acbc") == "1 2|1 3 4");
}

TEST_CASE("alternatives, the left one preferred") {
  plan::Rule either = rule({step(is("a")), step(is("b")), step(is("a")), step(is("c"))});
  // ( a -> b | a ) -> c
  PatternNode sequence{.kind = PatternNode::Kind::sequence,
                       .step = 0,
                       .children = {leaf(0), leaf(1)},
                       .edges = {Contiguity::relaxed, Contiguity::relaxed}};
  PatternNode group{
      .kind = PatternNode::Kind::alternation, .step = 0, .children = {sequence, leaf(2)}, .edges = {}};
  either.pattern.children = {group, leaf(3)};
  either.pattern.edges.resize(2);
  CHECK(matches(either, "abc") == "1 2 3");
  CHECK(matches(either, "acb") == "1 2");
  CHECK(matches(all(either), "abc") == "1 2 3|1 3");
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
