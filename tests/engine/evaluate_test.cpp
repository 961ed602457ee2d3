// Expressions through the compiler: text → value. The oracle compares what it covers; here are the edges.
#include "engine/match/evaluate.hpp"

#include <ctime>
#include <limits>

#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;
using model::Kind;
using model::Value;

namespace {

// The value of an emitted expression over one event, as text.
std::string value_of(const std::string& expression) {
  static const std::string schema =
      "event E { i: int, big: int, f: float, n: int?, s: string, ip: string, tags: string[], b: bool, at: "
      "time "
      "@timestamp }\n";
  const auto plan = plan_of(schema + "rule r { from E emit Out { v: " + expression + " } }");
  model::EventBatch batch;
  model::EventWriter writer(batch);
  writer.begin(plan.catalog.types[0]);
  writer.set_int(0, 7);
  writer.set_int(1, std::numeric_limits<std::int64_t>::max());
  writer.set_float(2, -2.5);
  writer.set_string(4, "Straße Nine");
  writer.set_string(5, "10.1.2.3");
  writer.set_array(6, std::vector<Value>{text_value("admin"), text_value("Vip")});
  writer.set_int(7, 1);
  writer.set_int(8, 1'700'000'000'000'000'000);  // Tuesday 2023-11-14T22:13:20Z
  writer.commit(0, 1, 0);
  match::Scratch scratch;
  const match::Expression compiled(plan.rules[0].emit->fields[0].value, plan.catalog);
  const Value value = compiled.evaluate({batch[0], {}}, scratch);
  switch (value.kind) {
    case Kind::null: return "null" + std::string(scratch.arithmetic_faults != 0 ? " fault" : "");
    case Kind::boolean: return value.i != 0 ? "true" : "false";
    case Kind::floating: return std::to_string(value.f);
    case Kind::string: return std::string(value.text());
    default: return std::to_string(value.i);
  }
}

}  // namespace

TEST_CASE("expressions") {
  const std::pair<const char*, const char*> cases[] = {
      {"i / 2", "3"},
      {"-i / 2", "-3"},
      {"-i % 4", "-3"},
      {"i / 2.0", "3.500000"},
      {"big + 1", "null fault"},
      {"-big - 2", "null fault"},
      {"big * 2", "null fault"},
      {"(-big - 1) / -1", "null fault"},
      {"(-big - 1) % -1", "0"},
      {"i / (i - 7)", "null fault"},
      {"f / (f - f)", "null fault"},
      {"n + 1", "null"},
      {"n > 1", "false"},
      {"not (n > 1)", "true"},
      {"n != 1", "false"},
      {"n is null", "true"},
      {"coalesce(n, i)", "7"},
      {"if(n > 1, 1, 2)", "2"},
      {"i between 7 and 9", "true"},
      {"i not in (1, 2)", "true"},
      {"s like \"Stra?e*\"", "true"},
      {"s like \"*nine\"", "false"},
      {"s like~ \"*nine\"", "true"},
      {"s like (\"x*\", \"*e\")", "true"},
      {"s matches \"^Str.*N\"", "true"},
      {"s matches~ \"NINE$\"", "true"},
      {"s ==~ \"STRAßE NINE\"", "true"},
      {"length(s)", "11"},
      {"upper(substring(s, 0, 4))", "STRA"},
      {"substring(s, 4, 2)", "ße"},
      {"substring(s, 7)", "Nine"},
      {"substring(s, 50, 2)", ""},
      {"concat(lower(s), \"!\")", "straße nine!"},
      {"tags has \"admin\"", "true"},
      {"tags has \"adm\"", "false"},
      {"any(tags like \"adm*\")", "true"},
      {"length(tags)", "2"},
      {"starts_with(s, \"Stra\") and ends_with(s, \"ne\") and contains(s, \"e N\")", "true"},
      {"abs(f)", "2.500000"},
      {"floor(f)", "-3.000000"},
      {"ceil(f)", "-2.000000"},
      {"round(f)", "-3.000000"},
      {"sqrt(f)", "null fault"},
      {"max(i, 3, 9)", "9"},
      {"min(f, 1.5)", "-2.500000"},
      {"hour(at)", "22"},
      {"weekday(at)", "2"},
      {"date_trunc(at, \"day\") == @2023-11-14T00:00:00Z", "true"},
      {"date_trunc(at, \"week\") == @2023-11-13T00:00:00Z", "true"},
      {"date_trunc(at, \"month\") == @2023-11-01T00:00:00Z", "true"},
      {"date_trunc(at, \"year\") == @2023-01-01T00:00:00Z", "true"},
      {"at - @2023-11-14T00:00:00Z > 22h", "true"},
      {"at + 1h30m > at", "true"},
      {"in_cidr(ip, \"10.0.0.0/8\")", "true"},
      {"in_cidr(ip, \"10.1.3.0/24\")", "false"},
      {"in_cidr(s, \"10.0.0.0/8\")", "false"},
      {"round(distance_km(52.52, 13.405, 48.8566, 2.3522))", "877.000000"},
      {"hash(n)", "null"},
      {"hash(s) == hash(s) and hash(s) >= 0", "true"},
  };
  for (const auto& [expression, expected] : cases) {
    CAPTURE(expression);
    CHECK(value_of(expression) == expected);
  }
}

TEST_CASE("calendar functions agree with the C library over 400 years") {
  for (std::int64_t day = -100'000; day < 100'000; day += 37) {
    const std::int64_t time_ns = day * 86'400'000'000'000 + 12'345'000'000'000;
    const std::time_t seconds = day * 86'400 + 12'345;
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    CHECK(match::hour_of(time_ns) == utc.tm_hour);
    CHECK(match::weekday_of(time_ns) == (utc.tm_wday == 0 ? 7 : utc.tm_wday));
    std::tm first{};
    first.tm_year = utc.tm_year;
    first.tm_mon = utc.tm_mon;
    first.tm_mday = 1;
    CHECK(match::truncate_date(time_ns, match::DateUnit::month) == timegm(&first) * 1'000'000'000);
  }
}

TEST_CASE("networks") {
  CHECK(match::in_network("2001:db8::1", *match::parse_network("2001:db8::/32")));
  CHECK_FALSE(match::in_network("2001:db9::1", *match::parse_network("2001:db8::/32")));
  CHECK_FALSE(match::in_network("10.0.0.1", *match::parse_network("::/0")));
  CHECK(match::in_network("192.168.1.129", *match::parse_network("192.168.1.128/25")));
  CHECK_FALSE(match::in_network("192.168.1.127", *match::parse_network("192.168.1.128/25")));
  CHECK(match::in_network("1.2.3.4", *match::parse_network("1.2.3.4")));
  for (const char* wrong :
       {"", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "x/8", "10.0.0.0/8x"}) {
    CAPTURE(wrong);
    CHECK_FALSE(match::parse_network(wrong).has_value());
  }
}
