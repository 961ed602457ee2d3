#include "engine/match/evaluate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <re2/re2.h>

#include "engine/base/assert.hpp"
#include "engine/match/table.hpp"

namespace tocsin::match {

using model::EventView;
using model::Kind;
using model::Value;
using plan::Op;
using plan::Selector;

namespace {

// Where a field lies in a trimmed event.
std::uint32_t trimmed_slot(std::span<const EventForm> forms, const plan::FieldRef& ref) {
  const auto form =
      std::find_if(forms.begin(), forms.end(), [&](const auto& f) { return f.type == ref.type; });
  TOCSIN_ASSERT(form != forms.end());
  const auto field = std::find_if(form->fields.begin(), form->fields.end(),
                                  [&](const auto& f) { return f.index == ref.field; });
  // The timestamp is in the header, as ever.
  if (field == form->fields.end()) return offsetof(model::EventHeader, time_ns);
  TOCSIN_ASSERT(field->key == EventForm::no_key);
  return field->trimmed;
}

}  // namespace

Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;
Expression::~Expression() = default;

Expression::Expression(const plan::Expr& expr, const model::Catalog& catalog,
                       std::span<const EventForm> taken) {
  root_ = compile(expr, catalog, taken);
}

std::uint32_t Expression::compile(const plan::Expr& expr, const model::Catalog& catalog,
                                  std::span<const EventForm> taken) {
  Node node;
  node.op = expr.op;
  node.result = expr.type.kind;
  node.ignore_case = expr.ignore_case;
  switch (expr.op) {
    case Op::constant: {
      const auto& constant = expr.constant;
      if (constant.kind == Kind::string) {
        node.constant = Value::string(texts_.emplace_back(constant.s));
      } else if (constant.kind == Kind::floating) {
        node.constant = Value::floating(constant.f);
      } else if (constant.kind != Kind::null) {
        node.constant = Value::of_int(constant.i, constant.kind);
      }
      break;
    }
    case Op::field: {
      const auto& field = catalog[expr.ref.type].fields[expr.ref.field];
      node.selector = expr.ref.selector;
      node.step = expr.ref.step;
      node.index = expr.ref.index;
      node.field = expr.ref.field;
      node.of_any = expr.ref.of_any;
      node.type = expr.ref.type;
      node.slot = field.slot;
      if (node.selector != Selector::current && !taken.empty()) node.slot = trimmed_slot(taken, expr.ref);
      node.kind = field.type.kind;
      node.element = field.type.element;
      reads_previous_ |= node.selector == Selector::previous;
      reads_run_ |= node.selector != Selector::previous && node.selector != Selector::current;
      break;
    }
    case Op::aggregate:
    case Op::is_bound:
      node.aggregate = expr.aggregate;
      node.step = expr.ref.step;
      node.index = expr.ref.index;
      reads_run_ = true;
      break;
    case Op::window_aggregate: node.index = expr.ref.index; break;
    case Op::match_start:
    case Op::match_count:
    case Op::match_end: reads_run_ = true; break;
    case Op::in_table: node.index = expr.ref.index; break;
    case Op::table_field: {
      const auto& field = catalog[expr.ref.type].fields[expr.ref.field];
      node.index = expr.ref.index;
      node.field = expr.ref.field;
      node.slot = field.slot;
      node.kind = field.type.kind;
      node.element = field.type.element;
      break;
    }
    case Op::like:
    case Op::matches:
    case Op::in_cidr:
    case Op::date_trunc: compile_patterns(expr, node); break;
    default: break;
  }
  std::vector<std::uint32_t> args;
  for (const auto& arg : expr.args)
    args.push_back(compile(arg, catalog, taken));
  node.arity = static_cast<std::uint16_t>(args.size());
  node.first_arg = static_cast<std::uint32_t>(args_.size());
  args_.insert(args_.end(), args.begin(), args.end());
  nodes_.push_back(node);
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

void Expression::compile_patterns(const plan::Expr& expr, Node& node) {
  node.patterns = static_cast<std::uint32_t>(expr.patterns.size());
  switch (expr.op) {
    case Op::like:
      node.pattern = static_cast<std::uint32_t>(patterns_.size());
      for (const auto& text : expr.patterns)
        patterns_.push_back(texts_.emplace_back(text));
      break;
    case Op::matches: {
      node.pattern = static_cast<std::uint32_t>(regexes_.size());
      re2::RE2::Options options;
      options.set_case_sensitive(!expr.ignore_case);
      options.set_log_errors(false);
      for (const auto& text : expr.patterns) {
        regexes_.push_back(std::make_unique<re2::RE2>(text, options));
        TOCSIN_ASSERT(regexes_.back()->ok());
      }
      break;
    }
    case Op::in_cidr:
      node.pattern = static_cast<std::uint32_t>(networks_.size());
      for (const auto& text : expr.patterns) {
        const auto network = parse_network(text);
        TOCSIN_ASSERT(network.has_value());
        networks_.push_back(*network);
      }
      break;
    default: {
      node.pattern = static_cast<std::uint32_t>(units_.size());
      const auto unit = parse_date_unit(expr.patterns.at(0));
      TOCSIN_ASSERT(unit.has_value());
      units_.push_back(*unit);
      break;
    }
  }
}

Value Expression::eval(std::uint32_t at, const Bindings& bindings, Scratch& scratch) const {
  const Node& node = nodes_[at];
  switch (node.op) {
    case Op::constant: return node.constant;
    case Op::field: return eval_field(node, bindings, scratch);
    case Op::aggregate:
      return bindings.totals ? eval_total(node, *bindings.totals) : eval_aggregate(node, bindings, scratch);
    case Op::match_count: return Value::floating(bindings.totals->matches);
    case Op::is_bound:
      for (const auto& taken : bindings.run) {
        if (taken.step == node.step) return Value::boolean(true);
      }
      return Value::boolean(false);
    case Op::match_start:
      return Value::of_int((bindings.run.empty() ? bindings.current : bindings.run.front().event).time_ns(),
                           Kind::time);
    case Op::match_end: return Value::of_int(bindings.end_ns, Kind::time);
    case Op::window_aggregate: return bindings.window->aggregate(node.index);
    case Op::window_start: return Value::of_int(bindings.window->start_ns(), Kind::time);
    case Op::window_end: return Value::of_int(bindings.window->end_ns(), Kind::time);
    case Op::element: return scratch.element;
    case Op::in_table: return Value::boolean(static_cast<bool>(find_row(node, bindings, scratch)));
    case Op::table_field: return eval_row_field(node, bindings, scratch);

    case Op::neg:
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
    case Op::mod:
    case Op::to_float: return eval_arithmetic(node, bindings, scratch);

    case Op::eq:
    case Op::ne:
    case Op::lt:
    case Op::le:
    case Op::gt:
    case Op::ge: return Value::boolean(eval_comparison(node, bindings, scratch));

    case Op::is_null: return Value::boolean(eval(arg(node, 0), bindings, scratch).is_null());
    case Op::and_:
      for (std::uint32_t i = 0; i < node.arity; ++i) {
        if (!truth(arg(node, i), bindings, scratch)) return Value::boolean(false);
      }
      return Value::boolean(true);
    case Op::or_:
      for (std::uint32_t i = 0; i < node.arity; ++i) {
        if (truth(arg(node, i), bindings, scratch)) return Value::boolean(true);
      }
      return Value::boolean(false);
    case Op::not_: return Value::boolean(!truth(arg(node, 0), bindings, scratch));
    case Op::if_: return eval(arg(node, truth(arg(node, 0), bindings, scratch) ? 1 : 2), bindings, scratch);
    case Op::coalesce:
      for (std::uint32_t i = 0; i < node.arity; ++i) {
        const Value value = eval(arg(node, i), bindings, scratch);
        if (!value.is_null()) return value;
      }
      return Value::null();

    case Op::in:
    case Op::like:
    case Op::matches:
    case Op::has:
    case Op::any_element:
    case Op::in_cidr: return Value::boolean(eval_set_test(node, bindings, scratch));

    case Op::lower:
    case Op::upper:
    case Op::length:
    case Op::starts_with:
    case Op::ends_with:
    case Op::contains:
    case Op::concat:
    case Op::substring: return eval_text(node, bindings, scratch);

    default: return eval_number(node, bindings, scratch);
  }
}

Value Expression::eval_field(const Node& node, const Bindings& bindings, const Scratch& scratch) const {
  EventView event;
  const auto run = bindings.run;
  switch (node.selector) {
    case Selector::current: event = bindings.current; break;
    case Selector::previous:
      for (std::size_t i = run.size(); i > 0 && !event; --i) {
        if (run[i - 1].step == bindings.step) event = run[i - 1].event;
      }
      break;
    case Selector::element_event: event = scratch.element_event; break;
    case Selector::single:
    case Selector::last:
      for (std::size_t i = run.size(); i > 0 && !event; --i) {
        if (run[i - 1].step == node.step) event = run[i - 1].event;
      }
      break;
    case Selector::first:
    case Selector::index: {
      std::uint32_t left = node.selector == Selector::first ? 0 : node.index;
      for (const auto& taken : run) {
        if (taken.step == node.step && left-- == 0) {
          event = taken.event;
          break;
        }
      }
      break;
    }
  }
  if (!event || (node.of_any && event.type() != node.type) || event.is_null(node.field)) return Value::null();
  return model::read_slot(event.bytes() + node.slot, node.kind, node.element);
}

EventView Expression::find_row(const Node& node, const Bindings& bindings, Scratch& scratch) const {
  std::array<Value, plan::max_table_keys> key;
  for (std::uint32_t i = 0; i < node.arity; ++i) {
    key[i] = eval(arg(node, i), bindings, scratch);
    if (key[i].is_null()) return {};
  }
  TOCSIN_ASSERT(node.index < scratch.tables.size());
  return scratch.tables[node.index]->find({key.data(), node.arity}, scratch.key);
}

Value Expression::eval_row_field(const Node& node, const Bindings& bindings, Scratch& scratch) const {
  const EventView row = find_row(node, bindings, scratch);
  if (!row || row.is_null(node.field)) return Value::null();
  return model::read_slot(row.bytes() + node.slot, node.kind, node.element);
}

namespace {

bool add_checked(std::int64_t a, std::int64_t b, std::int64_t& out) {
  return !__builtin_add_overflow(a, b, &out);
}

}  // namespace

Value Expression::eval_total(const Node& node, const Totals& totals) {
  using plan::Aggregate;
  const Sum& total = totals.sums[node.index];
  switch (node.aggregate) {
    case Aggregate::count: return Value::floating(total.count);
    case Aggregate::sum: return Value::floating(total.sum);
    case Aggregate::avg: return total.count == 0 ? Value::null() : Value::floating(total.sum / total.count);
    case Aggregate::min: return total.least;
    case Aggregate::max: return total.greatest;
    case Aggregate::distinct: break;  // not under `report total`
  }
  return Value::null();
}

Value Expression::eval_aggregate(const Node& node, const Bindings& bindings, Scratch& scratch) const {
  using plan::Aggregate;
  std::int64_t count = 0;
  std::int64_t int_sum = 0;
  double float_sum = 0;
  bool overflow = false;
  Value best;
  const bool wants_values = node.arity > 0;
  if (node.aggregate == Aggregate::distinct) scratch.distinct.clear();
  for (const auto& taken : bindings.run) {
    if (taken.step != node.step) continue;
    Value value;
    if (wants_values) {
      const EventView outer = scratch.element_event;
      scratch.element_event = taken.event;
      value = eval(arg(node, 0), bindings, scratch);
      scratch.element_event = outer;
      if (value.is_null()) continue;
    }
    ++count;
    switch (node.aggregate) {
      case Aggregate::count: break;
      case Aggregate::sum:
      case Aggregate::avg:
        if (value.kind == Kind::floating) {
          float_sum += value.f;
        } else {
          float_sum += static_cast<double>(value.i);
          overflow |= !add_checked(int_sum, value.i, int_sum);
        }
        break;
      case Aggregate::min:
      case Aggregate::max: {
        const int order = best.is_null() ? 2 : compare_values(value, best, value.kind, false);
        if (best.is_null() || order == (node.aggregate == Aggregate::min ? -1 : 1)) best = value;
        break;
      }
      case Aggregate::distinct: {
        bool seen = false;
        for (const Value& other : scratch.distinct)
          seen = seen || identical(value, other);
        if (!seen) scratch.distinct.push_back(value);
        break;
      }
    }
  }
  switch (node.aggregate) {
    case Aggregate::count: return Value::integer(count);
    case Aggregate::distinct: return Value::integer(static_cast<std::int64_t>(scratch.distinct.size()));
    case Aggregate::min:
    case Aggregate::max: return best;
    case Aggregate::sum:
      if (node.result == Kind::floating) return Value::floating(float_sum);
      if (overflow) {
        ++scratch.arithmetic_faults;
        return Value::null();
      }
      return Value::of_int(int_sum, node.result);
    case Aggregate::avg:
      if (count == 0) return Value::null();
      if (node.result == Kind::floating) return Value::floating(float_sum / static_cast<double>(count));
      return Value::of_int(static_cast<std::int64_t>(float_sum / static_cast<double>(count)), node.result);
  }
  return Value::null();
}

Value Expression::eval_arithmetic(const Node& node, const Bindings& bindings, Scratch& scratch) const {
  const Value a = eval(arg(node, 0), bindings, scratch);
  if (a.is_null()) return a;
  const auto fault = [&] {
    ++scratch.arithmetic_faults;
    return Value::null();
  };
  const Kind result = node.result;
  if (node.op == Op::to_float)
    return a.kind == Kind::floating ? a : Value::floating(static_cast<double>(a.i));
  if (node.op == Op::neg) {
    if (a.kind == Kind::floating) return Value::floating(-a.f);
    if (a.i == INT64_MIN) return fault();
    return Value::of_int(-a.i, result);
  }
  const Value b = eval(arg(node, 1), bindings, scratch);
  if (b.is_null()) return b;

  if (a.kind == Kind::floating || b.kind == Kind::floating || result == Kind::floating) {
    const double x = a.kind == Kind::floating ? a.f : static_cast<double>(a.i);
    const double y = b.kind == Kind::floating ? b.f : static_cast<double>(b.i);
    double value = 0;
    switch (node.op) {
      case Op::add: value = x + y; break;
      case Op::sub: value = x - y; break;
      case Op::mul: value = x * y; break;
      default:
        if (y == 0) return fault();
        value = node.op == Op::div ? x / y : std::fmod(x, y);
    }
    if (result == Kind::floating) return Value::floating(value);
    if (!(std::fabs(value) < 9.2e18)) return fault();  // a duration scaled out of range
    return Value::of_int(static_cast<std::int64_t>(value), result);
  }

  std::int64_t value = 0;
  bool overflow = false;
  switch (node.op) {
    case Op::add: overflow = __builtin_add_overflow(a.i, b.i, &value); break;
    case Op::sub: overflow = __builtin_sub_overflow(a.i, b.i, &value); break;
    case Op::mul: overflow = __builtin_mul_overflow(a.i, b.i, &value); break;
    default:
      if (b.i == 0) return fault();
      if (b.i == -1) {  // INT64_MIN / -1 has no result, INT64_MIN % -1 is 0 but traps
        if (node.op == Op::mod) return Value::of_int(0, result);
        overflow = __builtin_sub_overflow(std::int64_t{0}, a.i, &value);
        break;
      }
      value = node.op == Op::div ? a.i / b.i : a.i % b.i;
  }
  return overflow ? fault() : Value::of_int(value, result);
}

bool Expression::eval_comparison(const Node& node, const Bindings& bindings, Scratch& scratch) const {
  const Value a = eval(arg(node, 0), bindings, scratch);
  if (a.is_null()) return false;
  const Value b = eval(arg(node, 1), bindings, scratch);
  if (b.is_null()) return false;
  const int order = compare_values(a, b, a.kind, node.ignore_case);
  switch (node.op) {
    case Op::eq: return order == 0;
    case Op::ne: return order != 0;
    case Op::lt: return order == -1;
    case Op::le: return order == -1 || order == 0;
    case Op::gt: return order == 1;
    default: return order == 1 || order == 0;
  }
}

bool is_single_event(const plan::Expr& expr) {
  if (expr.op == Op::field && expr.ref.selector != Selector::current) return false;
  if (expr.op == Op::aggregate || expr.op == Op::is_bound) return false;
  if (expr.op == Op::match_start) return false;
  if (expr.op == Op::window_aggregate || expr.op == Op::window_start || expr.op == Op::window_end)
    return false;
  for (const auto& arg : expr.args) {
    if (!is_single_event(arg)) return false;
  }
  return true;
}

bool looks_up(const plan::Expr& expr) {
  return expr.op == Op::in_table || expr.op == Op::table_field ||
         std::any_of(expr.args.begin(), expr.args.end(), looks_up);
}

}  // namespace tocsin::match
