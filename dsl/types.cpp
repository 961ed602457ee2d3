#include "dsl/types.hpp"

#include <algorithm>
#include <cmath>

namespace tocsin::dsl {

using model::Kind;
using model::Type;
using plan::Constant;
using plan::Expr;
using plan::Op;

bool is_ordered(Kind kind) {
  return is_number(kind) || kind == Kind::string || kind == Kind::time || kind == Kind::duration;
}

Expr constant(const Constant& value, const Type& type) {
  Expr expr;
  expr.op = Op::constant;
  expr.type = type;
  expr.type.nullable = value.kind == Kind::null;
  expr.constant = value;
  return expr;
}

Expr constant(Kind kind, std::int64_t value, std::uint16_t enumeration) {
  return constant(Constant{.kind = kind, .i = value, .f = 0, .s = {}},
                  Type{.kind = kind, .enumeration = enumeration});
}

Expr constant(double value) {
  return constant(Constant{.kind = Kind::floating, .i = 0, .f = value, .s = {}},
                  Type{.kind = Kind::floating});
}

Expr constant(std::string value) {
  return constant(Constant{.kind = Kind::string, .i = 0, .f = 0, .s = std::move(value)},
                  Type{.kind = Kind::string});
}

Expr null_constant() {
  return constant(Constant{}, Type{});
}

bool is_constant_true(const Expr& expr) {
  return is_constant(expr) && expr.constant.kind == Kind::boolean && expr.constant.i != 0;
}

namespace {

bool is_false(const Expr& expr) {  // a null condition counts as false
  return is_constant(expr) && (expr.constant.kind == Kind::null || expr.constant.i == 0);
}

bool is_nan(const Expr& expr) {
  return expr.constant.kind == Kind::floating && std::isnan(expr.constant.f);
}

double as_float(const Constant& value) {
  return value.kind == Kind::floating ? value.f : static_cast<double>(value.i);
}

std::optional<std::int64_t> as_int(double value) {
  constexpr double limit = 9223372036854775808.0;  // 2^63
  if (!(value >= -limit && value < limit)) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

// The arithmetic of the engine: overflow and division by zero are nothing.
std::optional<std::int64_t> int_arithmetic(Op op, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  switch (op) {
    case Op::add: return __builtin_add_overflow(a, b, &out) ? std::nullopt : std::optional(out);
    case Op::sub: return __builtin_sub_overflow(a, b, &out) ? std::nullopt : std::optional(out);
    case Op::mul: return __builtin_mul_overflow(a, b, &out) ? std::nullopt : std::optional(out);
    default: break;
  }
  if (b == 0) return std::nullopt;
  if (b == -1) return op == Op::mod ? std::optional<std::int64_t>(0) : int_arithmetic(Op::sub, 0, a);
  return op == Op::div ? a / b : a % b;
}

std::optional<double> float_arithmetic(Op op, double a, double b) {
  switch (op) {
    case Op::add: return a + b;
    case Op::sub: return a - b;
    case Op::mul: return a * b;
    default: break;
  }
  if (b == 0) return std::nullopt;
  return op == Op::div ? a / b : std::fmod(a, b);
}

Expr fold_arithmetic(Op op, const Type& type, const Constant& a, const Constant& b) {
  const bool of_floats = a.kind == Kind::floating || b.kind == Kind::floating || type.kind == Kind::floating;
  if (a.kind != Kind::null && b.kind != Kind::null) {
    if (type.kind == Kind::floating) {
      if (const auto value = float_arithmetic(op, as_float(a), as_float(b))) return constant(*value);
    } else {
      const auto scaled = of_floats ? float_arithmetic(op, as_float(a), as_float(b)) : std::nullopt;
      const auto value = !of_floats ? int_arithmetic(op, a.i, b.i) : scaled ? as_int(*scaled) : std::nullopt;
      if (value) return constant(type.kind, *value);
    }
  }
  return constant(Constant{}, type);
}

bool holds(Op op, int order) {
  switch (op) {
    case Op::eq: return order == 0;
    case Op::ne: return order != 0;
    case Op::lt: return order < 0;
    case Op::le: return order <= 0;
    case Op::gt: return order > 0;
    default: return order >= 0;
  }
}

bool fold_comparison(Op op, const Constant& a, const Constant& b) {
  if (a.kind == Kind::null || b.kind == Kind::null) return false;
  if (a.kind == Kind::string) return holds(op, a.s.compare(b.s));
  if (a.kind == Kind::floating) return holds(op, a.f < b.f ? -1 : a.f > b.f ? 1 : 0);
  return holds(op, a.i < b.i ? -1 : a.i > b.i ? 1 : 0);
}

// The folded form, or nothing where the expression must stay.
std::optional<Expr> fold(const Expr& expr) {
  const auto& args = expr.args;
  const bool all_constant = std::all_of(args.begin(), args.end(), is_constant);
  switch (expr.op) {
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
    case Op::mod:
      if (all_constant) return fold_arithmetic(expr.op, expr.type, args[0].constant, args[1].constant);
      break;
    case Op::neg:
      if (all_constant && expr.type.kind == Kind::floating && args[0].constant.kind != Kind::null)
        return constant(-args[0].constant.f);
      if (all_constant) {
        const Constant zero{.kind = expr.type.kind, .i = 0, .f = 0, .s = {}};
        return fold_arithmetic(Op::sub, expr.type, zero, args[0].constant);
      }
      break;
    case Op::to_float:
      if (!all_constant) break;
      if (args[0].constant.kind == Kind::null) return constant(Constant{}, expr.type);
      return constant(as_float(args[0].constant));
    case Op::eq:
    case Op::ne:
    case Op::lt:
    case Op::le:
    case Op::gt:
    case Op::ge:
      if (!all_constant || expr.ignore_case || is_nan(args[0]) || is_nan(args[1])) break;
      return constant(Kind::boolean, fold_comparison(expr.op, args[0].constant, args[1].constant));
    case Op::not_:
      if (all_constant) return constant(Kind::boolean, is_false(args[0]));
      break;
    case Op::and_:
      if (is_false(args[0]) || is_false(args[1])) return constant(Kind::boolean, 0);
      if (is_constant_true(args[0]) && !args[1].type.nullable) return args[1];
      if (is_constant_true(args[1]) && !args[0].type.nullable) return args[0];
      break;
    case Op::or_:
      if (is_constant_true(args[0]) || is_constant_true(args[1])) return constant(Kind::boolean, 1);
      if (is_false(args[0]) && !args[1].type.nullable) return args[1];
      if (is_false(args[1]) && !args[0].type.nullable) return args[0];
      break;
    case Op::concat: {
      std::string text;
      for (const Expr& arg : args) {
        if (!is_constant(arg) || arg.constant.kind == Kind::null) return std::nullopt;
        text += arg.constant.s;
      }
      return constant(std::move(text));
    }
    default: break;
  }
  return std::nullopt;
}

}  // namespace

Expr make(Op op, Type type, std::vector<Expr> args) {
  Expr expr;
  expr.op = op;
  expr.type = type;
  expr.args = std::move(args);
  if (auto folded = fold(expr)) return std::move(*folded);
  return expr;
}

Expr make_bool(Op op, std::vector<Expr> args) {
  return make(op, Type{.kind = Kind::boolean}, std::move(args));
}

std::vector<Expr> pair(Expr left, Expr right) {
  std::vector<Expr> out;
  out.reserve(2);
  out.push_back(std::move(left));
  out.push_back(std::move(right));
  return out;
}

Expr negate(Expr condition) {
  std::vector<Expr> args;
  args.push_back(std::move(condition));
  return make_bool(Op::not_, std::move(args));
}

Expr to_float(Expr expr) {
  if (expr.type.kind != Kind::integer) return expr;
  const Type type{.kind = Kind::floating, .nullable = expr.type.nullable};
  std::vector<Expr> args;
  args.push_back(std::move(expr));
  return make(Op::to_float, type, std::move(args));
}

bool unify(std::vector<Expr>& exprs) {
  const auto kind_is = [](Kind kind) { return [kind](const Expr& expr) { return expr.type.kind == kind; }; };
  if (std::any_of(exprs.begin(), exprs.end(), kind_is(Kind::floating))) {
    for (Expr& expr : exprs)
      expr = to_float(std::move(expr));
  }
  const auto model = std::find_if_not(exprs.begin(), exprs.end(), kind_is(Kind::null));
  if (model == exprs.end()) return true;
  const Type type = model->type;
  for (Expr& expr : exprs) {
    if (expr.type.kind == Kind::null) {
      expr.type = type;
      expr.type.nullable = true;
    } else if (!same_base(expr.type, type)) {
      return false;
    }
  }
  return true;
}

std::optional<Expr> convert(Expr expr, const Type& type) {
  if (type.kind == Kind::floating) expr = to_float(std::move(expr));
  if (expr.type.kind == Kind::null && type.nullable) {
    expr.type = type;
    return expr;
  }
  if (!same_base(expr.type, type)) return std::nullopt;
  return expr;
}

}  // namespace tocsin::dsl
