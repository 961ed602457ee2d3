// Wrong windows and thresholds → what is said about them, and where.
#include <doctest/doctest.h>

#include "tests/dsl/compile_support.hpp"

using tocsin::dsl::test::compile_with_events;
using tocsin::dsl::test::summary;

namespace {

struct Case {
  const char* text;
  const char* said;  // "column message | hint", of line 1; several are lines
};

void check_behind(const std::string& before, const std::vector<Case>& cases, const std::string& after) {
  for (const Case& each : cases) {
    const auto compiled = compile_with_events(before + each.text + after + "\n");
    CAPTURE(each.text);
    std::string said;
    for (const auto& diagnostic : compiled.diagnostics) {
      const auto place = line_column(compiled.sources.files[0], diagnostic.span.begin);
      CHECK(place.line == 1);
      said += fmt::format("{} {}{}{}\n", static_cast<long>(place.column) - static_cast<long>(before.size()),
                          diagnostic.message, diagnostic.hint.empty() ? "" : " | ", diagnostic.hint);
    }
    CHECK(said == std::string(each.said) + "\n");
    CHECK(compiled.plan.has_value() == !has_errors(compiled.diagnostics));
  }
}

// Each case is what stands behind `from Payment`; column 0 is before it.
void check_clauses(const std::vector<Case>& cases) {
  check_behind("rule r { from Payment ", cases, " }");
}

// Each case is a condition on a sliding window of Payments.
void check_conditions(const std::vector<Case>& cases) {
  check_behind("rule r { from Payment window sliding 10m when ", cases, " }");
}

}  // namespace

TEST_CASE("the size of a window") {
  check_clauses({
      {"window sliding 10 when ok",
       "16 'window' wants a duration; this is an int | a bare number has no unit: write 10s, 10m, or 10 "
       "events"},
      {"window session gap 10 when ok",
       "20 'window' wants a duration; this is an int | a bare number has no unit: write 10s or 10m"},
      {"window hopping 10s every 5 when ok",
       "26 'every' wants a duration; this is an int | a bare number has no unit: write 10s or 10m"},
      {"window sliding card when ok", "16 unknown name 'card': only params are known here"},
      {"window tumbling 0s when ok", "17 'window' wants a duration above 0"},
      {"window hopping 1m every 0s when ok", "25 'every' wants a duration above 0"},
      {"window sliding -1s when ok", "16 'window' wants a duration that is not negative"},
      {"window sliding 0 events when ok", "8 a window of 0 events holds nothing"},
      {"window hopping 1s every 1m when ok",
       "8 these windows leave out the events between them | as in window hopping 1m every 10s, the width "
       "comes first"},
  });
}

TEST_CASE("which clauses go together") {
  check_clauses({
      {"window sliding 10s", "-16 a rule with a window needs a 'when' or an 'emit'"},
      {"window sliding 10s within 10s when ok",
       "27 'within' goes with 'match', and this rule has none | the 'window' says which events are looked at "
       "together: leave 'within' out"},
      {"within 10s emit R { card }",
       "8 'within' goes with 'match', and this rule has none | events are looked at together in a window, as "
       "in window sliding 10m"},
      {"partition by card emit R { card }",
       "14 'partition by' goes with 'match', 'window', 'when' or 'throttle', and this rule has none of them"},
      {"partition by crad window sliding 1s when ok",
       "14 Payment has no field 'crad' to partition by | did you mean 'card'?"},
      {"partition by amount throttle 1s emit R { card }",
       "14 'amount' of Payment is a float, which can't be a partition key"},
      {"throttle 5 emit R { card }",
       "10 'throttle' wants a duration; this is an int | a bare number has no unit: write 10s or 10m"},
      {"throttle 0s emit R { card }", "10 'throttle' wants a duration above 0"},
      {"window sliding 1s when ok on timeout emit R { card }",
       "43 'on timeout' goes with 'match', and this rule has none"},
  });
  check_behind(
      "rule r { match a: Payment ",
      {
          {"when a.ok",
           "6 'when' does not go with 'match' | conditions of a pattern stand behind its steps, in "
           "brackets, or in 'where'"},
          {"window sliding 1s", "8 'window' does not go with 'match' | a pattern is bounded by 'within'"},
      },
      " }");
}

TEST_CASE("when a threshold may fire") {
  check_clauses({
      {"window sliding 1s when ok on close",
       "30 'on close' does not go with a sliding window | it never closes: write 'on rise', 'on every' or "
       "'on "
       "fall'"},
      {"when ok on close", "12 'on close' needs a window that closes | as in window tumbling 1m"},
      {"window hopping 1m every 1s when ok on rise",
       "39 'on rise' does not go with a hopping window | it is looked at as it closes, which is the default"},
      {"window hopping 1m every 1s when ok on every",
       "39 'on every' does not go with a hopping window | it is looked at as it closes, which is the "
       "default"},
      {"window hopping 1m every 1s when ok on fall",
       "39 'on fall' does not go with a hopping window | it is looked at as it closes, which is the default"},
      {"window tumbling 1m when ok on fall",
       "31 'on fall' does not go with a tumbling window | write 'on close', 'on rise' or 'on every'"},
      {"window session gap 1m when ok on fall",
       "34 'on fall' does not go with a session window | write 'on close', 'on rise' or 'on every'"},
      {"window tumbling 1m when ok for 1s",
       "32 'for' does not go with a tumbling window | it asks how long a condition holds, and only sliding "
       "windows go on"},
      {"window session gap 1m when ok on rise keep 1s",
       "44 'keep' does not go with a session window | it asks how long a condition holds, and only sliding "
       "windows go on"},
      {"window sliding 1s when ok on every for 1s", "40 'for' goes with 'on rise', not with 'on every'"},
      {"window sliding 1s when ok on fall for 1s", "39 'for' goes with 'on rise', not with 'on fall'"},
      {"window sliding 1s when ok on every keep 1s",
       "41 'keep' goes with 'on rise' and 'on fall', not with 'on every'"},
      {"window sliding 1s when ok for 30",
       "31 'for' wants a duration; this is an int | a bare number has no unit: write 10s or 10m"},
      {"window sliding 1s when ok for 0s keep 0s",
       "31 'for' wants a duration above 0\n39 'keep' wants a duration above 0"},
  });
}

TEST_CASE("aggregates over a window") {
  check_conditions({
      {"cuont() > 3", "1 unknown function 'cuont' | did you mean 'count'?"},
      {"stdev(amount) > 3", "1 unknown function 'stdev' | did you mean 'stddev'?"},
      {"count()", "1 a condition is true or false; this is an int"},
      {"sum(avg(amount)) > 3", "5 avg does not stand inside sum(…)"},
      {"count(count()) > 3", "7 count does not stand inside count(…)"},
      {"rate(amount) > 3", "1 rate takes 0 arguments, got 1"},
      {"percentile(amount) > 3", "1 percentile takes 2 arguments, got 1"},
      {"count(card, note) > 3", "1 count takes 0 to 1 arguments, got 2"},
      {"distinct(tags) > 3", "10 distinct does not go with a string[]"},
      {"count(tags) > 3", "7 count does not go with a string[]"},
      {"count(null) > 3", "7 count does not go with null"},
      {"sum(at) > 3", "5 sum does not go with a time"},
      {"sum(card) > 3", "5 sum does not go with a string"},
      {"max(card) > \"a\"", "5 max does not go with a string"},
      {"median(took) > 3s",
       "8 median does not go with a duration | divide it by a duration, as in took / 1s, to get a number"},
      {"top(side, 3) has buy",
       "5 top does not go with an enum(buy, sell) | an array of an enum is not supported"},
      {"percentile(amount, 0) > 3",
       "20 percentile wants a number above 0, up to 100, here | as in percentile(took, 99.9)"},
      {"percentile(amount, 101) > 3",
       "20 percentile wants a number above 0, up to 100, here | as in percentile(took, 99.9)"},
      {"percentile(amount, 1s) > 3",
       "20 percentile wants a number above 0, up to 100, here | as in percentile(took, 99.9)"},
      {"percentile(amount, count) > 3", "20 unknown name 'count': only params are known here"},
      {"percentile(amount, 0.95) > 3",
       "20 this is less than one percent | the 95th percentile is written 95"},
      {"top(card, 0) has \"x\"",
       "11 top wants an int from 1 to 100 here | as in top(name, 10), the ten most frequent"},
      {"top(card, 2.5) has \"x\"",
       "11 top wants an int from 1 to 100 here | as in top(name, 10), the ten most frequent"},
      {"ewma(amount, 10) > 3",
       "14 the half-life of 'ewma' wants a duration; this is an int | a bare number has no unit: write 10s "
       "or "
       "10m"},
      {"ewma(amount, 0s) > 3", "14 the half-life of 'ewma' wants a duration above 0"},
      {"max(amonut) > 3", "5 unknown field 'amonut' of Payment | did you mean 'amount'?"},
      {"count(window_end - at) > 3",
       "7 inside count(…) the fields of an event are known, and not 'window_end'"},
      {"first(card).note == \"x\"", "1 'first' of a window is a value and has no fields | write first(note)"},
      {"top(card, 3)[0] == \"x\"", "1 an array has no numbered elements | look into it with 'has' or any(…)"},
      {"match_end > at", "1 'match_end' is known in 'emit' only"},
      {"is_new(card) for 1s",
       "1 is_new asks about an event that comes in, and does not go with 'for' | 'on every' looks at each "
       "event that comes in"},
      {"is_new(card) on fall",
       "1 is_new asks about an event that comes in, and does not go with 'on fall' | 'on every' looks at "
       "each "
       "event that comes in"},
  });
  check_clauses({{"window tumbling 1m emit R { new: is_new(card) }",
                  "34 is_new asks about an event that comes in, and does not go with 'on close' | 'on every' "
                  "looks at each event that comes in"}});
  check_behind(
      "rule r { from Payment, Login window sliding 1m when ",
      {
          {"amuont > 3", "1 no event of this rule has a field 'amuont' | did you mean 'amount'?"},
          {"max(amuont) > 3", "5 no event of this rule has a field 'amuont' | did you mean 'amount'?"},
      },
      " }");
  check_behind("rule r { from Payment, Tick window sliding 1m when ",
               {{"count(zzz) > 3", "7 no event of this rule has a field 'zzz'"}}, " }");
}

TEST_CASE("aggregates where no window is") {
  const char* const add =
      " is over the events of a window; this rule has none | add one, as in window sliding 10m";
  const std::string count = "6 count" + std::string(add);
  check_clauses({
      {"when count() > 3", count.c_str()},
      {"emit R { n: median(amount) }",
       "13 median is over the events of a window; this rule has none | add one, as in window sliding 10m"},
      {"emit R { n: first(amount) }",
       "13 first is over the events of a window; this rule has none | add one, as in window sliding 10m"},
      {"where count() > 3 window sliding 1m when ok",
       "7 count is over many events; a condition of 'from' or 'where' sees one | what a whole window is "
       "asked "
       "stands in 'when'"},
      {"when window_end > at", "6 'window_end' is known in 'when' and 'emit' of a rule with a window only"},
  });
  check_behind("rule r { match a: Payment{2..} emit R { x: ",
               {{"median(a.amount)",
                 "1 median is over the events of a window; a pattern has none | of a repeated step there are "
                 "count, sum, avg, min, max and distinct"}},
               " } }");
  check_behind("param p: int = ", {{"count()", "1 count is over events; only params are known here"}},
               "\nrule r { from Payment where count > p emit R { card } }");
}

TEST_CASE("rules with windows that feed each other") {
  check_clauses(
      {{"window sliding 1m when ok emit A { card } } rule s { from B window sliding 1s emit A { card } } "
        "rule t { from A window sliding 1m emit B { card }",
        "84 rules s → t → s feed each other"}});
}
