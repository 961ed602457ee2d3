// Rule text → program, by its dump.
#include "engine/match/matcher.hpp"
#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;

namespace {

constexpr const char* schema =
    "event A { k: string, x: int, y: float?, at: time @timestamp }\n"
    "event B { k: string, x: int, at: time @timestamp }\n";

std::string program_dump(const std::string& rule) {
  const auto plan = plan_of(schema + rule);
  auto program = match::build_program(plan, 0);
  match::choose(program, match::MatcherChoice::automatic);
  return match::dump(plan, program);
}

}  // namespace

TEST_CASE("arcs of optional, repeated and alternative steps, in order of preference") {
  CHECK(program_dump("rule g {\n"
                     "  match a: A[x > 1]{2..3} -> (b: B[x == last(a).x] | c: A[y < 2.5]) ~> d: B[x == 3]?, "
                     "e: A{1.. any}\n"
                     "  partition by k within 10s }") ==
        R"(rule g
  matcher: arena (a condition of step 'b' reads events that the run has captured)
  step a: A{2..3}
    predicate: x > 1
  step b: B
    predicate: true
    joined: x == last(a).x
    looked up by: x == last(a).x
  step c: A
    predicate: y < 2.5
  step d: B{0..1}
    predicate: x == 3
  step e: A{1.. any}
    predicate: true
  arc start => a
  arc a -> a while count < 3
  arc a -> b once count >= 2
  arc a -> c once count >= 2
  arc b ~> d
  arc b , e
  arc c ~> d
  arc c , e
  arc d , e
  arc e ~> e
  match after e
)");
}

TEST_CASE("a leading optional step gives two starts; a trailing one two ends") {
  CHECK(program_dump("rule g { match a: A? -> b: B -> c: A* }") == R"(rule g
  matcher: grouped (every condition reads one event alone, so runs that wait for the same step advance together)
  step a: A{0..1}
    predicate: true
  step b: B
    predicate: true
  step c: A{0..}
    predicate: true
  arc start => a
  arc start => b
  arc a -> b
  arc b -> c
  arc c -> c
  match after b
  match after c
)");
}

TEST_CASE("the edge of a group governs its first step") {
  CHECK(program_dump("rule g { match a: A , ((b: B -> c: A) | d: A) ~> e: B }") == R"(rule g
  matcher: grouped (every condition reads one event alone, so runs that wait for the same step advance together)
  step a: A
    predicate: true
  step b: B
    predicate: true
  step c: A
    predicate: true
  step d: A
    predicate: true
  step e: B
    predicate: true
  arc start => a
  arc a , b
  arc a , d
  arc b -> c
  arc c ~> e
  arc d ~> e
  match after e
)");
}

TEST_CASE("which matcher serves a rule, and what decides") {
  const std::pair<const char*, const char*> cases[] = {
      {"rule r { from A[x > 1] emit O { x } }", "stateless"},
      {"rule r { match a: A -> b: B }", "grouped"},
      {"rule r { match a: A{64} }", "grouped"},
      {"rule r { match a: A , b: B , c: A }", "contiguous"},
      {"rule r { match a: A , b: B{3 strict} within 4 events }", "contiguous"},
      {"rule r { match a: A , b: B -> c: A }", "grouped"},
      {"rule r { match a: A , b: B? , c: A }", "grouped"},
      {"rule r { match a: A , not B , c: A }", "arena"},
      {"rule r { match a: A{65} }", "arena (its repeats are more than 64 states)"},
      {"rule r { match a: A[x > prev.x]{2..} }", "arena (a condition of step 'a' reads"},
      {"rule r { match a: A -> b: B where a.x < b.x }", "arena (a condition of step 'b' reads"},
      {"rule r { match a: A -> b: B where a.x < 3 }", "grouped"},
  };
  for (const auto& [rule, expected] : cases) {
    CAPTURE(rule);
    CHECK(program_dump(rule).find("matcher: " + std::string(expected)) != std::string::npos);
  }
}
