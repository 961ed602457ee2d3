// The plan as text: stable, close to the rule language, one fact a line. Golden tests compare it and
// `explain` prints it, so a change here is a change of both.
#include <array>
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

std::string step_name(const Rule& rule, std::uint32_t step) {
  const bool named = step < rule.steps.size() && !rule.steps[step].name.empty();
  return named ? rule.steps[step].name : fmt::format("#{}", step);
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
      case Op::in_table: {
        const std::string key =
            expr.args.size() == 1 ? at_least(expr.args[0], binds_add) : "(" + list(expr.args) + ")";
        return {key + " in " + plan_.tables[expr.ref.index].name, binds_compare};
      }
      case Op::table_field:
        return {fmt::format("{}[{}].{}", plan_.tables[expr.ref.index].name, list(expr.args),
                            plan_.catalog[expr.ref.type].fields[expr.ref.field].name)};
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

std::string range_text(const Quantifier& quantifier) {
  const bool open = quantifier.max == unbounded;
  const bool sign = quantifier.mode == Contiguity::relaxed && quantifier.gap_ns == no_bound;
  if (quantifier.min == 1 && quantifier.max == 1) return "";
  if (quantifier.min == 0 && quantifier.max == 1) return "?";
  if (sign && open && quantifier.min <= 1) return quantifier.min == 0 ? "*" : "+";
  std::string out = fmt::format("{{{}", quantifier.min);
  if (open) {
    out += "..";
  } else if (quantifier.max != quantifier.min) {
    out += fmt::format("..{}", quantifier.max);
  }
  if (quantifier.mode == Contiguity::strict) out += " strict";
  if (quantifier.mode == Contiguity::any) out += " any";
  if (quantifier.gap_ns != no_bound) out += " gap " + duration_text(quantifier.gap_ns);
  return out + "}";
}

std::string quantifier_text(const Quantifier& quantifier) {
  const char* const suffix = quantifier.loop == Loop::reluctant    ? "?"
                             : quantifier.loop == Loop::possessive ? "+"
                                                                   : "";
  return range_text(quantifier) + suffix;
}

/// Negations go by their number, as steps without a name do.
std::string negation_name(std::uint32_t negation) {
  return fmt::format("!{}", negation);
}

std::string edge_text(const Edge& edge) {
  std::string out;
  for (const Ban& ban : edge.bans)
    out += (ban.strict ? " , not " : " -> not ") + negation_name(ban.negation);
  switch (edge.contiguity) {
    case Contiguity::strict: out += " ,"; break;
    case Contiguity::relaxed: out += " ->"; break;
    case Contiguity::any: out += " ~>"; break;
  }
  if (edge.bound_ns != no_bound) out += "[" + duration_text(edge.bound_ns) + "]";
  return out + " ";
}

std::string pattern_text(const Rule& rule, const PatternNode& node, bool outermost) {
  if (node.kind == PatternNode::Kind::step) return step_name(rule, node.step);
  const bool sequence = node.kind == PatternNode::Kind::sequence;
  const char* const sign = node.kind == PatternNode::Kind::alternation ? " | " : " & ";
  std::string out;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    if (i > 0) out += sequence ? edge_text(node.edges[i]) : sign;
    out += pattern_text(rule, node.children[i], false);
  }
  if (node.within_ns != no_bound) out += " within " + duration_text(node.within_ns);
  const std::string quantifier = quantifier_text(node.quantifier);
  const bool plain = quantifier.empty() && node.within_ns == no_bound;
  return outermost && plain ? out : "(" + out + ")" + quantifier;
}

std::string match_text(const Rule& rule) {
  std::string out;
  for (const Absence& each : rule.before)
    out += fmt::format("not {} for {} -> ", negation_name(each.negation), duration_text(each.for_ns));
  out += pattern_text(rule, rule.pattern, true);
  for (const Absence& each : rule.after)
    out += fmt::format(" -> not {} for {}", negation_name(each.negation), duration_text(each.for_ns));
  return out;
}

std::string skip_text(const Rule& rule) {
  switch (rule.skip) {
    case Skip::past_last: return "past last";
    case Skip::none: return "none";
    case Skip::to_next: return "to next";
    case Skip::to_first: return "to first " + step_name(rule, rule.skip_step);
    case Skip::to_last: return "to last " + step_name(rule, rule.skip_step);
  }
  return "?";
}

std::string within_text(const Within& within) {
  if (within.unit == Within::Unit::time) return duration_text(within.time_ns);
  return fmt::format("{} events", within.events);
}

std::string type_dump(const Plan& plan, const model::EventType& type) {
  auto out = fmt::format("{} {}\n", type.row ? "rows of" : type.derived ? "emitted" : "event", type.name);
  for (std::size_t i = 0; i < type.fields.size(); ++i) {
    const auto& field = type.fields[i];
    static constexpr std::array<const char*, 4> units = {"", "(us)", "(ms)", "(s)"};
    model::Type never_null = field.type;
    never_null.nullable = false;
    out += fmt::format("  {}: {}{}{}{}\n", field.name, to_string(never_null, plan.catalog),
                       units[static_cast<std::size_t>(field.unit)], field.type.nullable ? "?" : "",
                       type.timestamp == i ? " @timestamp" : "");
  }
  return out;
}

std::string table_dump(const Plan& plan, const Table& table) {
  const model::EventType& type = plan.catalog[table.type];
  auto out = fmt::format("table {} from {} by", table.name,
                         table.path.empty() ? type.name : quoted_text(table.path));
  for (const std::uint32_t key : table.keys)
    out += " " + type.fields[key].name;
  return out + "\n";
}

}  // namespace

std::string_view report_word(Report report) {
  switch (report) {
    case Report::first: return "first";
    case Report::last: return "last";
    case Report::longest: return "longest";
    case Report::any: return "any";
    case Report::all: return "all";
    case Report::total: return "total";
  }
  return {};
}

std::string dump(const Plan& plan, const Rule& rule, const Expr& expr) {
  return ExprDump(plan, rule).text(expr);
}

std::string dump(const Plan& plan, const Rule& rule) {
  const auto type_name = [&](model::EventTypeId id) { return plan.catalog[id].name; };
  const auto type_names = [&](const std::vector<model::EventTypeId>& types) {
    std::string names;
    for (const auto type : types)
      names += (names.empty() ? "" : " | ") + type_name(type);
    return types.size() == 1 ? names : "any (" + names + ")";
  };
  auto out = fmt::format("rule {}\n", rule.name);
  if (!rule.doc.empty()) out += fmt::format("  doc {}\n", quoted_text(rule.doc));
  for (const auto& label : rule.labels) {
    out += "  label " + label.name;
    for (const auto& value : label.values)
      out += " " + constant_text(value);
    out += "\n";
  }
  for (const auto& input : rule.inputs) {
    out += fmt::format("  input {}\n", type_name(input.type));
    for (const auto& condition : input.conditions)
      out += fmt::format("    if {}\n", dump(plan, rule, condition));
  }
  for (std::uint32_t i = 0; i < rule.steps.size(); ++i) {
    const Step& step = rule.steps[i];
    out += fmt::format("  step {}: {}{}{}\n", step_name(rule, i), type_names(step.types),
                       quantifier_text(step.quantifier), step.in_loop ? ", in a loop" : "");
    for (const auto& condition : step.conditions)
      out += fmt::format("    if {}\n", dump(plan, rule, condition));
    for (const auto& condition : step.until)
      out += fmt::format("    until {}\n", dump(plan, rule, condition));
  }
  for (std::uint32_t i = 0; i < rule.negations.size(); ++i) {
    out += fmt::format("  not {}: {}\n", negation_name(i), type_names(rule.negations[i].types));
    for (const auto& condition : rule.negations[i].conditions)
      out += fmt::format("    if {}\n", dump(plan, rule, condition));
  }
  if (rule.has_pattern) out += fmt::format("  match {}\n", match_text(rule));
  for (const auto& key : rule.partition) {
    out += fmt::format("  partition {}by {}: {} =", rule.partition_found ? "found " : "", key.name,
                       to_string(key.type, plan.catalog));
    for (const auto& [type, field] : key.fields) {
      out += fmt::format(" {}.{}", type_name(type), plan.catalog[type].fields[field].name);
    }
    out += "\n";
  }
  if (rule.within.unit != Within::Unit::none) out += fmt::format("  within {}\n", within_text(rule.within));
  if (rule.has_pattern) {
    out += fmt::format("  report {}, skip {}\n", report_word(rule.report), skip_text(rule));
  }
  const auto emit = [&](const char* clause, const Emit& emitted) {
    out += fmt::format("  {} {}\n", clause, type_name(emitted.type));
    for (const auto& field : emitted.fields) {
      out += fmt::format("    {} = {}\n", plan.catalog[emitted.type].fields[field.field].name,
                         dump(plan, rule, field.value));
    }
  };
  if (rule.emit) emit("emit", *rule.emit);
  if (rule.timeout) emit("on timeout emit", *rule.timeout);
  return out;
}

std::string dump(const Plan& plan) {
  std::string out;
  for (const auto& type : plan.catalog.types)
    out += type_dump(plan, type);
  for (const auto& table : plan.tables)
    out += table_dump(plan, table);
  for (const auto& rule : plan.rules)
    out += dump(plan, rule);
  out += "order";
  for (const auto id : plan.order)
    out += " " + plan.rules[id].name;
  return out + "\n";
}

}  // namespace tocsin::plan
