// Patterns in good rule text → the dump of their plan: groups, loops, any order, negations, `any`, what is
// reported, and partitions that joins make.
#include <doctest/doctest.h>

#include "tests/dsl/compile_support.hpp"

using namespace tocsin;
using tocsin::dsl::test::compile_with_events;
using tocsin::dsl::test::summary;

namespace {

// The dump of the only rule of `rules`, without its head and its inputs.
std::string plan_of(const std::string& rules) {
  const auto compiled = compile_with_events(rules + "\n");
  CAPTURE(rules);
  CHECK(summary(compiled) == "");
  if (!compiled.plan) return "";
  const auto text = dump(*compiled.plan, compiled.plan->rules.back());
  return "\n" + text.substr(text.find("  step"));
}

// Its lines on the partition.
std::string partition_of(const std::string& rules) {
  const auto text = plan_of(rules);
  std::string out;
  for (auto at = text.find("partition"); at != std::string::npos; at = text.find("partition", at + 1))
    out += text.substr(at, text.find('\n', at) - at) + "\n";
  return out;
}

}  // namespace

TEST_CASE("a group with a quantifier or a bound stays one, and its steps are repeated") {
  CHECK(plan_of("rule r { match x: Payment -> (a: Login -> b: Payment[card == last(a).user and count(b) < "
                "3]){2..3 strict gap 5s} -> c: Tick[price > last(b).amount and volume > a[4].tries] }") == R"(
  step x: Payment
  step a: Login, in a loop
  step b: Payment, in a loop
    if card == last(a).user
    if count(b) < 3
  step c: Tick
    if price > last(b).amount
    if volume > a[4].tries
  match x -> (a -> b){2..3 strict gap 5s} -> c
  report first, skip past last
)");
  CHECK(plan_of("rule r { match x: Payment -> (a: Login? -> b: Payment within 5s)* ->[1m] c: Tick[price > "
                "last(b).amount]{1..}+ }") == R"(
  step x: Payment
  step a: Login?, in a loop
  step b: Payment, in a loop
  step c: Tick++
    if price > last(b).amount
  match x -> (a -> b within 5s)* ->[1m] c
  report first, skip past last
)");
  CHECK(plan_of("rule r { match ((a: Login)){3} -> ((b: Tick -> c: Tick)) -> (d: Tick{2}){2} -> ((e: Tick & "
                "f: Tick) & g: Tick) -> ((h: Tick | i: Tick) | j: Tick) }") == R"(
  step a: Login{3}
  step b: Tick
  step c: Tick
  step d: Tick{2}, in a loop
  step e: Tick
  step f: Tick
  step g: Tick
  step h: Tick
  step i: Tick
  step j: Tick
  match a -> b -> c -> (d){2} -> ((e & f) & g) -> (h | i | j)
  report first, skip past last
)");
}

TEST_CASE("what is taken once has no mode, and a group that is taken once is none") {
  CHECK(plan_of(
            "rule r { match a: Login{1 strict}+ -> (b: Tick -> c: Tick){1 any} ~> (d: Login -> e: Tick){0..1 "
            "strict} -> f: Tick }") == R"(
  step a: Login
  step b: Tick
  step c: Tick
  step d: Login
  step e: Tick
  step f: Tick
  match a -> b -> c ~> (d -> e)? -> f
  report first, skip past last
)");
}

TEST_CASE("in a loop no alternative excludes another, and nothing of an optional group is sure") {
  CHECK(plan_of("rule r { match a: Login -> (b: Login[tries > prev.tries] | c: Tick[price > last(b).tries])+ "
                "-> d: Login[tries > last(b).tries and user == a.user] }") == R"(
  step a: Login
  step b: Login, in a loop
    if tries > prev.tries
  step c: Tick, in a loop
    if price > float(last(b).tries)
  step d: Login
    if tries > last(b).tries
    if user == a.user
  match a -> (b | c)+ -> d
  report first, skip past last
)");
  CHECK(plan_of(
            "rule r { match (a: Login -> b: Tick[price > a.tries])? -> c: Tick where c.price > a.tries }") ==
        R"(
  step a: Login
  step b: Tick
    if price > float(a.tries)
  step c: Tick
    if a is null or price > float(a.tries)
  match (a -> b)? -> c
  report first, skip past last
)");
}

TEST_CASE("loops: suffixes, gap and until") {
  CHECK(plan_of("param pause: duration = 500ms rule r { match a: Login{1..5 any gap 2 * pause}? until [tries "
                "> 5 and ip == prev.ip] -> b: Payment+? ->[pause] c: Tick*+ -> d: Tick?? ~>[1h] e: Tick }") ==
        R"(
  step a: Login{1..5 any gap 1s}?
    until tries > 5
    until ip == prev.ip
  step b: Payment+?
  step c: Tick*+
  step d: Tick??
  step e: Tick
  match a -> b ->[500ms] c -> d ~>[1h] e
  report first, skip past last
)");
}

TEST_CASE("any order: a condition on two operands stands at both") {
  CHECK(plan_of("rule r { match a: Login & b: Payment[card == a.user] & c: Tick[price between a.tries and "
                "b.amount] -> d: Login where a.tries < b.count }") == R"(
  step a: Login
    if b is null or b.card == user
    if c is null or c.price >= float(tries)
    if b is null or tries < b.count
  step b: Payment
    if a is null or card == a.user
    if c is null or c.price <= amount
    if a is null or a.tries < count
  step c: Tick
    if a is null or price >= float(a.tries)
    if b is null or price <= b.amount
  step d: Login
  match (a & b & c) -> d
  report first, skip past last
)");
  CHECK(plan_of("rule r { match x: Login -> a: Login? & (b: Tick -> c: Tick[price > b.price and price > "
                "x.tries and (a is null or price > 2)]) where c.volume > b.volume + a.tries }") == R"(
  step x: Login
  step a: Login?
    if c is null or c.price > 2.0
    if c is null or c.volume > b.volume + tries
  step b: Tick
  step c: Tick
    if price > b.price
    if price > float(x.tries)
    if a is null or (a is null or price > 2.0)
    if a is null or (a is null or volume > b.volume + a.tries)
  match x -> (a & (b -> c))
  report first, skip past last
)");
}

TEST_CASE("negations: between steps, before and behind the pattern") {
  CHECK(plan_of("rule r { match not Login[tries > 2] for 30s -> not Tick for 5s -> a: Payment , not Tick , "
                "b: Payment -> not Login[user == a.card] ~>[2s] c: Tick -> not Tick[price > c.price] for 10s "
                "-> not any[at > a.at] for 5s emit R { x: price, match_end } }") == R"(
  step a: Payment
  step b: Payment
  step c: Tick
  not !0: Login
    if tries > 2
  not !1: Tick
  not !2: Tick
  not !3: Login
    if user == a.card
  not !4: Tick
    if price > c.price
  not !5: any (Payment | Login | Tick)
    if coalesce(Payment.at, Login.at) > a.at
  match not !0 for 30s -> not !1 for 5s -> a , not !2 , b -> not !3 ~>[2s] c -> not !4 for 10s -> not !5 for 5s
  report first, skip past last
  emit R
    x = c.price
    match_end = match_end
)");
  CHECK(plan_of("rule r { match a: Login -> not Tick[price > a.tries] , not Tick[volume > 1 and volume < 5] "
                "-> b: Tick? ~>[5s] (c: Tick | d: Payment) report all }") == R"(
  step a: Login
  step b: Tick?
  step c: Tick
  step d: Payment
  not !0: Tick
    if price > float(a.tries)
  not !1: Tick
    if volume > 1
    if volume < 5
  match a -> not !0 , not !1 -> b ~>[5s] (c | d)
  report all, skip none
)");
  CHECK(plan_of("rule r { match a: Login[tries > 1]{2..}+ -> not Payment[card == last(a).user] for 30s emit "
                "R { n: count(a), user } }") == R"(
  step a: Login{2..}+
    if tries > 1
  not !0: Payment
    if card == last(a).user
  match a -> not !0 for 30s
  report first, skip past last
  emit R
    n = count(a)
    user = last(a).user
)");
}

TEST_CASE("any takes each type of the stream, and reads what some of them have") {
  CHECK(plan_of("rule r { match a: any[card == \"x\" and count > 3] -> b: any[card == a.card and price > "
                "a.tries] emit R { card, p: b.price, u: a.user } }") == R"(
  step a: any (Payment | Login | Tick)
    if coalesce(Payment.card, Login.card) == "x"
    if Payment.count > 3
  step b: any (Payment | Login | Tick)
    if coalesce(Payment.card, Login.card) == coalesce(a.Payment.card, a.Login.card)
    if Tick.price > float(a.Login.tries)
  match a -> b
  report first, skip past last
  emit R
    card = coalesce(Payment.card, Login.card)
    p = b.Tick.price
    u = a.Login.user
)");
  CHECK(plan_of("rule r { from Login, Tick match a: any[tries > 2 or price > prev.price]{2..} -> b: "
                "Tick[price > sum(a.tries) and symbol == last(a).user] }") == R"(
  step a: any (Login | Tick){2..}
    if Login.tries > 2 or Tick.price > prev.Tick.price
  step b: Tick
    if price > float(sum(a.Login.tries))
    if symbol == last(a).Login.user
  match a -> b
  report first, skip past last
)");
  CHECK(plan_of("rule r { match a: Login -> b: any[at > a.at] partition by Login.user = Payment.card = "
                "Tick.symbol emit R { user, at, b: b.price } }") == R"(
  step a: Login
  step b: any (Payment | Login | Tick)
    if coalesce(Payment.at, Login.at) > a.at
  match a -> b
  partition by user: string = Login.user Payment.card Tick.symbol
  report first, skip past last
  emit R
    user = coalesce(Payment.card, Login.user, Tick.symbol)
    at = coalesce(Payment.at, Login.at)
    b = b.Tick.price
)");
  CHECK(plan_of("rule r { from Login match a: any[tries > 2] }") == R"(
  step a: Login
    if tries > 2
  match a
  report first, skip past last
)");
}

TEST_CASE("reports, skips and timeouts") {
  CHECK(plan_of("rule r { match a: Login -> b: Tick -> c: Tick{2..} report longest after match skip to last "
                "c within 10s on timeout emit T { who: a.user, p: b.price, n: count(c), m: max(c.price), "
                "late: match_end - match_start } }") == R"(
  step a: Login
  step b: Tick
  step c: Tick{2..}
  match a -> b -> c
  within 10s
  report longest, skip to last c
  on timeout emit T
    who = a.user
    p = b.price
    n = count(c)
    m = max(c.price)
    late = match_end - match_start
)");
  CHECK(plan_of("rule r { match a: Payment -> b: Tick? -> c: Payment partition by Payment.card = Tick.symbol "
                "within 5m report last after match skip to next on timeout emit T { card, note: b.symbol } "
                "emit T { card, note: c.note } }") == R"(
  step a: Payment
  step b: Tick?
  step c: Payment
  match a -> b -> c
  partition by card: string = Payment.card Tick.symbol
  within 5m
  report last, skip to next
  emit T
    card = card
    note = c.note
  on timeout emit T
    card = coalesce(a.card, b.symbol, c.card)
    note = b.symbol
)");
  CHECK(plan_of("rule r { match a: Login -> (b: Tick | c: Payment) within 10s partition by Login.user = "
                "Tick.symbol = Payment.card report any after match skip to first a on timeout emit R { user, "
                "n: b.price } }") == R"(
  step a: Login
  step b: Tick
  step c: Payment
  match a -> (b | c)
  partition by user: string = Login.user Tick.symbol Payment.card
  within 10s
  report any, skip to first a
  on timeout emit R
    user = coalesce(a.user, b.symbol, c.card)
    n = b.price
)");
}

TEST_CASE("equality joins over all steps make a partition") {
  CHECK(partition_of("rule r { match a: Login -> b: Login[user == a.user and ip == a.ip] -> c: Login[ip == "
                     "b.ip and a.user == user] }") ==
        "partition found by user: string = Login.user\n"
        "partition found by ip: string = Login.ip\n");
  CHECK(partition_of("rule r { match a: Login -> b: Tick -> c: Payment where b.symbol == a.user and c.card "
                     "== b.symbol }") ==
        "partition found by user: string = Login.user Tick.symbol Payment.card\n");
  CHECK(partition_of("rule r { match a: Login[user == prev.user]{2..} -> b: Login[last(a).user == user]? -> "
                     "c: Tick[symbol == first(a).user] }") ==
        "partition found by user: string = Login.user Tick.symbol\n");
  CHECK(partition_of("rule r { match a: Login -> not Payment[card == a.user] -> b: Login[user == a.user] -> "
                     "not Tick[symbol == b.user] for 5s }") ==
        "partition found by user: string = Login.user Payment.card Tick.symbol\n");
  CHECK(partition_of("rule r { match a: Login -> (b: Login[user == a.user] | c: Tick[symbol == a.user]) -> "
                     "(d: Payment[card == a.user] & e: Tick[symbol == a.user]) }") ==
        "partition found by user: string = Login.user Tick.symbol Payment.card\n");
  CHECK(partition_of("rule r { match a: Login -> (b: Login[user == a.user] -> c: Tick[symbol == "
                     "last(b).user]){2.. any} }") ==
        "partition found by user: string = Login.user Tick.symbol\n");
  CHECK(partition_of("rule r { match a: Payment -> b: Payment[country == a.country] }") ==
        "partition found by country: string = Payment.country\n");
  CHECK(partition_of(
            "rule r { match a: Login -> b: Login[user == a.user] within 5s on timeout emit T { user } }") ==
        "partition found by user: string = Login.user\n");
}

TEST_CASE("no partition is made where it would change the candidates, or of half the steps") {
  const std::pair<const char*, const char*> cases[] = {
      {"a strict edge", "match a: Login , b: Login[user == a.user]"},
      {"a strict loop", "match a: Login -> b: Login[user == a.user]{2.. strict}"},
      {"a strict loop of a group",
       "match a: Login -> (b: Login[user == a.user] -> c: Login[user == a.user]){2 strict}"},
      {"a strict not", "match a: Login , not Tick[symbol == a.user] -> b: Login[user == a.user]"},
      {"events counted", "match a: Login -> b: Login[user == a.user] within 5 events"},
      {"until", "match a: Login -> b: Login[user == a.user]{2..} until [tries > 1]"},
      {"a from", "from Login match a: Login -> b: Login[user == a.user]"},
      {"an absence before", "match not Tick for 5s -> a: Login -> b: Login[user == a.user]"},
      {"a step without a join", "match a: Login -> b: Tick -> c: Login[user == a.user]"},
      {"a not without a join", "match a: Login -> not Tick -> b: Login[user == a.user]"},
      {"any", "match a: Login -> any[user == a.user]"},
      {"another field", "match a: Login -> b: Login[user == a.ip]"},
      {"two fields of one type", "match a: Login -> b: Tick[symbol == a.user] -> c: Tick[symbol == a.ip]"},
      {"a join to what may be missing",
       "match a: Login -> b: Login[user == a.user]? -> c: Tick[symbol == b.user]"},
      {"a join in another order", "match a: Login & c: Tick[symbol == a.user]"},
      {"a first step that repeats anything", "match a: Login{2..} -> c: Tick[symbol == first(a).user]"},
      {"a join to itself", "match a: Login -> b: Tick[symbol == first(b).symbol]{2..}"},
      {"a float", "match a: Tick -> b: Tick[price == a.price]"},
      {"case", "match a: Tick -> b: Tick[symbol ==~ a.symbol]"},
      {"an inequality", "match a: Tick -> b: Tick[symbol != a.symbol]"},
      {"a join that is one of two", "match a: Tick -> b: Tick[symbol == a.symbol or volume > 3]"},
      {"a null key that may match alone", "match a: Payment -> b: Payment[country == a.country]? report all"},
      {"a null key that may time out",
       "match a: Payment -> b: Payment[country == a.country] within 5s on timeout emit T { x: a.country }"},
      {"one step", "match a: Login"},
  };
  for (const auto& each : cases) {
    CAPTURE(std::string(each.first));
    CHECK(partition_of("rule r { " + std::string(each.second) + " }") == "");
  }
}
