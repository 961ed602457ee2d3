// All small rules × all short streams: every pattern of one or two elements from a compact list, with every
// edge and every choice of report and skip, and of those of three elements as many as time allows, evenly
// spread; each over all streams of five letters a, b, c. Nothing waits for the end of input, so a stream
// stands for all its prefixes too.
//
// The streams run side by side, a partition each, and many rules in one plan: an engine run covers
// rules × 243 streams. TOCSIN_EXHAUSTIVE=N takes every Nth pattern of three elements (1: all, for hours).
// Where the build is slow (runs.hpp) and that is not set, patterns of two elements are thinned out as well.
#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <optional>

#include "tests/oracle/json.hpp"
#include "tests/oracle/runs.hpp"

using namespace tocsin;
using namespace tocsin::oracle;

namespace {

constexpr std::size_t stream_length = 5;
constexpr std::size_t rules_a_plan = 30;

const char* const schema = "event L {\n  p: int\n  c: string\n  at: time(s) @timestamp\n}\n";

struct Element {
  const char* text;  // `$` becomes the element's number, `@` the letter of the first element's first event
  int least;         // events that it takes at least
};

const std::vector<Element> elements = {
    {R"(s$: L[c == "a"])", 1},
    {R"(s$: L[c == "b"])", 1},
    {R"(s$: L)", 1},
    {R"(s$: L[c == "a"]?)", 0},
    {R"(s$: L[c == "b"]*)", 0},
    {R"(s$: L[c == "a"]+)", 1},
    {R"(s$: L+)", 1},
    {R"(s$: L[c == "a"]{2})", 2},
    {R"(s$: L[c != "b"]{2 strict})", 2},
    {R"(s$: L[c == "a"]{1..2 any})", 1},
    {R"(s$: L[c != "c"]{1.. strict})", 1},
    {R"(s$: L[c == "b"]{0..2})", 0},
    {R"(s$: L[c == prev.c]{2..3})", 2},
    {R"(s$: L[count(s$) < 2]{1..})", 1},
    {R"(( s$: L[c == "a"] | t$: L[c == "b"] ))", 1},
    {R"(( s$: L[c == "a"] -> t$: L[c == "b"] ))", 2},
    {R"(( s$: L[c == "a"] , t$: L | u$: L[c == "c"] ))", 2},
    {R"(( ( s$: L[c == "a"] ~> t$: L ) | u$: L[c == "c"] ))", 1},
    {R"(( s$: L[c == "b"]? | t$: L[c == "c"] ))", 0},
    {R"(s$: L[c != @])", 1},
    {R"(s$: L[c == @]+)", 1},
};
const char* const edges[] = {"->", "~>", ","};
const char* const clauses[] = {"report first after match skip past last",
                               "report first after match skip none", "report all after match skip none",
                               "report all after match skip past last"};
std::string replaced(std::string text, char what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, 1, by);
  }
  return text;
}

struct Pattern {
  std::string text;
  int least = 0;
};

/// The pattern of these elements, or nothing where it is no rule.
std::optional<Pattern> pattern_of(const std::vector<std::size_t>& which,
                                  const std::vector<std::size_t>& edge) {
  Pattern out;
  const std::string first = elements[which[0]].text;
  if (first.find('@') != std::string::npos) return std::nullopt;
  const bool repeats = first.back() == '+' || first.back() == '*' || first.back() == '}';
  for (std::size_t i = 0; i < which.size(); ++i) {
    const std::string numbered = replaced(elements[which[i]].text, '$', std::to_string(i));
    out.text += i == 0 ? "" : fmt::format(" {} ", edges[edge[i]]);
    out.text += replaced(numbered, '@', repeats ? "first(s0).c" : "s0.c");
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
    if (auto pattern = pattern_of(which, edge)) out.push_back(std::move(*pattern));
  }
  return out;
}

std::vector<std::string> all_rules(std::size_t stride_of_two, std::size_t stride_of_three) {
  const std::size_t strides[] = {1, stride_of_two, stride_of_three};
  std::vector<std::string> rules;
  for (const std::size_t size : {1, 2, 3}) {
    for (const Pattern& pattern : patterns_of(size, strides[size - 1])) {
      for (const char* clause : clauses) {
        const std::string bounds[] = {"", fmt::format("within {} events", std::max(3, pattern.least)),
                                      "within 3s"};
        const std::string& bound = bounds[rules.size() / std::size(clauses) % 3];
        rules.push_back(fmt::format("rule r{} {{ match {} partition by p {} {} }}\n", rules.size(),
                                    pattern.text, bound, clause));
      }
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
      writer.set_int(2, std::int64_t(position) * 1'000'000'000);
      writer.commit(0, 0, 0);
    }
  }
  return arrivals;
}

}  // namespace

TEST_CASE("all small rules over all short streams") {
  const char* text = std::getenv("TOCSIN_EXHAUSTIVE");
  const std::size_t stride =
      text == nullptr ? 997 * slowdown : std::max<std::size_t>(1, std::strtoull(text, nullptr, 10));
  const std::vector<std::string> rules = all_rules(text == nullptr ? slowdown : 1, stride);
  std::size_t matches = 0, failures = 0;
  for (std::size_t begin = 0; begin < rules.size() && failures < 3; begin += rules_a_plan) {
    const std::size_t end = std::min(begin + rules_a_plan, rules.size());
    std::string source = schema;
    for (std::size_t i = begin; i < end; ++i)
      source += rules[i];
    const plan::Plan plan = compile(source);
    Arrivals arrivals = all_streams(plan);
    const auto order = processing_order(arrivals);
    const auto expected = find_matches(plan, order);
    matches += expected.size();

    const std::size_t turn = begin / rules_a_plan;
    const Setup setups[] = {{runtime::MatcherChoice::automatic, turn % 2 == 0, 1, 1024},
                            {runtime::MatcherChoice::grouped, turn % 3 == 0, 1, 7},
                            {runtime::MatcherChoice::arena, turn % 2 == 1, 1, 1}};
    for (const Setup& setup : setups) {
      const std::string wrong = difference(plan, order, expected, run_engine(plan, arrivals, setup));
      const auto rule = wrong.find("\"rule\":\"r");
      const std::string culprit =
          rule == std::string::npos ? "" : rules[std::strtoull(wrong.c_str() + rule + 9, nullptr, 10)];
      if (!wrong.empty()) ++failures;
      INFO(to_string(setup) << "\n" << schema << culprit << wrong);
      CHECK(wrong.empty());
    }
  }
  MESSAGE(fmt::format("{} rules × {} streams = {} pairs, {} matches", rules.size(), number_of_streams(),
                      rules.size() * number_of_streams(), matches));
  CHECK(matches > rules.size());
}
