// Wrong rule text → what is said about it, and where. A table: one mistake a line, its message and hint.
#include <doctest/doctest.h>

#include "tests/dsl/compile_support.hpp"

using namespace tocsin::dsl;
using tocsin::dsl::test::compile_with_events;
using tocsin::dsl::test::summary;

namespace {

struct Case {
  const char* text;
  const char* said;  // "column message | hint", all on line 1; several are lines
};

void check(const std::string& rules, const std::string& said) {
  const auto compiled = compile_with_events(rules + "\n");
  CAPTURE(rules);
  CHECK(summary(compiled) == said);
  CHECK(compiled.plan.has_value() == !has_errors(compiled.diagnostics));
}

// Each case is a condition on a Payment.
void check_conditions(const std::vector<Case>& cases) {
  const std::string before = "rule r { from Payment[";
  for (const Case& each : cases) {
    const auto compiled = compile_with_events(before + each.text + "] emit R { card } }\n");
    CAPTURE(each.text);
    std::string said;
    for (auto diagnostic : compiled.diagnostics) {
      const auto column =
          line_column(compiled.sources.files[0], diagnostic.span.begin).column - before.size();
      said += fmt::format("{} {}{}{}\n", column, diagnostic.message, diagnostic.hint.empty() ? "" : " | ",
                          diagnostic.hint);
    }
    CHECK(said == std::string(each.said) + "\n");
  }
}

}  // namespace

TEST_CASE("names in conditions") {
  check_conditions({
      {"ammount > 5", "1 unknown field 'ammount' of Payment | did you mean 'amount'?"},
      {"zzz > 5", "1 unknown field 'zzz' of Payment"},
      {"Login == 5", "1 'Login' is an event type, not a value"},
      {"match_start > at", "1 'match_start' is known in 'emit' only"},
      {"prev > 5", "1 'prev' is an event, not a value | name one of its fields, as in prev.price"},
      {"prev.amount > 5",
       "1 'prev' is known only in the condition of a repeated step | give the step a quantifier, as in "
       "{3..}"},
      {"Payment.amount > 5", "1 'Payment' is an event type, not a step | write amount"},
      {"amount.x > 5", "1 'amount' is a float and has no fields"},
      {"p.amount > 5", "1 unknown step 'p'"},
      {"(amount + 1).x > 5", "14 a float has no fields; only events have"},
      {"first(p).amount > 5", "7 unknown step 'p'"},
      {"lowr(card) == \"a\"", "1 unknown function 'lowr' | did you mean 'lower'?"},
  });
}

TEST_CASE("types in comparisons") {
  check_conditions({
      {"amount > \"5\"", "1 cannot compare a float with a string | a number is written without quotes"},
      {"card == 5", "1 cannot compare a string with an int | text is written in quotes: \"5\""},
      {"took > 5",
       "1 cannot compare a duration with an int | a duration has a unit, as in 500ms, 30s or 10m"},
      {"at > 5",
       "1 cannot compare a time with an int | a time is written as in @2026-01-31T12:00:00Z, a duration as "
       "in 30s"},
      {"at > \"2026-01-01\"",
       "1 cannot compare a time with a string | a time is written as in @2026-01-31T12:00:00Z, a duration as "
       "in 30s"},
      {"country == null", "1 a comparison with null is always false | write 'is null'"},
      {"country != null", "1 a comparison with null is always false | write 'is not null'"},
      {"country in (\"a\", null)", "1 a comparison with null is always false | write 'is null'"},
      {"side == byu", "9 unknown label 'byu' of enum(buy, sell) | did you mean 'buy'?"},
      {"side == \"byu\"", "9 unknown label 'byu' of enum(buy, sell) | did you mean 'buy'?"},
      {"side in (buy, zzzz)", "15 unknown label 'zzzz' of enum(buy, sell)"},
      {"sidee == buy", "1 unknown field 'sidee' of Payment | did you mean 'side'?"},
      {"side < buy", "1 an enum(buy, sell) has no order; it goes with == and != only"},
      {"ok > true", "1 a bool has no order; it goes with == and != only"},
      {"tags == tags", "1 arrays are not compared | look into them with 'has' or any(…)"},
      {"amount ==~ 5", "1 '==~' is for text; this is a float"},
      {"amount in (1, \"2\")", "1 cannot compare a float with a string | a number is written without quotes"},
      {"amount between 1 and \"2\"",
       "1 cannot compare a float with a string | a number is written without quotes"},
      {"tags has 5", "10 the array holds string values"},
      {"card has \"x\"", "1 'has' looks into an array; this is a string | write contains(text, part)"},
      {"card is null", "1 this is never null, so the test is always false"},
      {"card is not null", "1 this is never null, so the test is always true"},
  });
}

TEST_CASE("conditions are true or false") {
  check_conditions({
      {"amount", "1 a condition is true or false; this is a float"},
      {"ok and count", "8 a condition is true or false; this is an int"},
      {"not card", "5 a condition is true or false; this is a string"},
      {"null", "1 a condition is true or false; this is null"},
      {"(ok or card) or count",
       "8 a condition is true or false; this is a string\n17 a condition is true or false; this is an int"},
  });
}

TEST_CASE("arithmetic") {
  check_conditions({
      {"card + merchant == \"ab\"", "1 '+' does not join text | write concat(…, …)"},
      {"took + 5 > took",
       "1 '+' does not go with a duration and an int | a duration has a unit, as in 500ms, 30s or 10m"},
      {"at + at > at",
       "1 '+' does not go with a time and a time | a time is written as in @2026-01-31T12:00:00Z, a duration "
       "as in 30s"},
      {"took * took > took", "1 '*' does not go with a duration and a duration"},
      {"took / 2.5 > took",
       "1 '/' does not go with a duration and a float | a duration has a unit, as in 500ms, 30s or 10m"},
      {"-card == \"a\"", "1 '-' does not go with a string"},
      {"amount + null > 1", "1 '+' does not go with a float and null"},
      {"count > 1 / 0", "9 this divides by zero, so it is always null"},
      {"count > 9223372036854775807 + 1", "9 this overflows, so it is always null"},
  });
}

TEST_CASE("functions") {
  check_conditions({
      {"round(amount, 2) > 1", "1 round takes 1 argument, got 2"},
      {"substring(card) == \"a\"", "1 substring takes 2 to 3 arguments, got 1"},
      {"concat() == \"a\"", "1 concat takes at least 1 argument, got 0"},
      {"round(card) > 1", "7 round wants a number here; this is a string"},
      {"hour(amount) > 1", "6 hour wants a time here; this is a float"},
      {"length(amount) > 1", "8 length wants text or an array here; this is a float"},
      {"if(ok, 1, \"a\") == 1", "1 both values of 'if' must be of one type; these are an int and a string"},
      {"coalesce(country, 1) == \"a\"", "1 all values of 'coalesce' must be of one type"},
      {"min(amount, card) > 1", "1 the arguments of min must be of one type that has an order"},
      {"max(amount) > 1",
       "1 max is over many events; a condition of 'from' or 'where' sees one | what a whole window is asked "
       "stands in 'when'"},
      {"card matches \"(\"", "14 this pattern is not valid: missing ): ("},
      {"card like merchant", "11 a pattern must be text known beforehand: a literal or a string param"},
      {"amount like \"a\"", "1 'like' is for text; this is a float"},
      {"tags like \"a\"", "1 'like' is for text; this is a string[] | write any(… like …)"},
      {"any(card like \"a\")",
       "5 any(…) asks something of the elements of an array; none is named here | as in any(tags like "
       "\"adm*\")"},
      {"in_cidr(card, \"10.0.0.0/33\")",
       "15 '10.0.0.0/33' is no network | as in 10.0.0.0/8 or 2001:db8::/32"},
      {"in_cidr(card, \"10.0.0\")", "15 '10.0.0' is no network | as in 10.0.0.0/8 or 2001:db8::/32"},
      {"date_trunc(at, \"huor\") == at",
       "16 'huor' is no unit; it is second, minute, hour, day, week, month or year | did you mean 'hour'?"},
      {"first(card) == \"a\"",
       "1 first is over many events; a condition of 'from' or 'where' sees one | what a whole window is "
       "asked "
       "stands in 'when'"},
  });
}

TEST_CASE("steps") {
  check("rule r { match a: Payment[b.amount > 1] -> b: Payment }",
        "1:27 step 'b' comes later | a condition sees this event and earlier steps; write it at the later "
        "step, or "
        "in 'where'\n");
  check("rule r { match a: Payment | b: Payment[a.amount > 1] }",
        "1:40 step 'a' is in another alternative: no match has both\n");
  check("rule r { match p: Payment{2..} -> q: Payment[amount > p.amount] }",
        "1:55 step 'p' is repeated: which of its events? | write first(p).amount, last(p).amount or an "
        "aggregate "
        "such as max(p.amount)\n");
  check("rule r { match p: Payment{2..} -> q: Payment[amount > p.amuont] }",
        "1:57 unknown field 'amuont' of Payment | did you mean 'amount'?\n");
  check("rule r { match p: Payment[p.amount > 1]{2..} }",
        "1:27 'p' is this step itself: its name means the events taken so far | write amount for this event, "
        "prev.amount or last(p).amount for the one before\n");
  check("rule r { match a: Payment -> b: Payment[first(a).amount > 1] }",
        "1:41 'a' is not repeated, so it is one event | write a.amount\n");
  check("rule r { match a: Payment -> b: Payment[amount > avg(a.amount)] }",
        "1:54 avg needs a repeated step; 'a' is one event | write a.amount without it\n");
  check("rule r { match a: Payment? -> b: Payment[count(a) > 0] }",
        "1:42 count needs a repeated step; 'a' is one event | write a is not null\n");
  check("rule r { match p: Payment{2} -> q: Tick{2} -> s: Tick[price > sum(p.amount * q.price)] }",
        "1:78 sum is over the events of one step; 'q' is a second one\n");
  check("rule r { match p: Payment{2} -> q: Tick[price > sum(amount)] }",
        "1:53 unknown field 'amount' of Tick\n");
  check("rule r { match p: Payment{2} -> q: Payment[amount > sum(amount)] }",
        "1:57 inside sum(…) a field needs the name of the step | write the repeated step's name before it: "
        "step.amount\n");
  check("rule r { match p: Payment{2} -> q: Payment[amount > sum(p)] }",
        "1:57 sum needs a field of the step | as in sum(p.field)\n");
  check("rule r { match p: Payment{2} -> q: Payment[amount > sum(p.card)] }",
        "1:57 sum does not go with a string\n");
  check("rule r { match p: Payment{2} -> q: Payment[amount > p[2].amount] }",
        "1:53 'p' takes at most 2 events, numbered from 0\n");
  check("rule r { match p: Payment{2} -> q: Payment[amount > p[count].amount] }",
        "1:55 the index of a repeat is a plain number from 0 | as in p[0].amount\n");
  check("rule r { match prob: Payment -> q: Payment[amount > probe.amount] }",
        "1:53 unknown step 'probe' | did you mean 'prob'?\n");
  check("rule r { match a: Payment -> b: Login[card == a] }",
        "1:47 'a' is a step, not a value | name one of its fields, as in a.card\n");
  check("rule r { match a: Payment -> a: Login }",
        "1:30 step 'a' is named twice | first named at rules.tocsin:1:16\n");
  check("rule r { match prev: Payment }",
        "1:16 'prev' is not a name for a step: it means the event before\n");
  check("rule r { match a: Payment -> b: Payment[a is null] }",
        "1:41 warning: step 'a' is always there, so the test is always false\n");
}

TEST_CASE("patterns") {
  check("rule r { match Paymant }", "1:16 unknown event type 'Paymant' | did you mean 'Payment'?\n");
  check("rule r { match a: Payment? -> b: Login* }",
        "1:16 this pattern can match nothing at all | make one of its steps match at least once\n");
  check("rule r { match (a: Payment | b: Login?) }",
        "1:16 this pattern can match nothing at all | make one of its steps match at least once\n");
  check("rule r { match a: Payment{2000000} }",
        "1:26 a step repeats at most 1000000 times | leave the end open, as in {3..}\n");
  check("rule r { match a: Payment -> b: Login? }",
        "1:30 warning: this step is never taken: the match is complete without it | with 'report all' the "
        "longer "
        "matches are reported too\n");
  check("rule r { match a: Payment -> b: Login? report all }", "");
  std::string long_pattern = "s0: Login";
  for (int i = 1; i < 70; ++i)
    long_pattern += fmt::format(" -> s{0}: Login[tries > s{1}.tries]", i, i - 1);
  const auto compiled =
      compile_with_events("rule r { match " + long_pattern + " emit R { a: s69.tries } }\n");
  REQUIRE(compiled.diagnostics.size() == 1);
  CHECK(compiled.diagnostics[0].message == "a pattern has at most 64 steps");
}

TEST_CASE("clauses") {
  check("rule r { from Payment }", "1:6 a rule without 'match' needs an 'emit'\n");
  check("rule r { emit R { a: 1 } }", "1:6 rule 'r' looks at nothing | give it a 'match' or a 'from'\n");
  check(
      "rule r { from Payment partition by card within 5s emit R { card } }",
      "1:36 'partition by' goes with 'match', 'window', 'when' or 'throttle', and this rule has none of "
      "them\n"
      "1:48 'within' goes with 'match', and this rule has none | events are looked at together in a window, "
      "as in window sliding 10m\n");
  check("rule r { match Payment within 5 }",
        "1:31 'within' wants a duration; this is an int | a bare number has no unit: write 10s, 10m, or 10 "
        "events\n");
  check("rule r { match Payment within -5s }", "1:31 'within' wants a duration that is not negative\n");
  check("rule r { match Payment{3} within 2 events }",
        "1:34 no match fits within 2 events | the pattern takes at least 3\n");
  check("rule r { from Login match a: Login -> b: Payment }",
        "1:42 'Payment' is not in the 'from' of this rule\n");
  check("rule r { from Login, Login emit R { user } }",
        "1:22 'Login' stands in 'from' twice | join the conditions with 'or'\n");
  check("rule r { match a: Payment where amount > 5 }",
        "1:33 in 'where' the field 'amount' needs the name of its step | write a.amount\n");
  check("@high @high rule r { match a: Payment }", "1:8 @high is given twice\n");
}

TEST_CASE("where over several types is checked for each, and says the same thing once") {
  check("rule r { from Payment, Login where lower(card) > 5 and tries > 1 emit R { card } }",
        "1:36 cannot compare a string with an int | text is written in quotes: \"5\"\n"
        "1:56 unknown field 'tries' of Payment\n");
}

TEST_CASE("partition keys") {
  check("rule r { match Login -> Payment partition by user }",
        "1:46 Payment has no field 'user' to partition by | map the names, as in partition by Login.user = "
        "Payment.…\n");
  check("rule r { match Payment -> Login partition by cards }",
        "1:46 Payment has no field 'cards' to partition by | did you mean 'card'?\n"
        "1:46 Login has no field 'cards' to partition by | did you mean 'card'?\n");
  check("rule r { match Payment partition by amount }",
        "1:37 'amount' of Payment is a float, which can't be a partition key\n");
  check("rule r { match Payment partition by tags }",
        "1:37 'tags' of Payment is a string[], which can't be a partition key\n");
  check("rule r { match Payment -> Login partition by Payment.count = Login.user }",
        "1:46 this key is an int in Payment but a string in Login\n");
  check("rule r { match Payment -> Login partition by Payment.card = Tick.symbol }",
        "1:61 this rule reads no 'Tick'\n");
  check(
      "rule r { match Payment -> Login partition by Payment.merchant = Payment.card }",
      "1:46 this key names no field of Login | add = Login.…\n1:65 'Payment' has two fields for this key\n");
  check("rule r { match Payment -> Login -> Tick partition by Payment.merchant = Login.user }",
        "1:54 this key names no field of Tick | add = Tick.…\n");
  check("rule r { match Payment partition by card, card }", "1:43 'card' is a key already\n");
}

TEST_CASE("emitted fields") {
  check("rule r { from Payment emit R { card, card } }", "1:38 field 'card' is emitted twice\n");
  check("rule r { from Payment emit Login { card } }",
        "1:28 event 'Login' is declared, so no rule can emit it | emit another type; Login is declared at "
        "rules.tocsin:16:7\n");
  check("rule r { from Payment emit R { a: null } }", "1:32 'a' of R is always null, so it has no type\n");
  check("rule r { match a: Payment | b: Login emit R { amount, user: b.user } }",
        "1:47 'amount' is not clear: the last event may be of one of several steps | write a.amount\n");
  check("rule r { from Payment, Login emit R { amount } }", "1:39 unknown field 'amount' of Login\n");
  check("rule r { from Payment, Tick emit R { x: count } }", "1:41 unknown field 'count' of Tick\n");
  check("rule r { from Login emit R { a: 1 } } rule s { from Login emit R { a: \"x\" } }",
        "1:68 'a' of R is a string here but an int in rule 'r'\n");
  check("rule r { from Login emit R { a: 1 } } rule s { from Login emit R { b: 1 } }",
        "1:64 rule 'r' emits R with 'a', and this one without | add a: null where there is none\n"
        "1:68 rule 'r' emits R without 'b' | all rules that emit a type must emit the same fields; null "
        "stands for "
        "none\n");
}

TEST_CASE("rules that feed each other") {
  check("rule a { from B emit A { x: 1 } } rule b { from A emit B { x: 1 } }",
        "1:22 rules a → b → a feed each other\n");
  check("rule a { match A -> Login emit A { user } }",
        "1:32 rule 'a' feeds itself: it reads the A that it emits\n");
  // A rule behind a cycle is not part of it, and its own mistakes show.
  check(
      "rule z { from A[y > zz] emit Z { x: 1 } } rule a { from B emit A { x: 1 } }\n"
      "rule b { from A emit B { x: ww } }",
      "1:64 rules a → b → a feed each other\n");
}

TEST_CASE("declarations") {
  check("rule r { match Payment }\nrule r { match Login }",
        "2:6 rule 'r' is declared twice | first declared at rules.tocsin:1:6\n");
  check("event Login { a: int }",
        "16:7 event 'Login' is declared twice | first declared at rules.tocsin:1:7\n");
  check("event E { a: int, a: float }", "1:19 field 'a' of E is declared twice\n");
  check("event E { a: flot }", "1:14 unknown type 'flot' | did you mean 'float'?\n");
  check("event E { a: date }",
        "1:14 unknown type 'date' | types are int, float, bool, string, time, duration and enum(…)\n");
  check("event E { a: enum(x, y, x) }", "1:25 label 'x' is given twice\n");
  check("event E { a: enum(x)[] }", "1:14 an array of an enum is not supported\n");
  check("event E { a: time? @timestamp }",
        "1:14 @timestamp marks a field of type 'time' that is never null | write 'time' without '?'\n");
  check("event E { a: int @timestamp }", "1:14 @timestamp marks a field of type 'time' that is never null\n");
  check("event E { a: time @timestamp, b: time @timestamp }",
        "1:40 E has a second @timestamp; the first is 'a'\n");
  check("event E { a: time @timestmp }",
        "1:20 unknown annotation '@timestmp' of a field | did you mean 'timestamp'?\n");
  check("@x event E { a: int }", "1:2 unknown annotation '@x' of an event\n");
  std::string fields;
  for (int i = 0; i < 257; ++i)
    fields += fmt::format("a{}: int\n", i);
  CHECK(compile_text("f", "event E {\n" + fields + "}").diagnostics.size() == 1);
}

TEST_CASE("one mistake gives one message") {
  // The field, the type and the param are reported where they are declared, not where they are used.
  check(
      "event E { a: flot, b: int }\nparam p: int = \"x\"\n"
      "rule r { match e: E[a > 1 and b > p] -> f: Unknown[x > 1] where f.y > e.a emit R { v: e.a, w: f.z } "
      "}\n"
      "rule s { from R[v > 1 and w > 2 and nope > 3] emit S { v } }",
      "1:14 unknown type 'flot' | did you mean 'float'?\n"
      "2:16 param 'p' is an int; this is a string\n"
      "3:44 unknown event type 'Unknown'\n"
      "4:37 unknown field 'nope' of R\n");
  // What a broken declaration declares is no news as an unknown name.
  check(
      "event E { a int }\nparam p = 5\nrule r { from E[a > p] emit R { a } }\nrule q { from }\n"
      "rule s { from F[a > 1] emit S { a } }",
      "1:13 expected ':' and a type, found 'int'\n"
      "2:9 expected ':' and a type, found '='\n"
      "4:15 expected an event type, found '}'\n"
      "5:15 unknown event type 'F'\n");
}

TEST_CASE("all mistakes of a file show in one run, with each other's kind") {
  check(
      "event E { a: flot }\n"
      "rule a { from Payment[ammount > 5 and card == 5] emit A { x: lenght(card) } }\n"
      "rule b { match Payment -> }\n"
      "rule c { match p: Payment{3..} -> q: Paymnt within 5 }\n",
      "1:14 unknown type 'flot' | did you mean 'float'?\n"
      "2:23 unknown field 'ammount' of Payment | did you mean 'amount'?\n"
      "2:39 cannot compare a string with an int | text is written in quotes: \"5\"\n"
      "2:62 unknown function 'lenght' | did you mean 'length'?\n"
      "3:27 expected a step, as name: Type[condition], found '}'\n"
      "4:38 unknown event type 'Paymnt' | did you mean 'Payment'?\n"
      "4:52 'within' wants a duration; this is an int | a bare number has no unit: write 10s, 10m, or 10 "
      "events\n");
}

TEST_CASE("deep and long expressions are refused, not followed") {
  const auto condition = [](const std::string& text) {
    return compile_with_events("rule r { from Payment[" + text + "] emit R { card } }\n");
  };
  std::string long_or = "ok";
  for (int i = 0; i < 900; ++i)
    long_or += " or ok";
  CHECK(condition(long_or).plan.has_value());
  for (int i = 0; i < 2000; ++i)
    long_or += " or ok";
  CHECK(!condition(long_or).plan.has_value());
  std::string nested = "ok";
  for (int i = 0; i < 90; ++i)
    nested = "not (" + nested + ")";
  CHECK(condition(nested).plan.has_value());
  for (int i = 0; i < 90; ++i)
    nested = "not (" + nested + ")";
  CHECK(!condition(nested).plan.has_value());
  CHECK(!condition(std::string(5000, '-') + "1 > 0").plan.has_value());
}
