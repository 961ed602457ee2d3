// Expressions of the plan as rule text; part of the dump (dump.cpp).
#include <fmt/format.h>
#include <string_view>

#include "engine/plan/literal.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::plan {

namespace {

using model::Kind;

// How tightly a form binds; a looser argument gets parentheses.
enum Binding : int {
  binds_or = 1,
  binds_and,
  binds_not,
  binds_compare,
  binds_add,
  binds_mul,
  binds_neg,
  binds_all
};

const char* function_name(Op op) {
  switch (op) {
    case Op::to_float: return "float";
    case Op::if_: return "if";
    case Op::coalesce: return "coalesce";
    case Op::any_element: return "any";
    case Op::lower: return "lower";
    case Op::upper: return "upper";
    case Op::length: return "length";
    case Op::starts_with: return "starts_with";
    case Op::ends_with: return "ends_with";
    case Op::contains: return "contains";
    case Op::concat: return "concat";
    case Op::substring: return "substring";
    case Op::abs: return "abs";
    case Op::floor: return "floor";
    case Op::ceil: return "ceil";
    case Op::round: return "round";
    case Op::sqrt: return "sqrt";
    case Op::log: return "log";
    case Op::exp: return "exp";
    case Op::pow: return "pow";
    case Op::min: return "min";
    case Op::max: return "max";
    case Op::hour: return "hour";
    case Op::weekday: return "weekday";
    case Op::date_trunc: return "date_trunc";
    case Op::in_cidr: return "in_cidr";
    case Op::distance_km: return "distance_km";
    case Op::hash: return "hash";
    default: return "?";
  }
}

const char* aggregate_name(Aggregate aggregate) {
  switch (aggregate) {
    case Aggregate::count: return "count";
    case Aggregate::sum: return "sum";
    case Aggregate::avg: return "avg";
    case Aggregate::min: return "min";
    case Aggregate::max: return "max";
    case Aggregate::distinct: return "distinct";
  }
  return "?";
}

const char* function_name(WindowFunction function) {
  switch (function) {
    case WindowFunction::count: return "count";
    case WindowFunction::sum: return "sum";
    case WindowFunction::avg: return "avg";
    case WindowFunction::min: return "min";
    case WindowFunction::max: return "max";
    case WindowFunction::stddev: return "stddev";
    case WindowFunction::variance: return "variance";
    case WindowFunction::distinct: return "distinct";
    case WindowFunction::approx_distinct: return "approx_distinct";
    case WindowFunction::percentile: return "percentile";
    case WindowFunction::first: return "first";
    case WindowFunction::last: return "last";
    case WindowFunction::rate: return "rate";
    case WindowFunction::ewma: return "ewma";
    case WindowFunction::top: return "top";
    case WindowFunction::collect: return "collect";
    case WindowFunction::is_new: return "is_new";
  }
  return "?";
}

struct Operator {
  const char* text = nullptr;
  Binding binding = binds_all;
};

Operator operator_of(Op op) {
  switch (op) {
    case Op::or_: return {"or", binds_or};
    case Op::and_: return {"and", binds_and};
    case Op::eq: return {"==", binds_compare};
    case Op::ne: return {"!=", binds_compare};
    case Op::lt: return {"<", binds_compare};
    case Op::le: return {"<=", binds_compare};
    case Op::gt: return {">", binds_compare};
    case Op::ge: return {">=", binds_compare};
    case Op::has: return {"has", binds_compare};
    case Op::add: return {"+", binds_add};
    case Op::sub: return {"-", binds_add};
    case Op::mul: return {"*", binds_mul};
    case Op::div: return {"/", binds_mul};
    case Op::mod: return {"%", binds_mul};
    default: return {};
  }
}

class ExprDump {
 public:
  ExprDump(const Plan& plan, const Rule& rule) : plan_(plan), rule_(rule) {}

  std::string text(const Expr& expr) const { return at_least(expr, binds_or); }

 private:
  struct Rendered {
    std::string text;
    int binding = binds_all;
  };

  std::string at_least(const Expr& expr, int binding) const {
    auto rendered = render(expr);
    return rendered.binding < binding ? "(" + rendered.text + ")" : rendered.text;
  }

  std::string list(const std::vector<Expr>& args, std::size_t from = 0) const {
    std::string out;
    for (std::size_t i = from; i < args.size(); ++i)
      out += (i > from ? ", " : "") + text(args[i]);
    return out;
  }

  static std::string pattern_list(const Expr& expr) {
    std::string out;
    for (const auto& pattern : expr.patterns)
      out += (out.empty() ? "" : ", ") + quoted_text(pattern);
    return out;
  }

  std::string constant(const Expr& expr) const {
    if (expr.constant.kind == Kind::enumeration) {
      return plan_.catalog.enumerations[expr.type.enumeration]
          .labels[static_cast<std::size_t>(expr.constant.i)];
    }
    return constant_text(expr.constant);
  }

  std::string field(const FieldRef& ref) const {
    // Of an event that may be of several types, a field is told with its type.
    const auto& type = plan_.catalog[ref.type];
    const std::string name = (ref.of_any ? type.name + "." : "") + type.fields[ref.field].name;
    const std::string step = step_name(rule_, ref.step);
    switch (ref.selector) {
      case Selector::current: return name;
      case Selector::previous: return "prev." + name;
      case Selector::single:
      case Selector::element_event: return step + "." + name;
      case Selector::first: return fmt::format("first({}).{}", step, name);
      case Selector::last: return fmt::format("last({}).{}", step, name);
      case Selector::index: return fmt::format("{}[{}].{}", step, ref.index, name);
    }
    return name;
  }

  std::string window_aggregate(const WindowAggregate& aggregate) const {
    std::string args = list(aggregate.argument);
    if (aggregate.function == WindowFunction::percentile) args += fmt::format(", {}", aggregate.percent);
    if (aggregate.function == WindowFunction::ewma) args += ", " + duration_text(aggregate.half_life_ns);
    if (aggregate.function == WindowFunction::top) args += fmt::format(", {}", aggregate.most);
    return fmt::format("{}({})", function_name(aggregate.function), args);
  }

  Rendered negation(const Expr& operand) const {
    if (operand.op == Op::is_bound) return {step_name(rule_, operand.ref.step) + " is null", binds_compare};
    if (operand.op == Op::is_null)
      return {at_least(operand.args[0], binds_add) + " is not null", binds_compare};
    return {"not " + at_least(operand, binds_not), binds_not};
  }

  Rendered render(const Expr& expr) const {
    const std::string tilde = expr.ignore_case ? "~" : "";
    switch (expr.op) {
      case Op::constant: return {constant(expr)};
      case Op::field: return {field(expr.ref)};
      case Op::aggregate: {
        const auto args = expr.args.empty() ? step_name(rule_, expr.ref.step) : list(expr.args);
        return {fmt::format("{}({})", aggregate_name(expr.aggregate), args)};
      }
      case Op::is_bound: return {step_name(rule_, expr.ref.step) + " is not null", binds_compare};
      case Op::match_start: return {"match_start"};
      case Op::match_end: return {"match_end"};
      case Op::match_count: return {"match_count"};
      case Op::window_aggregate: return {window_aggregate(rule_.aggregates[expr.ref.index])};
      case Op::window_start: return {"window_start"};
      case Op::window_end: return {"window_end"};
      case Op::element: return {"element"};
      case Op::neg: return {"-" + at_least(expr.args[0], binds_neg), binds_neg};
      case Op::not_: return negation(expr.args[0]);
      case Op::is_null: return {at_least(expr.args[0], binds_add) + " is null", binds_compare};
      case Op::in:
        return {fmt::format("{} in{} ({})", at_least(expr.args[0], binds_add), tilde, list(expr.args, 1)),
                binds_compare};
      case Op::like:
      case Op::matches:
        return {fmt::format("{} {}{} ({})", at_least(expr.args[0], binds_add),
                            expr.op == Op::like ? "like" : "matches", tilde, pattern_list(expr)),
                binds_compare};
      case Op::date_trunc:
      case Op::in_cidr:
        return {fmt::format("{}({}, {})", function_name(expr.op), list(expr.args), pattern_list(expr))};
      default: break;
    }
    const Operator op = operator_of(expr.op);
    if (op.text == nullptr) return {fmt::format("{}({})", function_name(expr.op), list(expr.args))};
    // Left-associative but for comparisons, which do not chain.
    const int left = op.binding == binds_compare ? binds_add : op.binding;
    std::string out = at_least(expr.args[0], left);
    for (std::size_t i = 1; i < expr.args.size(); ++i) {
      out += fmt::format(" {}{} {}", op.text, tilde, at_least(expr.args[i], op.binding + 1));
    }
    return {out, op.binding};
  }

  const Plan& plan_;
  const Rule& rule_;
};

}  // namespace

std::string dump(const Plan& plan, const Rule& rule, const Expr& expr) {
  return ExprDump(plan, rule).text(expr);
}

}  // namespace tocsin::plan
