#include "tester/conditions.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "engine/match/program.hpp"

namespace tocsin::tester {

using model::Kind;
using model::Value;
using plan::Expr;
using plan::Op;

namespace {

/// What is worth a value of its own: names, and what is worked out of events.
bool is_named(Op op) {
  switch (op) {
    case Op::field:
    case Op::aggregate:
    case Op::is_bound:
    case Op::match_start:
    case Op::match_end:
    case Op::match_count:
    case Op::window_aggregate:
    case Op::window_start:
    case Op::window_end:
    case Op::in_table:
    case Op::table_field: return true;
    default: return false;
  }
}

bool is_comparison(Op op) {
  return op == Op::eq || op == Op::lt || op == Op::le || op == Op::gt || op == Op::ge;
}

std::optional<double> number_of(const Value& value) {
  if (value.kind == Kind::floating) return value.f;
  if (value.kind == Kind::integer || value.kind == Kind::duration || value.kind == Kind::time)
    return static_cast<double>(value.i);
  return std::nullopt;
}

/// As it is written: without the conversions to float that go without saying.
Expr as_written(Expr expr) {
  while (expr.op == Op::to_float) {
    Expr inner = std::move(expr.args.front());
    expr = std::move(inner);
  }
  for (Expr& arg : expr.args)
    arg = as_written(std::move(arg));
  return expr;
}

}  // namespace

void add_lines(const std::vector<Refusal>& refusals, const std::string& indent,
               std::vector<std::string>& out) {
  for (const Refusal& refusal : refusals) {
    out.push_back(indent + refusal.text + " is false");
    for (const auto& [what, value] : refusal.values)
      out.push_back(fmt::format("{}  {} = {}", indent, what, value));
  }
}

const match::Expression& Conditions::compiled(const Expr& expr, model::EventTypeId type) {
  const auto found = compiled_.find({&expr, type});
  if (found != compiled_.end()) return found->second;
  return compiled_
      .emplace(std::pair(&expr, type), match::Expression(match::specialise(expr, type), plan_.catalog))
      .first->second;
}

Conditions::Conditions(const plan::Plan& plan, const plan::Rule& rule, const Record& record, const Show& show)
    : plan_(plan), rule_(rule), show_(show), tables_(plan, record) {
  for (plan::WindowAggregate& aggregate : rule_.aggregates) {
    for (Expr& argument : aggregate.argument)
      argument = as_written(std::move(argument));
  }
}

match::Scratch& Conditions::scratch_at(model::EventView event) {
  scratch_.tables = tables_.at(event);
  return scratch_;
}

bool Conditions::applies(const Expr& conjunct, const match::Bindings& bindings) {
  return !compiled(conjunct, bindings.current.type()).reads_previous() ||
         std::any_of(bindings.run.begin(), bindings.run.end(),
                     [&](const auto& taken) { return taken.step == bindings.step; });
}

bool Conditions::hold(const std::vector<Expr>& conjuncts, model::EventView event,
                      const std::vector<model::MatchedEvent>& run, std::uint32_t step) {
  const match::Bindings bindings{event, run, step, event.time_ns()};
  scratch_at(event);
  return std::all_of(conjuncts.begin(), conjuncts.end(), [&](const Expr& conjunct) {
    scratch_.reset();
    return !applies(conjunct, bindings) || compiled(conjunct, event.type()).holds(bindings, scratch_);
  });
}

std::vector<Refusal> Conditions::refusals(const std::vector<Expr>& conjuncts, model::EventView event,
                                          const std::vector<model::MatchedEvent>& run, std::uint32_t step) {
  scratch_at(event);
  return refusals(conjuncts, {event, run, step, event.time_ns()});
}

std::vector<Refusal> Conditions::refusals(const std::vector<Expr>& conjuncts,
                                          const match::Bindings& bindings) {
  std::vector<Refusal> out;
  for (const Expr& conjunct : conjuncts) {
    scratch_.reset();
    if (!applies(conjunct, bindings)) continue;
    if (!compiled(conjunct, bindings.current.type()).holds(bindings, scratch_))
      out.push_back(describe(conjunct, bindings));
  }
  return out;
}

Refusal Conditions::describe(const Expr& conjunct, const match::Bindings& bindings) {
  Refusal out;
  out.text = plan::dump(plan_, rule_, as_written(conjunct));
  out.distance = distance(conjunct, bindings);
  add_values(conjunct, bindings, out);
  return out;
}

void Conditions::add_values(const Expr& expr, const match::Bindings& bindings, Refusal& out) {
  if (is_named(expr.op)) {
    std::string text = plan::dump(plan_, rule_, as_written(expr));
    for (const auto& [known, unused] : out.values) {
      if (known == text) return;
    }
    scratch_.reset();
    const Value value = compiled(expr, bindings.current.type()).evaluate(bindings, scratch_);
    out.values.emplace_back(std::move(text), show_.value(value, expr.type));
    return;
  }
  // What stands inside any(…) is about one element of its array after the other.
  const std::size_t known_here = expr.op == Op::any_element ? 1 : expr.args.size();
  for (std::size_t i = 0; i < known_here; ++i)
    add_values(expr.args[i], bindings, out);
}

double Conditions::distance(const Expr& conjunct, const match::Bindings& bindings) {
  if (!is_comparison(conjunct.op)) return 1;
  std::optional<double> sides[2];
  for (std::size_t i = 0; i < 2; ++i) {
    scratch_.reset();
    sides[i] = number_of(compiled(conjunct.args[i], bindings.current.type()).evaluate(bindings, scratch_));
    if (!sides[i]) return 1;
  }
  const double largest = std::max(std::abs(*sides[0]), std::abs(*sides[1]));
  const double apart = std::abs(*sides[0] - *sides[1]);
  return largest > 0 && std::isfinite(largest) ? std::min(1.0, apart / largest) : 1;
}

}  // namespace tocsin::tester
