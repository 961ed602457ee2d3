// The odds are those that keep matches frequent.
#include "tests/oracle/pattern_generator.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

namespace tocsin::oracle {

namespace {

bool is_derived(const std::string& type) {
  return type[0] == 'D' || type[0] == 'T';
}

}  // namespace

// Conditions and values.

std::string PatternGenerator::int_field(const std::string& type) {
  if (type == "any") return "x";
  if (is_derived(type)) return dice_.pick({"k", "x", "x"});
  return dice_.pick({"k", "x", "x", "x", "y"});
}

std::string PatternGenerator::about(const std::string& type, const std::string& prefix) {
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

std::string PatternGenerator::value_of(const Named& step) {
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

std::string PatternGenerator::join(const std::string& type, const std::string& prefix, const Named& earlier) {
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
std::string PatternGenerator::own(const std::string& name) {
  switch (dice_.below(6)) {
    case 0: return fmt::format("x {} prev.x", dice_.pick({">=", "<=", "!=", "=="}));
    case 1: return "s == prev.s";
    case 2: return fmt::format("sum({}.x) < {}", name, 2 + dice_.below(4));
    case 3: return fmt::format("count({}) < {}", name, 2 + dice_.below(2));
    case 4: return fmt::format("x >= coalesce(max({}.x), 0)", name);
    default: return "x + prev.x > 0";
  }
}

std::string PatternGenerator::some_type() {
  return features_.any && dice_.chance(25) ? "any" : dice_.pick(types_);
}

std::string PatternGenerator::negation(bool sees) {
  const std::string type = some_type();
  std::vector<std::string> conditions;
  if (type == "any" || dice_.chance(70)) conditions.push_back(about(type, ""));
  if (sees && !features_.alone && !visible_.empty() && dice_.chance(25))
    conditions.push_back(join(type, "", dice_.pick(visible_)));
  return "not " + type + (conditions.empty() ? "" : fmt::format("[{}]", fmt::join(conditions, " and ")));
}

// Patterns.

std::string PatternGenerator::quantifier() {
  if (dice_.chance(55)) return "";
  const std::string suffix = features_.suffixes && !in_any_order_ ? dice_.pick({"", "?", "+"}) : "";
  std::string inside = dice_.pick({"", "", " strict", " any"});
  if (features_.gaps && dice_.chance(60)) inside += fmt::format(" gap {}s", dice_.below(4));
  const int most = 1 + dice_.below(2);
  switch (dice_.below(8)) {
    case 0: return "?" + suffix;
    case 1: return "+" + suffix;
    case 2: return "*" + suffix;
    case 3: return fmt::format("{{{}{}}}", 2 + dice_.below(2), inside);
    case 4: return fmt::format("{{1..{}}}{}", inside, suffix);
    case 5: return fmt::format("{{2..{}}}{}", inside, suffix);
    case 6: return fmt::format("{{0..{}{}}}{}", most, most > 1 ? inside : "", suffix);
    default: return fmt::format("{{1..{}{}}}{}", 2 + dice_.below(2), inside, suffix);
  }
}

std::string PatternGenerator::until(const PatternText& step) {
  if (features_.alone) return about(step.type, "");
  if (!step.name.empty() && dice_.chance(30)) {
    return fmt::format(fmt::runtime(dice_.pick({"count({}) >= 2", "sum({}.x) > 2", "x < last({}).x"})),
                       step.name);
  }
  return dice_.chance(20) ? "x < prev.x" : about(step.type, "");
}

std::string PatternGenerator::edge() {
  const std::string edge = dice_.pick({"->", "->", "->", "~>", ","});
  if (edge == "," || !features_.bounds || dice_.chance(50)) return edge;
  return edge + fmt::format("[{}s]", 1 + dice_.below(3));
}

PatternText PatternGenerator::step() {
  PatternText step;
  step.type = some_type();
  step.quantifier = quantifier();
  const std::string& text = step.quantifier;
  const bool loops = !text.empty() && text[0] != '?' && text.rfind("{0..1", 0) != 0;
  const bool repeated = loops || in_loop_;
  const std::string name = fmt::format("{}{}", char('a' + steps_ % 26), steps_);
  ++steps_;
  if (dice_.chance(90)) step.name = name;
  if (step.type == "any" || dice_.chance(45)) step.conditions.push_back(about(step.type, ""));
  auto seen = visible_;
  if (repeated && in_any_order_) seen.resize(*in_any_order_);
  if (features_.alone) seen.clear();
  if (!seen.empty() && dice_.chance(35)) step.conditions.push_back(join(step.type, "", dice_.pick(seen)));
  if (repeated && !features_.alone && !step.name.empty() && dice_.chance(35))
    step.conditions.push_back(own(step.name));
  if (loops && features_.until && dice_.chance(60)) step.until = until(step);
  if (!step.name.empty()) visible_.push_back({step.name, step.type, repeated});
  return step;
}

PatternText PatternGenerator::alternation(int depth) {
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

PatternText PatternGenerator::permutation() {
  PatternText out;
  out.kind = PatternText::Kind::permutation;
  in_any_order_ = visible_.size();
  std::vector<Named> hidden;  // children do not see the repeated steps of others
  for (int i = 2 + (dice_.chance(20) ? 1 : 0); i > 0; --i) {
    const std::size_t before = visible_.size();
    out.children.push_back(dice_.chance(15) ? sequence(2, 0) : step());
    const auto repeated = std::stable_partition(visible_.begin() + std::ptrdiff_t(before), visible_.end(),
                                                [](const Named& each) { return !each.repeated; });
    hidden.insert(hidden.end(), repeated, visible_.end());
    visible_.erase(repeated, visible_.end());
  }
  in_any_order_.reset();
  visible_.insert(visible_.end(), hidden.begin(), hidden.end());
  return out;
}

/// A sequence or an alternation with a quantifier or a bound of its own.
PatternText PatternGenerator::group(int depth) {
  const std::string quantifier =
      dice_.pick({"", "?", "+", "*", "{2}", "{1..2}", "{0..2}", "{2.. strict}", "{1.. any}", "{2 gap 2s}"});
  const bool outer = std::exchange(in_loop_, in_loop_ || (quantifier != "" && quantifier != "?"));
  PatternText out = dice_.chance(75) ? sequence(2, depth) : alternation(depth);
  in_loop_ = outer;
  out.quantifier = quantifier;
  if (quantifier.empty() || dice_.chance(30)) out.within = fmt::format("{}s", dice_.below(5));
  return out;
}

PatternText PatternGenerator::sequence(int length, int depth) {
  PatternText out;
  out.kind = PatternText::Kind::sequence;
  for (int i = 0; i < length; ++i) {
    out.edges.push_back(i == 0 ? "" : edge());
    out.nots.emplace_back();
    if (i > 0 && features_.nots && out.edges.back() != "," && dice_.chance(50)) {
      out.nots.back().push_back(dice_.pick({"-> ", "-> ", features_.alone ? "-> " : ", "}) +
                                negation(!in_any_order_));
      if (dice_.chance(20)) out.nots.back().push_back("-> " + negation(!in_any_order_));
    }
    const int kind = depth > 0 ? dice_.below(100) : 0;
    if (depth > 0 && features_.groups && dice_.chance(35)) {
      out.children.push_back(group(depth - 1));
    } else if (depth > 0 && features_.permutations && dice_.chance(35)) {
      out.children.push_back(permutation());
    } else {
      out.children.push_back(kind < 75   ? step()
                             : kind < 90 ? alternation(depth - 1)
                                         : sequence(2, depth - 1));
    }
  }
  return out;
}

PatternText PatternGenerator::pattern() {
  for (;;) {
    visible_.clear();
    steps_ = 0;
    const int length = 1 + (dice_.chance(85) ? 1 : 0) + dice_.below(2) + (dice_.chance(15) ? 1 : 0);
    PatternText out;
    if (length > 1) {
      out = sequence(length, 2);
    } else if (features_.groups && dice_.chance(50)) {
      out = group(1);
    } else if (features_.permutations && dice_.chance(50)) {
      out = permutation();
    } else {
      out = dice_.chance(30) ? alternation(1) : step();
    }
    if (least_events(out) > 0) return out;
  }
}

}  // namespace tocsin::oracle
