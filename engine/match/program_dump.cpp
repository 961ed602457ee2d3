// Programs as text and as Graphviz digraphs.
#include <fmt/format.h>

#include "engine/match/program.hpp"
#include "engine/plan/literal.hpp"

namespace tocsin::match {

using plan::Contiguity;

namespace {

const char* edge_text(Contiguity contiguity) {
  switch (contiguity) {
    case Contiguity::strict: return ",";
    case Contiguity::relaxed: return "->";
    case Contiguity::any: return "~>";
  }
  return "?";
}

std::string step_name(const Program& program, std::uint32_t step) {
  const std::string& name = program.steps[step].name;
  return name.empty() ? fmt::format("#{}", step + 1) : name;
}

std::string quantifier_text(const plan::Quantifier& quantifier) {
  if (quantifier == plan::Quantifier{}) return {};
  const char* mode = quantifier.mode == Contiguity::strict ? " strict"
                     : quantifier.mode == Contiguity::any  ? " any"
                                                           : "";
  if (quantifier.max == plan::unbounded) return fmt::format("{{{}..{}}}", quantifier.min, mode);
  if (quantifier.min == quantifier.max) return fmt::format("{{{}{}}}", quantifier.min, mode);
  return fmt::format("{{{}..{}{}}}", quantifier.min, quantifier.max, mode);
}

std::string conjunction(const plan::Plan& plan, const plan::Rule& rule,
                        const std::vector<plan::Expr>& conjuncts) {
  std::string text;
  for (const auto& conjunct : conjuncts) {
    if (!text.empty()) text += " and ";
    text += plan::dump(plan, rule, conjunct);
  }
  return text.empty() ? "true" : text;
}

std::string bound_text(std::int64_t bound_ns) {
  return bound_ns == plan::no_bound ? "" : fmt::format("[{}]", plan::duration_text(bound_ns));
}

// States as the steps they are of; where a step has several, with a number: `a/2`.
std::string state_name(const Program& program, std::uint16_t state) {
  const std::uint16_t step = program.states[state].step;
  std::size_t number = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < program.states.size(); ++i) {
    if (program.states[i].step != step) continue;
    ++count;
    if (i <= state) ++number;
  }
  return count == 1 ? step_name(program, step) : fmt::format("{}/{}", step_name(program, step), number);
}

std::string guard_text(const Program& program, const Arc& arc) {
  if (arc.from == start_state) return {};
  const auto& quantifier = program.steps[program.states[arc.from].step].quantifier;
  if (arc.repeats) {
    return quantifier.max == plan::unbounded ? "" : fmt::format(" while count < {}", quantifier.max);
  }
  return quantifier.min > 1 ? fmt::format(" once count >= {}", quantifier.min) : "";
}

std::string watch_name(const Program& program, std::uint16_t watch) {
  return program.watches[watch].kind == Watch::Kind::until
             ? fmt::format("until of {}", step_name(program, program.watches[watch].step))
             : fmt::format("not #{}", watch + 1);
}

std::string filters_text(const plan::Plan& plan, const plan::Rule& rule,
                         const std::vector<EventFilter>& filters) {
  std::string text;
  for (const EventFilter& filter : filters) {
    text += fmt::format("    predicate{}: {}\n",
                        filters.size() > 1 ? " of " + plan.catalog[filter.type].name : "",
                        conjunction(plan, rule, filter.predicate));
  }
  return text;
}

std::string types_text(const plan::Plan& plan, const std::vector<EventFilter>& filters) {
  return filters.size() == 1 ? plan.catalog[filters.front().type].name : "any";
}

std::vector<plan::Expr> sources_of(const Joined& joined) {
  std::vector<plan::Expr> sources;
  for (const auto& conjunct : joined.conjuncts)
    sources.push_back(conjunct.source);
  return sources;
}

std::string joined_text(const plan::Plan& plan, const plan::Rule& rule, const Joined& joined) {
  std::string text;
  if (!joined.conjuncts.empty())
    text += fmt::format("    joined: {}\n", conjunction(plan, rule, sources_of(joined)));
  const auto source = [&](std::uint32_t conjunct) {
    return plan::dump(plan, rule, joined.conjuncts[conjunct].source);
  };
  for (const auto& join : joined.repeat.joins) {
    const char* when = joined.conjuncts[join.conjunct].needs_previous ? " in repeats" : "";
    text += fmt::format("    looked up{} by: {}\n", when, source(join.conjunct));
  }
  if (joined.repeat.order) {
    const char* when = joined.enter.order ? "" : " in repeats";
    text += fmt::format("    ordered{} by: {}\n", when, source(joined.repeat.order->conjunct));
  }
  return text;
}

// Of the arcs `out`, those in a mask, by where they lead.
std::string arcs_text(const Program& program, const Range& out, std::uint64_t mask) {
  std::string text;
  for (std::uint16_t a = out.begin; a < out.end; ++a) {
    if ((mask & program.bit(a)) == 0) continue;
    if (!text.empty()) text += ", ";
    text += state_name(program, program.arcs[a].to);
  }
  return text;
}

std::string closing_text(const Program& program, std::uint16_t from, const Closing& closing) {
  if (closing.absence) {
    return fmt::format("  from {} {} within {} ends the wait for the end\n", state_name(program, from),
                       watch_name(program, closing.watch), plan::duration_text(closing.for_ns));
  }
  return fmt::format("  from {} {}{} closes the way to {}\n", state_name(program, from),
                     watch_name(program, closing.watch), closing.strict ? ", if the very next event," : "",
                     arcs_text(program, program.states[from].out, closing.arcs));
}

std::string bars_text(const Program& program, const Arc& arc) {
  if (arc.barred_by == 0) return {};
  const Range& out = arc.from == start_state ? program.start : program.states[arc.from].out;
  return fmt::format(" unless {} fits", arcs_text(program, out, arc.barred_by));
}

const char* matcher_name(MatcherKind kind) {
  switch (kind) {
    case MatcherKind::stateless: return "stateless";
    case MatcherKind::contiguous: return "contiguous";
    case MatcherKind::grouped: return "grouped";
    case MatcherKind::arena: return "arena";
    case MatcherKind::total: return "total";
    case MatcherKind::window: return "window";
  }
  return "?";
}

std::string escape(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

std::string dump(const plan::Plan& plan, const Program& program) {
  const plan::Rule& rule = plan.rules[program.rule];
  std::string text = fmt::format("rule {}\n  matcher: {} ({})\n", program.name, matcher_name(program.matcher),
                                 program.matcher_reason);
  if (program.steps.empty()) {
    for (const auto& input : program.inputs) {
      text += fmt::format("  from {}: {}\n", plan.catalog[input.type].name,
                          conjunction(plan, rule, input.predicate));
    }
    return text;
  }
  for (std::uint32_t i = 0; i < program.steps.size(); ++i) {
    const Step& step = program.steps[i];
    text += fmt::format("  step {}: {}{}\n", step_name(program, i), types_text(plan, step.filters),
                        quantifier_text(step.quantifier));
    text += filters_text(plan, rule, step.filters);
    for (std::uint16_t state = 0; state < program.states.size(); ++state) {
      if (program.states[state].step != i || program.states[state].joined.conjuncts.empty()) continue;
      if (state_name(program, state) != step_name(program, i))
        text += fmt::format("    as {}\n", state_name(program, state));
      text += joined_text(plan, rule, program.states[state].joined);
    }
  }
  for (std::uint16_t i = 0; i < program.watches.size(); ++i) {
    text += fmt::format("  {}: {}\n", watch_name(program, i), types_text(plan, program.watches[i].filters));
    text += filters_text(plan, rule, program.watches[i].filters);
    text += joined_text(plan, rule, program.watches[i].joined);
  }
  for (const LeadingAbsence& absence : program.before) {
    text += fmt::format("  start unless {} came within {}\n", watch_name(program, absence.watch),
                        plan::duration_text(absence.for_ns));
  }
  for (const Arc& arc : program.arcs) {
    const std::string from = arc.from == start_state ? "start" : state_name(program, arc.from);
    text += fmt::format("  arc {} {}{} {}{}{}\n", from,
                        arc.from == start_state ? "=>" : edge_text(arc.contiguity), bound_text(arc.bound_ns),
                        state_name(program, arc.to), guard_text(program, arc), bars_text(program, arc));
  }
  for (std::uint16_t i = 0; i < program.states.size(); ++i) {
    for (std::uint16_t c = program.states[i].closings.begin; c < program.states[i].closings.end; ++c)
      text += closing_text(program, i, program.closings[c]);
  }
  for (std::uint16_t i = 0; i < program.states.size(); ++i) {
    if (!program.states[i].accepts) continue;
    const std::uint32_t min = program.steps[program.states[i].step].quantifier.min;
    text += fmt::format(
        "  match {} {}{}\n",
        program.after_ns == plan::no_bound ? "after" : plan::duration_text(program.after_ns) + " after",
        state_name(program, i), min > 1 ? fmt::format(" once count >= {}", min) : "");
  }
  return text;
}

std::string dump_dot(const plan::Plan& plan, const Program& program) {
  const plan::Rule& rule = plan.rules[program.rule];
  std::string text =
      fmt::format("digraph \"{}\" {{\n  rankdir=LR;\n  start [shape=point];\n", escape(program.name));
  if (program.steps.empty()) {
    for (std::size_t i = 0; i < program.inputs.size(); ++i) {
      const auto& input = program.inputs[i];
      text += fmt::format("  in{} [shape=doublecircle, label=\"{}\"];\n  start -> in{} [label=\"{}\"];\n", i,
                          escape(plan.catalog[input.type].name), i,
                          escape(conjunction(plan, rule, input.predicate)));
    }
    return text + "}\n";
  }
  for (std::uint16_t i = 0; i < program.states.size(); ++i) {
    const Step& step = program.steps[program.states[i].step];
    text += fmt::format("  s{} [shape={}, label=\"{}: {}{}\"];\n", i,
                        program.states[i].accepts ? "doublecircle" : "circle", escape(state_name(program, i)),
                        escape(types_text(plan, step.filters)), quantifier_text(step.quantifier));
  }
  for (const Arc& arc : program.arcs) {
    const std::string from = arc.from == start_state ? "start" : fmt::format("s{}", arc.from);
    const std::string edge =
        arc.from == start_state ? "" : edge_text(arc.contiguity) + bound_text(arc.bound_ns) + " ";
    const Step& step = program.steps[program.step_of(static_cast<std::uint16_t>(&arc - program.arcs.data()))];
    auto conditions = step.filters.size() == 1 ? step.filters.front().predicate : std::vector<plan::Expr>();
    for (auto& conjunct : sources_of(program.states[arc.to].joined))
      conditions.push_back(std::move(conjunct));
    text += fmt::format("  {} -> s{} [label=\"{}[{}]{}\"];\n", from, arc.to, edge,
                        escape(conjunction(plan, rule, conditions)), guard_text(program, arc));
  }
  return text + "}\n";
}

}  // namespace tocsin::match
