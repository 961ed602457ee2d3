// Wrong patterns → what is said about them, and where. See compile_errors_test.cpp for all else.
#include <doctest/doctest.h>

#include "tests/dsl/compile_support.hpp"

using namespace tocsin::dsl;
using tocsin::dsl::test::compile_with_events;
using tocsin::dsl::test::summary;

namespace {

void check(const std::string& rules, const std::string& said) {
  const auto compiled = compile_with_events(rules + "\n");
  CAPTURE(rules);
  CHECK(summary(compiled) == said);
  CHECK(compiled.plan.has_value() == !has_errors(compiled.diagnostics));
}

}  // namespace

TEST_CASE("what must not come") {
  check("rule r { match a: Login ~> not Tick -> b: Login }",
        "1:25 '~>' does not go before 'not' | write -> not\n");
  check("rule r { match a: Login -> not Tick , b: Login }",
        "1:28 between ',' and its step no event stands, so this 'not' says nothing | write '->' behind it, "
        "or ',' before it\n");
  check("rule r { match a: Login ->[5s] not Tick -> b: Login }",
        "1:25 a bound does not go before 'not' | write it at the edge behind the 'not'\n");
  check("rule r { match a: Login -> not Tick for 5s -> b: Login }",
        "1:41 'for' goes with a 'not' at the begin or end of the pattern | no event at all may come between "
        "two steps; leave out 'for'\n");
  check("rule r { match a: Login | not Tick }",
        "1:27 'not' is no alternative | write it before the brackets: -> not B -> (C | D)\n");
  check("rule r { match a: Login & not Tick }",
        "1:27 'not' is no element of '&' | write it before the brackets: -> not B -> (C & D)\n");
  check("rule r { match a: Login -> (not Tick -> b: Login) }",
        "1:29 a group does not begin with 'not' | write it before the brackets\n");
  check("rule r { match a: Login -> (b: Login -> not Tick) -> c: Tick }",
        "1:41 a group does not end with 'not' | write it behind the brackets\n");
  check("rule r { match a: Login -> (not Tick) -> c: Tick }", "1:28 a group needs a step\n");
  check("rule r { match a: Login -> not Tik[x > 1] -> b: Login }",
        "1:32 unknown event type 'Tik' | did you mean 'Tick'?\n");
  check("rule r { match a: Login -> not Tick[prce > 1] -> b: Login }",
        "1:37 unknown field 'prce' of Tick | did you mean 'price'?\n");
  check("rule r { match a: Login -> not Tick[price > b.tries] -> b: Login }",
        "1:45 step 'b' comes later | the condition of a 'not' sees its own event and the steps before it\n");
  check("rule r { match a: Login -> not Tick[prev.price > 1] -> b: Login }",
        "1:37 'prev' is known only in the condition of a repeated step | give the step a quantifier, as in "
        "{3..}\n");
  check("rule r { match a: Login{2} -> not Tick[price > a.tries] -> b: Login }",
        "1:48 step 'a' is repeated: which of its events? | write first(a).tries, last(a).tries or an "
        "aggregate such as max(a.tries)\n");
  check("rule r { match a: Login | (b: Tick -> not Tick[price > a.tries] -> c: Tick) }",
        "1:56 step 'a' is in another alternative: no match has both\n");
  check("rule r { from Login match a: Login -> not Tick -> b: Login }",
        "1:43 'Tick' is not in the 'from' of this rule\n");
  check("rule r { match a: Login -> not Payment -> b: Login partition by user }",
        "1:65 Payment has no field 'user' to partition by | map the names, as in partition by Login.user = "
        "Payment.…\n");
}

TEST_CASE("absence") {
  check("rule r { match a: Login -> not Tick }",
        "1:28 a 'not' behind the last step needs a time | as in A -> not B for 30s\n");
  check("rule r { match not Tick -> a: Login }",
        "1:16 a 'not' before the first step needs a time | as in not B for 30s -> A\n");
  check("rule r { match not Tick for 5s ~> a: Login }",
        "1:32 behind a 'not' that begins the pattern stands '->' | as in not B for 30s -> A\n");
  check("rule r { match not Tick for 5s , not Tick for 2s ->[3s] a: Login }",
        "1:32 behind a 'not' that begins the pattern stands '->' | as in not B for 30s -> A\n"
        "1:50 behind a 'not' that begins the pattern stands '->' | as in not B for 30s -> A\n");
  check("rule r { match a: Login , not Tick for 5s }",
        "1:25 before a 'not' that ends the pattern stands '->' | as in A -> not B for 30s\n");
  check("rule r { match a: Login ~> not Tick for 5s }",
        "1:25 '~>' does not go before 'not' | write -> not\n");
  check("rule r { match a: Login ->[3s] not Tick for 5s }",
        "1:25 a bound does not go before 'not' | write it at the edge behind the 'not'\n");
  check("rule r { match not Tick[price > a.tries] for 5s -> a: Login }",
        "1:33 step 'a' comes later | the condition of a 'not' sees its own event and the steps before it\n");
  check("rule r { match not Tick for 5s }", "1:16 a pattern needs a step | as in A -> not B for 30s\n");
  check("rule r { match not Tick for 5s -> not Login }",
        "1:16 a pattern needs a step | as in A -> not B for 30s\n");
  check("rule r { match (not Tick for 5s)+ -> a: Login }", "1:16 a group needs a step\n");
  check("rule r { match a: Login -> not Tick for 5 }",
        "1:41 'for' wants a duration; this is an int | a bare number has no unit: write 10s or 10m\n");
  check("rule r { match a: Login -> not Tick for -5s }",
        "1:41 'for' wants a duration that is not negative\n");
  check("rule r { match a: Login -> b: Tick? -> not Payment for 5s emit R { price } }",
        "1:68 'price' is not clear: the last event may be of one of several steps | write b.price\n");
}

TEST_CASE("loops and bounds") {
  check("rule r { match a: Login{2.. gap 5} -> (b: Tick -> c: Tick within 7) ->[\"x\"] d: Tick }",
        "1:33 'gap' wants a duration; this is an int | a bare number has no unit: write 10s or 10m\n"
        "1:66 'within' wants a duration; this is an int | a bare number has no unit: write 10s or 10m\n"
        "1:72 the bound of an edge wants a duration; this is a string\n");
  check("rule r { match a: Login{2.. gap limit} }",
        "1:33 unknown name 'limit': only params are known here\n");
  check("rule r { match a: Login{0..1 gap 5s} -> b: Tick }",
        "1:24 'gap' stands between repeats, and this step has none\n");
  check("rule r { match (a: Login -> b: Tick){1 gap 5s} -> c: Tick }",
        "1:37 'gap' stands between repeats, and this group has none\n");
  check("rule r { match a: Login until [tries > 3] }",
        "1:32 'until' ends a loop, and this step is not repeated | give it a quantifier, as in {1..} until "
        "[…]\n");
  check("rule r { match a: Login? until [tries > 3] -> b: Login }",
        "1:33 'until' ends a loop, and this step is not repeated | give it a quantifier, as in {1..} until "
        "[…]\n");
  check("rule r { match a: Login{2..} until [trees > 3] }",
        "1:37 unknown field 'trees' of Login | did you mean 'tries'?\n");
  check("rule r { match a: Login{2..} until [tries] -> b: Tick }",
        "1:37 a condition is true or false; this is an int\n");
  check("rule r { match a: Login{2..} until [tries > b.price] -> b: Tick }",
        "1:45 step 'b' comes later | a condition sees this event and earlier steps; write it at the later "
        "step, or in 'where'\n");
  check("rule r { match ((a: Login -> b: Tick)? within 5s) }",
        "1:16 this pattern can match nothing at all | make one of its steps match at least once\n");
  check("rule r { match (a: Login -> b: Tick){2000000} }",
        "1:37 a group repeats at most 1000000 times | leave the end open, as in {3..}\n");
  check("rule r { match (a: Login -> b: Tick){300} -> (c: Login -> d: Tick){300} }",
        "1:16 this pattern has 1200 states once its groups are unrolled; at most 1000 | each counted repeat "
        "of a group is a copy of it: repeat fewer, or leave the end open, as in {3..}\n");
  check("rule r { match ((a: Login -> b: Tick){1000000} -> c: Tick){1000000} }",
        "1:16 this pattern has over 1000000000 states once its groups are unrolled; at most 1000 | each "
        "counted repeat of a group is a copy of it: repeat fewer, or leave the end open, as in {3..}\n");
  check("rule r { match (a: Login -> b: Tick){2} -> c: Tick[price > a.tries] }",
        "1:60 step 'a' is repeated: which of its events? | write first(a).tries, last(a).tries or an "
        "aggregate such as max(a.tries)\n");
  check("rule r { match (a: Login -> b: Tick){2} within 3 events }",
        "1:48 no match fits within 3 events | the pattern takes at least 4\n");
  check("rule r { match (a: Login -> b: Tick[price > c.price] -> c: Tick){2} }",
        "1:45 step 'c' comes later | a condition sees this event and earlier steps; write it at the later "
        "step, or in 'where'\n");
  check("rule r { match a: Login -> (b: Login -> c: Tick)* }",
        "1:29 warning: this step is never taken: the match is complete without it | with 'report all' the "
        "longer matches are reported too\n"
        "1:41 warning: this step is never taken: the match is complete without it | with 'report all' the "
        "longer matches are reported too\n");
  check("rule r { match a: Payment -> (b: Login -> c: Login?)+ }",
        "1:43 warning: this step is never taken: the match is complete without it | with 'report all' the "
        "longer matches are reported too\n");
  check("rule r { match a: Payment -> (b: Login -> c: Login?){2} }", "");
  check("rule r { match a: Payment -> b: Login? -> not Tick for 5s }", "");
  check("rule r { match a: Payment & b: Login? }", "");
}

TEST_CASE("any order") {
  check("rule r { match a: Login & b: Tick[price > a.tries]{2} }",
        "1:35 'b' is repeated, so it can't be compared with 'a', which comes in any order | compare them at "
        "a step behind the '&'\n");
  check("rule r { match a: Login{2..} & Tick[price > avg(a.tries)] }",
        "1:37 'a' is repeated, so it can't be compared with this step, which comes in any order | compare "
        "them at a step behind the '&'\n");
  check("rule r { match (a: Login & b: Tick[price > a.tries])+ }",
        "1:44 step 'a' is repeated: which of its events? | write first(a).tries, last(a).tries or an "
        "aggregate such as max(a.tries)\n");
  check("rule r { match a: Login{2..} & b: Tick where b.price > last(a).tries }",
        "1:46 'a' is repeated, so it can't be compared with 'b', which comes in any order | compare them at "
        "a step behind the '&'\n");
  check("rule r { match a: Login[tries > b.price] & b: Tick }",
        "1:33 step 'b' comes later | a condition sees this event and earlier steps; write it at the later "
        "step, or in 'where'\n");
  check("rule r { match a: Login & (b: Tick -> not Payment[amount > a.tries] -> c: Login) }",
        "1:60 step 'a' may come later: '&' stands for any order\n");
  check("rule r { match a: Login & b: Tick{2..} until [price > a.tries] }",
        "1:55 step 'a' may come later: '&' stands for any order\n");
  check("rule r { match a: Login & b: Tick & c: Tick & d: Tick & e: Tick & f: Tick & g: Tick }",
        "1:16 '&' joins at most 6 elements\n");
}

TEST_CASE("any") {
  check("rule r { match any -> a: Login }", "1:16 'any' needs a condition | as in any[true]\n");
  check("rule r { match a: any[foo > 3] }", "1:23 no event of this rule has a field 'foo'\n");
  check("rule r { match a: any[count > 3] -> b: any[card == a.crad] }",
        "1:54 no event of this rule has a field 'crad' | did you mean 'card'?\n");
  check("event X { card: int } rule r { match a: any[card == \"x\"] }",
        "1:45 'card' is an int in X but a string in Payment\n");
  check("event X { card: int } rule r { match a: any[true] -> b: Login[tries == a.card] }",
        "1:74 'card' is an int in X but a string in Payment\n");
  check("rule r { match a: any[at > match_start] }", "1:28 'match_start' is known in 'emit' only\n");
  check("rule r { from Lgin match a: any[nope > 1] }",
        "1:15 unknown event type 'Lgin' | did you mean 'Login'?\n");
  check("rule r { match a: Login -> any[true] partition by user }",
        "1:51 Payment has no field 'user' to partition by | map the names, as in partition by Login.user = "
        "Payment.…\n"
        "1:51 Tick has no field 'user' to partition by | map the names, as in partition by Login.user = "
        "Tick.…\n");
  check("rule r { match a: any[true] -> b: Login[a.at is null] }", "");
}

TEST_CASE("what is skipped, and what times out") {
  check("rule r { match probe: Login after match skip to first prob }",
        "1:55 unknown step 'prob' | did you mean 'probe'?\n");
  check("rule r { match probe: Login after match skip to last zzz }", "1:54 unknown step 'zzz'\n");
  check("rule r { match a: Login -> b: Login on timeout emit T { a: 1 } }",
        "1:53 'on timeout' needs a 'within' with a time | as in within 10m\n");
  check("rule r { match a: Login -> b: Login within 5 events on timeout emit T { a: 1 } }",
        "1:69 'on timeout' needs a 'within' with a time | as in within 10m\n");
  check("rule r { match a: Login -> b: Login within 5 on timeout emit T { a: 1 } }",
        "1:44 'within' wants a duration; this is an int | a bare number has no unit: write 10s, 10m, or 10 "
        "events\n");
  check("rule r { match a: Login -> b: Login within 5s on timeout emit T { user, x: b.tris, y: zzz } }",
        "1:67 at a timeout the field 'user' needs the name of its step | write a.user\n"
        "1:78 unknown field 'tris' of Login | did you mean 'tries'?\n"
        "1:87 unknown name 'zzz'\n");
  check("rule r { from Login emit R { user } on timeout emit T { user } }",
        "1:53 'on timeout' goes with 'match', and this rule has none\n");
  check("rule r { match a: Login -> b: Login within 5s on timeout emit Tick { a: a.user } }",
        "1:63 event 'Tick' is declared, so no rule can emit it | emit another type; Tick is declared at "
        "rules.tocsin:17:7\n");
  check("rule r { match a: Login -> b: Login within 5s on timeout emit T { a: a.user } emit T { a: 1 } }",
        "1:67 'a' of T is a string here but an int in rule 'r'\n");
  check(
      "rule r { match a: Login -> b: Login within 5s on timeout emit T { a: a.user } emit T { b: a.user } }",
      "1:63 rule 'r' emits T with 'b', and this one without | add b: null where there is none\n"
      "1:67 rule 'r' emits T without 'a' | all rules that emit a type must emit the same fields; null stands "
      "for none\n");
  check("rule r { match a: Login -> b: T within 5s on timeout emit T { a: a.user } }",
        "1:59 rule 'r' feeds itself: it reads the T that it emits\n");
  check(
      "rule r { match a: Login -> b: U within 5s emit V { x: 1 } on timeout emit T { a: a.user } } rule s { "
      "match T emit U { a: 1 } }",
      "1:75 rules r → s → r feed each other\n");
}

TEST_CASE("the sizes of patterns") {
  const auto said = [](const std::string& pattern) {
    const auto compiled = compile_with_events("rule r { match " + pattern + " }\n");
    return compiled.diagnostics.empty() ? "" : compiled.diagnostics.front().message;
  };
  const auto times = [](int n, const std::string& text) {
    std::string out;
    for (int i = 0; i < n; ++i)
      out += text;
    return out;
  };
  CHECK(said("Login" + times(16, " -> not Tick -> Login")) == "");
  CHECK(said("Login" + times(17, " -> not Tick -> Login")) == "a pattern has at most 16 'not'");
  CHECK(said("Login" + times(47, " -> Login") + times(15, " -> not Tick") + " -> Login") == "");
  CHECK(said("Login" + times(47, " -> Login") + times(15, " -> not Tick") + " -> Login -> Login") ==
        "the steps, 'not' and 'until' of a pattern are at most 64 together");
  CHECK(said("Login" + times(32, " -> Login+ until [tries > 5]") + " -> Login") ==
        "the steps, 'not' and 'until' of a pattern are at most 64 together");
  // Each operand of `&` stands behind each set of the others.
  CHECK(said("(Tick & Tick & Tick & Tick & Tick & Tick){5}") == "");
  CHECK(said("(Tick & Tick & Tick & Tick & Tick & Tick){6}") ==
        "this pattern has 1152 states once its groups are unrolled; at most 1000");
  CHECK(said("(Tick -> Login){500}") == "");
  CHECK(said("(Tick -> Login){501..}") ==
        "this pattern has 1002 states once its groups are unrolled; at most 1000");
  CHECK(said("Tick{1000000}") == "");
}

TEST_CASE("any needs an event") {
  const auto compiled = compile_text("rules.tocsin", "rule r { match any[true] }");
  CHECK(summary(compiled) == "1:16 'any' takes the declared events, and there is none\n");
  const auto broken = compile_text("rules.tocsin", "event E { x }\nrule r { match any[true] }");
  CHECK(summary(broken) == "1:13 expected ':' and a type, found '}'\n");
}

TEST_CASE("report total keeps no candidates") {
  const std::string begin = "rule r { match a: Login{1.. any} ~> b: Tick";
  check(begin + "[price > a[0].tries] report total emit T { n: match_count } }",
        "1:37 under 'report total' a condition reads its own event alone | use 'report all'\n");
  check(begin + " report total emit T { n: a[0].tries } }",
        "1:70 under 'report total' no single event of 'a' is known | write an aggregate over all candidates, "
        "such as max(a.tries)\n");
  check(
      begin + " report total emit T { n: distinct(a.tries) } }",
      "1:70 'report total' knows no distinct of an int | it keeps count, sum and avg of numbers, min and max "
      "of numbers and times\n");
  check(begin + " report total emit T { n: match_start } }",
        "1:70 under 'report total' candidates have each a start of their own | as the earliest of step a, "
        "write min(a.at)\n");
  check(begin + " report total }", "1:6 'report total' needs an 'emit', which says what to add up\n");
  check("rule r { match a: Login ->[5s] b: Login report total emit T { n: match_count } }",
        "1:16 a bound on an edge does not go with 'report total' | it keeps no candidates, only what all of "
        "them come to\n");
  check(
      "rule r { match a: Login{300} report total emit T { n: match_count } }",
      "1:16 a count of more than 256 repeats does not go with 'report total' | it keeps no candidates, only "
      "what all of them come to\n");
}

TEST_CASE("elements of & are greedy") {
  check("rule r { match a: Login+? & b: Tick }",
        "1:24 an element of '&' is neither reluctant nor possessive | what follows it may be any other "
        "element; "
        "leave out the sign behind the quantifier\n");
}
