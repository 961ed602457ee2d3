// Programs as text and as Graphviz digraphs.
#include <fmt/format.h>

#include "engine/match/program.hpp"

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

std::string guard_text(const Program& program, const Arc& arc) {
  if (arc.from == start_state) return {};
  const auto& quantifier = program.steps[arc.from].quantifier;
  if (arc.repeats()) {
    return quantifier.max == plan::unbounded ? "" : fmt::format(" while count < {}", quantifier.max);
  }
  return quantifier.min > 1 ? fmt::format(" once count >= {}", quantifier.min) : "";
}

// Conjuncts that read the run, in the order of Step::joined.
std::vector<plan::Expr> joined_conjuncts(const plan::Rule& rule, std::size_t step) {
  std::vector<plan::Expr> joined;
  for (const auto& conjunct : rule.steps[step].conditions) {
    if (!is_single_event(conjunct)) joined.push_back(conjunct);
  }
  return joined;
}

const char* matcher_name(MatcherKind kind) {
  switch (kind) {
    case MatcherKind::stateless: return "stateless";
    case MatcherKind::grouped: return "grouped";
    case MatcherKind::arena: return "arena";
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
    text += fmt::format("  step {}: {}{}\n    predicate: {}\n", step_name(program, i),
                        plan.catalog[step.type].name, quantifier_text(step.quantifier),
                        conjunction(plan, rule, step.predicate));
    const auto joined = joined_conjuncts(rule, i);
    if (!joined.empty()) text += fmt::format("    joined: {}\n", conjunction(plan, rule, joined));
    for (const auto& join : step.joins) {
      text += fmt::format("    looked up by: {}\n", plan::dump(plan, rule, joined[join.conjunct]));
    }
  }
  for (const Arc& arc : program.arcs) {
    const std::string from = arc.from == start_state ? "start" : step_name(program, arc.from);
    text +=
        fmt::format("  arc {} {} {}{}\n", from, arc.from == start_state ? "=>" : edge_text(arc.contiguity),
                    step_name(program, arc.to), guard_text(program, arc));
  }
  for (std::uint32_t i = 0; i < program.steps.size(); ++i) {
    if (!program.accepts[i]) continue;
    const std::uint32_t min = program.steps[i].quantifier.min;
    text += fmt::format("  match after {}{}\n", step_name(program, i),
                        min > 1 ? fmt::format(" once count >= {}", min) : "");
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
  for (std::uint32_t i = 0; i < program.steps.size(); ++i) {
    text += fmt::format("  s{} [shape={}, label=\"{}: {}{}\"];\n", i,
                        program.accepts[i] ? "doublecircle" : "circle", escape(step_name(program, i)),
                        escape(plan.catalog[program.steps[i].type].name),
                        quantifier_text(program.steps[i].quantifier));
  }
  for (const Arc& arc : program.arcs) {
    const std::string from = arc.from == start_state ? "start" : fmt::format("s{}", arc.from);
    const std::string edge = arc.from == start_state ? "" : std::string(edge_text(arc.contiguity)) + " ";
    auto conditions = program.steps[arc.to].predicate;
    for (auto& conjunct : joined_conjuncts(rule, arc.to))
      conditions.push_back(std::move(conjunct));
    text += fmt::format("  {} -> s{} [label=\"{}[{}]{}\"];\n", from, arc.to, edge,
                        escape(conjunction(plan, rule, conditions)), guard_text(program, arc));
  }
  return text + "}\n";
}

}  // namespace tocsin::match
