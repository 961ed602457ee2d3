// What a random rule may hold, with the odds that keep matches frequent.
#include "tests/oracle/generator.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace tocsin::oracle {

namespace {

// C carries a nullable key, and a second one under another name.
const char* const schema = R"(event A {
  k: int
  x: int
  y: int?
  s: string
  at: time(s) @timestamp
}
event B {
  k: int
  x: int
  y: int?
  s: string
  at: time(s) @timestamp
}
event C {
  k: int?
  m: int
  x: int
  y: int?
  s: string
  at: time(s) @timestamp
}
)";

/// A step that later conditions, `where` and `emit` may name.
struct Named {
  std::string name;
  std::string type;
  bool repeated = false;
};

bool is_derived(const std::string& type) {
  return type[0] == 'D';
}

class RuleGenerator {
 public:
  RuleGenerator(Dice& dice, std::vector<std::string> types) : dice_(dice), types_(std::move(types)) {}

  RuleText rule(int number) {
    RuleText rule;
    rule.name = fmt::format("r{}", number);
    if (dice_.chance(15)) {
      projection(rule);
    } else {
      pattern_rule(rule);
    }
    if (rule.emit_type.empty() && (!rule.match || dice_.chance(70))) emit(rule, number);
    return rule;
  }

 private:
  // Conditions and values.

  std::string int_field(const std::string& type) {
    if (is_derived(type)) return dice_.pick({"k", "x", "x"});
    return dice_.pick({"k", "x", "x", "x", "y"});
  }

  /// A condition over one event whose fields are `prefix` and a name.
  std::string about(const std::string& type, const std::string& prefix) {
    const std::string field = prefix + int_field(type);
    const std::string x = prefix + "x";
    const std::string s = prefix + "s";
    switch (dice_.below(16)) {
      case 0: return fmt::format("{} == {}", field, dice_.below(3));
      case 1: return fmt::format("{} != {}", field, dice_.below(3));
      case 2: return fmt::format("{} >= {}", field, dice_.below(3));
      case 3: return fmt::format("{} < {}", field, 1 + dice_.below(3));
      case 4: return fmt::format("{} in (0, {})", field, 1 + dice_.below(3));
      case 5: return fmt::format("{} between {} and {}", field, dice_.below(2), 1 + dice_.below(3));
      case 6: return fmt::format("{} == \"{}\"", s, dice_.pick({"p", "q"}));
      case 7: return fmt::format("({} > {} or {} == \"p\")", field, dice_.below(3), s);
      case 8: return fmt::format("not ({} > {})", field, dice_.below(3));
      case 9: return fmt::format("{} is not null", field);
      case 10: return fmt::format("{} + {} >= {}", x, field, dice_.below(4));
      case 11: return fmt::format("{} % 2 == {}", x, dice_.below(2));
      case 12: return fmt::format("coalesce({}, 0) < {}", field, 1 + dice_.below(3));
      case 13: return fmt::format("if({} is null, {} > 0, {} == {})", field, x, field, x);
      case 14: return fmt::format("lower({}) {} \"P\"", s, dice_.pick({"==~", "!="}));
      default: return fmt::format("{} * {} <= {}", x, 1 + dice_.below(2), 2 + dice_.below(3));
    }
  }

  /// An int expression over a named step's events.
  std::string value_of(const Named& step) {
    if (!step.repeated) return step.name + "." + int_field(step.type);
    const std::string p = step.name;
    switch (dice_.below(7)) {
      case 0: return fmt::format("first({}).{}", p, int_field(step.type));
      case 1: return fmt::format("last({}).{}", p, int_field(step.type));
      case 2: return fmt::format("{}[{}].x", p, dice_.below(2));
      case 3: return fmt::format("count({})", p);
      case 4: return fmt::format("sum({}.{})", p, int_field(step.type));
      case 5: return fmt::format("{}({}.x)", dice_.pick({"min", "max"}), p);
      default: return fmt::format("distinct({}.{})", p, dice_.pick({"s", "x"}));
    }
  }

  /// A condition that ties the event at hand to an earlier step.
  std::string join(const std::string& type, const std::string& prefix, const Named& earlier) {
    const std::string x = prefix + int_field(type);
    if (!earlier.repeated && dice_.chance(15)) return fmt::format("{}s == {}.s", prefix, earlier.name);
    if (!earlier.repeated && dice_.chance(10)) {
      return fmt::format("({} is null or {} >= {}.x)", earlier.name, x, earlier.name);
    }
    if (earlier.repeated && dice_.chance(15)) return fmt::format("{} >= avg({}.x)", x, earlier.name);
    return fmt::format("{} {} {}", x, dice_.pick({"==", "==", "==", "!=", "<=", ">=", "<", ">"}),
                       value_of(earlier));
  }

  /// A condition of a repeated step over its own earlier events.
  std::string own(const std::string& name) {
    switch (dice_.below(6)) {
      case 0: return fmt::format("x {} prev.x", dice_.pick({">=", "<=", "!=", "=="}));
      case 1: return "s == prev.s";
      case 2: return fmt::format("sum({}.x) < {}", name, 2 + dice_.below(4));
      case 3: return fmt::format("count({}) < {}", name, 2 + dice_.below(2));
      case 4: return fmt::format("x >= coalesce(max({}.x), 0)", name);
      default: return "x + prev.x > 0";
    }
  }

  // Patterns.

  std::string quantifier() {
    if (dice_.chance(55)) return "";
    const std::string word = dice_.pick({"", "", " strict", " any"});
    switch (dice_.below(8)) {
      case 0: return "?";
      case 1: return "+";
      case 2: return "*";
      case 3: return fmt::format("{{{}{}}}", 2 + dice_.below(2), word);
      case 4: return fmt::format("{{1..{}}}", word);
      case 5: return fmt::format("{{2..{}}}", word);
      case 6: return fmt::format("{{0..{}{}}}", 1 + dice_.below(2), word);
      default: return fmt::format("{{1..{}{}}}", 2 + dice_.below(2), word);
    }
  }

  PatternText step() {
    PatternText step;
    step.type = dice_.pick(types_);
    step.quantifier = quantifier();
    const bool repeated =
        !step.quantifier.empty() && step.quantifier != "?" && step.quantifier.rfind("{0..1", 0) != 0;
    const std::string name = fmt::format("{}{}", char('a' + steps_ % 26), steps_);
    ++steps_;
    if (dice_.chance(90)) step.name = name;
    if (dice_.chance(45)) step.conditions.push_back(about(step.type, ""));
    if (!visible_.empty() && dice_.chance(35)) {
      step.conditions.push_back(join(step.type, "", dice_.pick(visible_)));
    }
    if (repeated && !step.name.empty() && dice_.chance(35)) step.conditions.push_back(own(step.name));
    if (!step.name.empty()) visible_.push_back({step.name, step.type, repeated});
    return step;
  }

  PatternText alternation(int depth) {
    PatternText out;
    out.kind = PatternText::Kind::alternation;
    const auto before = visible_;
    auto after = before;
    for (int i = 2 + (dice_.chance(20) ? 1 : 0); i > 0; --i) {
      visible_ = before;  // a branch does not see the others
      out.children.push_back(depth > 0 && dice_.chance(35) ? sequence(2, depth - 1) : step());
      after.insert(after.end(), visible_.begin() + std::ptrdiff_t(before.size()), visible_.end());
    }
    visible_ = after;
    return out;
  }

  PatternText sequence(int length, int depth) {
    PatternText out;
    out.kind = PatternText::Kind::sequence;
    for (int i = 0; i < length; ++i) {
      const int kind = depth > 0 ? dice_.below(100) : 0;
      out.children.push_back(kind < 75   ? step()
                             : kind < 90 ? alternation(depth - 1)
                                         : sequence(2, depth - 1));
      out.edges.push_back(i == 0 ? "" : dice_.pick({"->", "->", "->", "~>", ","}));
    }
    return out;
  }

  PatternText pattern() {
    for (;;) {
      visible_.clear();
      steps_ = 0;
      const int length = 1 + (dice_.chance(85) ? 1 : 0) + dice_.below(2) + (dice_.chance(15) ? 1 : 0);
      PatternText out = length > 1 ? sequence(length, 2) : dice_.chance(30) ? alternation(1) : step();
      if (least_events(out) > 0) return out;
    }
  }

  // Clauses.

  void types_in(const PatternText& pattern, std::vector<std::string>& out) const {
    if (pattern.kind == PatternText::Kind::step) {
      if (std::find(out.begin(), out.end(), pattern.type) == out.end()) out.push_back(pattern.type);
    }
    for (const PatternText& child : pattern.children)
      types_in(child, out);
  }

  void partition(RuleText& rule, const std::vector<std::string>& stream) {
    const auto mapped = [&] {
      std::vector<std::string> parts;
      for (const std::string& type : stream)
        parts.push_back(type + "." + (type == "C" ? "m" : dice_.pick({"k", "x"})));
      return stream.size() > 1 ? fmt::format("{}", fmt::join(parts, " = ")) : std::string("k");
    };
    switch (dice_.below(6)) {
      case 0:
      case 1: rule.partition = {"k"}; break;
      case 2: rule.partition = {"s"}; break;
      case 3: rule.partition = {"k", "s"}; break;
      case 4: rule.partition = {mapped()}; break;
      default: rule.partition = {mapped(), "s"};
    }
  }

  void pattern_rule(RuleText& rule) {
    rule.match = pattern();
    std::vector<std::string> stream;
    types_in(*rule.match, stream);
    if (dice_.chance(25)) {
      if (dice_.chance(40)) {
        const std::string other = dice_.pick(types_);
        if (std::find(stream.begin(), stream.end(), other) == stream.end()) stream.push_back(other);
      }
      for (const std::string& type : stream) {
        rule.from.emplace_back(type, dice_.chance(50) ? about(type, "") : "");
      }
    }
    if (dice_.chance(50)) partition(rule, stream);
    where(rule);
    if (dice_.chance(35)) rule.within = fmt::format("{}s", dice_.below(7));
    if (rule.within.empty() && dice_.chance(30)) {
      rule.within = fmt::format("{} events", least_events(*rule.match) + dice_.below(5));
    }
    if (dice_.chance(60)) rule.report = dice_.pick({"first", "all", "all"});
    if (dice_.chance(50)) rule.skip = dice_.pick({"past last", "none", "none"});
  }

  void where(RuleText& rule) {
    std::vector<Named> single;
    for (const Named& each : visible_) {
      if (!each.repeated) single.push_back(each);
    }
    if (single.empty() || !dice_.chance(30)) return;
    const Named step = dice_.pick(single);
    if (single.size() == 1 || dice_.chance(40)) {
      rule.where.push_back(about(step.type, step.name + "."));
    } else {
      const Named other = dice_.pick(single);
      if (other.name != step.name) rule.where.push_back(join(step.type, step.name + ".", other));
    }
    const Named& last = visible_.back();
    if (last.repeated && dice_.chance(50)) rule.where.push_back(about(last.type, last.name + "."));
  }

  void projection(RuleText& rule) {
    const std::string type = dice_.pick(types_);
    rule.from.emplace_back(type, dice_.chance(70) ? about(type, "") : "");
    if (dice_.chance(30)) {
      const std::string other = dice_.pick(types_);
      if (other != type) rule.from.emplace_back(other, dice_.chance(50) ? about(other, "") : "");
    }
    visible_.clear();
  }

  void emit(RuleText& rule, int number) {
    rule.emit_type = fmt::format("D{}", number);
    if (!rule.match) {
      rule.emit = {{"k", "k"}, {"x", dice_.pick({"x", "x + 1", "x * k", "2 - x"})}, {"s", "s"}};
      return;
    }
    const auto value = [&] { return visible_.empty() ? std::string("1") : value_of(dice_.pick(visible_)); };
    rule.emit = {{"k", value()}, {"x", value()}};
    std::string text = "\"p\"";
    for (const Named& each : visible_) {
      if (dice_.chance(50)) text = each.repeated ? fmt::format("last({}).s", each.name) : each.name + ".s";
    }
    rule.emit.emplace_back("s", text);
    for (const Named& each : visible_) {
      if (each.repeated && dice_.chance(40))
        rule.emit.emplace_back("avg_" + each.name, "avg(" + each.name + ".x)");
      if (!each.repeated && dice_.chance(20))
        rule.emit.emplace_back("has_" + each.name, each.name + " is not null");
    }
    if (dice_.chance(20)) rule.emit.emplace_back("took", "match_end - match_start");
    if (!rule.partition.empty() && rule.partition.back() == "s" && dice_.chance(50))
      rule.emit.emplace_back("key", "s");
  }

  Dice& dice_;
  const std::vector<std::string> types_;
  std::vector<Named> visible_;
  int steps_ = 0;
};

std::vector<std::string> random_events(Dice& dice, int lateness_s) {
  std::vector<std::string> events;
  const int count = 5 + dice.below(dice.chance(20) ? 30 : 14);
  int now = 0;
  for (int i = 0; i < count; ++i) {
    if (dice.chance(60)) now += 1 + dice.below(2);
    if (dice.chance(5)) now += 6;
    const int at = lateness_s > 0 ? std::max(0, now - dice.below(lateness_s + 2)) : now;
    const std::string type = dice.pick({"A", "A", "B", "B", "C"});
    std::string line = fmt::format(R"({{"type":"{}","at":{},"x":{},"s":"{}")", type, at, dice.below(4),
                                   dice.pick({"p", "q"}));
    if (type != "C" || dice.chance(80)) line += fmt::format(R"(,"k":{})", dice.below(3));
    if (type == "C") line += fmt::format(R"(,"m":{})", dice.below(3));
    if (dice.chance(70)) line += fmt::format(R"(,"y":{})", dice.below(3));
    events.push_back(line + "}");
  }
  return events;
}

}  // namespace

Case random_case(std::uint64_t seed) {
  Dice dice(seed);
  Case out;
  out.schema = schema;
  const int count = 1 + (dice.chance(40) ? 1 : 0) + (dice.chance(20) ? 1 : 0);
  std::vector<std::string> types = {"A", "B", "C"};
  for (int i = 1; i <= count; ++i) {
    // Fewer types make patterns meet; a later rule had better read what an earlier one emits.
    std::vector<std::string> mine = types;
    while (mine.size() > 2 && dice.chance(60))
      mine.erase(mine.begin() + dice.below(int(mine.size()) - 1));
    out.rules.push_back(RuleGenerator(dice, mine).rule(i));
    if (!out.rules.back().emit_type.empty()) types.push_back(out.rules.back().emit_type);
  }
  if (dice.chance(15)) out.lateness_s = 1 + dice.below(3);
  if (dice.chance(10)) out.sources = 2;
  out.events = random_events(dice, out.lateness_s);
  return out;
}

}  // namespace tocsin::oracle
