// Printing and reducing rule texts.
#include "tests/oracle/rule_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tocsin::oracle {

using Kind = PatternText::Kind;

std::string print(const PatternText& pattern) {
  if (pattern.kind == Kind::step) {
    std::string out = pattern.name.empty() ? pattern.type : pattern.name + ": " + pattern.type;
    if (!pattern.conditions.empty()) out += fmt::format("[{}]", fmt::join(pattern.conditions, " and "));
    return out + pattern.quantifier;
  }
  std::string out;
  for (std::size_t i = 0; i < pattern.children.size(); ++i) {
    const PatternText& child = pattern.children[i];
    if (i > 0) out += pattern.kind == Kind::alternation ? " | " : " " + pattern.edges[i] + " ";
    // A step alone needs no parentheses, nor does an alternation in a sequence, as `|` binds tighter.
    const bool bare =
        child.kind == Kind::step || (pattern.kind == Kind::sequence && child.kind == Kind::alternation);
    out += bare ? print(child) : "( " + print(child) + " )";
  }
  return out;
}

std::string print(const RuleText& rule) {
  std::string out = "rule " + rule.name + " {\n";
  if (!rule.from.empty()) {
    std::vector<std::string> items;
    for (const auto& [type, condition] : rule.from)
      items.push_back(condition.empty() ? type : type + "[" + condition + "]");
    out += fmt::format("  from {}\n", fmt::join(items, ", "));
  }
  if (rule.match) out += "  match " + print(*rule.match) + "\n";
  if (!rule.partition.empty()) out += fmt::format("  partition by {}\n", fmt::join(rule.partition, ", "));
  if (!rule.where.empty()) out += fmt::format("  where {}\n", fmt::join(rule.where, " and "));
  if (!rule.within.empty()) out += "  within " + rule.within + "\n";
  if (!rule.report.empty()) out += "  report " + rule.report + "\n";
  if (!rule.skip.empty()) out += "  after match skip " + rule.skip + "\n";
  if (!rule.emit_type.empty()) {
    std::vector<std::string> fields;
    for (const auto& [name, value] : rule.emit)
      fields.push_back(name + ": " + value);
    out += fmt::format("  emit {} {{ {} }}\n", rule.emit_type, fmt::join(fields, ", "));
  }
  return out + "}\n";
}

int least_events(const PatternText& pattern) {
  if (pattern.kind == Kind::step) {
    const std::string& text = pattern.quantifier;
    if (text == "?" || text == "*") return 0;
    return text.empty() || text == "+" ? 1 : text[1] - '0';  // `{n…`
  }
  int least = pattern.kind == Kind::sequence ? 0 : 1'000;
  for (const PatternText& child : pattern.children) {
    const int of_child = least_events(child);
    least = pattern.kind == Kind::sequence ? least + of_child : std::min(least, of_child);
  }
  return least;
}

namespace {

template <class List>
List without(List list, std::size_t index) {
  list.erase(list.begin() + std::ptrdiff_t(index));
  return list;
}

std::vector<PatternText> reductions(const PatternText& pattern) {
  std::vector<PatternText> out;
  for (const PatternText& child : pattern.children)
    out.push_back(child);
  for (std::size_t i = 0; i < pattern.children.size(); ++i) {
    PatternText less = pattern;
    less.children = without(less.children, i);
    if (!less.edges.empty()) less.edges = without(less.edges, i);
    if (less.children.size() > 1) out.push_back(less);
    for (PatternText& child : reductions(pattern.children[i])) {
      less = pattern;
      less.children[i] = std::move(child);
      out.push_back(less);
    }
    if (pattern.kind == Kind::sequence && i > 0 && pattern.edges[i] != "->") {
      less = pattern;
      less.edges[i] = "->";
      out.push_back(less);
    }
  }
  for (std::size_t i = 0; i < pattern.conditions.size(); ++i) {
    out.push_back(pattern);
    out.back().conditions = without(pattern.conditions, i);
  }
  for (const char* simpler : {"", "?", "+", "*"}) {
    if (pattern.quantifier.size() <= std::string(simpler).size()) break;
    out.push_back(pattern);
    out.back().quantifier = simpler;
  }
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
  if (rule.match && !rule.from.empty()) add([](RuleText& less) { less.from.clear(); });
  for (std::size_t i = 0; i < rule.from.size(); ++i) {
    if (!rule.from[i].second.empty()) add([&](RuleText& less) { less.from[i].second.clear(); });
    if (rule.from.size() > 1) add([&](RuleText& less) { less.from = without(less.from, i); });
  }
  for (std::size_t i = 0; i < rule.partition.size(); ++i) {
    add([&](RuleText& less) { less.partition = without(less.partition, i); });
  }
  for (std::size_t i = 0; i < rule.where.size(); ++i) {
    add([&](RuleText& less) { less.where = without(less.where, i); });
  }
  for (std::size_t i = 0; i < rule.emit.size() && rule.emit.size() > 1; ++i) {
    add([&](RuleText& less) { less.emit = without(less.emit, i); });
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
