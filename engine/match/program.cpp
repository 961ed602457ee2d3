#include "engine/match/program.hpp"

#include <algorithm>
#include <bit>
#include <functional>

#include "engine/base/assert.hpp"

namespace tocsin::match {

using model::Kind;
using plan::Contiguity;
using plan::Expr;
using plan::Op;
using plan::Selector;

namespace {

bool contains(const Expr& expr, const std::function<bool(const Expr&)>& test) {
  if (test(expr)) return true;
  return std::any_of(expr.args.begin(), expr.args.end(),
                     [&](const auto& arg) { return contains(arg, test); });
}

bool reads_current(const Expr& expr) {
  return contains(expr, [](const Expr& e) {
    return (e.op == Op::field && e.ref.selector == Selector::current) || e.op == Op::match_end;
  });
}

bool hashable(Kind kind) {
  return kind != Kind::floating && kind != Kind::array && kind != Kind::null;
}

// What a run waits with must not change while it waits, as what a table holds does.
bool holds_while_waiting(const Expr& run) {
  return !reads_current(run) && !looks_up(run);
}

// `this event's value == the run's value`, either way round.
std::optional<EqualityJoin> as_join(const Expr& expr, const model::Catalog& catalog,
                                    std::span<const EventForm> taken) {
  if (expr.op != Op::eq || expr.ignore_case) return std::nullopt;
  for (const std::size_t side : {0u, 1u}) {
    const auto& event = expr.args[side];
    const auto& run = expr.args[1 - side];
    if (is_single_event(event) && reads_current(event) && holds_while_waiting(run) &&
        hashable(event.type.kind)) {
      return EqualityJoin{0, Expression(event, catalog), Expression(run, catalog, taken)};
    }
  }
  return std::nullopt;
}

// `this event's value < the run's` or the like, either way round.
std::optional<OrderJoin> as_order(const Expr& expr, const model::Catalog& catalog,
                                  std::span<const EventForm> taken) {
  const bool less = expr.op == Op::lt || expr.op == Op::le;
  if (!less && expr.op != Op::gt && expr.op != Op::ge) return std::nullopt;
  const Kind kind = expr.args[0].type.kind;
  if (kind != Kind::integer && kind != Kind::floating && kind != Kind::time && kind != Kind::duration)
    return std::nullopt;
  for (const std::size_t side : {0u, 1u}) {
    const auto& event = expr.args[side];
    const auto& run = expr.args[1 - side];
    if (is_single_event(event) && reads_current(event) && holds_while_waiting(run))
      return OrderJoin{0, Expression(event, catalog), Expression(run, catalog, taken), less == (side == 0)};
  }
  return std::nullopt;
}

Expr truth_value(bool value) {
  Expr expr;
  expr.type.kind = Kind::boolean;
  expr.constant = {.kind = Kind::boolean, .i = value, .f = 0, .s = {}};
  return expr;
}

bool is_truth_value(const Expr& expr, bool value) {
  return expr.op == Op::constant && expr.constant.kind == Kind::boolean && (expr.constant.i != 0) == value;
}

// With what is known of which steps the run holds.
Expr simplify(Expr expr, std::uint64_t bound, std::uint64_t unbound) {
  if (expr.op == Op::is_bound && ((bound >> expr.ref.step) & 1) != 0) return truth_value(true);
  if (expr.op == Op::is_bound && ((unbound >> expr.ref.step) & 1) != 0) return truth_value(false);
  for (Expr& arg : expr.args)
    arg = simplify(std::move(arg), bound, unbound);
  if (expr.op == Op::not_ && expr.args[0].op == Op::constant) {
    if (is_truth_value(expr.args[0], true)) return truth_value(false);
    if (is_truth_value(expr.args[0], false)) return truth_value(true);
  }
  if (expr.op != Op::and_ && expr.op != Op::or_) return expr;
  const bool decides = expr.op == Op::or_;
  if (std::any_of(expr.args.begin(), expr.args.end(),
                  [&](const Expr& arg) { return is_truth_value(arg, decides); })) {
    return truth_value(decides);
  }
  std::erase_if(expr.args, [&](const Expr& arg) { return is_truth_value(arg, !decides); });
  if (expr.args.empty()) return truth_value(!decides);
  if (expr.args.size() == 1) return std::move(expr.args.front());
  return expr;
}

const plan::Input& input_of(const plan::Rule& rule, model::EventTypeId type) {
  const auto found =
      std::find_if(rule.inputs.begin(), rule.inputs.end(), [&](const auto& in) { return in.type == type; });
  TOCSIN_ASSERT(found != rule.inputs.end());
  return *found;
}

std::vector<EventFilter> filters_of(const plan::Rule& rule, const std::vector<model::EventTypeId>& types,
                                    const std::vector<Expr>& conditions) {
  std::vector<EventFilter> filters;
  for (const model::EventTypeId type : types) {
    EventFilter filter{type, input_of(rule, type).conditions};
    for (const Expr& conjunct : conditions) {
      if (is_single_event(conjunct)) filter.predicate.push_back(specialise(conjunct, type));
    }
    filters.push_back(std::move(filter));
  }
  return filters;
}

KeyFields key_fields(const plan::Rule& rule, const model::EventType& type) {
  KeyFields keys;
  keys.type = type.id;
  for (const auto& key : rule.partition) {
    const auto found =
        std::find_if(key.fields.begin(), key.fields.end(), [&](const auto& f) { return f.first == type.id; });
    TOCSIN_ASSERT(found != key.fields.end());
    const auto& field = type.fields[found->second];
    keys.fields.push_back({found->second, field.slot, field.type.kind});
  }
  return keys;
}

// Taken events need no key where the event that completes a match is at hand, and no condition reads it of
// another. A key of numbers alone is not worth the work.
bool can_trim(const plan::Rule& rule, const model::Catalog& catalog) {
  if (!rule.after.empty() || rule.timeout) return false;
  const bool has_text = std::any_of(rule.partition.begin(), rule.partition.end(), [&](const auto& key) {
    const auto& [type, field] = key.fields.front();
    return catalog[type].fields[field].type.kind == Kind::string;
  });
  if (!has_text) return false;
  const auto reads_key = [&](const std::vector<Expr>& conditions) {
    return std::any_of(conditions.begin(), conditions.end(), [&](const Expr& condition) {
      return contains(condition, [&](const Expr& e) {
        if (e.op != Op::field || e.ref.selector == Selector::current) return false;
        if (catalog[e.ref.type].timestamp == e.ref.field) return false;  // it stays in the header
        return std::any_of(rule.partition.begin(), rule.partition.end(), [&](const auto& key) {
          return std::find(key.fields.begin(), key.fields.end(), std::pair(e.ref.type, e.ref.field)) !=
                 key.fields.end();
        });
      });
    });
  };
  return std::none_of(
             rule.steps.begin(), rule.steps.end(),
             [&](const auto& step) { return reads_key(step.conditions) || reads_key(step.until); }) &&
         std::none_of(rule.negations.begin(), rule.negations.end(),
                      [&](const auto& negation) { return reads_key(negation.conditions); });
}

Emit compile_emit(const plan::Emit& source, const model::Catalog& catalog) {
  Emit emit{source.type, {}};
  for (const auto& field : source.fields)
    emit.fields.push_back({field.field, Expression(field.value, catalog)});
  return emit;
}

// Numbers the aggregates in `expr` by what they are over, which stands in `sources` once.
Expr number_totals(Expr expr, std::vector<Expr>& sources) {
  if (expr.op == Op::aggregate) {
    const auto same = std::find_if(sources.begin(), sources.end(), [&](const Expr& source) {
      return source.ref.step == expr.ref.step && source.args == expr.args;
    });
    expr.ref.index = static_cast<std::uint32_t>(same - sources.begin());
    if (same == sources.end()) sources.push_back(expr);
    return expr;
  }
  for (Expr& arg : expr.args)
    arg = number_totals(std::move(arg), sources);
  return expr;
}

void build_totals(plan::Emit& emit, const model::Catalog& catalog, Program& program) {
  std::vector<Expr> sources;
  for (auto& field : emit.fields)
    field.value = number_totals(std::move(field.value), sources);
  for (const Expr& source : sources) {
    Total& total = program.totals.emplace_back();
    total.step = source.ref.step;
    if (!source.args.empty()) total.value.emplace(source.args.front(), catalog);
  }
}

void build_pattern(const plan::Rule& rule, const model::Catalog& catalog, Program& program) {
  for (const auto& source : rule.steps) {
    program.steps.push_back(
        {source.name, filters_of(rule, source.types, source.conditions), source.quantifier});
  }
  for (const auto& negation : rule.negations) {
    program.watches.push_back({Watch::Kind::negation, 0,
                               filters_of(rule, negation.types, negation.conditions),
                               join_conditions(negation.conditions, catalog, program.taken_forms())});
  }
  std::vector<std::uint16_t> watch_of_until;
  for (std::uint32_t s = 0; s < rule.steps.size(); ++s) {
    const auto& step = rule.steps[s];
    watch_of_until.push_back(step.until.empty() ? no_watch
                                                : static_cast<std::uint16_t>(program.watches.size()));
    if (step.until.empty()) continue;
    program.watches.push_back({Watch::Kind::until, s, filters_of(rule, step.types, step.until),
                               join_conditions(step.until, catalog, program.taken_forms())});
  }
  build_automaton(rule, catalog, watch_of_until, program);
  for (const auto& absence : rule.before)
    program.before.push_back({static_cast<std::uint16_t>(absence.negation), absence.for_ns});
}

// The most time that a run can take by the bounds of its edges alone; nothing where there is no such bound.
std::optional<std::int64_t> longest_run_ns(const Program& program, std::uint16_t state,
                                           std::vector<bool>& under_way) {
  if (under_way[state]) return std::nullopt;  // a loop
  under_way[state] = true;
  std::optional<std::int64_t> longest = 0;
  for (std::uint16_t a = program.states[state].out.begin; longest && a < program.states[state].out.end; ++a) {
    const Arc& arc = program.arcs[a];
    std::int64_t sum = 0;
    const auto rest =
        arc.bound_ns == plan::no_bound ? std::nullopt : longest_run_ns(program, arc.to, under_way);
    if (!rest || __builtin_add_overflow(*rest, arc.bound_ns, &sum)) {
      longest.reset();
    } else {
      longest = std::max(*longest, sum);
    }
  }
  under_way[state] = false;
  return longest;
}

// A rule whose runs are short without `within` gets the bound that changes nothing, as state then goes by
// age.
void find_bound(Program& program) {
  constexpr std::size_t most_states = 16;  // ways may be many
  if (program.within.unit != plan::Within::Unit::none || program.states.size() > most_states) return;
  std::int64_t longest_ns = 0;
  std::vector<bool> under_way(program.states.size());
  for (std::uint16_t a = program.start.begin; a < program.start.end; ++a) {
    const auto run_ns = longest_run_ns(program, program.arcs[a].to, under_way);
    if (!run_ns) return;
    longest_ns = std::max(longest_ns, *run_ns);
  }
  program.within = {.unit = plan::Within::Unit::time, .time_ns = longest_ns, .events = 0};
}

}  // namespace

std::optional<std::int64_t> OrderJoin::rank(const model::Value& value) const {
  if (value.is_null()) return std::nullopt;
  std::int64_t rank = value.i;
  if (value.kind == Kind::floating) {
    if (value.f != value.f) return std::nullopt;
    rank = std::bit_cast<std::int64_t>(value.f + 0.0);  // -0 becomes 0
    if (rank < 0) rank ^= INT64_MAX;                    // of negative numbers the bits grow downwards
  }
  return descending ? ~rank : rank;
}

Joined join_conditions(const std::vector<Expr>& conditions, const model::Catalog& catalog,
                       std::span<const EventForm> taken, std::uint64_t bound, std::uint64_t unbound) {
  Joined joined;
  for (const auto& condition : conditions) {
    if (is_single_event(condition)) continue;
    Expr conjunct = simplify(condition, bound, unbound);
    if (is_truth_value(conjunct, true)) continue;
    Expression expression(conjunct, catalog, taken);
    const bool needs_previous = expression.reads_previous();
    joined.reads_run |= expression.reads_run();
    for (auto* access : {&joined.enter, &joined.repeat}) {
      if (needs_previous && access == &joined.enter) continue;
      if (auto join = as_join(conjunct, catalog, taken)) {
        join->conjunct = static_cast<std::uint32_t>(joined.conjuncts.size());
        access->joins.push_back(std::move(*join));
      } else if (!access->order) {
        access->order = as_order(conjunct, catalog, taken);
        if (access->order) access->order->conjunct = static_cast<std::uint32_t>(joined.conjuncts.size());
      }
    }
    joined.conjuncts.push_back({std::move(conjunct), std::move(expression), needs_previous});
  }
  return joined;
}

Expr specialise(const Expr& expr, model::EventTypeId type) {
  Expr out = expr;
  if (expr.op == Op::field && expr.ref.of_any && expr.ref.selector == Selector::current) {
    if (expr.ref.type == type) {
      out.ref.of_any = false;
      return out;
    }
    out = {};
    out.type = expr.type;
    return out;
  }
  for (Expr& arg : out.args)
    arg = specialise(arg, type);
  if (out.op == Op::coalesce) {
    std::erase_if(out.args,
                  [](const Expr& arg) { return arg.op == Op::constant && arg.constant.kind == Kind::null; });
    if (out.args.size() == 1) return std::move(out.args.front());
  }
  return out;
}

Program build_program(const plan::Plan& plan, std::uint32_t rule_id) {
  const plan::Rule& rule = plan.rules[rule_id];
  Program program;
  program.rule = rule_id;
  program.name = rule.name;
  program.partitioned = !rule.partition.empty();
  program.within = rule.within;
  program.report = rule.report;
  program.skip = rule.skip;
  program.skip_step = rule.skip_step;
  for (const auto& input : rule.inputs) {
    program.inputs.push_back({input.type, input.conditions});
    program.keys.push_back(key_fields(rule, plan.catalog[input.type]));
    std::vector<std::uint32_t> key_slots;
    for (const KeyFields::Field& field : program.keys.back().fields)
      key_slots.push_back(field.slot);
    program.forms.push_back(make_event_form(plan.catalog[input.type], std::move(key_slots)));
  }
  program.trims = rule.has_pattern && can_trim(rule, plan.catalog);
  program.throttle_ns = rule.throttle_ns;
  if (rule.window) program.window = build_window(rule, plan.catalog);
  if (rule.has_pattern) {
    build_pattern(rule, plan.catalog, program);
    find_bound(program);
  }
  program.counts_positions = rule.within.unit == plan::Within::Unit::events;
  for (const Arc& arc : program.arcs) {
    program.counts_positions |= arc.from != start_state && arc.contiguity == Contiguity::strict;
    program.has_bars |= arc.barred_by != 0 || arc.closes != 0;
  }
  for (const Closing& closing : program.closings)
    program.counts_positions |= closing.strict;
  if (rule.emit) {
    plan::Emit emit = *rule.emit;
    if (rule.report == plan::Report::total) build_totals(emit, plan.catalog, program);
    program.emit = compile_emit(emit, plan.catalog);
  }
  if (rule.timeout) program.timeout = compile_emit(*rule.timeout, plan.catalog);
  return program;
}

}  // namespace tocsin::match
