// A second opinion: facts that Apache Flink CEP's own tests state (pattern, events, matches), where the
// shared data stands beside the repository. Each is translated into a rule with `report all` and `skip none`,
// and held by the oracle and the engine. Left out is what has no rule text yet: negation, `until`, possessive
// loops, repeated groups, and a repetition that is optional but not of one (`{2}` or nothing).
#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <simdjson.h>
#include <sstream>

#include "tests/oracle/json.hpp"
#include "tests/oracle/script.hpp"

using namespace tocsin::oracle;
using simdjson::dom::element;

namespace {

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

/// `{n..m mode}`, or nothing where the language has no such repetition yet. A step that stands `alone` takes
/// at least one event: a pattern that can match nothing is an error here, and finds nothing there.
std::optional<std::string> quantifier_of(element step, bool alone) {
  const bool optional = has(step, "optional") && !alone;
  if (has(step, "greedy") || has(step, "until")) return std::nullopt;
  if (!has(step, "times")) return optional ? "?" : "";
  const auto times = array_of(step["times"]);
  const std::int64_t least = times.at(0).get_int64().value();
  if (optional && least > 1) return std::nullopt;
  const bool has_most = !times.at(1).is_null();
  const std::string most = has_most ? std::to_string(times.at(1).get_int64().value()) : "";
  const std::string inner = text_of(step, "inner");
  const std::string mode = inner == "strict" ? " strict" : inner == "nondet" ? " any" : "";
  return fmt::format("{{{}..{}{}}}", optional ? 0 : least, most, mode);
}

std::optional<std::string> pattern_of(element steps) {
  std::string out;
  const bool alone = array_of(steps).size() == 1;
  for (const element step : array_of(steps)) {
    const std::string contiguity = text_of(step, "contiguity");
    if (contiguity == "not_followed" || contiguity == "not_next") return std::nullopt;
    if (contiguity != "begin")
      out += contiguity == "strict" ? " , " : contiguity == "nondet" ? " ~> " : " -> ";
    const auto quantifier = quantifier_of(step, alone);
    if (!quantifier) return std::nullopt;
    if (has(step, "group")) {
      const auto group = pattern_of(step["group"]);
      if (!group || !quantifier->empty()) return std::nullopt;
      out += "( " + *group + " )";
      continue;
    }
    const std::string condition = condition_of(step);
    out +=
        replaced(text_of(step, "name"), "-", "_") + ": E" + (condition.empty() ? "" : "[" + condition + "]");
    out += *quantifier;
  }
  return out;
}

std::optional<Script> script_of(element fact) {
  const auto pattern = pattern_of(fact["steps"]);
  if (!pattern) return std::nullopt;
  Script script;
  script.purpose = text_of(fact, "name");
  script.rules =
      fmt::format("{}rule r {{\n  match {}\n  report all\n  after match skip none\n}}\n", schema, *pattern);
  for (const element event : array_of(fact["events"])) {
    script.events.push_back(
        fmt::format(R"({{"type":"E","name":"{}","price":{},"volume":{},"sub":{},"at":{}}})",
                    text_of(event, "name"), event["price"].get_double().value(),
                    has(event, "volume") ? event["volume"].get_double().value() : 0.0, has(event, "type"),
                    event["ts"].get_int64().value()));
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
  std::size_t held = 0, left_out = 0;
  std::istringstream lines(read_text(path));
  for (std::string line; std::getline(lines, line);) {
    const element fact = parser.parse(line);
    const auto script = script_of(fact);
    if (!script) {
      ++left_out;
      continue;
    }
    INFO(print(*script));
    const auto plan = compile(script->rules);
    Arrivals arrivals;
    for (const std::string& event : script->events)
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
    CHECK(sorted(found) == sorted(expected));
    CHECK(difference_under(some_setups(held), plan, arrivals) == "");
    ++held;
  }
  MESSAGE(held << " facts held, " << left_out << " left out");
  CHECK(held >= 20);
}
