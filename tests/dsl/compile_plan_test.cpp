// Good rule text → the dump of its plan. Each case says what one piece of text becomes.
#include <doctest/doctest.h>

#include "tests/dsl/compile_support.hpp"

using namespace tocsin;
using tocsin::dsl::test::compile_with_events;
using tocsin::dsl::test::summary;

namespace {

// The dump of the last rule of `rules`.
std::string plan_of(const std::string& rules, const dsl::CompileOptions& options = {}) {
  const auto compiled = compile_with_events(rules, options);
  CAPTURE(rules);
  CHECK(summary(compiled) == "");
  if (!compiled.plan) return "";
  return dump(*compiled.plan, compiled.plan->rules.back());
}

// What a condition on a Payment becomes: its conjuncts, a line each.
std::string condition(const std::string& text) {
  const auto compiled = compile_with_events("param limit: float = 3\nrule r { from Payment[" + text +
                                            " and amount > limit] emit R { card } }\n");
  CAPTURE(text);
  CHECK(summary(compiled) == "");
  if (!compiled.plan) return "";
  std::string out;
  const auto& rule = compiled.plan->rules[0];
  for (const auto& each : rule.inputs[0].conditions) {
    if (&each == &rule.inputs[0].conditions.back()) break;
    out += (out.empty() ? "" : "; ") + dump(*compiled.plan, rule, each);
  }
  return out;
}

// The type of an emitted expression over `p: Payment{2..} -> q: Payment`.
std::string type_of(const std::string& text) {
  const auto compiled = compile_with_events(
      "rule r { match p: Payment{2..} -> o: Payment? -> q: Payment emit R { x: " + text + " } }\n");
  CAPTURE(text);
  CHECK(summary(compiled) == "");
  if (!compiled.plan) return "";
  const auto* type = compiled.plan->catalog.find("R");
  return to_string(type->fields.at(0).type, compiled.plan->catalog);
}

}  // namespace

TEST_CASE("a whole file") {
  const auto compiled = dsl::compile_text("rules.tocsin", R"(
param probe_limit: float = 2

event Payment {
  card:     string
  amount:   float
  country:  string?
  kind:     enum(chip, online)
  tags:     string[]
  at:       time(ms) @timestamp
}

/// Small probes, then a "large" payment.
@severity("high", 3) @urgent
rule card_testing {
  match  probe: Payment[amount < probe_limit and kind == online]{3..}
      -> hit:   Payment[amount > 100 * avg(probe.amount)]
  partition by card
  within 1h30m
  emit CardTesting { card, probes: count(probe), first_at: first(probe).at, country: hit.country }
}

rule campaign {
  match  cards: CardTesting{5.. any}, last: CardTesting ~> any: CardTesting
  within 100 events
  report all
  after match skip past last
}
)");
  CHECK(summary(compiled) == "");
  REQUIRE(compiled.plan);
  CHECK(dump(*compiled.plan) == R"(event Payment
  card: string
  amount: float
  country: string?
  kind: enum(chip, online)
  tags: string[]
  at: time(ms) @timestamp
emitted CardTesting
  card: string
  probes: int
  first_at: time
  country: string?
rule card_testing
  doc "Small probes, then a \"large\" payment."
  label severity "high" 3
  label urgent
  input Payment
  step probe: Payment{3..}
    if amount < 2.0
    if kind == online
  step hit: Payment
    if amount > 100.0 * avg(probe.amount)
  match probe -> hit
  partition by card: string = Payment.card
  within 1h30m
  report first, skip past last
  emit CardTesting
    card = card
    probes = count(probe)
    first_at = first(probe).at
    country = hit.country
rule campaign
  input CardTesting
  step cards: CardTesting{5.. any}
  step last: CardTesting
  step any: CardTesting
  match cards , last ~> any
  within 100 events
  report all, skip past last
order card_testing campaign
)");
  const auto& types = compiled.plan->catalog.types;
  CHECK(types[0].timestamp == 5u);
  CHECK(!types[0].derived);
  CHECK(types[1].derived);
  CHECK(types[1].fixed_size == 24 + 8 + 4 * 8);  // laid out: header, null bits, four slots
}

TEST_CASE("conditions") {
  const std::pair<const char*, const char*> cases[] = {
      {"amount > 5", "amount > 5.0"},
      {"5 < count", "5 < count"},
      {"count > 2.5", "float(count) > 2.5"},
      {"amount > limit * 2 + 1", "amount > 7.0"},
      {"amount between 1 and 2 * limit", "amount >= 1.0; amount <= 6.0"},
      {"amount not between 1 and 2", "not (amount >= 1.0 and amount <= 2.0)"},
      {"ok and (not ok or ok) and true", "ok; not ok or ok"},
      {"side == buy", "side == buy"},
      {"sell != side", "sell != side"},
      {"side == \"sell\"", "side == sell"},
      {"side in (buy, \"sell\")", "side in (buy, sell)"},
      {"if(ok, side, buy) == sell", "if(ok, side, buy) == sell"},
      {"card in~ (\"a\", merchant)", "card in~ (\"a\", merchant)"},
      {"card not in (\"a\")", "not card in (\"a\")"},
      {"card ==~ \"a\"", "card ==~ \"a\""},
      {"card like (\"a*\", concat(\"b\", \"?\"))", "card like (\"a*\", \"b?\")"},
      {"card not matches~ \"^a+$\"", "not card matches~ (\"^a+$\")"},
      {"country is null", "country is null"},
      {"country is not null", "country is not null"},
      {"tags has \"x\"", "tags has \"x\""},
      {"any(tags like \"adm*\" or length(tags) > 3)",
       "any(tags, element like (\"adm*\") or length(element) > 3)"},
      {"at - @2026-01-02 > 36h", "at - @2026-01-02T00:00:00Z > 1d12h"},
      {"5s + at > at", "at + 5s > at"},
      {"2 * took > took / 2", "took * 2 > took / 2"},
      {"took / 10ms > 1", "took / 10ms > 1.0"},
      {"-took < -1 * 5s", "-took < -5s"},
      {"7 / 2 == count", "3 == count"},
      {"(count + 1) * 2 - (3 - count) > 0", "(count + 1) * 2 - (3 - count) > 0"},
      {"coalesce(country, note, \"\") == \"x\"", "coalesce(country, note, \"\") == \"x\""},
      {"min(count, 2.5, amount) > max(1, 2)", "min(float(count), 2.5, amount) > float(max(1, 2))"},
      {"round(count) > 1", "round(float(count)) > 1.0"},
      {"date_trunc(at, \"hour\") == at", "date_trunc(at, \"hour\") == at"},
      {"in_cidr(card, \"10.0.0.0/8\", \"::1\")", "in_cidr(card, \"10.0.0.0/8\", \"::1\")"},
      {"substring(card, 0, 3) == lower(\"ABC\")", "substring(card, 0, 3) == lower(\"ABC\")"},
      {"1 > 2", "false"},
  };
  for (const auto& [text, expected] : cases)
    CHECK(condition(text) == expected);
}

TEST_CASE("types and nullability of what is emitted") {
  const std::pair<const char*, const char*> cases[] = {
      {"q.amount", "float"},
      {"q.country", "string?"},
      {"o.amount", "float?"},
      {"amount", "float"},
      {"o is null", "bool"},
      {"o.amount > 1", "bool"},
      {"coalesce(o.amount, 0)", "float"},
      {"if(q.ok, 1, null)", "int?"},
      {"q.count + 1", "int"},
      {"q.count / 2", "int"},
      {"q.count / q.count", "int?"},
      {"q.count / 2.0", "float"},
      {"q.at - first(p).at", "duration"},
      {"first(p).amount", "float"},
      {"p[1].amount", "float"},
      {"p[2].amount", "float?"},
      {"count(p)", "int"},
      {"count(p.note)", "int"},
      {"sum(p.count)", "int"},
      {"sum(p.took)", "duration"},
      {"sum(p.amount * p.count)", "float"},
      {"avg(p.count)", "float"},
      {"min(p.at)", "time"},
      {"max(p.country)", "string?"},
      {"distinct(p.side)", "int"},
      {"match_end - match_start", "duration"},
      {"q.side", "enum(buy, sell)"},
      {"q.tags", "string[]"},
      {"length(q.tags)", "int"},
      {"hour(o.at)", "int?"},
      {"sqrt(q.amount)", "float?"},
      {"hash(q.card)", "int"},
      {"concat(q.card, q.country)", "string?"},
      {"float(q.count)", "float"},
  };
  for (const auto& [text, expected] : cases)
    CHECK(type_of(text) == expected);
}

TEST_CASE("steps, their own names and prev") {
  CHECK(plan_of(R"(rule r {
  match a: Payment -> rise: Payment[amount > prev.amount and amount > a.amount and sum(rise.amount) < 10 
    and count(rise) < 5 and last(rise).amount < 5]{2..4 strict} , c: Payment[amount > rise[0].amount and a.card == card]
}
)") == R"(rule r
  input Payment
  step a: Payment
  step rise: Payment{2..4 strict}
    if amount > prev.amount
    if amount > a.amount
    if sum(rise.amount) < 10.0
    if count(rise) < 5
    if last(rise).amount < 5.0
  step c: Payment
    if amount > rise[0].amount
    if a.card == card
  match a -> rise , c
  report first, skip past last
)");
}

TEST_CASE("groups and alternatives are flattened") {
  CHECK(plan_of("rule r { match (a: Payment ~> (b: Login, Tick)) -> (c: Login | (d: Tick | e: Tick) | (f: "
                "Tick -> g: Login)) "
                "report all after match skip past last }") == R"(rule r
  input Payment
  input Login
  input Tick
  step a: Payment
  step b: Login
  step #2: Tick
  step c: Login
  step d: Tick
  step e: Tick
  step f: Tick
  step g: Login
  match a ~> b , #2 -> (c | d | e | (f -> g))
  report all, skip past last
)");
}

TEST_CASE("where goes to the last step that it names") {
  CHECK(plan_of(R"(
param on: bool = false
rule r {
  match a: Payment -> b: Payment? -> p: Payment{2..} -> (c: Payment | d: Payment)
  where a.amount > 1 and a.amount < b.amount and b.amount < p.amount and count(p) < 9
    and c.amount > first(p).amount
    and d.amount > b.amount and (b is null or b.amount < d.amount) and on and c.amount > d.amount
    and p.amount > prev.amount
}
)") == R"(rule r
  input Payment
    if false
  step a: Payment
    if amount > 1.0
  step b: Payment?
    if a.amount < amount
  step p: Payment{2..}
    if b is null or b.amount < amount
    if count(p) < 9
    if amount > prev.amount
  step c: Payment
    if amount > first(p).amount
  step d: Payment
    if b is null or amount > b.amount
    if b is null or b.amount < amount
    if c is null or c.amount > amount
  match a -> b -> p -> (c | d)
  report first, skip past last
)");
}

TEST_CASE("projections") {
  CHECK(
      plan_of("rule r { from Payment[ok] where amount > 1 emit R { card, twice: 2 * amount, match_end } }") ==
      R"(rule r
  input Payment
    if ok
    if amount > 1.0
  emit R
    card = card
    twice = 2.0 * amount
    match_end = match_end
)");
  // The fields that all types have; which one is read depends on the event.
  CHECK(plan_of("rule r { from Payment[ok], Login emit R { card, at } }") == R"(rule r
  input Payment
    if ok
  input Login
  step #0: Payment
  step #1: Login
  match #0 | #1
  report first, skip past last
  emit R
    card = coalesce(#0.card, #1.card)
    at = coalesce(#0.at, #1.at)
)");
  CHECK(plan_of("rule r { from Payment, Tick emit R { a: 1 } }") == R"(rule r
  input Payment
  input Tick
  emit R
    a = 1
)");
}

TEST_CASE("from lists the stream; keys in emit") {
  CHECK(plan_of(R"(rule r {
  from Login[tries > 1], Payment
  match a: Payment -> b: Login
  partition by card, Payment.merchant = Login.user
  emit R { card, merchant, user, tries }
}
)") == R"(rule r
  input Login
    if tries > 1
  input Payment
  step a: Payment
  step b: Login
  match a -> b
  partition by card: string = Login.card Payment.card
  partition by merchant: string = Login.user Payment.merchant
  report first, skip past last
  emit R
    card = card
    merchant = user
    user = user
    tries = tries
)");
  // The last event is of one type or the other: the key is read from any event that is there.
  const auto keys = [](const std::string& pattern) {
    const auto text = plan_of("rule r { match " + pattern + " partition by card emit R { card } }");
    return text.substr(text.find("card = ", text.find("emit")));
  };
  CHECK(keys("a: Payment{2..} -> (b: Login | c: Payment)") == "card = first(a).card\n");
  CHECK(keys("a: Payment | b: Login{2}") == "card = coalesce(a.card, first(b).card)\n");
}

TEST_CASE("params become constants") {
  const std::string rules = R"(
param size: int = 2 * 5
param name: string = "x"
param wanted: enum(buy, sell) = buy
param bound: duration = size * 1m
param since: time = @2026-01-01
@severity("high", 5)
rule r { match a: Payment[amount > size and card == name and side == wanted and at > since] within bound }
)";
  const auto plain = plan_of(rules);
  CHECK(plain.find("if amount > 10.0\n    if card == \"x\"\n    if side == buy\n    if at > "
                   "@2026-01-01T00:00:00Z\n") != std::string::npos);
  CHECK(plain.find("within 10m") != std::string::npos);

  const auto set = plan_of(
      rules,
      {.params = {{"size", "1 + 2"}, {"name", "two words"}, {"since", "@2027-01-01"}}, .read_file = {}});
  CHECK(set.find("if amount > 3.0\n    if card == \"two words\"\n") != std::string::npos);
  CHECK(set.find("@2027-01-01T00:00:00Z") != std::string::npos);
  CHECK(set.find("within 3m") != std::string::npos);
}

TEST_CASE("rules are ordered by what they read, then as they stand") {
  const auto compiled = compile_with_events(R"(
rule d { from C emit D { x } }
rule c { from A, B emit C { x } }
rule b { from Login emit B { x: null } }
rule a { from Payment emit A { x: count } }
rule b2 { from Tick emit B { x: volume } }
)");
  CHECK(summary(compiled) == "");
  REQUIRE(compiled.plan);
  CHECK(compiled.plan->order == std::vector<std::uint32_t>{2, 3, 4, 1, 0});
  CHECK(dump(*compiled.plan).find("emitted D\n  x: int?\n") != std::string::npos);
  // Types stand in the order of their rules, whatever the order of typing.
  CHECK(compiled.plan->catalog.types[3].name == "D");
  CHECK(compiled.plan->rules[2].emit->fields[0].value.type.kind == model::Kind::integer);
}
