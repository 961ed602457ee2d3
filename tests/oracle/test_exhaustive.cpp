// All small rules × all short streams: patterns of one to three elements from a compact list that has each
// construct of the language once, with every kind of edge; each over all streams of six letters a, b, c. Of
// the patterns of two and three elements as many as time allows, evenly spread. Bounds, absences, report,
// skip and timeouts are dealt out to the patterns by chance. A last event lets all timers fire, and nothing
// else waits for the end of input, so a stream stands for all its prefixes too.
//
// The streams run side by side, a partition each, and many rules in one plan: an engine run covers
// rules × 729 streams. TOCSIN_EXHAUSTIVE=N takes every Nth pattern of three elements and all of two (1: all,
// for hours).
#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <optional>

#include "tests/oracle/generator.hpp"
#include "tests/oracle/json.hpp"
#include "tests/oracle/runs.hpp"

using namespace tocsin;
using namespace tocsin::oracle;

namespace {

constexpr std::int64_t times_s[] = {0, 1, 1, 2, 4, 5};  // of a stream's events: some together, some apart
constexpr std::size_t stream_length = std::size(times_s);
constexpr std::int64_t last_s = 30;
constexpr std::size_t rules_a_plan = 30;

const char* const schema =
    "event L {\n  p: int\n  c: string\n  at: time(s) @timestamp\n}\n"
    "event End {\n  p: int\n  at: time(s) @timestamp\n}\n";

struct Element {
  const char* text;  // `$` becomes the element's number, `@` the letter of the first element's first event
  int least;         // events that it takes at least
  bool repeats = false;  // its step `s$` may take several
};

const std::vector<Element> elements = {
    {R"(s$: L[c == "a"])", 1},
    {R"(s$: L[c == "b"])", 1},
    {R"(s$: L)", 1},
    {R"(s$: L[c == "a"]?)", 0},
    {R"(s$: L[c == "b"]*)", 0, true},
    {R"(s$: L[c == "a"]+)", 1, true},
    {R"(s$: L+)", 1, true},
    {R"(s$: L[c == "a"]{2})", 2, true},
    {R"(s$: L[c != "b"]{2 strict})", 2, true},
    {R"(s$: L[c == "a"]{1..2 any})", 1, true},
    {R"(s$: L[c != "c"]{1.. strict})", 1, true},
    {R"(s$: L[c == "b"]{0..2})", 0, true},
    {R"(s$: L[c == prev.c]{2..3})", 2, true},
    {R"(s$: L[count(s$) < 2]{1..})", 1, true},
    {R"(( s$: L[c == "a"] | t$: L[c == "b"] ))", 1},
    {R"(( s$: L[c == "a"] -> t$: L[c == "b"] ))", 2},
    {R"(( s$: L[c == "a"] , t$: L | u$: L[c == "c"] ))", 2},
    {R"(( ( s$: L[c == "a"] ~> t$: L ) | u$: L[c == "c"] ))", 1},
    {R"(( s$: L[c == "b"]? | t$: L[c == "c"] ))", 0},
    {R"(s$: L[c != @])", 1},
    {R"(s$: L[c == @]+)", 1, true},
    {R"(s$: L[c != "c"]{1..}?)", 1, true},
    {R"(s$: L[c == "b"]*?)", 0, true},
    {R"(s$: L[c != "c"]{1..}+)", 1, true},
    {R"(s$: L[c == "b"]?+)", 0},
    {R"(s$: L[c == "a"]{1.. any}+)", 1, true},
    {R"(s$: L{1..} until [c == "c"])", 1, true},
    {R"(s$: L[c == "a"]{1..3 gap 1s})", 1, true},
    {R"(( s$: L[c == "a"] -> t$: L[c == "b"] ){1..})", 2, true},
    {R"(( s$: L[c == "a"] , t$: L[c != "a"] )*)", 0, true},
    {R"(( s$: L[c == "a"] | t$: L[c == "b"] ){2 strict})", 2, true},
    {R"(( s$: L[c == "a"] ~> t$: L within 1s ){1..2 any gap 2s})", 2, true},
    {R"(( s$: L[c != prev.c] -> t$: L[c == "b"]? ){2})", 2, true},
    {R"(( s$: L[c == "a"] & t$: L[c == "b"] ))", 2},
    {R"(( s$: L[c == "a"]+ & t$: L[c == "b"]? & u$: L ))", 2, true},
    {R"(s$: any[c == "b"])", 1},
};
const char* const edges[] = {"->",
                             "~>",
                             ",",
                             "->[1s]",
                             "~>[2s]",
                             R"(-> not L[c == "c"] ->)",
                             R"(-> not L[c == s0.c] ~>)",
                             R"(, not L[c == "c"] ->)"};

const std::vector<std::string> reports = {"first", "first", "all", "all", "last", "longest", "any"};
const std::vector<std::string> skips = {"past last", "past last",   "none",      "none",
                                        "to next",   "to first s0", "to last s0"};

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

struct Pattern {
  std::string text;
  int least = 0;
  std::size_t number = 0;  // among those of its size
};

/// The pattern of these elements, or nothing where it is no rule.
std::optional<Pattern> pattern_of(const std::vector<std::size_t>& which,
                                  const std::vector<std::size_t>& edge) {
  Pattern out;
  const std::string first = elements[which[0]].text;
  if (first.find("@") != std::string::npos) return std::nullopt;
  const bool repeats = elements[which[0]].repeats;
  for (std::size_t i = 0; i < which.size(); ++i) {
    const std::string numbered = replaced(elements[which[i]].text, "$", std::to_string(i));
    const std::string before = repeats ? replaced(edges[edge[i]], "s0.c", "first(s0).c") : edges[edge[i]];
    out.text += i == 0 ? "" : " " + before + " ";
    out.text += replaced(numbered, "@", repeats ? "first(s0).c" : "s0.c");
    out.least += elements[which[i]].least;
  }
  if (out.least == 0) return std::nullopt;
  return out;
}

/// Every pattern of `size` elements, by counting through all choices; every `stride`th of them.
std::vector<Pattern> patterns_of(std::size_t size, std::size_t stride) {
  std::vector<Pattern> out;
  std::size_t choices = 1;
  for (std::size_t i = 0; i < size; ++i)
    choices *= elements.size() * (i == 0 ? 1 : std::size(edges));
  for (std::size_t number = 0; number < choices; number += stride) {
    std::vector<std::size_t> which, edge;
    std::size_t rest = number;
    for (std::size_t i = 0; i < size; ++i) {
      which.push_back(rest % elements.size());
      rest /= elements.size();
      edge.push_back(i == 0 ? 0 : rest % std::size(edges));
      if (i > 0) rest /= std::size(edges);
    }
    if (auto pattern = pattern_of(which, edge)) {
      out.push_back(std::move(*pattern));
      out.back().number = number;
    }
  }
  return out;
}

/// A rule of this pattern, with bounds, absences, report and skip as the dice fall.
std::string rule_of(const Pattern& pattern, Dice& dice, std::size_t number) {
  std::string text = pattern.text;
  if (dice.chance(10)) text = R"(not L[c == "b"] for 1s -> )" + text;
  if (dice.chance(15)) text += R"( -> not L[c == "c"] for 1s)";
  if (dice.chance(5)) text += R"( -> not L[c == "a"] for 3s)";
  std::string out = fmt::format("rule r{} {{ match {} partition by p", number, text);
  const int bound = dice.below(4);
  if (bound == 1) out += fmt::format(" within {} events", std::max(3, pattern.least));
  if (bound >= 2) out += fmt::format(" within {}s", 1 + dice.below(4));
  if (bound == 3) out += fmt::format(" on timeout emit T{} {{ p, took: match_end - match_start }}", number);
  const std::string report = dice.pick(reports);
  const std::string skip = report == "any" ? skips[std::size_t(dice.below(4))] : dice.pick(skips);
  return out + fmt::format(" report {} after match skip {} }}\n", report, skip);
}

/// Rules of every pattern of one element, and of every so manieth of more.
std::vector<std::string> all_rules(std::size_t stride_of_two, std::size_t stride_of_three) {
  const std::size_t strides[] = {1, stride_of_two, stride_of_three};
  std::vector<std::string> rules;
  for (const std::size_t size : {1, 2, 3}) {
    for (const Pattern& pattern : patterns_of(size, strides[size - 1])) {
      Dice dice(pattern.number);
      for (int i = size == 1 ? 12 : 2; i > 0; --i)
        rules.push_back(rule_of(pattern, dice, rules.size()));
    }
  }
  return rules;
}

std::size_t number_of_streams() {
  std::size_t count = 1;
  for (std::size_t i = 0; i < stream_length; ++i)
    count *= 3;
  return count;
}

/// All streams, a partition each, letter by letter.
Arrivals all_streams(const plan::Plan& plan) {
  Arrivals arrivals;
  model::EventWriter writer(arrivals.events);
  std::size_t divisor = 1;
  for (std::size_t position = 0; position < stream_length; ++position, divisor *= 3) {
    for (std::size_t stream = 0; stream < number_of_streams(); ++stream) {
      const char letter = "abc"[stream / divisor % 3];
      writer.begin(*plan.catalog.find("L"));
      writer.set_int(0, std::int64_t(stream));
      writer.set_string(1, std::string_view(&letter, 1));
      writer.set_int(2, times_s[position] * 1'000'000'000);
      writer.commit(0, 0, 0);
    }
  }
  writer.begin(*plan.catalog.find("End"));
  writer.set_int(0, 0);
  writer.set_int(1, last_s * 1'000'000'000);
  writer.commit(0, 0, 0);
  return arrivals;
}

}  // namespace

TEST_CASE("all small rules over all short streams") {
  const char* text = std::getenv("TOCSIN_EXHAUSTIVE");
  const std::size_t stride =
      text == nullptr ? 11'987 * slowdown : std::max<std::size_t>(1, std::strtoull(text, nullptr, 10));
  const std::vector<std::string> rules = all_rules(text == nullptr ? 12 * slowdown : 1, stride);
  std::size_t matches = 0, failures = 0;
  for (std::size_t begin = 0; begin < rules.size() && failures < 3; begin += rules_a_plan) {
    const std::size_t end = std::min(begin + rules_a_plan, rules.size());
    std::string source = schema;
    for (std::size_t i = begin; i < end; ++i)
      source += rules[i];
    const plan::Plan plan = compile(source);
    Arrivals arrivals = all_streams(plan);
    const auto expected = find_matches(plan, processing_order(arrivals));
    matches += expected.size();

    const std::size_t turn = begin / rules_a_plan;
    const Setup setups[] = {{runtime::MatcherChoice::automatic, turn % 2 == 0, 1, 1024},
                            {runtime::MatcherChoice::grouped, turn % 3 == 0, 1, 7},
                            {runtime::MatcherChoice::arena, turn % 2 == 1, 1, 1}};
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
  MESSAGE(fmt::format("{} rules × {} streams = {} pairs, {} matches", rules.size(), number_of_streams(),
                      rules.size() * number_of_streams(), matches));
  CHECK(matches > rules.size());
}
