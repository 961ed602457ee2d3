// All small rules with windows × all short streams: every kind of window with every way to fire and a list of
// conditions that rise and fall, over all streams of a few events. An event is a letter, which says how long
// it comes after the one before and what it carries, so that bounds are met, missed and shared.
//
// The streams run side by side, a partition each, in order of time. TOCSIN_EXHAUSTIVE lengthens them.
#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <vector>

#include "tests/oracle/json.hpp"
#include "tests/oracle/runs.hpp"

using namespace tocsin;
using namespace tocsin::oracle;

namespace {

struct Letter {
  int after_s;           // the event before it
  std::optional<int> x;  // null
};
const std::vector<Letter> letters = {{0, 1}, {0, 3}, {1, 0}, {1, 2}, {2, 1}, {3, 3}, {1, std::nullopt}};
constexpr std::int64_t last_s = 40;
constexpr std::size_t rules_a_plan = 24;

const char* const schema =
    "event L { p: int, x: int?, at: time(s) @timestamp }\n"
    "event End { at: time(s) @timestamp }\n";

const std::vector<std::string> sliding = {"sliding 2s", "sliding 3s", "sliding 2 events"};
const std::vector<std::string> closing = {"tumbling 2s", "tumbling 3s", "tumbling 2 events", "session gap 1s",
                                          "session gap 2s"};
const std::vector<std::string> hopping = {"hopping 3s every 1s", "hopping 3s every 2s",
                                          "hopping 1s every 2s"};

const std::vector<std::string> fires_sliding = {"on rise",
                                                "on every",
                                                "on fall",
                                                "on rise for 1s",
                                                "on rise for 2s",
                                                "on rise keep 1s",
                                                "on rise keep 2s",
                                                "on fall keep 1s",
                                                "on fall keep 2s",
                                                "on rise for 2s keep 1s",
                                                "on rise for 1s keep 2s",
                                                "on rise for 2s keep 2s",
                                                "on fall keep 3s"};
const std::vector<std::string> fires_closing = {"on close", "on every", "on rise"};

const std::vector<std::string> conditions = {
    "count() >= 2",
    "count() < 2",
    "sum(x) > 3",
    "avg(x) > 1.5",
    "avg(x) < 1.5",
    "max(x) >= 3 and min(x) <= 1",
    "not (x > 1)",
    "distinct(x) == 2",
    "last(x) > first(x)",
    "median(x) >= 2 or count() == 1",
    "x is null or x == max(x)",
    "is_new(x)",
};

const std::vector<std::string> emits = {
    "p, n: count(), total: sum(x), from: window_start, to: window_end",
    "p, x, mean: avg(x), least: min(x), most: max(x), sd: stddev(x), per_s: rate()",
    "p, each: collect(x), often: top(x, 2), middle: percentile(x, 40), kinds: distinct(x), m: ewma(x, 1s)",
    "p, at, oldest: first(x), newest: last(x), values: count(x), about: approx_distinct(x)",
};

std::vector<std::string> all_rules() {
  std::vector<std::string> rules;
  const auto add = [&](const std::string& window, const std::string& when) {
    const std::size_t number = rules.size();
    rules.push_back(fmt::format("rule r{} {{ from L partition by p window {}{} {} emit D{} {{ {} }} }}\n",
                                number, window, when, number % 7 == 6 ? "throttle 2s" : "", number,
                                emits[(number + number / emits.size()) % emits.size()]));
  };
  const auto cross = [&](const std::vector<std::string>& windows, const std::vector<std::string>& fires) {
    for (const std::string& window : windows) {
      for (const std::string& condition : conditions) {
        for (const std::string& on : fires) {
          const bool arrives = on == "on every" || (on.find("on rise") == 0 && on.find("for") == on.npos);
          if (condition == "is_new(x)" && !arrives) continue;
          add(window, " when " + condition + " " + on);
        }
      }
      for (std::size_t i = 0; i < emits.size(); ++i)
        add(window, "");
    }
  };
  cross(sliding, fires_sliding);
  cross(closing, fires_closing);
  cross(hopping, {"on close"});
  return rules;
}

std::size_t number_of_streams(std::size_t length) {
  std::size_t count = 1;
  for (std::size_t i = 0; i < length; ++i)
    count *= letters.size();
  return count;
}

/// All streams of `length` letters, a partition each, in order of time.
Arrivals all_streams(const plan::Plan& plan, std::size_t length) {
  struct Item {
    std::int64_t at_s;
    std::size_t stream;
    std::optional<int> x;
  };
  std::vector<Item> items;
  for (std::size_t stream = 0; stream < number_of_streams(length); ++stream) {
    std::int64_t now_s = 0;
    std::size_t rest = stream;
    for (std::size_t i = 0; i < length; ++i, rest /= letters.size()) {
      const Letter& letter = letters[rest % letters.size()];
      now_s += letter.after_s;
      items.push_back({now_s, stream, letter.x});
    }
  }
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.at_s < b.at_s; });

  Arrivals arrivals;
  model::EventWriter writer(arrivals.events);
  for (const Item& item : items) {
    writer.begin(*plan.catalog.find("L"));
    writer.set_int(0, std::int64_t(item.stream));
    if (item.x) writer.set_int(1, *item.x);
    writer.set_int(2, item.at_s * 1'000'000'000);
    writer.commit(0, 0, 0);
  }
  writer.begin(*plan.catalog.find("End"));
  writer.set_int(0, last_s * 1'000'000'000);
  writer.commit(0, 0, 0);
  return arrivals;
}

}  // namespace

TEST_CASE("all small rules with windows over all short streams") {
  const std::size_t length = std::getenv("TOCSIN_EXHAUSTIVE") == nullptr ? 4 : 5;
  const std::vector<std::string> rules = all_rules();
  std::size_t matches = 0, pairs = 0, failures = 0;
  for (std::size_t begin = 0; begin < rules.size() && failures < 3; begin += rules_a_plan * slowdown) {
    const std::size_t end = std::min(begin + rules_a_plan, rules.size());
    std::string source = schema;
    for (std::size_t i = begin; i < end; ++i)
      source += rules[i];
    const plan::Plan plan = compile(source);
    Arrivals arrivals = all_streams(plan, length);
    const auto expected = find_matches(plan, processing_order(arrivals));
    matches += expected.size();
    pairs += (end - begin) * number_of_streams(length);

    const std::size_t turn = begin / rules_a_plan;
    const Setup setups[] = {{runtime::MatcherChoice::automatic, turn % 2 == 0, 1, turn % 3 == 0 ? 1U : 1024U},
                            {runtime::MatcherChoice::automatic, turn % 2 == 1, 2 + unsigned(turn % 2), 7}};
    for (const Setup& setup : setups) {
      const std::string wrong = difference(plan, expected, run_engine(plan, arrivals, setup));
      const auto rule = wrong.find("\"rule\":\"r");
      const std::string culprit =
          rule == std::string::npos ? "" : rules[std::strtoull(wrong.c_str() + rule + 9, nullptr, 10)];
      if (!wrong.empty()) ++failures;
      INFO(to_string(setup) << "\n" << std::string(schema) << culprit << wrong);
      CHECK(wrong.empty());
    }
  }
  MESSAGE(fmt::format("{} rules × {} streams = {} pairs, {} matches", rules.size(), number_of_streams(length),
                      pairs, matches));
  CHECK(matches > pairs / 20);
}
