// All small rules × all short streams: every pattern of one or two elements from a compact list, with every
// edge and every choice of report and skip, and of those of three elements as many as time allows, evenly
// spread; each over all streams of five letters a, b, c. Nothing waits for the end of input, so a stream
// stands for all its prefixes too.
//
// The streams run side by side, a partition each, and many rules in one plan: an engine run covers
// rules × 243 streams. TOCSIN_EXHAUSTIVE=N takes every Nth pattern of three elements (1: all, for hours).
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "tests/oracle/json.hpp"
#include "tests/oracle/runs.hpp"

using namespace tocsin;
using namespace tocsin::oracle;

namespace {

constexpr std::size_t stream_length = 5;
constexpr std::size_t rules_a_plan = 30;

const char* const schema = "event L {\n  p: int\n  c: string\n  at: time(s) @timestamp\n}\n";

/// `$` becomes the element's number, `@` the letter of the first element's first step.
const std::vector<std::string> elements = {
    R"(s$: L[c == "a"])",
    R"(s$: L[c == "b"])",
    R"(s$: L)",
    R"(s$: L[c == "a"]?)",
    R"(s$: L[c == "b"]*)",
    R"(s$: L[c == "a"]+)",
    R"(s$: L+)",
    R"(s$: L[c == "a"]{2})",
    R"(s$: L[c != "b"]{2 strict})",
    R"(s$: L[c == "a"]{1..2 any})",
    R"(s$: L[c != "c"]{1.. strict})",
    R"(s$: L[c == "b"]{0..2})",
    R"(s$: L[c == prev.c]{2..3})",
    R"(s$: L[count(s$) < 2]{1..})",
    R"(( s$: L[c == "a"] | t$: L[c == "b"] ))",
    R"(( s$: L[c == "a"] -> t$: L[c == "b"] ))",
    R"(( s$: L[c == "a"] , t$: L | u$: L[c == "c"] ))",
    R"(( s$: L[c == "b"]? | t$: L[c == "c"] ))",
    R"(s$: L[c != @])",
    R"(s$: L[c == @]+)",
};
const char* const edges[] = {"->", "~>", ","};
const char* const clauses[] = {
    "report first after match skip past last", "report first after match skip none",
    "report all after match skip none", "report all after match skip past last"};
const char* const bounds[] = {"", "within 3 events", "within 3s"};

std::string replaced(std::string text, char what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, 1, by);
  }
  return text;
}

bool repeats(const std::string& element) {
  const char last = element.back();
  return last == '+' || last == '*' || last == '}';
}

bool can_be_empty(const std::string& element) {
  return element.back() == '?' || element.back() == '*' || element.find("{0") != std::string::npos ||
         element.find("?") != std::string::npos;
}

/// The pattern of these elements, or nothing where it is no rule.
std::string pattern_of(const std::vector<std::size_t>& which, const std::vector<std::size_t>& edge) {
  std::string out;
  bool empty = true;
  for (std::size_t i = 0; i < which.size(); ++i) {
    const std::string& element = elements[which[i]];
    if (i == 0 && element.find('@') != std::string::npos) return "";
    const std::string first = repeats(elements[which[0]]) ? "first(s0).c" : "s0.c";
    out += (i == 0 ? "" : fmt::format(" {} ", edges[edge[i]])) +
           replaced(replaced(element, '$', std::to_string(i)), '@', first);
    empty = empty && can_be_empty(element);
  }
  return empty ? "" : out;
}

/// Every pattern of `size` elements, by counting through all choices; every `stride`th of them.
std::vector<std::string> patterns_of(std::size_t size, std::size_t stride) {
  std::vector<std::string> out;
  std::size_t choices = 1;
  for (std::size_t i = 0; i < size; ++i) choices *= elements.size() * (i == 0 ? 1 : std::size(edges));
  for (std::size_t number = 0; number < choices; number += stride) {
    std::vector<std::size_t> which, edge;
    std::size_t rest = number;
    for (std::size_t i = 0; i < size; ++i) {
      which.push_back(rest % elements.size());
      rest /= elements.size();
      edge.push_back(i == 0 ? 0 : rest % std::size(edges));
      if (i > 0) rest /= std::size(edges);
    }
    std::string pattern = pattern_of(which, edge);
    if (!pattern.empty()) out.push_back(std::move(pattern));
  }
  return out;
}

std::vector<std::string> all_rules(std::size_t stride) {
  std::vector<std::string> rules;
  for (const std::size_t size : {1, 2, 3}) {
    for (const std::string& pattern : patterns_of(size, size == 3 ? stride : 1)) {
      for (const char* clause : clauses) {
        // One and two elements get every bound in turn; the bound changes with the rule otherwise.
        const char* bound = bounds[rules.size() / std::size(clauses) % std::size(bounds)];
        rules.push_back(fmt::format("rule r{} {{ match {} partition by p {} {} }}\n", rules.size(), pattern, bound,
                                    clause));
      }
    }
  }
  return rules;
}

std::size_t number_of_streams() {
  std::size_t count = 1;
  for (std::size_t i = 0; i < stream_length; ++i) count *= 3;
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
  const std::size_t stride = text == nullptr ? 997 : std::max<std::size_t>(1, std::strtoull(text, nullptr, 10));
  const std::vector<std::string> rules = all_rules(stride);
  std::size_t matches = 0, failures = 0;
  for (std::size_t begin = 0; begin < rules.size() && failures < 3; begin += rules_a_plan) {
    const std::size_t end = std::min(begin + rules_a_plan, rules.size());
    std::string source = schema;
    for (std::size_t i = begin; i < end; ++i) source += rules[i];
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
