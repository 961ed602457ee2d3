// Windows a few seconds wide and conditions that hold about half the time. Of what is compared, all that is
// not exact stands beside a constant that it never equals, so that rounding decides nothing.
#include "tests/oracle/window_generator.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace tocsin::oracle {

namespace {

bool is_derived(const std::string& type) {
  return type[0] == 'D' || type[0] == 'T';
}

bool starts_with(const std::string& text, const char* prefix) {
  return text.rfind(prefix, 0) == 0;
}

}  // namespace

// Over what.

void WindowGenerator::from(RuleText& rule) {
  const auto add = [&](const std::string& type) {
    const std::string condition = dice_.pick({"x > 0", "k != 1", "s == \"p\"", "x < 3", "x % 2 == 0"});
    rule.from.emplace_back(type, dice_.chance(30) ? condition : "");
  };
  add(dice_.pick(types_));
  if (dice_.chance(40)) {
    const std::string other = dice_.pick(types_);
    if (other != rule.from[0].first) add(other);
  }
  if (dice_.chance(60)) rule.partition = {dice_.pick({"k", "k", "s"})};
  if (dice_.chance(10)) rule.partition = {"k", "s"};
}

void WindowGenerator::window(RuleText& rule) {
  const auto some = [&](int most) { return 1 + dice_.below(most * scale_); };
  switch (dice_.below(12)) {
    case 0:
    case 1:
    case 2:
    case 3: rule.window = fmt::format("sliding {}s", some(5)); break;
    case 4:
    case 5: rule.window = fmt::format("sliding {} events", some(4)); break;
    case 6:
    case 7: rule.window = fmt::format("tumbling {}s", some(6)); break;
    case 8: rule.window = fmt::format("tumbling {} events", some(4)); break;
    case 9: rule.window = fmt::format("hopping {}s every {}s", some(6), some(4)); break;
    default: rule.window = fmt::format("session gap {}s", some(3));
  }
}

// Expressions.

/// What something is compared with.
int WindowGenerator::number(int below) {
  return dice_.below(dice_.chance(50) ? below : below * scale_);
}

std::string WindowGenerator::field() {
  return derived_ ? dice_.pick({"k", "x", "x"}) : dice_.pick({"k", "x", "x", "y", "y"});
}

/// Of one event: an int.
std::string WindowGenerator::value() {
  switch (dice_.below(6)) {
    case 0: return field() + " * 2";
    case 1: return "x + " + field();
    case 2: return fmt::format("if(x > {}, {}, null)", dice_.below(3), field());
    default: return field();
  }
}

std::string WindowGenerator::or_text(const std::string& value) {
  return dice_.chance(40) ? "s" : value;
}

std::string WindowGenerator::int_aggregate() {
  switch (dice_.below(8)) {
    case 0: return "count()";
    case 1: return fmt::format("count({})", value());
    case 2: return fmt::format("distinct({})", or_text(value()));
    case 3: return fmt::format("{}({})", dice_.pick({"first", "last"}), value());
    case 4: return fmt::format("{}({})", dice_.pick({"min", "max"}), value());
    default: return fmt::format("sum({})", value());
  }
}

std::string WindowGenerator::float_comparison() {
  const std::string of = derived_ || dice_.chance(60) ? value() : "f";
  const std::string op = dice_.pick({">", "<"});
  switch (dice_.below(7)) {
    case 0: return fmt::format("rate() {} {}.3517", op, dice_.below(2));
    case 1: return fmt::format("ewma({}, {}s) {} {}.3719", of, 1 + dice_.below(3), op, dice_.below(3));
    case 2: return fmt::format("stddev({}) {} 0.7123", of, op);
    case 3: return fmt::format("variance({}) {} 0.6111", of, op);
    case 4: return fmt::format("median({}) {}= {}", of, op, 0.5 * dice_.below(5));
    case 5:
      return fmt::format("percentile({}, {}) {} {}.2", of, 25 + 50 * dice_.below(2), op, dice_.below(3));
    default: return fmt::format("avg({}) {}= {}", of, op, 0.5 * dice_.below(6));
  }
}

std::string WindowGenerator::comparison(const RuleText& rule) {
  const std::string op = dice_.pick({">=", ">", "<", "<=", "==", "!="});
  const bool on_arrival = rule.on == "every" || (rule.on == "rise" && rule.hold.empty());
  if (on_arrival && dice_.chance(10)) return fmt::format("is_new({})", or_text(value()));
  switch (dice_.below(9)) {
    case 0:
    case 1: return float_comparison();
    case 2: return fmt::format("{} {} {}", int_aggregate(), op, int_aggregate());
    case 3: return fmt::format("x {} {}", op, int_aggregate());
    case 4: return fmt::format("window_end - window_start {} {}s", dice_.pick({"<", ">="}), number(5));
    case 5: return fmt::format("count() {} {}", op, 1 + number(3));
    default: return fmt::format("{} {} {}", int_aggregate(), op, number(5));
  }
}

std::string WindowGenerator::condition(const RuleText& rule, int depth) {
  if (depth == 0 || dice_.chance(60)) return comparison(rule);
  const std::string left = condition(rule, depth - 1);
  if (dice_.chance(35)) return fmt::format("not ({})", left);
  return fmt::format("({} {} {})", left, dice_.pick({"or", "and"}), condition(rule, depth - 1));
}

/// What is emitted beside, and read by no rule.
std::string WindowGenerator::array_or_other() {
  const std::string of = derived_ || dice_.chance(60) ? value() : "f";
  switch (dice_.below(16)) {
    case 0: return "window_start";
    case 1: return "window_end";
    case 2: return "rate()";
    case 3: return fmt::format("ewma({}, {}s)", of, 1 + dice_.below(3));
    case 4: return fmt::format("stddev({})", of);
    case 5: return fmt::format("variance({})", of);
    case 6: return fmt::format("median({})", of);
    case 7: return fmt::format("percentile({}, {})", of, 1 + dice_.below(100));
    case 8: return fmt::format("avg({})", of);
    case 9: return fmt::format("top({}, {})", or_text(of), 1 + dice_.below(3));
    case 10: return fmt::format("collect({})", or_text(of));
    case 11: return fmt::format("approx_distinct({})", or_text(of));
    case 12: return fmt::format("{}({})", dice_.pick({"sum", "min", "max"}), of);
    case 13: return fmt::format("{}({})", dice_.pick({"first", "last"}), or_text(of));
    case 14: return fmt::format("avg({}) * {}", of, int_aggregate());
    default: return int_aggregate();
  }
}

// When, and what comes of it.

void WindowGenerator::threshold(RuleText& rule) {
  const bool slides = rule.window.empty() || starts_with(rule.window, "sliding");
  if (rule.window.empty()) {
    rule.on = dice_.pick({"", "rise", "every", "fall"});
  } else if (slides) {
    rule.on = dice_.pick({"", "rise", "rise", "every", "fall", "fall"});
  } else {
    rule.on = dice_.pick({"", "close", "every", "rise"});
    if (starts_with(rule.window, "hopping")) rule.on = dice_.pick({"", "close"});
  }
  const bool rises = slides && (rule.on.empty() || rule.on == "rise");
  if (rises && dice_.chance(35)) rule.hold = fmt::format("{}s", 1 + dice_.below(4));
  if ((rises || rule.on == "fall") && dice_.chance(35)) rule.keep = fmt::format("{}s", 1 + dice_.below(4));
  for (int i = dice_.chance(20) ? 2 : 1; i > 0; --i) {
    if (rule.window.empty()) {
      rule.when.push_back(fmt::format("{} {} {}", field(), dice_.pick({">", "<=", "=="}), dice_.below(3)));
    } else {
      rule.when.push_back(condition(rule, 2));
    }
  }
}

void WindowGenerator::emit(RuleText& rule, int number) {
  rule.emit_type = fmt::format("D{}", number);
  if (rule.window.empty()) {
    rule.emit = {{"k", "k"}, {"x", dice_.pick({"x", "x + k"})}, {"s", "s"}};
    return;
  }
  rule.emit = {{"k", dice_.chance(50) ? std::string("k") : int_aggregate()},
               {"x", dice_.chance(20) ? std::string("x") : int_aggregate()},
               {"s", dice_.pick({"s", "s", "first(s)", "last(s)"})}};
  for (int i = dice_.below(4); i > 0; --i)
    rule.emit.emplace_back(fmt::format("e{}", i), array_or_other());
}

RuleText WindowGenerator::rule(int number, const std::optional<RuleText>& other) {
  RuleText rule;
  rule.name = fmt::format("r{}", number);
  if (other) {
    rule.from = other->from;
    rule.partition = other->partition;
    rule.window = other->window;
  } else {
    from(rule);
    if (dice_.chance(92)) window(rule);
  }
  derived_ = std::any_of(rule.from.begin(), rule.from.end(),
                         [](const auto& each) { return is_derived(each.first); });
  if (rule.window.empty() || dice_.chance(80)) threshold(rule);
  if (rule.when.empty() || dice_.chance(85)) emit(rule, number);
  if (dice_.chance(15)) rule.throttle = fmt::format("{}s", 1 + dice_.below(4));
  return rule;
}

}  // namespace tocsin::oracle
