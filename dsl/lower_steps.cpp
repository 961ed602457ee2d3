// Steps and their events: which event `a.x`, `first(p).x`, `p[0].x` and `prev.x` are of.
#include <algorithm>
#include <fmt/format.h>

#include "dsl/lower_expr.hpp"
#include "dsl/types.hpp"

namespace tocsin::dsl {

using plan::FieldRef;
using plan::Selector;
using Place = Scope::Place;

namespace {

// True where both stand in different parts of one whole.
bool apart(const std::vector<Branch>& mine, const std::vector<Branch>& theirs) {
  for (const Branch& my : mine) {
    for (const Branch& their : theirs) {
      if (my.of == their.of && my.number != their.number) return true;
    }
  }
  return false;
}

}  // namespace

bool StepInfo::takes(model::EventTypeId type) const {
  return std::find(types.begin(), types.end(), type) != types.end();
}

bool StepInfo::excludes(const StepInfo& other) const {
  return apart(exclusive, other.exclusive);
}

bool StepInfo::beside(const StepInfo& other) const {
  return apart(operands, other.operands);
}

bool StepInfo::certain_at(const StepInfo& other) const {
  const auto shared = [&](const Branch& mine) {
    return std::find(other.choices.begin(), other.choices.end(), mine) != other.choices.end();
  };
  return quantifier.min > 0 && std::all_of(choices.begin(), choices.end(), shared);
}

std::vector<FieldRef> refs_of(const std::vector<model::EventTypeId>& types, FieldRef ref) {
  std::vector<FieldRef> refs;
  for (const auto type : types) {
    ref.type = type;
    ref.of_any = types.size() > 1;
    refs.push_back(ref);
  }
  return refs;
}

std::optional<std::uint32_t> last_step_named(const ast::Expr& condition, const std::vector<StepInfo>& steps) {
  std::optional<std::uint32_t> last;
  std::vector<const ast::Expr*> open = {&condition};
  while (!open.empty()) {
    const ast::Expr* expr = open.back();
    open.pop_back();
    for (const ast::Expr& arg : expr->args)
      open.push_back(&arg);
    if (expr->kind != ast::Expr::Kind::name) continue;
    for (std::uint32_t i = 0; i < steps.size(); ++i) {
      if (steps[i].name == expr->text) last = std::max(last.value_or(0), i);
    }
  }
  return last;
}

Lowered ExprLowerer::lower_member(const ast::Expr& expr) {
  if (is_row(expr.args[0])) return lower_row_field(expr);
  const ast::Name field{expr.text, expr.name_span};
  const auto event = lower_event(expr.args[0], field);
  if (!event) return std::nullopt;
  auto read = field_of(*event, field);
  if (!read) return std::nullopt;
  return element_instead(std::move(*read), expr.span);
}

std::optional<ExprLowerer::Event> ExprLowerer::lower_event(const ast::Expr& expr, const ast::Name& member) {
  using AstKind = ast::Expr::Kind;
  if (expr.kind == AstKind::name) {
    if (expr.text == "prev") return lower_previous(expr.span);
    return lower_step(expr, Selector::single, 0, expr.span, member);
  }
  const bool is_end = expr.kind == AstKind::call && (expr.text == "first" || expr.text == "last");
  if (is_end) {
    if (expr.args.size() != 1 || expr.args[0].kind != AstKind::name) {
      symbols_.error(expr.span, fmt::format("'{}' takes the name of a repeated step", expr.text),
                     fmt::format("as in {}(probe).{}", expr.text, member.text));
      return std::nullopt;
    }
    return lower_step(expr.args[0], expr.text == "first" ? Selector::first : Selector::last, 0, expr.span,
                      member);
  }
  if (expr.kind == AstKind::index && expr.args[0].kind == AstKind::name) {
    constexpr std::int64_t most = 1'000'000;
    const ast::Expr& index = expr.args[1];
    if (expr.args.size() > 2 || index.kind != AstKind::integer || index.integer < 0 ||
        index.integer >= most) {
      symbols_.error(index.span, "the index of a repeat is a plain number from 0",
                     fmt::format("as in {}[0].{}", expr.args[0].text, member.text));
      return std::nullopt;
    }
    return lower_step(expr.args[0], Selector::index, static_cast<std::uint32_t>(index.integer), expr.span,
                      member);
  }
  if (const auto value = lower(expr)) {
    symbols_.error(member.span,
                   fmt::format("{} has no fields; only events have", symbols_.describe(value->type)));
  }
  return std::nullopt;
}

std::optional<ExprLowerer::Event> ExprLowerer::lower_previous(Span span) {
  const bool in_step =
      scope_.place == Place::condition || scope_.place == Place::until || scope_.place == Place::where;
  if (!in_step || !(*scope_.steps)[scope_.own].repeated() || aggregate_ != nullptr) {
    symbols_.error(span, "'prev' is known only in the condition of a repeated step",
                   "give the step a quantifier, as in {3..}");
    return std::nullopt;
  }
  const StepInfo& own = (*scope_.steps)[scope_.own];
  return Event{
      .ref = {.selector = Selector::previous, .step = scope_.own}, .certain = true, .types = own.types};
}

std::optional<std::uint32_t> ExprLowerer::find_step(const std::string& name) const {
  if (scope_.steps == nullptr) return std::nullopt;
  for (std::uint32_t i = 0; i < scope_.steps->size(); ++i) {
    if ((*scope_.steps)[i].name == name) return i;
  }
  return std::nullopt;
}

bool ExprLowerer::reachable(std::uint32_t step, Span span) {
  const StepInfo& info = (*scope_.steps)[step];
  const bool of_negation = scope_.place == Place::negation;
  if (scope_.place != Place::condition && scope_.place != Place::until && !of_negation) return true;
  if (step > scope_.own || (of_negation && step == scope_.own)) {
    symbols_.error(span, fmt::format("step '{}' comes later", info.name),
                   of_negation
                       ? "the condition of a 'not' sees its own event and the steps before it"
                       : "a condition sees this event and earlier steps; write it at the later step, or in "
                         "'where'");
    return false;
  }
  if (scope_.own == scope_.steps->size()) return true;  // behind the last step
  const StepInfo& own = (*scope_.steps)[scope_.own];
  if (info.excludes(own)) {
    symbols_.error(span, fmt::format("step '{}' is in another alternative: no match has both", info.name));
    return false;
  }
  // What a step asks of another operand of `&` can wait until both are there; this can't.
  if (scope_.place != Place::condition && info.beside(own)) {
    symbols_.error(span, fmt::format("step '{}' may come later: '&' stands for any order", info.name));
    return false;
  }
  return true;
}

bool ExprLowerer::is_own(std::uint32_t step) const {
  const bool at_step =
      scope_.place == Place::condition || scope_.place == Place::until || scope_.place == Place::where;
  return at_step && step == scope_.own;
}

bool ExprLowerer::certain(std::uint32_t step) const {
  if (is_own(step) || scope_.place == Place::timeout) return false;
  const StepInfo& info = (*scope_.steps)[step];
  const bool at_end = scope_.place == Place::emit || scope_.own == scope_.steps->size();
  return at_end ? info.certain() : info.certain_at((*scope_.steps)[scope_.own]);
}

std::optional<ExprLowerer::Event> ExprLowerer::lower_step(const ast::Expr& name, Selector selector,
                                                          std::uint32_t index, Span span,
                                                          const ast::Name& member) {
  const auto fail = [&](Span at, std::string message, std::string hint = {}) {
    symbols_.error(at, std::move(message), std::move(hint));
    return std::nullopt;
  };
  const auto step = find_step(name.text);
  if (!step) {
    report_unknown_step(name, member);
    return std::nullopt;
  }
  if (!reachable(*step, name.span)) return std::nullopt;
  const StepInfo& info = (*scope_.steps)[*step];
  const bool own = is_own(*step);
  if (*step < 64) steps_read_ |= std::uint64_t{1} << *step;
  Event event{
      .ref = {.selector = selector, .step = *step, .index = index}, .certain = true, .types = info.types};

  if (aggregate_ != nullptr) {
    if (selector != Selector::single) {
      return fail(span,
                  fmt::format("inside {}(…) every event of '{}' takes its turn", aggregate_->text, info.name),
                  fmt::format("write {}.{}", info.name, member.text));
    }
    if (aggregate_step_ && *aggregate_step_ != *step) {
      return fail(span, fmt::format("{} is over the events of one step; '{}' is a second one",
                                    aggregate_->text, info.name));
    }
    if (!info.repeated() && !scope_.total) {
      return fail(span,
                  fmt::format("{} needs a repeated step; '{}' is one event", aggregate_->text, info.name),
                  fmt::format("write {}.{} without it", info.name, member.text));
    }
    aggregate_step_ = step;
    event.ref.selector = Selector::element_event;
    return event;
  }
  if (scope_.total) {
    return fail(
        span, fmt::format("under 'report total' no single event of '{}' is known", info.name),
        fmt::format("write an aggregate over all candidates, such as max({}.{})", info.name, member.text));
  }
  if (selector != Selector::single && !info.repeated()) {
    return fail(span, fmt::format("'{}' is not repeated, so it is one event", info.name),
                fmt::format("write {}.{}", info.name, member.text));
  }
  if (selector == Selector::index && index >= info.quantifier.max && !info.in_loop) {
    return fail(span,
                fmt::format("'{}' takes at most {} events, numbered from 0", info.name, info.quantifier.max));
  }
  if (selector == Selector::single && own && (scope_.place == Place::where || !info.repeated())) {
    event.ref.selector = Selector::current;
    return event;
  }
  if (selector == Selector::single && info.repeated()) {
    if (!field_of(event, member)) return std::nullopt;
    if (own) {
      return fail(span,
                  fmt::format("'{0}' is this step itself: its name means the events taken so far", info.name),
                  fmt::format("write {1} for this event, prev.{1} or last({0}).{1} for the one before",
                              info.name, member.text));
    }
    return fail(span, fmt::format("step '{}' is repeated: which of its events?", info.name),
                fmt::format("write first({0}).{1}, last({0}).{1} or an aggregate such as max({0}.{1})",
                            info.name, member.text));
  }
  event.certain = certain(*step);
  if (selector == Selector::index) event.certain = event.certain && index < info.quantifier.min;
  return event;
}

void ExprLowerer::report_unknown_step(const ast::Expr& name, const ast::Name& member) {
  if (const auto type = symbols_.find_type(name.text)) {
    std::string hint = "give the step a name and use that";
    if (scope_.steps == nullptr) hint = fmt::format("write {}", member.text);
    for (std::size_t i = 0; scope_.steps != nullptr && i < scope_.steps->size(); ++i) {
      const StepInfo& step = (*scope_.steps)[i];
      if (step.takes(*type) && !step.name.empty()) hint = fmt::format("write {}.{}", step.name, member.text);
    }
    return symbols_.error(name.span, fmt::format("'{}' is an event type, not a step", name.text), hint);
  }
  if (const Named value = look_up(name.text); value.found != Found::no) {
    if (value.expr) {
      symbols_.error(name.span, fmt::format("'{}' is {} and has no fields", name.text,
                                            symbols_.describe(value.expr->type)));
    }
    return;
  }
  if (symbols_.find_table(name.text)) {
    return symbols_.error(name.span, fmt::format("'{}' is a table: which of its rows?", name.text),
                          fmt::format("name its key, as in {}[…].{}", name.text, member.text));
  }
  if (symbols_.is_suspect(name.text)) return;
  std::vector<std::string> candidates = {"prev"};
  if (scope_.steps != nullptr) {
    for (const StepInfo& step : *scope_.steps)
      candidates.push_back(step.name);
  }
  symbols_.error(name.span, fmt::format("unknown step '{}'", name.text),
                 symbols_.suggest(name.text, candidates));
}

Lowered ExprLowerer::field_of(const Event& event, const ast::Name& field) {
  if (event.types.empty()) return std::nullopt;
  FieldRef ref = event.ref;
  // The event at hand is the same one, however it is named.
  if (ref.selector == Selector::current || ref.selector == Selector::previous) ref.step = 0;
  const auto refs = refs_of(event.types, ref);
  Named named = field_of_one(refs, field.text, event.certain);
  if (named.found == Found::no) {
    if (refs.size() == 1) {
      symbols_.require_field(event.types.front(), field);
    } else {
      report_field_of_any(refs, field, {});
    }
  }
  return std::move(named.expr);
}

}  // namespace tocsin::dsl
