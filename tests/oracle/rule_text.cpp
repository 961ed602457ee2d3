// Printing and reducing rule texts.
#include "tests/oracle/rule_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tocsin::oracle {

using Kind = PatternText::Kind;

namespace {

std::string print_step(const PatternText& step) {
  std::string out = step.name.empty() ? step.type : step.name + ": " + step.type;
  if (!step.conditions.empty()) out += fmt::format("[{}]", fmt::join(step.conditions, " and "));
  out += step.quantifier;
  if (!step.until.empty()) out += fmt::format(" until [{}]", step.until);
  return out;
}

/// What stands between the children `index` - 1 and `index`.
std::string joint(const PatternText& list, std::size_t index) {
  if (list.kind == Kind::alternation) return " | ";
  if (list.kind == Kind::permutation) return " & ";
  std::string out = " ";
  for (const std::string& each : list.nots[index])
    out += each + " ";
  return out + list.edges[index] + " ";
}

bool has_brackets(const PatternText& pattern) {
  return pattern.kind != Kind::step && (!pattern.quantifier.empty() || !pattern.within.empty());
}

/// How loosely a pattern binds.
int looseness(const PatternText& pattern) {
  if (has_brackets(pattern)) return 0;
  switch (pattern.kind) {
    case Kind::step: return 0;
    case Kind::permutation: return 1;
    case Kind::alternation: return 2;
    case Kind::sequence: return 3;
  }
  return 3;
}

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string print_emit(const char* clause, const std::string& type, const Fields& emitted) {
  if (type.empty()) return "";
  std::vector<std::string> fields;
  for (const auto& [name, value] : emitted)
    fields.push_back(name + ": " + value);
  return fmt::format("  {} {} {{ {} }}\n", clause, type, fmt::join(fields, ", "));
}

}  // namespace

std::string print(const PatternText& pattern) {
  if (pattern.kind == Kind::step) return print_step(pattern);
  PatternText bare = pattern;
  bare.quantifier = bare.within = "";
  std::string out;
  for (std::size_t i = 0; i < pattern.children.size(); ++i) {
    const PatternText& child = pattern.children[i];
    if (i > 0) out += joint(pattern, i);
    const bool tighter = looseness(child) < looseness(bare);
    out += tighter ? print(child) : "( " + print(child) + " )";
  }
  if (!has_brackets(pattern)) return out;
  if (!pattern.within.empty()) out += " within " + pattern.within;
  return "( " + out + " )" + pattern.quantifier;
}

std::string print(const RuleText& rule) {
  std::string out;
  for (const std::string& table : rule.tables)
    out += table + "\n";
  out += "rule " + rule.name + " {\n";
  if (!rule.from.empty()) {
    std::vector<std::string> items;
    for (const auto& [type, condition] : rule.from)
      items.push_back(condition.empty() ? type : type + "[" + condition + "]");
    out += fmt::format("  from {}\n", fmt::join(items, ", "));
  }
  if (rule.match) {
    std::vector<std::string> parts = rule.before;
    parts.push_back(print(*rule.match));
    parts.insert(parts.end(), rule.after.begin(), rule.after.end());
    out += fmt::format("  match {}\n", fmt::join(parts, " -> "));
  }
  if (!rule.partition.empty()) out += fmt::format("  partition by {}\n", fmt::join(rule.partition, ", "));
  if (!rule.where.empty()) out += fmt::format("  where {}\n", fmt::join(rule.where, " and "));
  if (!rule.within.empty()) out += "  within " + rule.within + "\n";
  if (!rule.report.empty()) out += "  report " + rule.report + "\n";
  if (!rule.skip.empty()) out += "  after match skip " + rule.skip + "\n";
  out += print_emit("emit", rule.emit_type, rule.emit);
  out += print_emit("on timeout emit", rule.timeout_type, rule.timeout);
  return out + "}\n";
}

int least_events(const PatternText& pattern) {
  const std::string& text = pattern.quantifier;
  const bool plain = text.empty() || text[0] == '+';
  const int repeats = plain ? 1 : text[0] == '{' ? text[1] - '0' : 0;  // `{n…`, else `?` or `*`
  if (pattern.kind == Kind::step) return repeats;
  const bool either = pattern.kind == Kind::alternation;
  int least = either ? 1'000 : 0;
  for (const PatternText& child : pattern.children) {
    const int of_child = least_events(child);
    least = either ? std::min(least, of_child) : least + of_child;
  }
  return least * repeats;
}

namespace {

template <class List>
List without(List list, std::size_t index) {
  list.erase(list.begin() + std::ptrdiff_t(index));
  return list;
}

/// Quantifiers with one part less.
std::vector<std::string> simpler(const std::string& quantifier) {
  std::vector<std::string> out;
  for (const char* each : {"", "?", "+", "*"}) {
    if (quantifier.size() > std::string(each).size()) out.push_back(each);
  }
  const auto gap = quantifier.find(" gap");
  if (gap != std::string::npos) {
    out.push_back(quantifier);
    out.back().erase(gap, quantifier.find('}') - gap);
  }
  if (quantifier.size() > 1 && (quantifier.back() == '?' || quantifier.back() == '+')) {
    out.push_back(quantifier.substr(0, quantifier.size() - 1));  // reluctant or possessive
  }
  return out;
}

/// Patterns that have one part less before the child `index` of a sequence.
std::vector<PatternText> joint_reductions(const PatternText& pattern, std::size_t index) {
  std::vector<PatternText> out;
  if (pattern.edges[index] != "->") {
    out.push_back(pattern);
    out.back().edges[index] = "->";
  }
  for (std::size_t i = 0; i < pattern.nots[index].size(); ++i) {
    out.push_back(pattern);
    out.back().nots[index] = without(pattern.nots[index], i);
  }
  return out;
}

std::vector<PatternText> reductions(const PatternText& pattern) {
  std::vector<PatternText> out;
  const auto add = [&](auto&& change) {
    out.push_back(pattern);
    change(out.back());
  };
  for (const PatternText& child : pattern.children)
    out.push_back(child);
  for (std::size_t i = 0; i < pattern.children.size(); ++i) {
    if (pattern.children.size() > 2) {
      add([&](PatternText& less) {
        less.children = without(less.children, i);
        if (less.kind == Kind::sequence) less.edges = without(less.edges, i);
        if (less.kind == Kind::sequence) less.nots = without(less.nots, i);
      });
    }
    for (PatternText& child : reductions(pattern.children[i]))
      add([&](PatternText& less) { less.children[i] = std::move(child); });
    if (pattern.kind != Kind::sequence || i == 0) continue;
    for (PatternText& less : joint_reductions(pattern, i))
      out.push_back(std::move(less));
  }
  for (std::size_t i = 0; i < pattern.conditions.size(); ++i)
    add([&](PatternText& less) { less.conditions = without(less.conditions, i); });
  for (const std::string& quantifier : simpler(pattern.quantifier))
    add([&](PatternText& less) { less.quantifier = quantifier; });
  if (!pattern.until.empty()) add([](PatternText& less) { less.until.clear(); });
  if (!pattern.within.empty()) add([](PatternText& less) { less.within.clear(); });
  return out;
}

}  // namespace

std::vector<RuleText> reductions(const RuleText& rule) {
  std::vector<RuleText> out;
  const auto add = [&](auto&& change) {
    out.push_back(rule);
    change(out.back());
  };
  for (std::string RuleText::*clause : {&RuleText::within, &RuleText::report, &RuleText::skip}) {
    if (!(rule.*clause).empty()) add([&](RuleText& less) { (less.*clause).clear(); });
  }
  if (rule.match && !rule.emit_type.empty()) {
    add([](RuleText& less) {
      less.emit_type.clear();
      less.emit.clear();
    });
  }
  if (!rule.timeout_type.empty()) {
    add([](RuleText& less) {
      less.timeout_type.clear();
      less.timeout.clear();
    });
  }
  if (rule.match && !rule.from.empty()) add([](RuleText& less) { less.from.clear(); });
  for (std::size_t i = 0; i < rule.from.size(); ++i) {
    if (!rule.from[i].second.empty()) add([&](RuleText& less) { less.from[i].second.clear(); });
    if (rule.from.size() > 1) add([&](RuleText& less) { less.from = without(less.from, i); });
  }
  for (std::vector<std::string> RuleText::*list :
       {&RuleText::tables, &RuleText::partition, &RuleText::where, &RuleText::before, &RuleText::after}) {
    for (std::size_t i = 0; i < (rule.*list).size(); ++i)
      add([&](RuleText& less) { less.*list = without(less.*list, i); });
  }
  for (Fields RuleText::*list : {&RuleText::emit, &RuleText::timeout}) {
    for (std::size_t i = 0; i < (rule.*list).size() && (rule.*list).size() > 1; ++i)
      add([&](RuleText& less) { less.*list = without(less.*list, i); });
  }
  if (rule.match) {
    for (PatternText& pattern : reductions(*rule.match)) {
      add([&](RuleText& less) { less.match = std::move(pattern); });
    }
  }
  return out;
}

std::string rules_of(const Case& test) {
  std::string out = test.schema;
  for (const RuleText& rule : test.rules)
    out += print(rule);
  return out;
}

namespace {

using Fails = std::function<bool(const Case&)>;

/// Removes runs of elements of `list`, long ones first.
template <class Element>
bool drop_from(Case& test, std::vector<Element> Case::*list, const Fails& fails) {
  bool changed = false;
  for (std::size_t size = (test.*list).size(); size > 0; size /= 2) {
    for (std::size_t at = 0; at + size <= (test.*list).size();) {
      Case less = test;
      const auto begin = (less.*list).begin() + std::ptrdiff_t(at);
      (less.*list).erase(begin, begin + std::ptrdiff_t(size));
      if (fails(less)) {
        test = std::move(less);
        changed = true;
      } else {
        ++at;
      }
    }
  }
  return changed;
}

bool reduce_a_rule(Case& test, const Fails& fails) {
  for (std::size_t i = 0; i < test.rules.size(); ++i) {
    for (RuleText& reduced : reductions(test.rules[i])) {
      Case less = test;
      less.rules[i] = std::move(reduced);
      if (!fails(less)) continue;
      test = std::move(less);
      return true;
    }
  }
  return false;
}

}  // namespace

Case shrink(Case test, const Fails& fails) {
  for (bool changed = true; changed;) {
    changed = drop_from(test, &Case::events, fails);
    changed |= drop_from(test, &Case::rules, fails);
    while (reduce_a_rule(test, fails))
      changed = true;
  }
  return test;
}

}  // namespace tocsin::oracle
