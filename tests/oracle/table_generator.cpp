#include "tests/oracle/table_generator.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tocsin::oracle {

namespace {

/// Of the emitted types only `s` has a known type.
bool is_declared(const std::string& type) {
  return type == "A" || type == "B" || type == "C";
}

class TableGenerator {
 public:
  TableGenerator(Dice& dice, RuleText& rule, const std::vector<std::string>& types)
      : dice_(dice), rule_(rule) {
    type_ = dice.pick(types);
    name_ = "t_" + rule.name;
    keys_ = is_declared(type_)
                ? dice.pick(std::vector<std::vector<std::string>>{{"k"}, {"s"}, {"k", "s"}, {"x"}})
                : std::vector<std::string>{"s"};
    rule.tables.push_back(fmt::format("table {} from {} keyed by {}", name_, type_, fmt::join(keys_, ", ")));
  }

  void add() {
    if (rule_.match) at_steps(*rule_.match);
    for (auto& [type, condition] : rule_.from) {
      if (!dice_.chance(rule_.match ? 40 : 80) || !fits(type)) continue;
      condition = condition.empty() ? look_up("") : fmt::format("({}) and {}", condition, look_up(""));
    }
    if (rule_.match && rule_.report != "total") joins(*rule_.match);
    in_emit();
  }

 private:
  /// True where events of `type` have the keys.
  bool fits(const std::string& type) const {
    return is_declared(type) || (type != "any" && keys_ == std::vector<std::string>{"s"});
  }

  std::string key(const std::string& prefix) const {
    std::vector<std::string> parts;
    for (const std::string& each : keys_)
      parts.push_back(prefix + each);
    return fmt::format("{}", fmt::join(parts, ", "));
  }

  std::string row(const std::string& prefix) const { return fmt::format("{}[{}]", name_, key(prefix)); }

  std::string look_up(const std::string& prefix) {
    const std::string test = keys_.size() == 1 ? key(prefix) : "(" + key(prefix) + ")";
    switch (dice_.below(is_declared(type_) ? 7 : 4)) {
      case 0: return fmt::format("{} in {}", test, name_);
      case 1: return fmt::format("{} not in {}", test, name_);
      case 2: return row(prefix) + dice_.pick({" is null", " is not null"});
      case 3: return fmt::format("{}.s {} \"p\"", row(prefix), dice_.pick({"==", "!="}));
      case 4: return fmt::format("{}.x {} {}", row(prefix), dice_.pick({"==", "<", ">="}), dice_.below(4));
      case 5: return fmt::format("not ({}.y > {})", row(prefix), dice_.below(3));
      default: return fmt::format("{}.at >= @1970-01-01T00:00:0{}Z", row(prefix), dice_.below(9));
    }
  }

  void at_steps(PatternText& pattern) {
    if (pattern.kind == PatternText::Kind::step && fits(pattern.type) && dice_.chance(40))
      pattern.conditions.push_back(look_up(""));
    for (auto& before : pattern.nots) {
      for (std::string& text : before) {
        const bool plain = text.back() == ']' && text.find(" not ") < text.find('[');
        if (plain && dice_.chance(50) && fits(negated_type(text)))
          text = text.substr(0, text.size() - 1) + " and " + look_up("") + "]";
      }
    }
    for (PatternText& child : pattern.children)
      at_steps(child);
  }

  static std::string negated_type(const std::string& text) {
    const auto begin = text.find("not ") + 4;
    return text.substr(begin, text.find_first_of("[ ", begin) - begin);
  }

  /// What a later event is compared with stands in the row of an earlier one.
  void joins(PatternText& pattern) {
    if (pattern.kind != PatternText::Kind::sequence || !pattern.quantifier.empty() || !is_declared(type_))
      return;
    const PatternText* earlier = nullptr;
    for (PatternText& child : pattern.children) {
      const bool single =
          child.kind == PatternText::Kind::step && child.quantifier.empty() && !child.name.empty();
      if (earlier != nullptr && child.kind == PatternText::Kind::step && is_declared(child.type) &&
          dice_.chance(60)) {
        child.conditions.push_back(
            fmt::format("{} {} {}.x", "x", dice_.pick({"==", "<=", ">"}), row(earlier->name + ".")));
      }
      if (single && fits(child.type)) earlier = &child;
    }
  }

  void in_emit() {
    if (rule_.emit_type.empty() || rule_.report == "total" || !dice_.chance(60)) return;
    std::string prefix;
    if (rule_.match) {
      const PatternText& pattern = *rule_.match;
      const PatternText& first =
          pattern.kind == PatternText::Kind::sequence ? pattern.children.front() : pattern;
      if (first.kind != PatternText::Kind::step || !first.quantifier.empty() || !pattern.quantifier.empty() ||
          first.name.empty() || !fits(first.type)) {
        return;
      }
      prefix = first.name + ".";
    } else if (!std::all_of(rule_.from.begin(), rule_.from.end(),
                            [&](const auto& item) { return fits(item.first); })) {
      return;
    }
    rule_.emit.emplace_back("found", row(prefix) + ".s");
    rule_.emit.emplace_back("is_there", row(prefix) + " is not null");
  }

  Dice& dice_;
  RuleText& rule_;
  std::string type_;
  std::string name_;
  std::vector<std::string> keys_;
};

}  // namespace

void add_tables(Dice& dice, Case& test) {
  std::vector<std::string> types = {"A", "B", "C"};
  for (RuleText& rule : test.rules) {
    if (dice.chance(75)) TableGenerator(dice, rule, types).add();
    const bool readable = rule.report != "any" && rule.report != "total" && !rule.emit_type.empty();
    if (!readable) continue;
    types.push_back(rule.emit_type);
    types.push_back(rule.emit_type);
  }
}

}  // namespace tocsin::oracle
