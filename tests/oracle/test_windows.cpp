// What the random streams are too short for: windows of more values than are kept as they are.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "tests/oracle/runs.hpp"

using namespace tocsin;
using namespace tocsin::oracle;

namespace {

constexpr std::size_t exact_values = 1'024;
constexpr double sketch_error = 0.0101;  // relative; a little more than it promises, for rounding
const char* const schema = "event E { x: int, at: time(s) @timestamp }\n";

struct Reading {
  std::int64_t at_s;
  std::int64_t x;
};

/// One event a second; values scattered over 0 … 99,999.
std::vector<Reading> readings(std::size_t count, std::int64_t begin_s = 0) {
  std::vector<Reading> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back({begin_s + std::int64_t(i), std::int64_t(i * 7'919 % 100'003 % 100'000)});
  return out;
}

Arrivals arrivals_of(const plan::Plan& plan, const std::vector<Reading>& readings) {
  Arrivals arrivals;
  model::EventWriter writer(arrivals.events);
  for (const Reading& reading : readings) {
    writer.begin(*plan.catalog.find("E"));
    writer.set_int(0, reading.x);
    writer.set_int(1, reading.at_s * 1'000'000'000);
    writer.commit(0, 0, 0);
  }
  return arrivals;
}

const std::vector<Setup> setups = {{.batch = 1024}, {.batch = 7}, {.shards = 3, .batch = 64}};

/// Is `found` as near as a sketch promises to a value that stands at the percentile's place?
bool is_near(double found, std::vector<std::int64_t> values, double percent) {
  std::sort(values.begin(), values.end());
  const double rank = double(values.size() - 1) * percent / 100;
  for (const double near : {std::floor(rank), std::ceil(rank)}) {
    const double value = double(values[std::size_t(near)]);
    if (std::abs(found - value) <= sketch_error * std::abs(value)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("collect gives the newest thousand, approx_distinct of many is near") {
  const plan::Plan plan = compile(
      std::string(schema) +
      "rule t { from E window tumbling 2500 events emit T { each: collect(x), about: approx_distinct(x) } }\n"
      "rule s { from E window sliding 2h when count() % 97 == 0 on every\n"
      "         emit S { each: collect(x), about: approx_distinct(x), some: approx_distinct(x % 300) } }\n");
  Arrivals arrivals = arrivals_of(plan, readings(slowdown == 1 ? 5'000 : 2'600));
  CHECK(difference_under(setups, plan, arrivals) == "");
}

TEST_CASE("percentiles of many values are those of a sketch, of either sign") {
  for (const std::int64_t shift : {1, -50'000}) {
    const plan::Plan plan =
        compile(std::string(schema) +
                "rule r { from E window sliding 2500 events\n"
                "  emit D { low: percentile(x, 3), mid: median(x), high: percentile(x, 99) } }\n");
    std::vector<Reading> input = readings(4'000);
    for (Reading& each : input)
      each.x += shift;
    const Arrivals arrivals = arrivals_of(plan, input);
    for (const Setup& setup : setups) {
      const auto matches = run_engine(plan, arrivals, setup);
      REQUIRE(matches.size() == input.size());
      for (std::size_t i = exact_values + 1; i < matches.size(); i += 37) {
        std::vector<std::int64_t> values;
        for (std::size_t j = i < 2'500 ? 0 : i - 2'499; j <= i; ++j)
          values.push_back(input[j].x);
        INFO(shift << " " << i << " " << to_json(matches[i], plan));
        CHECK(is_near(matches[i].fields[0].f, values, 3));
        CHECK(is_near(matches[i].fields[1].f, values, 50));
        CHECK(is_near(matches[i].fields[2].f, values, 99));
      }
    }
  }
}

TEST_CASE("percentiles are exact up to 1,024 values, and again once the window was empty") {
  const plan::Plan plan = compile(std::string(schema) +
                                  "rule r { from E window sliding 2h emit D { mid: percentile(x, 33) } }\n");
  std::vector<Reading> input = readings(2'000);
  const auto later = readings(exact_values, 50'000);
  input.insert(input.end(), later.begin(), later.end());
  Arrivals arrivals = arrivals_of(plan, input);
  const auto expected = find_matches(plan, processing_order(arrivals));
  for (const Setup& setup : setups) {
    const auto found = run_engine(plan, arrivals, setup);
    REQUIRE(found.size() == expected.size());
    std::size_t others = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const double a = expected[i].fields[0].f, b = found[i].fields[0].f;
      const bool same = std::abs(a - b) <= 1e-9 * std::max(1.0, std::abs(a));
      const bool exact = i < exact_values || i >= 2'000;
      if (exact) {
        INFO(i << " " << a << " " << b);
        CHECK(same);
      }
      others += same ? 0 : 1;
    }
    CHECK(others > 100);  // else there is no sketch
  }
}
