// Rules as the generators build them: the parts of the text, before any parser has seen it. They print as
// rule files, so that a random case goes through the whole language, and they know their own reductions, so
// that a failing one shrinks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::oracle {

struct PatternText {
  enum class Kind : std::uint8_t { step, sequence, alternation, permutation };
  Kind kind = Kind::step;
  std::string name;                     // of a step
  std::string type;                     // or `any`, which wants a condition
  std::vector<std::string> conditions;  // conjuncts
  std::string until;                    // of a step: a condition, or empty
  std::string quantifier;               // `+`, `{2.. strict gap 3s}?`, or empty
  std::string within;                   // of a group: `5s`, or empty
  std::vector<PatternText> children;    // of the others
  // Of a sequence, what stands before children[i]; of the first, nothing.
  std::vector<std::string> edges;              // `->[3s]`, `~>` or `,`
  std::vector<std::vector<std::string>> nots;  // `-> not B[x > 1]`, `, not B`; before the edge
};

struct RuleText {
  std::vector<std::string> tables;  // declarations that it needs, before it
  std::string name;
  std::vector<std::pair<std::string, std::string>> from;  // type and condition, which may be empty
  std::optional<PatternText> match;
  std::vector<std::string> before;     // `not B for 3s`, at the pattern's begin
  std::vector<std::string> after;      // the same at its end
  std::vector<std::string> partition;  // keys
  std::vector<std::string> where;      // conjuncts
  std::string within;                  // `5s`, `3 events`, or empty
  std::string report;
  std::string skip;
  std::string emit_type;
  std::vector<std::pair<std::string, std::string>> emit;  // name and expression
  std::string timeout_type;                               // of `on timeout emit`
  std::vector<std::pair<std::string, std::string>> timeout;
};

std::string print(const PatternText& pattern);
std::string print(const RuleText& rule);

/// The events of the shortest match; 0 where the pattern can match nothing at all, which is an error.
int least_events(const PatternText& pattern);

/// All rules that are `rule` with one part less. Some may not compile.
std::vector<RuleText> reductions(const RuleText& rule);

/// A rule file and its input. The schema stands apart, as it is never reduced.
struct Case {
  std::string schema;
  std::vector<RuleText> rules;
  std::vector<std::string> events;  // NDJSON, in arrival order
  int lateness_s = 0;
  unsigned sources = 1;
};

std::string rules_of(const Case& test);

/// Takes parts from `test` as long as `fails` holds of the rest: events, rules, then parts of rules.
/// Quadratic in the number of parts.
Case shrink(Case test, const std::function<bool(const Case&)>& fails);

}  // namespace tocsin::oracle
