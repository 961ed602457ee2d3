// The part of the evaluator that calls functions: tests against sets and patterns, text, numbers, calendar.
#include <cmath>
#include <re2/re2.h>

#include "engine/base/assert.hpp"
#include "engine/match/evaluate.hpp"

namespace tocsin::match {

using model::Kind;
using model::Value;
using plan::Op;

bool Expression::eval_set_test(const Node& node, const Bindings& bindings, Scratch& scratch) const {
  const Value value = eval(arg(node, 0), bindings, scratch);
  if (value.is_null()) return false;
  switch (node.op) {
    case Op::in:
      for (std::uint32_t i = 1; i < node.arity; ++i) {
        const Value other = eval(arg(node, i), bindings, scratch);
        if (!other.is_null() && compare_values(value, other, value.kind, node.ignore_case) == 0) return true;
      }
      return false;
    case Op::like:
      for (std::uint32_t i = 0; i < node.patterns; ++i) {
        if (like(value.text(), patterns_[node.pattern + i], node.ignore_case)) return true;
      }
      return false;
    case Op::matches:
      for (std::uint32_t i = 0; i < node.patterns; ++i) {
        const std::string_view text = value.text();
        if (re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *regexes_[node.pattern + i]))
          return true;
      }
      return false;
    case Op::in_cidr:
      for (std::uint32_t i = 0; i < node.patterns; ++i) {
        if (in_network(value.text(), networks_[node.pattern + i])) return true;
      }
      return false;
    case Op::has: {
      const Value wanted = eval(arg(node, 1), bindings, scratch);
      for (std::uint32_t i = 0; !wanted.is_null() && i < value.size; ++i) {
        if (compare_values(model::element_of(value, i), wanted, value.element, node.ignore_case) == 0)
          return true;
      }
      return false;
    }
    default: {
      const Value outer = scratch.element;
      bool found = false;
      for (std::uint32_t i = 0; i < value.size && !found; ++i) {
        scratch.element = model::element_of(value, i);
        found = truth(arg(node, 1), bindings, scratch);
      }
      scratch.element = outer;
      return found;
    }
  }
}

Value Expression::eval_text(const Node& node, const Bindings& bindings, Scratch& scratch) const {
  const Value a = eval(arg(node, 0), bindings, scratch);
  if (a.is_null()) return a;
  switch (node.op) {
    case Op::lower:
    case Op::upper: {
      std::string& out = scratch.text();
      change_case(a.text(), node.op == Op::upper, out);
      return Value::string(out);
    }
    case Op::length: return Value::integer(a.kind == Kind::array ? a.size : count_characters(a.text()));
    case Op::substring: {
      const Value begin = eval(arg(node, 1), bindings, scratch);
      const Value length = node.arity > 2 ? eval(arg(node, 2), bindings, scratch) : Value::integer(INT64_MAX);
      if (begin.is_null() || length.is_null()) return Value::null();
      return Value::string(substring(a.text(), begin.i, length.i));
    }
    case Op::concat: {
      std::string out(a.text());
      for (std::uint32_t i = 1; i < node.arity; ++i) {
        const Value part = eval(arg(node, i), bindings, scratch);
        if (part.is_null()) return part;
        out += part.text();
      }
      std::string& kept = scratch.text();
      kept.swap(out);
      return Value::string(kept);
    }
    default: break;
  }
  const Value b = eval(arg(node, 1), bindings, scratch);
  if (b.is_null()) return b;
  switch (node.op) {
    case Op::starts_with: return Value::boolean(a.text().starts_with(b.text()));
    case Op::ends_with: return Value::boolean(a.text().ends_with(b.text()));
    default: return Value::boolean(a.text().find(b.text()) != std::string_view::npos);
  }
}

Value Expression::eval_number(const Node& node, const Bindings& bindings, Scratch& scratch) const {
  const Value a = eval(arg(node, 0), bindings, scratch);
  if (a.is_null()) return a;
  const bool floating = a.kind == Kind::floating;
  const auto fault = [&] {
    ++scratch.arithmetic_faults;
    return Value::null();
  };
  switch (node.op) {
    case Op::abs:
      if (floating) return Value::floating(std::fabs(a.f));
      if (a.i == INT64_MIN) return fault();
      return Value::of_int(a.i < 0 ? -a.i : a.i, a.kind);
    case Op::floor: return floating ? Value::floating(std::floor(a.f)) : a;
    case Op::ceil: return floating ? Value::floating(std::ceil(a.f)) : a;
    case Op::round: return floating ? Value::floating(std::round(a.f)) : a;
    case Op::sqrt: return a.f < 0 ? fault() : Value::floating(std::sqrt(a.f));
    case Op::log: return a.f <= 0 ? fault() : Value::floating(std::log(a.f));
    case Op::exp: return Value::floating(std::exp(a.f));
    case Op::pow: {
      const Value b = eval(arg(node, 1), bindings, scratch);
      return b.is_null() ? b : Value::floating(std::pow(a.f, b.f));
    }
    case Op::min:
    case Op::max: {
      Value best = a;
      for (std::uint32_t i = 1; i < node.arity; ++i) {
        const Value other = eval(arg(node, i), bindings, scratch);
        if (other.is_null()) return other;
        if (compare_values(other, best, best.kind, false) == (node.op == Op::min ? -1 : 1)) best = other;
      }
      return best;
    }
    case Op::hash: return Value::integer(stable_hash(a));
    case Op::hour: return Value::integer(hour_of(a.i));
    case Op::weekday: return Value::integer(weekday_of(a.i));
    case Op::date_trunc: return Value::of_int(truncate_date(a.i, units_[node.pattern]), Kind::time);
    case Op::distance_km: {
      double degrees[4] = {a.f, 0, 0, 0};
      for (std::uint32_t i = 1; i < 4; ++i) {
        const Value other = eval(arg(node, i), bindings, scratch);
        if (other.is_null()) return other;
        degrees[i] = other.f;
      }
      return Value::floating(distance_km(degrees[0], degrees[1], degrees[2], degrees[3]));
    }
    default: break;
  }
  assert_failed("an operation that the evaluator lacks", __FILE__, __LINE__);
}

}  // namespace tocsin::match
