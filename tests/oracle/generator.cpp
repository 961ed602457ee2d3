// What a random rule may hold, with the odds that keep matches frequent.
#include "tests/oracle/generator.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tests/oracle/pattern_generator.hpp"
#include "tests/oracle/table_generator.hpp"

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

class RuleGenerator {
 public:
  RuleGenerator(Dice& dice, const std::vector<std::string>& types)
      : dice_(dice),
        types_(types),
        total_(dice.chance(12)),
        features_(total_ ? features_of_total(dice) : some_features(dice)),
        pattern_(dice, types, features_) {}

  RuleText rule(int number) {
    RuleText rule;
    rule.name = fmt::format("r{}", number);
    if (total_) {
      pattern_rule(rule);
      rule.report = "total";
      rule.skip = dice_.pick({"", "", "none", "past last"});
      emit_totals(rule, number);
      return rule;
    }
    if (dice_.chance(15)) {
      projection(rule);
    } else {
      pattern_rule(rule);
    }
    if (!rule.match || dice_.chance(70)) emit(rule, number);
    if (rule.match && dice_.chance(timed_ ? 40 : 0)) on_timeout(rule, number);
    return rule;
  }

 private:
  static Features some_features(Dice& dice) {
    Features features;
    if (dice.chance(30)) return features;
    for (bool Features::*each :
         {&Features::suffixes, &Features::until, &Features::gaps, &Features::bounds, &Features::nots,
          &Features::groups, &Features::permutations, &Features::any}) {
      features.*each = dice.chance(22);
    }
    return features;
  }

  /// What goes with `report total`.
  static Features features_of_total(Dice& dice) {
    Features features;
    features.alone = true;
    for (bool Features::*each :
         {&Features::until, &Features::nots, &Features::permutations, &Features::any}) {
      features.*each = dice.chance(25);
    }
    return features;
  }

  /// The types of the rule's stream, as far as the pattern names them.
  void types_in(const PatternText& pattern, std::vector<std::string>& out) const {
    if (pattern.kind == PatternText::Kind::step) add_type(pattern.type, out);
    for (const auto& before : pattern.nots) {
      for (const std::string& each : before)
        add_type(negated_type(each), out);
    }
    for (const PatternText& child : pattern.children)
      types_in(child, out);
  }

  /// Of `-> not T[cond] for 3s`.
  static std::string negated_type(const std::string& text) {
    const auto begin = text.find("not ") + 4;
    return text.substr(begin, text.find_first_of("[ ", begin) - begin);
  }

  static void add_type(const std::string& type, std::vector<std::string>& out) {
    if (type == "any") {
      for (const char* each : {"A", "B", "C"})
        add_type(each, out);
    } else if (std::find(out.begin(), out.end(), type) == out.end()) {
      out.push_back(type);
    }
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
    rule.match = pattern_.pattern();
    if (!total_ && dice_.chance(features_.nots ? 50 : 12)) absences(rule);
    std::vector<std::string> stream;
    types_in(*rule.match, stream);
    for (const auto* list : {&rule.before, &rule.after}) {
      for (const std::string& each : *list)
        add_type(negated_type(each), stream);
    }
    if (dice_.chance(25)) {
      if (dice_.chance(40)) {
        const std::string other = dice_.pick(types_);
        if (std::find(stream.begin(), stream.end(), other) == stream.end()) stream.push_back(other);
      }
      for (const std::string& type : stream) {
        rule.from.emplace_back(type, dice_.chance(50) ? pattern_.about(type, "") : "");
      }
    }
    if (dice_.chance(50)) partition(rule, stream);
    where(rule);
    timed_ = dice_.chance(35);
    if (timed_) rule.within = fmt::format("{}s", dice_.below(7));
    if (rule.within.empty() && dice_.chance(30)) {
      rule.within = fmt::format("{} events", least_events(*rule.match) + dice_.below(5));
    }
    if (dice_.chance(70)) rule.report = dice_.pick({"first", "all", "all", "last", "longest", "any"});
    if (dice_.chance(60)) rule.skip = skip(rule);
  }

  std::string skip(const RuleText& rule) {
    const std::vector<Named>& steps = pattern_.visible();
    if (rule.report == "any" || steps.empty() || dice_.chance(55))
      return dice_.pick({"past last", "none", "none"});
    if (dice_.chance(30)) return "to next";
    return fmt::format("to {} {}", dice_.pick({"first", "last"}), dice_.pick(steps).name);
  }

  void absences(RuleText& rule) {
    const auto absence = [&](bool sees) {
      return fmt::format("{} for {}s", pattern_.negation(sees), 1 + dice_.below(4));
    };
    if (dice_.chance(50)) rule.before.push_back(absence(false));
    if (rule.before.empty() || dice_.chance(30)) rule.after.push_back(absence(true));
    if (dice_.chance(10)) rule.after.push_back(absence(true));
  }

  void where(RuleText& rule) {
    std::vector<Named> single;
    for (const Named& each : pattern_.visible()) {
      if (!each.repeated) single.push_back(each);
    }
    if (single.empty() || !dice_.chance(30)) return;
    const Named step = dice_.pick(single);
    if (single.size() == 1 || features_.alone || dice_.chance(40)) {
      rule.where.push_back(pattern_.about(step.type, step.name + "."));
    } else {
      const Named other = dice_.pick(single);
      if (other.name != step.name) rule.where.push_back(pattern_.join(step.type, step.name + ".", other));
    }
    const Named& last = pattern_.visible().back();
    if (last.repeated && dice_.chance(50)) rule.where.push_back(pattern_.about(last.type, last.name + "."));
  }

  void projection(RuleText& rule) {
    const std::string type = dice_.pick(types_);
    rule.from.emplace_back(type, dice_.chance(70) ? pattern_.about(type, "") : "");
    if (dice_.chance(30)) {
      const std::string other = dice_.pick(types_);
      if (other != type) rule.from.emplace_back(other, dice_.chance(50) ? pattern_.about(other, "") : "");
    }
    pattern_.forget();
  }

  void emit(RuleText& rule, int number) {
    rule.emit_type = fmt::format("D{}", number);
    if (!rule.match) {
      rule.emit = {{"k", "k"}, {"x", dice_.pick({"x", "x + 1", "x * k", "2 - x"})}, {"s", "s"}};
      return;
    }
    const auto value = [&] {
      return pattern_.visible().empty() ? std::string("1")
                                        : pattern_.value_of(dice_.pick(pattern_.visible()));
    };
    rule.emit = {{"k", value()}, {"x", value()}};
    std::string text = "\"p\"";
    for (const Named& each : pattern_.visible()) {
      if (dice_.chance(50)) text = each.repeated ? fmt::format("last({}).s", each.name) : each.name + ".s";
    }
    rule.emit.emplace_back("s", text);
    for (const Named& each : pattern_.visible()) {
      if (each.repeated && dice_.chance(40))
        rule.emit.emplace_back("avg_" + each.name, "avg(" + each.name + ".x)");
      if (!each.repeated && dice_.chance(20))
        rule.emit.emplace_back("has_" + each.name, each.name + " is not null");
    }
    if (dice_.chance(20)) rule.emit.emplace_back("took", "match_end - match_start");
    if (!rule.partition.empty() && rule.partition.back() == "s" && dice_.chance(50))
      rule.emit.emplace_back("key", "s");
  }

  void emit_totals(RuleText& rule, int number) {
    rule.emit_type = fmt::format("D{}", number);
    rule.emit = {{"n", "match_count"}};
    for (const Named& each : pattern_.visible()) {
      const std::string of = fmt::format("({}.{})", each.name, dice_.pick({"x", "x", "k"}));
      const std::string what = dice_.pick({"count", "sum", "avg", "min", "max"});
      rule.emit.emplace_back(what + "_" + each.name, what + of);
      if (dice_.chance(30)) rule.emit.emplace_back("events_" + each.name, "count(" + each.name + ")");
    }
    if (!rule.partition.empty() && rule.partition.back() == "s") rule.emit.emplace_back("key", "s");
  }

  void on_timeout(RuleText& rule, int number) {
    const std::vector<Named>& steps = pattern_.visible();
    const auto value = [&] {
      return steps.empty() ? std::string("1") : pattern_.value_of(dice_.pick(steps));
    };
    rule.timeout_type = fmt::format("T{}", number);
    rule.timeout = {{"k", value()}, {"x", value()}, {"s", "\"q\""}};
    if (!steps.empty() && dice_.chance(50))
      rule.timeout.emplace_back("reached", dice_.pick(steps).name + " is not null");
    if (dice_.chance(30)) rule.timeout.emplace_back("took", "match_end - match_start");
  }

  Dice& dice_;
  const std::vector<std::string> types_;
  const bool total_;  // a rule of `report total`
  const Features features_;
  PatternGenerator pattern_;
  bool timed_ = false;  // `within` is a time
};

std::vector<std::string> random_events(Dice& dice, int lateness_s) {
  std::vector<std::string> events;
  const int count = 5 + dice.below(dice.chance(20) ? 30 : 14);
  const bool timers = dice.chance(40);  // time jumps, and passes all that may still wait
  int now = 0;
  for (int i = 0; i < count; ++i) {
    if (timers && i + 1 == count) now += 20;
    if (dice.chance(60)) now += 1 + dice.below(2);
    if (dice.chance(timers ? 15 : 5)) now += 4 + dice.below(5);
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
    const RuleText& rule = out.rules.back();
    if (rule.report == "any" || rule.report == "total") continue;  // left open; emits other fields
    if (!rule.emit_type.empty()) types.push_back(rule.emit_type);
    if (!rule.timeout_type.empty()) types.push_back(rule.timeout_type);
  }
  if (dice.chance(15)) out.lateness_s = 1 + dice.below(3);
  if (dice.chance(10)) out.sources = 2;
  out.events = random_events(dice, out.lateness_s);
  if (dice.chance(15)) add_tables(dice, out);
  return out;
}

}  // namespace tocsin::oracle
