#include "dsl/lower_expr.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>

#include "dsl/types.hpp"

namespace tocsin::dsl {

using model::Kind;
using model::Type;
using plan::Expr;
using plan::Op;
using AstKind = ast::Expr::Kind;

namespace {

// The parser bounds brackets, but not signs and not the length of `a + b + …`; both bound our recursion and
// that of whoever walks the plan.
constexpr int max_depth = 250;
constexpr std::size_t max_chain = 1000;

bool is_logic(std::string_view op) {
  return op == "and" || op == "or";
}

bool is_chain(const ast::Expr& expr) {
  static constexpr std::array<std::string_view, 7> ops = {"+", "-", "*", "/", "%", "and", "or"};
  return expr.kind == AstKind::binary && std::find(ops.begin(), ops.end(), expr.text) != ops.end();
}

// Which kinds `op` joins, and to what; operands have been made float where mixed. Nothing: they don't go.
std::optional<Kind> arithmetic_kind(Op op, Kind left, Kind right) {
  if (left == right && is_number(left)) return left;
  const bool of_times = left == Kind::time && right == Kind::time;
  const bool of_durations = left == Kind::duration && right == Kind::duration;
  const bool shift = left == Kind::time && right == Kind::duration;
  const bool scale = left == Kind::duration && is_number(right);
  switch (op) {
    case Op::add: return of_durations ? std::optional(left) : shift ? std::optional(left) : std::nullopt;
    case Op::sub:
      if (of_times || of_durations) return Kind::duration;
      return shift ? std::optional(left) : std::nullopt;
    case Op::mul: return scale ? std::optional(left) : std::nullopt;
    case Op::div:
      if (of_durations) return Kind::floating;
      return scale && right == Kind::integer ? std::optional(left) : std::nullopt;
    default: return std::nullopt;
  }
}

Op arithmetic_op(std::string_view text) {
  if (text == "+") return Op::add;
  if (text == "-") return Op::sub;
  if (text == "*") return Op::mul;
  return text == "/" ? Op::div : Op::mod;
}

// Nothing is lost: the divisor is known, and neither 0 nor the -1 that overflows.
bool is_safe_divisor(const Expr& divisor) {
  if (!is_constant(divisor) || divisor.constant.kind == Kind::null) return false;
  if (divisor.constant.kind == Kind::floating) return divisor.constant.f != 0;
  return divisor.constant.i != 0 && divisor.constant.i != -1;
}

}  // namespace

std::vector<const ast::Expr*> conjuncts(const ast::Expr& condition) {
  std::vector<const ast::Expr*> out;
  std::vector<const ast::Expr*> open = {&condition};
  while (!open.empty()) {
    const ast::Expr* expr = open.back();
    open.pop_back();
    if (expr->kind == AstKind::binary && expr->text == "and" && expr->args.size() == 2) {
      open.push_back(&expr->args[1]);
      open.push_back(&expr->args[0]);
    } else {
      out.push_back(expr);
    }
  }
  return out;
}

Lowered ExprLowerer::lower(const ast::Expr& expr, const Type* hint) {
  if (depth_ >= max_depth) {
    symbols_.error(expr.span, fmt::format("this expression is nested more than {} deep", max_depth));
    return std::nullopt;
  }
  ++depth_;
  Lowered result = lower_node(expr, hint);
  --depth_;
  return result;
}

Lowered ExprLowerer::lower_condition(const ast::Expr& expr) {
  return as_condition(lower(expr), expr);
}

Lowered ExprLowerer::as_condition(Lowered value, const ast::Expr& expr) {
  if (!value || value->type.kind == Kind::boolean) return value;
  symbols_.error(expr.span,
                 fmt::format("a condition is true or false; this is {}", symbols_.describe(value->type)));
  return std::nullopt;
}

Lowered ExprLowerer::lower_node(const ast::Expr& expr, const Type* hint) {
  switch (expr.kind) {
    case AstKind::integer: return constant(Kind::integer, expr.integer);
    case AstKind::floating: return constant(expr.floating);
    case AstKind::boolean: return constant(Kind::boolean, expr.integer);
    case AstKind::duration: return constant(Kind::duration, expr.integer);
    case AstKind::time: return constant(Kind::time, expr.integer);
    case AstKind::null: return null_constant();
    case AstKind::text: return lower_text(expr, hint);
    case AstKind::name: return lower_name(expr, hint);
    case AstKind::member: return lower_member(expr);
    case AstKind::tuple:
      symbols_.error(expr.span, "several values in brackets are the keys of a table, before 'in'");
      return std::nullopt;
    case AstKind::in_table: return lower_in_table(expr);
    case AstKind::index: {
      if (is_row(expr)) {
        symbols_.error(expr.span, "a row of a table is not a value",
                       fmt::format("name one of its columns, or write x in {0}", expr.args[0].text));
        return std::nullopt;
      }
      const bool of_name = expr.args[0].kind == AstKind::name;
      symbols_.error(
          expr.span, "a step's event is not a value",
          of_name ? fmt::format("name one of its fields, as in {}[0].field", expr.args[0].text) : "");
      return std::nullopt;
    }
    case AstKind::call: return lower_call(expr, hint);
    case AstKind::unary: return lower_unary(expr);
    case AstKind::binary:
      if (is_chain(expr)) return lower_chain(expr);
      return expr.text == "has" ? lower_has(expr) : lower_comparison(expr);
    case AstKind::in: return lower_in(expr);
    case AstKind::like: return lower_like(expr);
    case AstKind::between: return lower_between(expr);
    case AstKind::is_null: return lower_is_null(expr);
  }
  return std::nullopt;
}

std::optional<std::int64_t> lower_duration(Symbols& symbols, const ast::Expr& expr, std::string_view what,
                                           std::string_view units) {
  const Scope scope;
  const auto value = ExprLowerer(symbols, scope).lower(expr);
  if (!value) return std::nullopt;
  if (value->type.kind != Kind::duration || value->constant.kind != Kind::duration) {
    symbols.error(
        expr.span, fmt::format("{} wants a duration; this is {}", what, symbols.describe(value->type)),
        is_number(value->type.kind) ? fmt::format("a bare number has no unit: write {}", units) : "");
    return std::nullopt;
  }
  if (value->constant.i < 0) {
    symbols.error(expr.span, fmt::format("{} wants a duration that is not negative", what));
    return std::nullopt;
  }
  return value->constant.i;
}

ExprLowerer::Args ExprLowerer::lower_all(const std::vector<const ast::Expr*>& exprs, const Type* hint) {
  // A bare name or text may be a label of the enumeration that another of them has; that one goes first.
  const auto tells_type = [&](const ast::Expr* expr) {
    if (expr->kind == AstKind::text || expr->kind == AstKind::null) return false;
    if (expr->kind != AstKind::name) return true;
    const Named named = look_up(expr->text);
    return named.expr && named.expr->type.kind == Kind::enumeration;
  };
  std::vector<Lowered> lowered(exprs.size());
  std::optional<Type> enumeration;
  if (hint != nullptr) enumeration = *hint;
  auto lead = exprs.size();
  for (std::size_t i = 0; i < exprs.size() && lead == exprs.size(); ++i) {
    if (tells_type(exprs[i])) lead = i;
  }
  bool failed = false;
  if (lead < exprs.size()) {
    lowered[lead] = lower(*exprs[lead], hint);
    if (lowered[lead] && lowered[lead]->type.kind == Kind::enumeration) enumeration = lowered[lead]->type;
    failed = !lowered[lead];
  }
  for (std::size_t i = 0; i < exprs.size(); ++i) {
    if (i == lead) continue;
    // Beside a broken value, an unknown name may well be a label of its type.
    if (failed && exprs[i]->kind == AstKind::name && look_up(exprs[i]->text).found == Found::no) continue;
    lowered[i] = lower(*exprs[i], enumeration ? &*enumeration : nullptr);
    failed = failed || !lowered[i];
  }
  if (failed) return std::nullopt;
  std::vector<Expr> out;
  for (Lowered& each : lowered)
    out.push_back(std::move(*each));
  return out;
}

ExprLowerer::Args ExprLowerer::lower_args(const ast::Expr& call, const Type* hint) {
  std::vector<const ast::Expr*> args;
  for (const ast::Expr& arg : call.args)
    args.push_back(&arg);
  return lower_all(args, hint);
}

Lowered ExprLowerer::lower_chain(const ast::Expr& expr) {
  std::vector<const ast::Expr*> nodes;  // outermost first
  const ast::Expr* leftmost = &expr;
  for (; is_chain(*leftmost); leftmost = &leftmost->args[0])
    nodes.push_back(leftmost);
  if (nodes.size() > max_chain) {
    symbols_.error(expr.span, fmt::format("this expression has more than {} operators", max_chain),
                   "a long list of values is written x in (a, b, …)");
    return std::nullopt;
  }
  Lowered left = lower(*leftmost);
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    left = combine(**node, std::move(left), lower((*node)->args[1]));
  }
  return left;
}

Lowered ExprLowerer::combine(const ast::Expr& node, Lowered left, Lowered right) {
  if (is_logic(node.text)) {
    left = as_condition(std::move(left), node.args[0]);
    right = as_condition(std::move(right), node.args[1]);
    if (!left || !right) return std::nullopt;
    return make_bool(node.text == "and" ? Op::and_ : Op::or_, pair(std::move(*left), std::move(*right)));
  }
  if (!left || !right) return std::nullopt;
  return arithmetic(node, std::move(*left), std::move(*right));
}

Lowered ExprLowerer::arithmetic(const ast::Expr& node, Expr left, Expr right) {
  const Op op = arithmetic_op(node.text);
  const bool commutes = op == Op::add || op == Op::mul;
  const bool swapped =
      commutes && right.type.kind != left.type.kind &&
      (right.type.kind == Kind::time || (right.type.kind == Kind::duration && is_number(left.type.kind)));
  if (swapped) std::swap(left, right);
  if (is_number(left.type.kind) && is_number(right.type.kind) && left.type.kind != right.type.kind) {
    left = to_float(std::move(left));
    right = to_float(std::move(right));
  }
  const auto kind = arithmetic_kind(op, left.type.kind, right.type.kind);
  if (!kind) {
    if (swapped) std::swap(left, right);
    if (op == Op::add && (left.type.kind == Kind::string || right.type.kind == Kind::string)) {
      symbols_.error(node.span, "'+' does not join text", "write concat(…, …)");
    } else {
      symbols_.error(node.span,
                     fmt::format("'{}' does not go with {} and {}", node.text, symbols_.describe(left.type),
                                 symbols_.describe(right.type)),
                     unit_hint(node, left.type.kind, right.type.kind));
    }
    return std::nullopt;
  }
  const bool may_fail = (op == Op::div || op == Op::mod) && !is_safe_divisor(right);
  const Type type{.kind = *kind, .nullable = left.type.nullable || right.type.nullable || may_fail};
  const bool known = is_constant(left) && is_constant(right) && !left.type.nullable && !right.type.nullable;
  Expr result = make(op, type, pair(std::move(left), std::move(right)));
  if (known && result.constant.kind == Kind::null) {
    symbols_.warn(node.span, op == Op::div || op == Op::mod ? "this divides by zero, so it is always null"
                                                            : "this overflows, so it is always null");
  }
  return result;
}

Lowered ExprLowerer::lower_unary(const ast::Expr& expr) {
  if (expr.text == "not") {
    auto condition = lower_condition(expr.args[0]);
    if (!condition) return std::nullopt;
    return negate(std::move(*condition));
  }
  auto value = lower(expr.args[0]);
  if (!value) return std::nullopt;
  if (!is_number(value->type.kind) && value->type.kind != Kind::duration) {
    symbols_.error(expr.span, fmt::format("'-' does not go with {}", symbols_.describe(value->type)));
    return std::nullopt;
  }
  const Type type = value->type;
  std::vector<Expr> args;
  args.push_back(std::move(*value));
  return make(Op::neg, type, std::move(args));
}

}  // namespace tocsin::dsl
