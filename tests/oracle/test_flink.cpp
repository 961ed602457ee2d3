// A second opinion: facts that Apache Flink CEP's own tests state (pattern, events, matches), where the
// shared data stands beside the repository. Each is translated into a rule with `report all` and `skip none`,
// and held by the oracle and the engine. Where the languages differ on purpose, `differences` says so.
#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <fmt/format.h>
#include <simdjson.h>
#include <sstream>

#include "tests/oracle/json.hpp"
#include "tests/oracle/script.hpp"

using namespace tocsin::oracle;
using simdjson::dom::element;

namespace {

/// Facts that do not hold here, and why.
const std::pair<const char*, const char*> differences[] = {
    {"NotPatternITCase.testNotFollowedByNextAfterOneOrMoreCombinations",
     "a `not` holds for the gap in which it stands: a later repeat begins a new one"},
    {"NotPatternITCase.testNotFollowedByNextAfterOneOrMoreEager", "the same"},
    {"UntilConditionITCase.testUntilConditionFollowedByAnyOneOrMore",
     "`until` counts from the event before the loop on, also where `~>` passes over the event that ends it"},
};

const char* const schema = R"(event E {
  name: string
  price: float
  volume: float
  sub: bool
  at: time(ms) @timestamp
}
)";

bool has(element object, const char* key) {
  auto value = object[key];
  return value.error() == simdjson::SUCCESS && !value.value().is_null();
}

// By value: what a temporary result refers to does not outlive it.
simdjson::dom::array array_of(element value) {
  return value.get_array().value();
}

std::string text_of(element object, const char* key) {
  return has(object, key) ? std::string(object[key].get_string().value()) : std::string();
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

std::string condition_of(element step) {
  std::string text = text_of(step, "cond");
  text = replaced(text, "type == SubEvent", "sub");
  text = replaced(text, "name startswith \"foo\"", "starts_with(name, \"foo\")");
  return replaced(text, " so far", "");
}

/// `{n..m mode}`. A step that stands `alone` takes at least one event: a pattern that can match nothing is an
/// error here, and finds nothing there.
std::string quantifier_of(element step, bool alone) {
  const bool optional = has(step, "optional") && !alone;
  if (!has(step, "times")) return optional ? "?" : "";
  const auto times = array_of(step["times"]);
  const std::int64_t least = times.at(0).get_int64().value();
  const bool has_most = !times.at(1).is_null();
  const std::string most = has_most ? std::to_string(times.at(1).get_int64().value()) : "";
  const std::string inner = text_of(step, "inner");
  const std::string mode = inner == "strict" ? " strict" : inner == "nondet" ? " any" : "";
  return fmt::format("{{{}..{}{}}}{}", optional && least <= 1 ? 0 : least, most, mode,
                     has(step, "greedy") ? "+" : "");
}

/// `{2..}` or nothing is an optional group here.
bool is_optional_group(element step) {
  return has(step, "optional") && has(step, "times") && array_of(step["times"]).at(0).get_int64().value() > 1;
}

/// Their bounds exclude what ours include, and their times are in ms.
std::string bound_of(element step) {
  return fmt::format("{}us", step["within"]["ms"].get_int64().value() * 1'000 - 1);
}

std::string name_of(element step) {
  std::string name = text_of(step, "name");
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '*'; }, '_');
  return name;
}

std::string pattern_of(element steps) {
  std::string out;
  const bool alone = array_of(steps).size() == 1;
  for (const element step : array_of(steps)) {
    const std::string contiguity = text_of(step, "contiguity");
    const std::string condition = condition_of(step);
    const std::string taken = condition.empty() ? "E" : "E[" + condition + "]";
    if (contiguity == "not_followed" || contiguity == "not_next") {
      out += (contiguity == "not_next" ? " , not " : " -> not ") + taken;
      if (has(step, "within")) out += " for " + bound_of(step);
      continue;
    }
    if (contiguity != "begin")
      out += contiguity == "strict" ? " , " : contiguity == "nondet" ? " ~> " : " -> ";
    std::string element =
        has(step, "group") ? "( " + pattern_of(step["group"]) + " )" : name_of(step) + ": " + taken;
    element += quantifier_of(step, alone);
    if (has(step, "until")) element += " until [" + text_of(step, "until") + "]";
    out += is_optional_group(step) ? "( " + element + " )?" : element;
  }
  return out;
}

Script script_of(element fact) {
  Script script;
  script.purpose = text_of(fact, "name");
  std::string within;
  for (const element step : array_of(fact["steps"])) {
    const bool waits = text_of(step, "contiguity") == "not_followed";
    if (has(step, "within") && !waits) within = "  within " + bound_of(step) + "\n";
  }
  script.rules = fmt::format("{}rule r {{\n  match {}\n{}  report all\n  after match skip none\n}}\n", schema,
                             pattern_of(fact["steps"]), within);
  std::int64_t now_ms = 0;  // they stand in order of arrival, whatever their times
  for (const element event : array_of(fact["events"])) {
    now_ms = std::max(now_ms, event["ts"].get_int64().value());
    script.events.push_back(fmt::format(
        R"({{"type":"E","name":"{}","price":{},"volume":{},"sub":{},"at":{}}})", text_of(event, "name"),
        event["price"].get_double().value(),
        has(event, "volume") ? event["volume"].get_double().value() : 0.0, has(event, "type"), now_ms));
  }
  return script;
}

/// The matches as sorted lists of event ids: what the facts leave in no order.
std::vector<std::vector<std::string>> sorted(std::vector<std::vector<std::string>> matches) {
  std::sort(matches.begin(), matches.end());
  return matches;
}

}  // namespace

TEST_CASE("facts of Flink CEP") {
  const std::string path = TOCSIN_SOURCE_DIR "/../shared/conformance/flink_cep.jsonl";
  if (!std::filesystem::exists(path)) {
    MESSAGE("left out: no " << path);
    return;
  }
  simdjson::dom::parser parser;
  std::size_t facts = 0;
  std::istringstream lines(read_text(path));
  for (std::string line; std::getline(lines, line);) {
    const element fact = parser.parse(line);
    const Script script = script_of(fact);
    INFO(print(script));
    const auto plan = compile(script.rules);
    Arrivals arrivals;
    for (const std::string& event : script.events)
      read_event(event, plan.catalog, arrivals.events);

    std::vector<std::vector<std::string>> expected, found;
    for (const element match : array_of(fact["expected"])) {
      expected.emplace_back();
      for (const element id : array_of(match))
        expected.back().emplace_back(id.get_string().value());
    }
    for (const Match& match : find_matches(plan, processing_order(arrivals))) {
      found.emplace_back();
      for (const auto& [step, seq] : match.events)
        found.back().push_back(fmt::format("e{}", seq));
    }
    const bool differs = std::any_of(std::begin(differences), std::end(differences),
                                     [&](const auto& each) { return each.first == script.purpose; });
    CHECK((sorted(found) == sorted(expected)) != differs);
    CHECK(difference_under(some_setups(facts), plan, arrivals) == "");
    ++facts;
  }
  CHECK(facts == 57);
}
