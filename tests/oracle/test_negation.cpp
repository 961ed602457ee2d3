// What must not come between, how soon something must come, and steps of several types: the oracle against
// answers worked out by hand.
#include <doctest/doctest.h>

#include "engine/model/batch.hpp"
#include "tests/oracle/letters.hpp"

using namespace tocsin;
using namespace tocsin::oracle;
using plan::Contiguity;

namespace {

plan::Rule steps(std::vector<plan::Step> list, Contiguity edge = Contiguity::relaxed) {
  return all(rule(std::move(list), edge));
}

}  // namespace

TEST_CASE("an event between that must not be") {
  const plan::Rule quiet = ban(steps({step("a"), step("b")}), 1, "x");
  CHECK(matches(quiet, "acb") == "1 3");
  CHECK(matches(quiet, "axb") == "");
  CHECK(matches(quiet, "axab") == "3 4");
  CHECK(matches(quiet, "xabx") == "2 3");
  const plan::Rule any = ban(steps({step("a"), step("b")}, Contiguity::any), 1, "x");
  CHECK(matches(any, "abbxb") == "1 2|1 3");
}

TEST_CASE("the event that is taken is not between") {
  const plan::Rule next = ban(steps({step("a"), step("b")}, Contiguity::any), 1, "b");
  CHECK(matches(next, "acbb") == "1 3");
}

TEST_CASE("the very next event must not be") {
  const plan::Rule next = ban(steps({step("a"), step("b")}), 1, "x", true);
  CHECK(matches(next, "axb") == "");
  CHECK(matches(next, "acxb") == "1 4");
  const plan::Rule itself = ban(steps({step("a"), step("b")}), 1, "b", true);
  CHECK(matches(itself, "ab") == "");
  CHECK(matches(itself, "acb") == "1 3");
}

TEST_CASE("negations hold for their gap, also where elements beside them are skipped") {
  const std::vector<plan::Step> abc = {step("a"), step("b", {0, 1}), step("c")};
  const plan::Rule before = ban(steps(abc), 1, "x");  // a -> not x -> b? -> c
  CHECK(matches(before, "axc") == "");
  CHECK(matches(before, "abxc") == "1 2 4");
  const plan::Rule behind = ban(steps(abc), 2, "x");  // a -> b? -> not x -> c
  CHECK(matches(behind, "axbc") == "1 3 4");
  CHECK(matches(behind, "abxc") == "");
  const plan::Rule both = ban(before, 2, "y");
  CHECK(matches(both, "ayc") == "");
  CHECK(matches(both, "aybc") == "1 3 4");
}

TEST_CASE("a negation before a loop is for its first event alone") {
  CHECK(matches(ban(steps({step("a"), step("b", {2, 2})}), 1, "x"), "abxb") == "1 2 4");
}

TEST_CASE("a negation before an optional first element has no gap to hold for if that is skipped") {
  CHECK(matches(ban(steps({step("a", {0, 1}), step("b")}), 1, "x"), "axb") == "3");
}

TEST_CASE("a negation sees what the run has taken") {
  plan::Rule other = steps({step(compare_letter(plan::Op::ne, text("b"))), step("b")});
  const auto same = compare_letter(plan::Op::eq, letter(plan::Selector::single, 0));
  other.pattern.edges[1].bans.push_back({.negation = negation(other, same), .strict = false});
  CHECK(matches(other, "cdb") == "1 3|2 3");
  CHECK(matches(other, "cdcb") == "2 4|3 4");
}

TEST_CASE("a bound on an edge, inclusive") {
  plan::Rule soon = steps({step("a"), step("b")});
  soon.pattern.edges[1].bound_ns = 2 * second_ns;
  CHECK(matches(soon, "a.b") == "1 2");
  CHECK(matches(soon, "a..b") == "");
  soon.pattern.edges[1].contiguity = Contiguity::any;
  CHECK(matches(soon, "abbb") == "1 2|1 3");
}

TEST_CASE("the bound is that of the element that comes") {
  plan::Rule optional = steps({step("a"), step("b", {0, 1}), step("c")});
  optional.pattern.edges[1].bound_ns = second_ns;
  CHECK(matches(optional, "a..c") == "1 2");
  CHECK(matches(optional, "a.bc") == "1 3");
}

TEST_CASE("a step of several types reads null where a type lacks the field") {
  plan::Plan plan = plan_of({all(rule({step("a"), step("b")}))});
  model::EventType other{.name = "M", .id = 2, .fields = {}, .timestamp = {}};
  other.layout();
  plan.catalog.types.push_back(other);
  plan::Rule& rule = plan.rules[0];
  rule.inputs.push_back({.type = 2, .conditions = {}});
  plan::Expr field = letter(plan::Selector::current);
  field.ref.of_any = true;
  plan::Expr lacks;
  lacks.op = plan::Op::is_null;
  lacks.type.kind = model::Kind::boolean;
  lacks.args = {field};
  rule.steps[1].types = {0, 2};
  rule.steps[1].conditions = {lacks};

  model::EventBatch batch;
  model::EventWriter writer(batch);
  for (const model::EventTypeId type :
       std::vector<model::EventTypeId>{0, 0, 2}) {  // an `a`, another, and an M
    writer.begin(plan.catalog[type]);
    if (type == 0) writer.set_string(0, "a");
    writer.commit(0, batch.size() + 1, 0);
  }
  const auto found = find_matches(plan, {batch[0], batch[1], batch[2]});
  REQUIRE(found.size() == 2);
  CHECK(found[0].events.back().second == 3);
  CHECK(found[1].events.front().second == 2);
}
