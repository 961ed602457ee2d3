// Tables: what they become in the plan, and what can be wrong with them and with look-ups.
#include <doctest/doctest.h>
#include <map>

#include "tests/dsl/compile_support.hpp"

using namespace tocsin;
using tocsin::dsl::test::compile_with_events;
using tocsin::dsl::test::summary;

namespace {

constexpr const char* tables =
    "table list from \"list.csv\" { ip: string @key, n: int } "
    "table pair from \"pair.ndjson\" { side: enum(buy, sell) @key, n: int @key, tags: string[] } "
    "table last from Login keyed by user ";

void check(const std::string& rules, const std::string& said) {
  CAPTURE(rules);
  CHECK(summary(compile_with_events(rules + "\n")) == said);
}

// What is said about a condition on a Payment, apart from tables that it does not use; columns count from it.
std::string condition_errors(const std::string& text) {
  const std::string before = std::string(tables) + "rule r { from Payment[";
  const auto compiled = compile_with_events(before + text + "] emit R { card } }\n");
  std::string out;
  for (const auto& each : compiled.diagnostics) {
    if (each.severity == dsl::Severity::warning) continue;
    out += fmt::format("{} {}{}{}\n", each.span.begin - before.size() + 1, each.message,
                       each.hint.empty() ? "" : " | ", each.hint);
  }
  return out;
}

}  // namespace

TEST_CASE("tables and look-ups in the plan") {
  const auto compiled = dsl::compile_text("rules/r.tocsin", R"(
event Login { user: string?, ip: string, at: time @timestamp }
table list from "lists/../list.csv" { n: int, ip: string @key, since: time(s)? }
table last from Login keyed by user, ip
table rare from Rare keyed by ip
rule r {
  from Login[ip in list and (user, ip) not in last and list[lower(ip)].n + 1 > 5 and last[user, ip] is null]
  where rare[ip].n > 1
  emit R { since: list[ip].since, n: coalesce(list["x"].n, 0) }
}
rule rare { from Login[list[ip] is not null] emit Rare { ip, n: list[ip].n } }
)");
  CHECK(summary(compiled) == "");
  REQUIRE(compiled.plan);
  CHECK(dump(*compiled.plan) == R"(event Login
  user: string?
  ip: string
  at: time @timestamp
emitted R
  since: time?
  n: int
emitted Rare
  ip: string
  n: int?
rows of list
  n: int
  ip: string
  since: time(s)?
table list from "rules/list.csv" by ip
table last from Login by user ip
table rare from Rare by ip
rule r
  input Login
    if ip in list
    if not (user, ip) in last
    if list[lower(ip)].n + 1 > 5
    if not (user, ip) in last
    if rare[ip].n > 1
  emit R
    since = list[ip].since
    n = coalesce(list["x"].n, 0)
rule rare
  input Login
    if ip in list
  emit Rare
    ip = ip
    n = list[ip].n
order rare r
)");
  CHECK(plan::tables_read(compiled.plan->rules[0]) == std::vector<std::uint32_t>{0, 1, 2});
  CHECK(plan::tables_read(compiled.plan->rules[1]) == std::vector<std::uint32_t>{0});
}

TEST_CASE("a step hides a table of its name, and a table may be called like a field or param") {
  const auto compiled = compile_with_events(
      "table p from Login keyed by tries table card from Login keyed by card\n"
      "rule r { match p: Payment{2} -> q: Payment[amount > p[0].amount and card in card] }\n"
      "rule s { from Login[p[tries].ip == ip] emit S { ip } }\n");
  CHECK(summary(compiled) == "");
}

TEST_CASE("any[…] takes no rows of tables") {
  const auto compiled = compile_with_events(std::string(tables) + "rule r { match a: any[\"x\" in list] }\n");
  REQUIRE(compiled.plan);
  for (const auto type : compiled.plan->rules[0].steps[0].types)
    CHECK(compiled.plan->catalog[type].is_input());
}

TEST_CASE("errors: look-ups") {
  const std::pair<const char*, const char*> cases[] = {
      {"card in lists", "9 unknown table 'lists' | did you mean 'list'?"},
      {"lits[card].n > 1", "1 unknown table 'lits' | did you mean 'list'?"},
      {"list[card].m > 1", "12 unknown field 'm' of list"},
      {"count in list", "1 the key 'ip' of list is a string; this is an int"},
      {"list[amount].n > 1", "6 the key 'ip' of list is a string; this is a float"},
      {"(side, count, 1) in pair", "1 table 'pair' has 2 keys (side, n); this gives 3"},
      {"pair[side].n > 1", "1 table 'pair' has 2 keys (side, n); this gives 1"},
      {"list[card, card].n > 1", "1 table 'list' has 1 key (ip); this gives 2"},
      {"(bye, 1) in pair", "2 unknown label 'bye' of enum(buy, sell)"},
      {"list == card", "1 'list' is a table, not a value | write x in list, or list[x] and a column"},
      {"list.n > 1", "1 'list' is a table: which of its rows? | name its key, as in list[…].n"},
      {"list[card]", "1 a row of a table is not a value | name one of its columns, or write x in list"},
      {"(card, card) == 1", "1 several values in brackets are the keys of a table, before 'in'"},
      {"list[car].n > 1", "6 unknown field 'car' of Payment | did you mean 'card'?"},
      {"pair[side, count].tags == 1", "1 cannot compare a string[] with an int"},
  };
  for (const auto& [text, said] : cases) {
    CAPTURE(text);
    CHECK(condition_errors(text) == std::string(said) + "\n");
  }
  CHECK(condition_errors("(sell, 1) in pair and any(pair[buy, 2].tags like \"x*\") and not (note in list)") ==
        "");
}

TEST_CASE("errors: where a table can't be looked up") {
  const std::string list = "table list from \"list.csv\" { ip: string @key, n: int, d: duration } ";
  check(list + "rule r { match p: Payment{2} emit R { n: sum(list[p.card].n), m: list[p[0].card].n } }",
        "1:114 a table can't be looked up inside sum(…) | emit what it gives from a rule of its own, and "
        "aggregate "
        "that\n");
  check(
      list +
          "param n: int = list[\"x\"].n rule r { from Payment[card in list and count > n] emit R { card } }",
      "1:84 'list' can't be looked up here: only params are known\n");
  check(list + "rule r { match p: Payment -> q: Payment[card in list] within list[\"x\"].d }",
        "1:130 'list' can't be looked up here: only params are known\n");
  check(list + "rule r { from list emit R { n } }",
        "1:83 'list' is a table, not an event type | it is looked up in conditions: x in list\n");
}

TEST_CASE("errors: tables") {
  check("table t from \"t.csv\" { ip: string }",
        "1:7 table 't' has no @key | mark what rows are found by, as in ip: string @key\n");
  check("table t from \"t.csv\" { ip: string? @key }",
        "1:28 the key 'ip' may not be null | write its type without '?'\n");
  check("table t from \"t.csv\" { x: float @key, y: int[] @key }",
        "1:24 'x' is a float, which can't be a key\n1:39 'y' is an int[], which can't be a key\n");
  check("table t from \"t.csv\" { x: int @kee, y: int @key(1), x: int, z: itn }",
        "1:32 unknown annotation '@kee' of a column | did you mean 'key'?\n1:44 @key takes no arguments\n"
        "1:53 field 'x' of t is declared twice\n1:64 unknown type 'itn' | did you mean 'int'?\n");
  check(
      "table t from Login keyed by user table t from Login keyed by user rule r { from Login[user in t] emit "
      "R { ip } }",
      "1:40 table 't' is declared twice | first declared at rules.tocsin:1:7\n");
  check("table Login from \"t.csv\" { x: int @key }",
        "1:7 'Login' is an event type, so no table can be called so | the event is declared at "
        "rules.tocsin:16:7\n");
  check("rule r { from Login emit T { user } } table T from \"t.csv\" { x: int @key }",
        "1:45 'T' is an event type, so no table can be called so | the event is declared at "
        "rules.tocsin:1:26\n");
  check("table t from \"\" { x: int @key }", "1:7 table 't' names no file\n");
  check("table t from \"-\" { x: int @key }", "1:7 table 't' names no file\n");
  check("table t from Logn keyed by user", "1:14 unknown event type 'Logn' | did you mean 'Login'?\n");
  check("table t from Login keyed by usr, user, user, tries, at",
        "1:29 unknown field 'usr' of Login | did you mean 'user'?\n1:40 'user' is a key already\n");
  check("rule r { from Login emit T { f: 1.5 } } table t from T keyed by f, g",
        "1:65 'f' is a float, which can't be a key\n1:68 unknown field 'g' of T\n");
  check("table t from u keyed by x table u from \"u.csv\" { x: int @key }",
        "1:14 'u' is a table, not an event type | it is looked up in conditions: x in u\n");
}

TEST_CASE("what is broken is told once") {
  check(
      "table t from \"t.csv\" { ip: strng @key }\n"
      "rule r { from Login[ip in t and t[ip].x > 1 and t[1].y == 2] emit R { ip } }",
      "1:28 unknown type 'strng' | did you mean 'string'?\n");
  check(
      "table t from T keyed by ip\nrule r { from Login[ipp == \"x\"] emit T { ip } }\n"
      "rule s { from Login[t[ip].ip == \"x\" and ip in t] emit U { ip } }",
      "2:21 unknown field 'ipp' of Login | did you mean 'ip'?\n");
}

TEST_CASE("rules that feed each other by way of a table") {
  check("table t from T keyed by ip\nrule r { from Login[ip in t] emit T { ip } }",
        "2:35 rule 'r' feeds itself: it reads the T that it emits\n");
  check(
      "table t from T keyed by ip\nrule r { from Login[ip in t] emit U { ip } }\nrule s { from U emit T { ip "
      "} }",
      "2:35 rules r → s → r feed each other\n");
  check(
      "table t from T keyed by ip\nrule r { from Login emit U { ip: if(t[ip] is null, ip, \"\") } }\n"
      "rule s { match a: U -> b: U where a.ip in t on timeout emit T { ip: a.ip } within 1s }",
      "2:26 rules r → s → r feed each other\n");
  check(
      "table t from T keyed by ip\nrule r { from Login emit T { ip } }\n"
      "rule s { from Login[ip in t] emit U { ip } }",
      "");
}

TEST_CASE("a table that no rule looks into") {
  check("table t from Login keyed by ip\nrule r { from Login emit T { ip } }",
        "1:7 warning: no rule looks into table 't'\n");
}

TEST_CASE("tables of an imported file: their paths are relative to it, and they may be unused") {
  const std::map<std::string, std::string> files = {
      {"main.tocsin",
       "import \"lib/t.tocsin\"\nevent A { x: int }\nrule r { from A[x in used] emit R { x } }\n"},
      {"lib/t.tocsin",
       "table used from \"../x.csv\" { x: int @key }\ntable unused from \"/abs/y.csv\" { x: int @key }\n"}};
  const auto compiled = dsl::compile_files(
      {"main.tocsin"}, {.params = {}, .read_file = [&](const std::string& path) {
                          const auto found = files.find(path);
                          return found == files.end() ? std::optional<std::string>() : found->second;
                        }});
  CHECK(summary(compiled) == "");
  REQUIRE(compiled.plan);
  CHECK(compiled.plan->tables[0].path == "x.csv");
  CHECK(compiled.plan->tables[1].path == "/abs/y.csv");
}
