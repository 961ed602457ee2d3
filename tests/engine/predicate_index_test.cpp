// The index against the plain truth: every predicate tried on every event.
#include "engine/match/predicate_index.hpp"

#include <random>

#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;
using match::PredicateIndex;
using match::Program;
using model::Value;

namespace {

struct Indexed {
  explicit Indexed(const std::string& rules)
      : plan(plan_of(
            "event E { i: int, f: float, s: string, n: int?, b: bool, d: duration, c: enum(red, green) }\n" +
            rules)) {
    for (std::uint32_t rule = 0; rule < plan.rules.size(); ++rule)
      programs.push_back(match::build_program(plan, rule));
    for (const auto& program : programs)
      pointers.push_back(&program);
  }
  plan::Plan plan;
  std::vector<Program> programs;
  std::vector<const Program*> pointers;
};

std::string touched_text(PredicateIndex& index, model::EventView event) {
  match::Scratch scratch;
  std::string text;
  for (const auto& touched : index.lookup(event, scratch)) {
    text += std::to_string(touched.program) + ":" + std::to_string(touched.steps) + " ";
  }
  return text;
}

}  // namespace

TEST_CASE("the index finds what trying every predicate finds") {
  const char* conditions[] = {"i == 1",
                              "i == 2 and f > 1.0",
                              "i in (1, 3)",
                              "f > 0.5",
                              "f >= 0.5",
                              "f < 1.5",
                              "f <= 1.5",
                              "1.0 < f",
                              "i > 1",
                              "i >= 2",
                              "i < 2",
                              "s == \"a\"",
                              "s in (\"b\", \"\")",
                              "s ==~ \"A\"",
                              "n == 1",
                              "n > 0",
                              "n < 5",
                              "not (n > 0)",
                              "n is null",
                              "b == true",
                              "b",
                              "d > 1s",
                              "c == green",
                              "c == \"red\" and i == 1",
                              "i == 1 or i == 2",
                              "s like \"a*\"",
                              "i == 1 and s == \"a\" and f > 0.0",
                              "i != 1",
                              "f > 0.5 and f < 1.5",
                              "i between 1 and 2",
                              "f > 0.0",
                              "f >= 0.0",
                              "f < 0.0",
                              "f <= 0.0",
                              "f > -0.0",
                              "f <= -0.0",
                              "f > 1.5 and f < 0.5",
                              "f > 0.5 and n > 0 and i < 3",
                              "i == 1 and f > 1.0",
                              "i == 1 and f > 0.5",
                              "i == 1 and f > 0.5 and f <= 1.0",
                              "i == 1 and f < 1.0",
                              "i == 1 and f <= 0.0",
                              "i == 1 and n > 0",
                              "i == 1 and n < 1 and f > 0.0",
                              "i == 1 and i < 1",
                              "i > 9223372036854775807",
                              "i <= 9223372036854775807",
                              "s == \"a long text\"",
                              "s in (\"a long text\", \"a\", \"seven b\")"};
  std::string rules;
  int number = 0;
  for (const char* condition : conditions) {
    rules += "rule f" + std::to_string(number) + " { from E[" + condition + "] emit O" +
             std::to_string(number) + " { i } }\n";
    rules += "rule p" + std::to_string(number++) + " { match x: E[" + condition +
             "] -> y: E[f > 0.5] , z: E[" + condition + "] }\n";
  }
  Indexed indexed(rules);
  PredicateIndex fast(indexed.pointers, indexed.plan.catalog, true);
  PredicateIndex plain(indexed.pointers, indexed.plan.catalog, false);
  using Double = std::numeric_limits<double>;
  const double floats[] = {-1, -0.0, 0.0, Double::denorm_min(), -Double::infinity(), Double::infinity(), 0.5,
                           1,  1.5,  2,   -Double::quiet_NaN(), Double::quiet_NaN()};
  const char* texts[] = {"", "a", "A", "b", "abc", "seven b", "a long text", "a long tex_"};
  std::size_t touched = 0;
  for (const std::int64_t i : {std::int64_t{0}, std::int64_t{1}, std::int64_t{2}, std::int64_t{3},
                               std::int64_t{4}, INT64_MAX, INT64_MIN}) {
    for (const double f : floats) {
      for (const char* s : texts) {
        for (std::int64_t n = -1; n < 3; ++n) {
          model::EventBatch batch;
          add_event(batch, indexed.plan.catalog.types[0], 0,
                    {int_value(i), float_value(f), text_value(s), n < 0 ? Value::null() : int_value(n),
                     int_value(i & 1), int_value((i & 7) * 600'000'000), int_value(i & 1)});
          const std::string expected = touched_text(plain, batch[0]);
          touched += expected.size();
          REQUIRE(touched_text(fast, batch[0]) == expected);
        }
      }
    }
  }
  CHECK(touched > 0);
}

TEST_CASE("a thousand rules with one equality each: an event touches its own alone") {
  std::string rules;
  for (int i = 0; i < 1000; ++i) {
    rules += "rule r" + std::to_string(i) + " { from E[s == \"S" + std::to_string(i) + "\" and f > " +
             std::to_string(i % 10) + ".0] emit O" + std::to_string(i) + " { f } }\n";
  }
  Indexed indexed(rules);
  PredicateIndex index(indexed.pointers, indexed.plan.catalog, true);
  model::EventBatch batch;
  add_event(batch, indexed.plan.catalog.types[0], 0, {int_value(0), float_value(5.5), text_value("S123")});
  add_event(batch, indexed.plan.catalog.types[0], 0, {int_value(0), float_value(5.5), text_value("S129")});
  CHECK(touched_text(index, batch[0]) == "123:1 ");
  CHECK(touched_text(index, batch[1]) == "");
  CHECK(index.dump(indexed.plan.catalog) == "E: 1000 predicates\n  s == one of 1000 values (hash)\n");
}

TEST_CASE("an event touches many rules in their order, whatever the order of their bounds") {
  std::string rules;
  for (int i = 0; i < 1000; ++i) {
    rules += "rule r" + std::to_string(i) + " { from E[f > " + std::to_string(i * 7 % 1000) +
             ".0] emit O { f } }\n";
  }
  Indexed indexed(rules);
  PredicateIndex index(indexed.pointers, indexed.plan.catalog, true);
  for (const int number : {0, 3, 12, 13, 200, 1000}) {
    model::EventBatch batch;
    add_event(batch, indexed.plan.catalog.types[0], 0, {int_value(0), float_value(number)});
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
      if (i * 7 % 1000 < number) expected += std::to_string(i) + ":1 ";
    }
    CHECK(touched_text(index, batch[0]) == expected);
  }
}
