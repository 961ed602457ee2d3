// Tests: comparisons and what else is true or false of a value.
#include <algorithm>
#include <fmt/format.h>
#include <re2/re2.h>
#include <string_view>

#include "dsl/lower_expr.hpp"
#include "dsl/types.hpp"

namespace tocsin::dsl {

using model::Kind;
using model::Type;
using plan::Expr;
using plan::Op;
using AstKind = ast::Expr::Kind;

namespace {

Op comparison_op(std::string_view text) {
  if (text == "==") return Op::eq;
  if (text == "!=") return Op::ne;
  if (text == "<") return Op::lt;
  if (text == "<=") return Op::le;
  return text == ">" ? Op::gt : Op::ge;
}

bool is_equality(Op op) {
  return op == Op::eq || op == Op::ne;
}

Expr finish(Expr condition, bool negated) {
  return negated ? negate(std::move(condition)) : condition;
}

}  // namespace

std::string unit_hint(const ast::Expr& node, Kind left, Kind right) {
  const auto either = [&](Kind kind) { return left == kind || right == kind; };
  if (either(Kind::duration) && (either(Kind::integer) || either(Kind::floating)))
    return "a duration has a unit, as in 500ms, 30s or 10m";
  if (either(Kind::time)) return "a time is written as in @2026-01-31T12:00:00Z, a duration as in 30s";
  if (!either(Kind::string)) return "";
  const auto is_written = [&](AstKind kind) {
    return std::find_if(node.args.begin(), node.args.end(),
                        [&](const ast::Expr& arg) { return arg.kind == kind; });
  };
  if (is_written(AstKind::text) != node.args.end()) {
    return either(Kind::integer) || either(Kind::floating) ? "a number is written without quotes" : "";
  }
  const auto number = is_written(AstKind::integer);
  return number == node.args.end() ? "" : fmt::format("text is written in quotes: \"{}\"", number->integer);
}

bool ExprLowerer::check_literal_null(const ast::Expr& node) {
  for (const ast::Expr& arg : node.args) {
    if (arg.kind != AstKind::null) continue;
    const bool negative = node.text.starts_with("!=");
    symbols_.error(node.span, "a comparison with null is always false",
                   negative ? "write 'is not null'" : "write 'is null'");
    return false;
  }
  return true;
}

void ExprLowerer::report_mixed(const ast::Expr& node, const Type& left, const Type& right) {
  symbols_.error(node.span,
                 fmt::format("cannot compare {} with {}", symbols_.describe(left), symbols_.describe(right)),
                 unit_hint(node, left.kind, right.kind));
}

bool ExprLowerer::comparable(const ast::Expr& node, std::vector<Expr>& args, bool ordered) {
  if (!check_literal_null(node)) return false;
  if (!unify(args)) {
    const auto other = std::find_if(args.begin(), args.end(),
                                    [&](const Expr& arg) { return !same_base(arg.type, args.front().type); });
    report_mixed(node, args.front().type, other->type);
    return false;
  }
  const Type type = args.front().type;
  if (type.kind == Kind::array) {
    symbols_.error(node.span, "arrays are not compared", "look into them with 'has' or any(…)");
    return false;
  }
  if (ordered && !is_ordered(type.kind)) {
    symbols_.error(node.span,
                   fmt::format("{} has no order; it goes with == and != only", symbols_.describe(type)));
    return false;
  }
  const bool ignores_case = node.text.ends_with('~');
  if (ignores_case && type.kind != Kind::string) {
    symbols_.error(node.span,
                   fmt::format("'{}' is for text; this is {}", node.text, symbols_.describe(type)));
    return false;
  }
  return true;
}

Lowered ExprLowerer::lower_comparison(const ast::Expr& expr) {
  const bool ignore_case = expr.text.ends_with('~');
  const Op op =
      comparison_op(std::string_view(expr.text).substr(0, expr.text.size() - (ignore_case ? 1 : 0)));
  auto args = lower_args(expr);
  if (!args || !comparable(expr, *args, !is_equality(op))) return std::nullopt;
  return compare(op, std::move(*args), ignore_case);
}

Expr ExprLowerer::compare(Op op, std::vector<Expr> args, bool ignore_case) {
  Expr expr;
  expr.op = op;
  expr.type = {.kind = Kind::boolean};
  expr.ignore_case = ignore_case;
  expr.args = std::move(args);
  if (ignore_case) return expr;
  return make_bool(op, std::move(expr.args));
}

Lowered ExprLowerer::lower_has(const ast::Expr& expr) {
  auto args = lower_args(expr);
  if (!args) return std::nullopt;
  const Type array = (*args)[0].type;
  if (array.kind != Kind::array) {
    symbols_.error(expr.args[0].span,
                   fmt::format("'has' looks into an array; this is {}", symbols_.describe(array)),
                   array.kind == Kind::string ? "write contains(text, part)" : "");
    return std::nullopt;
  }
  auto element = convert(std::move((*args)[1]), {.kind = array.element});
  if (!element) {
    symbols_.error(expr.args[1].span, fmt::format("the array holds {} values",
                                                  to_string({.kind = array.element}, symbols_.catalog)));
    return std::nullopt;
  }
  (*args)[1] = std::move(*element);
  return make_bool(Op::has, std::move(*args));
}

Lowered ExprLowerer::lower_in(const ast::Expr& expr) {
  auto args = lower_args(expr);
  if (!args) return std::nullopt;
  if (args->size() < 2) {
    symbols_.error(expr.span, "the list of 'in' is empty");
    return std::nullopt;
  }
  if (!comparable(expr, *args, false)) return std::nullopt;
  return finish(compare(Op::in, std::move(*args), expr.text.ends_with('~')), expr.negated);
}

Lowered ExprLowerer::lower_between(const ast::Expr& expr) {
  auto args = lower_args(expr);
  if (!args || !comparable(expr, *args, true)) return std::nullopt;
  auto from = make_bool(Op::ge, pair((*args)[0], std::move((*args)[1])));
  auto to = make_bool(Op::le, pair(std::move((*args)[0]), std::move((*args)[2])));
  return finish(make_bool(Op::and_, pair(std::move(from), std::move(to))), expr.negated);
}

Lowered ExprLowerer::lower_like(const ast::Expr& expr) {
  const bool ignore_case = expr.text.ends_with('~');
  const bool is_regex = expr.text.starts_with("matches");
  auto subject = lower(expr.args[0]);
  bool sound = subject.has_value();
  if (subject && subject->type.kind != Kind::string) {
    symbols_.error(expr.args[0].span,
                   fmt::format("'{}' is for text; this is {}", expr.text, symbols_.describe(subject->type)),
                   subject->type.kind == Kind::array ? fmt::format("write any(… {} …)", expr.text) : "");
    sound = false;
  }
  Expr test;
  test.op = is_regex ? Op::matches : Op::like;
  test.type = {.kind = Kind::boolean};
  test.ignore_case = ignore_case;
  for (std::size_t i = 1; i < expr.args.size(); ++i) {
    auto pattern = constant_text(expr.args[i], "a pattern");
    if (pattern && is_regex) {
      re2::RE2::Options options;
      options.set_log_errors(false);
      if (const re2::RE2 regex(*pattern, options); !regex.ok()) {
        symbols_.error(expr.args[i].span, fmt::format("this pattern is not valid: {}", regex.error()));
        pattern.reset();
      }
    }
    if (pattern) test.patterns.push_back(std::move(*pattern));
  }
  if (!sound || test.patterns.size() + 1 != expr.args.size()) return std::nullopt;
  test.args.push_back(std::move(*subject));
  return finish(std::move(test), expr.negated);
}

Lowered ExprLowerer::lower_is_null(const ast::Expr& expr) {
  const bool wants_value = expr.integer != 0;  // `is not null`
  const ast::Expr& subject = expr.args[0];
  if (is_row(subject)) return lower_row_is_null(subject, wants_value);
  const bool is_name = subject.kind == AstKind::name && look_up(subject.text).found == Found::no;
  if (const auto step = is_name ? find_step(subject.text) : std::nullopt) {
    return lower_is_bound(*step, subject.span, wants_value);
  }
  auto value = lower(subject);
  if (!value) return std::nullopt;
  if (value->op == Op::field && !value->type.nullable) {
    symbols_.warn(expr.span, fmt::format("this is never null, so the test is always {}", wants_value));
  }
  std::vector<Expr> args;
  args.push_back(std::move(*value));
  return finish(make_bool(Op::is_null, std::move(args)), wants_value);
}

Lowered ExprLowerer::lower_is_bound(std::uint32_t step, Span span, bool wants_step) {
  if (!reachable(step, span)) return std::nullopt;
  if (step < 64) steps_asked_ |= std::uint64_t{1} << step;
  const StepInfo& info = (*scope_.steps)[step];
  if (is_own(step) && (scope_.place == Scope::Place::where || !info.repeated())) {
    return constant(Kind::boolean, wants_step);  // it is the event at hand
  }
  if (certain(step)) {
    symbols_.warn(span,
                  fmt::format("step '{}' is always there, so the test is always {}", info.name, wants_step));
  }
  Expr test;
  test.op = Op::is_bound;
  test.type = {.kind = Kind::boolean};
  test.ref.step = step;
  return finish(std::move(test), !wants_step);
}

}  // namespace tocsin::dsl
