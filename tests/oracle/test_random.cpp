// Random rule files over random streams: the engine under some settings each, against the oracle.
//
// TOCSIN_RANDOM_CASES and TOCSIN_SEED choose how many and where to begin; case i of seed s is case 0 of seed
// s + i; a long run tells on stderr how far it has come. A failure is shrunk and printed as a script for
// tests/scripts.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <stdexcept>

#include "tests/oracle/generator.hpp"
#include "tests/oracle/json.hpp"
#include "tests/oracle/runs.hpp"
#include "tests/oracle/script.hpp"

using namespace tocsin;
using namespace tocsin::oracle;

namespace {

constexpr std::size_t most_candidates = 20'000;
constexpr std::uint64_t default_cases = 8'000 / slowdown;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

Arrivals arrivals_of(const Case& test, const plan::Plan& plan) {
  Arrivals arrivals{
      .events = {}, .lateness_ns = test.lateness_s * std::int64_t{1'000'000'000}, .sources = test.sources};
  for (const std::string& line : test.events)
    read_event(line, plan.catalog, arrivals.events);
  return arrivals;
}

std::string difference_in(const Case& test, const std::vector<Setup>& setups) {
  const plan::Plan plan = compile(rules_of(test));
  Arrivals arrivals = arrivals_of(test, plan);
  return difference_under(setups, plan, arrivals);
}

/// The failing case with nothing in it that could go, as a script with the oracle's matches.
std::string as_script(const Case& test, const std::vector<Setup>& setups) {
  const Case small = shrink(test, [&](const Case& less) {
    try {
      return !difference_in(less, setups).empty();
    } catch (const std::exception&) {
      return false;  // it does not compile any more, or explodes
    }
  });
  const plan::Plan plan = compile(rules_of(small));
  Arrivals arrivals = arrivals_of(small, plan);
  Script script{.purpose = "Found by the random comparison.",
                .rules = rules_of(small),
                .matcher = "",
                .lateness_ns = arrivals.lateness_ns,
                .sources = arrivals.sources,
                .tables = {},
                .events = small.events,
                .matches = {},
                .errors = {}};
  for (const Match& match : find_matches(plan, processing_order(arrivals))) {
    script.matches.push_back(to_json(match, plan));
  }
  return print(script) + difference_in(small, setups) + "\n";
}

}  // namespace

TEST_CASE("random rules over random streams") {
  const std::uint64_t seed = number_from("TOCSIN_SEED", 1);
  const std::uint64_t cases = number_from("TOCSIN_RANDOM_CASES", default_cases);
  std::size_t pairs = 0, with_matches = 0, matches = 0, too_many = 0, failures = 0;
  for (std::uint64_t i = 0; i < cases && failures < 3; ++i) {
    const Case test = random_case(seed + i);
    const auto setups = some_setups(i);
    std::string wrong;
    try {
      const plan::Plan plan = compile(rules_of(test));
      Arrivals arrivals = arrivals_of(test, plan);
      const auto expected = find_matches(plan, processing_order(arrivals), most_candidates);
      if (plan.rules.size() > 1 && has_unordered(expected)) throw TooMany("no order for later rules");
      pairs += plan.rules.size();
      matches += expected.size();
      with_matches += expected.empty() ? 0 : 1;
      wrong = difference_under(setups, plan, arrivals, expected);
      if (!wrong.empty()) wrong += "\n" + as_script(test, setups);
    } catch (const TooMany&) {
      ++too_many;
    } catch (const std::exception& error) {
      wrong = error.what();
    }
    if (!wrong.empty()) ++failures;
    if ((i + 1) % 10'000 == 0)
      std::fprintf(stderr, "%llu cases, %zu pairs\n", static_cast<unsigned long long>(i + 1), pairs);
    INFO(fmt::format("TOCSIN_SEED={} TOCSIN_RANDOM_CASES=1\n{}", seed + i, wrong));
    CHECK(wrong.empty());
  }
  MESSAGE(
      fmt::format("{} cases from seed {}, {} pairs of rule and stream: {} with matches, {} matches, {} left "
                  "out as too large",
                  cases, seed, pairs, with_matches, matches, too_many));
  if (cases >= 100) {
    CHECK(with_matches > cases / 4);  // else the generator tests little
    CHECK(too_many < cases / 20);
  }
}

TEST_CASE("random wide windows over random streams") {
  constexpr std::uint64_t fewer = 20;  // as they take longer
  const std::uint64_t seed = number_from("TOCSIN_SEED", 1);
  const std::uint64_t cases = number_from("TOCSIN_RANDOM_CASES", default_cases) / fewer;
  std::size_t matches = 0, failures = 0;
  for (std::uint64_t i = 0; i < cases && failures < 3; ++i) {
    const Case test = wide_window_case(seed + i);
    const std::vector<Setup> setups = {{.batch = i % 2 == 0 ? 1024U : 7U}, {.shards = 3, .batch = 64}};
    std::string wrong;
    try {
      const plan::Plan plan = compile(rules_of(test));
      Arrivals arrivals = arrivals_of(test, plan);
      const auto expected = find_matches(plan, processing_order(arrivals));
      matches += expected.size();
      wrong = difference_under(setups, plan, arrivals, expected);
      if (!wrong.empty()) wrong += "\n" + as_script(test, setups);
    } catch (const std::exception& error) {
      wrong = error.what();
    }
    if (!wrong.empty()) ++failures;
    INFO(fmt::format("TOCSIN_SEED={} TOCSIN_RANDOM_CASES={}\n{}", seed + i, fewer, wrong));
    CHECK(wrong.empty());
  }
  MESSAGE(fmt::format("{} cases from seed {}, {} matches", cases, seed, matches));
  if (cases >= 20) CHECK(matches > cases * 20);
}

TEST_CASE("random rules under tiny limits") {
  const std::uint64_t seed = number_from("TOCSIN_SEED", 1);
  const std::uint64_t cases = number_from("TOCSIN_RANDOM_CASES", default_cases) / 4;
  std::size_t cut_short = 0;
  for (std::uint64_t i = 0; i < cases; ++i) {
    Case test = random_case(seed + i);
    test.sources = 1;
    test.lateness_s = 0;  // a reorder buffer that overflows changes the order, and so anything
    // Dropping runs can only lose matches where no match strikes out another run and no rule reads another.
    test.rules.resize(1);
    if (test.rules[0].report == "total") continue;  // fewer runs, other totals
    test.rules[0].report = "all";
    test.rules[0].skip = "none";
    test.rules[0].throttle.clear();
    test.rules[0].timeout_type.clear();  // what has lost its next event looks unfinished
    if (!test.rules[0].match) continue;
    const plan::Plan plan = compile(rules_of(test));
    Arrivals arrivals = arrivals_of(test, plan);
    std::vector<Match> expected;
    try {
      expected = find_matches(plan, processing_order(arrivals), most_candidates);
    } catch (const TooMany&) {
      continue;
    }
    for (Match& match : expected)
      match.ordinal = 0;  // where some are missing, the others have other numbers
    const Limits tiny{.run_nodes_per_rule = 4,
                      .matches_per_event = 2,
                      .reorder_events = 2,
                      .batch_events = 2,
                      .batches_in_flight = 2};
    for (const Setup& setup : some_setups(i)) {
      auto found = run_engine(plan, arrivals, setup, tiny);
      for (Match& match : found) {
        match.ordinal = 0;
        INFO("TOCSIN_SEED=" << seed + i << " " << to_string(setup) << "\n"
                            << rules_of(test) << to_json(match, plan));
        CHECK(std::find(expected.begin(), expected.end(), match) != expected.end());
      }
      if (found.size() < expected.size()) ++cut_short;
    }
  }
  if (cases >= 25) CHECK(cut_short > 0);  // else the limits were not tiny
}

TEST_CASE("wide windows under tiny limits lose the same whatever the batches") {
  const std::uint64_t seed = number_from("TOCSIN_SEED", 1);
  const std::uint64_t cases = number_from("TOCSIN_RANDOM_CASES", default_cases) / 40;
  std::size_t cut_short = 0;
  for (std::uint64_t i = 0; i < cases; ++i) {
    const Case test = wide_window_case(seed + i);
    const plan::Plan plan = compile(rules_of(test));
    const Arrivals arrivals = arrivals_of(test, plan);
    const Limits tiny{.window_events_per_rule = 1 + i % 20, .window_keys_per_rule = 1 + i % 3};
    const auto found = run_engine(plan, arrivals, {.batch = 1024}, tiny);
    const std::string wrong = difference(plan, found, run_engine(plan, arrivals, {.batch = 1}, tiny));
    INFO("seed " << seed + i << "\n" << rules_of(test) << wrong);
    CHECK(wrong.empty());
    cut_short += difference(plan, found, run_engine(plan, arrivals, {})).empty() ? 0 : 1;
  }
  if (cases >= 25) CHECK(cut_short > cases / 4);  // else the limits were not tiny
}
