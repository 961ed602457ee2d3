#include "engine/match/program.hpp"

#include <algorithm>
#include <functional>

#include "engine/base/assert.hpp"

namespace tocsin::match {

using model::Kind;
using plan::Contiguity;
using plan::Op;
using plan::PatternNode;
using plan::Selector;

namespace {

bool contains(const plan::Expr& expr, const std::function<bool(const plan::Expr&)>& test) {
  if (test(expr)) return true;
  return std::any_of(expr.args.begin(), expr.args.end(),
                     [&](const auto& arg) { return contains(arg, test); });
}

bool reads_current(const plan::Expr& expr) {
  return contains(expr, [](const plan::Expr& e) {
    return (e.op == Op::field && e.ref.selector == Selector::current) || e.op == Op::match_end;
  });
}

// Arcs and acceptance, found by walking the pattern with its continuation: what may come after this node.
// `enter` lists the steps that can take the next event, in order of preference: a step before what follows
// it where it is optional, a left alternative before a right one.
class ArcBuilder {
 public:
  struct Target {
    std::uint16_t step;
    Contiguity edge;
  };
  struct Targets {
    std::vector<Target> steps;
    bool accept = false;  // the pattern may end here
  };
  using Continuation = std::function<void(Targets&)>;

  ArcBuilder(const plan::Rule& rule, Program& program) : rule_(rule), program_(program) {}

  void build() {
    const Continuation end = [](Targets& out) { out.accept = true; };
    program_.out.resize(program_.steps.size());
    program_.accepts.resize(program_.steps.size());
    Targets first;
    enter(rule_.pattern, Contiguity::relaxed, end, first);
    TOCSIN_ASSERT(!first.accept);
    program_.start = add_arcs(start_state, first);
    visit(rule_.pattern, end);
  }

 private:
  void enter(const PatternNode& node, Contiguity edge, const Continuation& then, Targets& out) const {
    switch (node.kind) {
      case PatternNode::Kind::step: {
        const auto step = static_cast<std::uint16_t>(node.step);
        const bool listed =
            std::any_of(out.steps.begin(), out.steps.end(), [&](const Target& t) { return t.step == step; });
        if (!listed) out.steps.push_back({step, edge});
        if (program_.steps[step].quantifier.min == 0) then(out);
        break;
      }
      case PatternNode::Kind::sequence: enter_from(node, 0, edge, then, out); break;
      case PatternNode::Kind::alternation: {
        // What follows is listed once, for the leftmost alternative that can be empty.
        bool listed = false;
        const Continuation once = [&](Targets& o) {
          if (!listed) then(o);
          listed = true;
        };
        for (const auto& child : node.children)
          enter(child, edge, once, out);
        break;
      }
    }
  }

  void enter_from(const PatternNode& sequence, std::size_t i, Contiguity edge, const Continuation& then,
                  Targets& out) const {
    if (i == sequence.children.size()) return then(out);
    enter(
        sequence.children[i], edge,
        [&](Targets& o) {
          const Contiguity next = i + 1 < sequence.edges.size() ? sequence.edges[i + 1] : edge;
          enter_from(sequence, i + 1, next, then, o);
        },
        out);
  }

  // Gives every step below `node` its arcs; `then` is what follows the node.
  void visit(const PatternNode& node, const Continuation& then) {
    switch (node.kind) {
      case PatternNode::Kind::step: {
        Targets next;
        const auto step = static_cast<std::uint16_t>(node.step);
        const auto& quantifier = program_.steps[step].quantifier;
        if (quantifier.max > 1) next.steps.push_back({step, quantifier.mode});
        then(next);
        program_.accepts[step] = next.accept;
        program_.out[step] = add_arcs(step, next);
        break;
      }
      case PatternNode::Kind::sequence:
        for (std::size_t i = 0; i < node.children.size(); ++i) {
          visit(node.children[i], [&, i](Targets& out) {
            const Contiguity next = i + 1 < node.edges.size() ? node.edges[i + 1] : Contiguity::relaxed;
            enter_from(node, i + 1, next, then, out);
          });
        }
        break;
      case PatternNode::Kind::alternation:
        for (const auto& child : node.children)
          visit(child, then);
        break;
    }
  }

  Range add_arcs(std::uint16_t from, const Targets& targets) {
    Range range;
    range.begin = static_cast<std::uint16_t>(program_.arcs.size());
    for (const Target& target : targets.steps)
      program_.arcs.push_back({from, target.step, target.edge});
    range.end = static_cast<std::uint16_t>(program_.arcs.size());
    return range;
  }

  const plan::Rule& rule_;
  Program& program_;
};

bool hashable(Kind kind) {
  return kind != Kind::floating && kind != Kind::array && kind != Kind::null;
}

// `this event's value == the run's value`, either way round.
std::optional<EqualityJoin> as_join(const plan::Expr& expr, const model::Catalog& catalog) {
  if (expr.op != Op::eq || expr.ignore_case) return std::nullopt;
  for (const std::size_t side : {0u, 1u}) {
    const auto& event = expr.args[side];
    const auto& run = expr.args[1 - side];
    if (is_single_event(event) && reads_current(event) && !reads_current(run) && hashable(event.type.kind)) {
      return EqualityJoin{0, Expression(event, catalog), Expression(run, catalog)};
    }
  }
  return std::nullopt;
}

void split_conditions(const plan::Step& source, const model::Catalog& catalog, Step& step) {
  for (const auto& conjunct : source.conditions) {
    if (is_single_event(conjunct)) {
      step.predicate.push_back(conjunct);
      continue;
    }
    JoinedConjunct joined{Expression(conjunct, catalog), false};
    joined.from_second_repeat = joined.expression.reads_previous();
    if (!joined.from_second_repeat) {
      if (auto join = as_join(conjunct, catalog)) {
        join->conjunct = static_cast<std::uint32_t>(step.joined.size());
        step.joins.push_back(std::move(*join));
      }
    }
    step.joined.push_back(std::move(joined));
  }
}

const plan::Input& input_of(const plan::Rule& rule, model::EventTypeId type) {
  const auto found =
      std::find_if(rule.inputs.begin(), rule.inputs.end(), [&](const auto& in) { return in.type == type; });
  TOCSIN_ASSERT(found != rule.inputs.end());
  return *found;
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

}  // namespace

Program build_program(const plan::Plan& plan, std::uint32_t rule_id) {
  const plan::Rule& rule = plan.rules[rule_id];
  Program program;
  program.rule = rule_id;
  program.name = rule.name;
  program.partitioned = !rule.partition.empty();
  program.within = rule.within;
  program.report = rule.report;
  program.skip = rule.skip;
  for (const auto& input : rule.inputs) {
    program.inputs.push_back({input.type, input.conditions});
    program.keys.push_back(key_fields(rule, plan.catalog[input.type]));
  }
  for (const auto& source : rule.steps) {
    Step step;
    step.name = source.name;
    step.type = source.type;
    step.quantifier = source.quantifier;
    step.predicate = input_of(rule, source.type).conditions;
    split_conditions(source, plan.catalog, step);
    program.steps.push_back(std::move(step));
  }
  if (rule.has_pattern) ArcBuilder(rule, program).build();
  program.counts_positions = rule.within.unit == plan::Within::Unit::events;
  for (const Arc& arc : program.arcs) {
    program.counts_positions |= arc.from != start_state && arc.contiguity == Contiguity::strict;
  }
  if (rule.emit) {
    program.emit_type = rule.emit->type;
    for (const auto& field : rule.emit->fields) {
      program.emit.push_back({field.field, Expression(field.value, plan.catalog)});
    }
  }
  return program;
}

}  // namespace tocsin::match
