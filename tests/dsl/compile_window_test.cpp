// Rules with windows, thresholds and `throttle` → the dump of their plan, and the types of aggregates.
#include <doctest/doctest.h>

#include "tests/dsl/compile_support.hpp"

using namespace tocsin;
using tocsin::dsl::test::compile_with_events;
using tocsin::dsl::test::summary;

namespace {

dsl::Compiled compile(const std::string& rules) {
  auto compiled = compile_with_events(rules + "\n");
  CAPTURE(rules);
  CHECK(summary(compiled) == "");
  REQUIRE(compiled.plan);
  return compiled;
}

// The dump of the last rule.
std::string plan_of(const std::string& rules) {
  const auto compiled = compile(rules);
  return dump(*compiled.plan, compiled.plan->rules.back());
}

// Of the last rule the window, and when it fires.
std::string threshold_of(const std::string& clauses) {
  const std::string text = plan_of("rule r { from Payment " + clauses + " }");
  const auto begin = text.find("  window ");
  const auto when = text.find("  when ", begin);
  return text.substr(begin + 9, when - begin - 10) + "; " +
         text.substr(when + 2, text.find('\n', when) - when - 2);
}

// `value: type` of an expression emitted over these clauses.
std::string emitted(const std::string& expression, const std::string& clauses = "window sliding 10m",
                    const std::string& from = "Payment") {
  const auto compiled =
      compile("rule r { from " + from + " " + clauses + " emit R { x: " + expression + " } }");
  const auto& rule = compiled.plan->rules.back();
  const auto& type = compiled.plan->catalog[rule.emit->type].fields.at(0).type;
  return dump(*compiled.plan, rule, rule.emit->fields.at(0).value) + ": " +
         to_string(type, compiled.plan->catalog);
}

}  // namespace

TEST_CASE("a threshold on a window") {
  CHECK(plan_of(R"(rule scan {
  from Login[tries > 1]
  partition by user
  window sliding 10s
  when distinct(ip) > 100 and window_end - at < 1s or tries == 9
  throttle 1m
  emit Scan { user, ip, ips: distinct(ip), since: window_start, at: match_end }
})") == R"(rule scan
  input Login
    if tries > 1
  partition by user: string = Login.user
  window sliding 10s
  when on rise
    if distinct(ip) > 100 and window_end - at < 1s or tries == 9
  throttle 1m
  emit Scan
    user = user
    ip = ip
    ips = distinct(ip)
    since = window_start
    at = match_end
)");
}

TEST_CASE("equal aggregates of a rule are one") {
  const auto compiled = compile(
      "rule r { from Payment window sliding 10s when count() > 3 and median(amount) > 1 "
      "emit R { n: count(), m: percentile(amount, 50), p: percentile(amount, 51), k: count(note) } }");
  const auto& aggregates = compiled.plan->rules.back().aggregates;
  REQUIRE(aggregates.size() == 4);
  CHECK(aggregates[0].function == plan::WindowFunction::count);
  CHECK(aggregates[0].argument.empty());
  CHECK(aggregates[1].percent == 50);
  CHECK(aggregates[2].percent == 51);
  CHECK(aggregates[3].argument.size() == 1);
}

TEST_CASE("what a threshold leaves open is decided") {
  CHECK(threshold_of("window sliding 10s when ok") == "sliding 10s; when on rise");
  CHECK(threshold_of("window sliding 10s emit R { card }") == "sliding 10s; when on every");
  CHECK(threshold_of("window sliding 100 events when ok") == "sliding 100 events; when on rise");
  CHECK(threshold_of("window tumbling 1m when ok") == "tumbling 1m; when on close");
  CHECK(threshold_of("window tumbling 100 events emit R { card }") == "tumbling 100 events; when on close");
  CHECK(threshold_of("window hopping 1m every 10s when ok") == "hopping 1m every 10s; when on close");
  CHECK(threshold_of("window session gap 30s emit R { card }") == "session gap 30s; when on close");
  CHECK(threshold_of("window session gap 30s when ok on every") == "session gap 30s; when on every");
  CHECK(threshold_of("window tumbling 1m when ok on rise") == "tumbling 1m; when on rise");
  CHECK(threshold_of("window sliding 1s when ok on fall keep 2s") == "sliding 1s; when on fall keep 2s");
  CHECK(threshold_of("window sliding 1s when ok keep 2s for 3s") ==
        "sliding 1s; when on rise for 3s keep 2s");
  CHECK(threshold_of("when ok for 30s") == "sliding 1 events; when on rise for 30s");
  CHECK(threshold_of("when ok on fall") == "sliding 1 events; when on fall");
}

TEST_CASE("durations of windows may be params") {
  CHECK(plan_of("param bound: duration = 10s\n"
                "rule r { from Payment window hopping 6 * bound every bound throttle bound / 2 emit R { card "
                "} }") ==
        R"(rule r
  input Payment
  window hopping 1m every 10s
  when on close
  throttle 5s
  emit R
    card = card
)");
}

TEST_CASE("aggregates and their types") {
  CHECK(emitted("count()") == "count(): int");
  CHECK(emitted("count(note)") == "count(note): int");
  CHECK(emitted("sum(count)") == "sum(count): int");
  CHECK(emitted("sum(amount)") == "sum(amount): float");
  CHECK(emitted("sum(took)") == "sum(took): duration");
  CHECK(emitted("avg(count)") == "avg(float(count)): float");
  CHECK(emitted("avg(took)") == "avg(took): duration");
  CHECK(emitted("min(at)") == "min(at): time");
  CHECK(emitted("max(count)") == "max(count): int");
  CHECK(emitted("max(count, 3)") == "max(count, 3): int");
  CHECK(emitted("max(max(count), 3)") == "max(max(count), 3): int");
  CHECK(emitted("stddev(amount)") == "stddev(amount): float?");
  CHECK(emitted("variance(count)") == "variance(float(count)): float?");
  CHECK(emitted("distinct(side)") == "distinct(side): int");
  CHECK(emitted("approx_distinct(card)") == "approx_distinct(card): int");
  CHECK(emitted("median(amount)") == "percentile(amount, 50): float");
  CHECK(emitted("percentile(amount, 99.9)") == "percentile(amount, 99.9): float");
  CHECK(emitted("percentile(amount, 100)") == "percentile(amount, 100): float");
  CHECK(emitted("first(card)") == "first(card): string");
  CHECK(emitted("last(note)") == "last(note): string?");
  CHECK(emitted("rate()") == "rate(): float");
  CHECK(emitted("ewma(amount, 1m30s)") == "ewma(amount, 1m30s): float");
  CHECK(emitted("top(merchant, 3)") == "top(merchant, 3): string[]");
  CHECK(emitted("collect(at)") == "collect(at): time[]");
  CHECK(emitted("is_new(note)") == "is_new(note): bool");
  CHECK(emitted("count(if(ok, 1, null))") == "count(if(ok, 1, null)): int");
  CHECK(emitted("sum(amount * 2) / count()") == "sum(amount * 2.0) / float(count()): float?");
  CHECK(emitted("window_end - window_start") == "window_end - window_start: duration");
}

TEST_CASE("an aggregate is null where the window may be empty or too short to say") {
  CHECK(emitted("max(count)", "window sliding 1s when ok") == "max(count): int");
  CHECK(emitted("max(count)", "window sliding 1s when ok on fall") == "max(count): int?");
  CHECK(emitted("max(count)", "window sliding 1s when ok keep 1s") == "max(count): int");
  CHECK(emitted("max(count)", "window sliding 1s when ok for 1s") == "max(count): int");
  CHECK(emitted("max(count)", "window sliding 1s when ok for 1s keep 1s") == "max(count): int?");
  CHECK(emitted("max(count)", "window sliding 5 events when ok on fall") == "max(count): int");
  CHECK(emitted("count()", "window sliding 1s when ok on fall") == "count(): int");
  CHECK(emitted("rate()", "window hopping 1m every 1s") == "rate(): float");
  CHECK(emitted("rate()", "window sliding 5 events") == "rate(): float?");
  CHECK(emitted("rate()", "window session gap 1m") == "rate(): float?");
}

TEST_CASE("arrays of a window inside any(…)") {
  CHECK(emitted("any(top(card, 3) like \"4*\")") == "any(top(card, 3), element like (\"4*\")): bool");
  CHECK(emitted("collect(card) has merchant") == "collect(card) has merchant: bool");
  // The argument is another matter than the array that any(…) looks into.
  CHECK(emitted("any(tags == last(card) and last(any(tags == \"x\")))") ==
        "any(tags, element == last(card) and last(any(tags, element == \"x\"))): bool");
}

TEST_CASE("windows over several types: a field that a type lacks is null there") {
  CHECK(plan_of("rule r { from Payment[ok], Login partition by Payment.merchant = Login.user\n"
                "window tumbling 1m when count(amount) > 2 * count(tries) and card == \"x\"\n"
                "emit R { merchant, card, ip, n: distinct(card) } }") == R"(rule r
  input Payment
    if ok
  input Login
  partition by merchant: string = Payment.merchant Login.user
  window tumbling 1m
  when on close
    if count(Payment.amount) > 2 * count(Login.tries)
    if coalesce(Payment.card, Login.card) == "x"
  emit R
    merchant = coalesce(Payment.merchant, Login.user)
    card = coalesce(Payment.card, Login.card)
    ip = Login.ip
    n = distinct(coalesce(Payment.card, Login.card))
)");
}

TEST_CASE("fields that are called like what a window tells come first") {
  const auto compiled = compile(
      "event E { window_start: int, match_end: int }\n"
      "rule r { from E window sliding 1s emit R { window_start, match_end, window_end } }");
  CHECK(to_string(compiled.plan->catalog.find("R")->fields[0].type, compiled.plan->catalog) == "int");
  CHECK(to_string(compiled.plan->catalog.find("R")->fields[2].type, compiled.plan->catalog) == "time");
}

TEST_CASE("windows read derived types, and their types are read") {
  const auto compiled = compile(
      "rule late { from Busy window sliding 1h when count() > 3 and max(n) > 100 emit Late { host: "
      "last(user) } }\n"
      "rule busy { from Login partition by user window tumbling 1m when count() > 10 emit Busy { user, n: "
      "count() } }");
  CHECK(compiled.plan->order == std::vector<std::uint32_t>{1, 0});
  CHECK(dump(*compiled.plan, compiled.plan->rules[0]) == R"(rule late
  input Busy
  window sliding 1h
  when on rise
    if count() > 3
    if max(n) > 100
  emit Late
    host = last(user)
)");
}

TEST_CASE("throttle goes with every kind of rule") {
  CHECK(plan_of("rule r { from Payment partition by card throttle 1m emit R { card } }") == R"(rule r
  input Payment
  partition by card: string = Payment.card
  throttle 1m
  emit R
    card = card
)");
  CHECK(plan_of("rule r { from Payment, Login partition by card throttle 1m emit R { card } }") == R"(rule r
  input Payment
  input Login
  step #0: Payment
  step #1: Login
  match #0 | #1
  partition by card: string = Payment.card Login.card
  report first, skip past last
  throttle 1m
  emit R
    card = coalesce(#0.card, #1.card)
)");
  // A partition that equality joins make is the rule's, as for `skip`.
  CHECK(plan_of("rule r { match a: Login -> b: Login[user == a.user] within 1m throttle 10m }") == R"(rule r
  input Login
  step a: Login
  step b: Login
    if user == a.user
  match a -> b
  partition found by user: string = Login.user
  within 1m
  report first, skip past last
  throttle 10m
)");
}
