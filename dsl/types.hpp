// Typed expressions in the making: constants, conversions, and the folding of constants. Nothing here knows
// names or text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/model/type.hpp"
#include "engine/plan/expr.hpp"

namespace tocsin::dsl {

inline bool is_number(model::Kind kind) {
  return kind == model::Kind::integer || kind == model::Kind::floating;
}
/// What `<` puts in order: numbers, text, times and durations.
bool is_ordered(model::Kind kind);

plan::Expr constant(model::Kind kind, std::int64_t value, std::uint16_t enumeration = 0);
plan::Expr constant(double value);
plan::Expr constant(std::string value);
plan::Expr constant(const plan::Constant& value, const model::Type& type);
plan::Expr null_constant();

inline bool is_constant(const plan::Expr& expr) {
  return expr.op == plan::Op::constant;
}
bool is_constant_true(const plan::Expr& expr);

/// `op` over `args`, of kind `type.kind`; computed now where that is cheap and all arguments are constants.
plan::Expr make(plan::Op op, model::Type type, std::vector<plan::Expr> args);
plan::Expr make_bool(plan::Op op, std::vector<plan::Expr> args);
std::vector<plan::Expr> pair(plan::Expr left, plan::Expr right);
plan::Expr negate(plan::Expr condition);

/// An int as float; anything else as it is.
plan::Expr to_float(plan::Expr expr);

/// Gives all the same type (but for nullability) by making ints float where a float is among them and by
/// giving `null` the type of the others. False where they do not go together.
bool unify(std::vector<plan::Expr>& exprs);

/// `expr` as a value of `type`: an int may become a float. Nothing where it does not fit.
std::optional<plan::Expr> convert(plan::Expr expr, const model::Type& type);

}  // namespace tocsin::dsl
