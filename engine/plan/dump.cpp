// The plan as text: stable, close to the rule language, one fact a line. Golden tests compare it and
// `explain` prints it, so a change here is a change of both.
#include <array>
#include <fmt/format.h>
#include <string_view>

#include "engine/plan/literal.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::plan {

namespace {

std::string range_text(const Quantifier& quantifier) {
  const bool open = quantifier.max == unbounded;
  const bool sign = quantifier.mode == Contiguity::relaxed && quantifier.gap_ns == no_bound;
  if (quantifier.min == 1 && quantifier.max == 1) return "";
  if (quantifier.min == 0 && quantifier.max == 1) return "?";
  if (sign && open && quantifier.min <= 1) return quantifier.min == 0 ? "*" : "+";
  std::string out = fmt::format("{{{}", quantifier.min);
  if (open) {
    out += "..";
  } else if (quantifier.max != quantifier.min) {
    out += fmt::format("..{}", quantifier.max);
  }
  if (quantifier.mode == Contiguity::strict) out += " strict";
  if (quantifier.mode == Contiguity::any) out += " any";
  if (quantifier.gap_ns != no_bound) out += " gap " + duration_text(quantifier.gap_ns);
  return out + "}";
}

std::string quantifier_text(const Quantifier& quantifier) {
  const char* const suffix = quantifier.loop == Loop::reluctant    ? "?"
                             : quantifier.loop == Loop::possessive ? "+"
                                                                   : "";
  return range_text(quantifier) + suffix;
}

/// Negations go by their number, as steps without a name do.
std::string negation_name(std::uint32_t negation) {
  return fmt::format("!{}", negation);
}

std::string edge_text(const Edge& edge) {
  std::string out;
  for (const Ban& ban : edge.bans)
    out += (ban.strict ? " , not " : " -> not ") + negation_name(ban.negation);
  switch (edge.contiguity) {
    case Contiguity::strict: out += " ,"; break;
    case Contiguity::relaxed: out += " ->"; break;
    case Contiguity::any: out += " ~>"; break;
  }
  if (edge.bound_ns != no_bound) out += "[" + duration_text(edge.bound_ns) + "]";
  return out + " ";
}

std::string pattern_text(const Rule& rule, const PatternNode& node, bool outermost) {
  if (node.kind == PatternNode::Kind::step) return step_name(rule, node.step);
  const bool sequence = node.kind == PatternNode::Kind::sequence;
  const char* const sign = node.kind == PatternNode::Kind::alternation ? " | " : " & ";
  std::string out;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    if (i > 0) out += sequence ? edge_text(node.edges[i]) : sign;
    out += pattern_text(rule, node.children[i], false);
  }
  if (node.within_ns != no_bound) out += " within " + duration_text(node.within_ns);
  const std::string quantifier = quantifier_text(node.quantifier);
  const bool plain = quantifier.empty() && node.within_ns == no_bound;
  return outermost && plain ? out : "(" + out + ")" + quantifier;
}

std::string match_text(const Rule& rule) {
  std::string out;
  for (const Absence& each : rule.before)
    out += fmt::format("not {} for {} -> ", negation_name(each.negation), duration_text(each.for_ns));
  out += pattern_text(rule, rule.pattern, true);
  for (const Absence& each : rule.after)
    out += fmt::format(" -> not {} for {}", negation_name(each.negation), duration_text(each.for_ns));
  return out;
}

std::string skip_text(const Rule& rule) {
  switch (rule.skip) {
    case Skip::past_last: return "past last";
    case Skip::none: return "none";
    case Skip::to_next: return "to next";
    case Skip::to_first: return "to first " + step_name(rule, rule.skip_step);
    case Skip::to_last: return "to last " + step_name(rule, rule.skip_step);
  }
  return "?";
}

std::string within_text(const Within& within) {
  if (within.unit == Within::Unit::time) return duration_text(within.time_ns);
  return fmt::format("{} events", within.events);
}

std::string window_text(const Window& window) {
  std::string out(window_word(window.kind));
  if (window.kind == Window::Kind::session) out += " gap";
  out += " " + (window.events > 0 ? fmt::format("{} events", window.events) : duration_text(window.width_ns));
  if (window.kind == Window::Kind::hopping) out += " every " + duration_text(window.hop_ns);
  return out;
}

std::string threshold_text(const Threshold& threshold) {
  std::string out = "on " + std::string(on_word(threshold.on));
  if (threshold.for_ns != no_bound) out += " for " + duration_text(threshold.for_ns);
  if (threshold.keep_ns != no_bound) out += " keep " + duration_text(threshold.keep_ns);
  return out;
}

std::string type_dump(const Plan& plan, const model::EventType& type) {
  auto out = fmt::format("{} {}\n", type.derived ? "emitted" : "event", type.name);
  for (std::size_t i = 0; i < type.fields.size(); ++i) {
    const auto& field = type.fields[i];
    static constexpr std::array<const char*, 4> units = {"", "(us)", "(ms)", "(s)"};
    out += fmt::format("  {}: {}{}{}\n", field.name, to_string(field.type, plan.catalog),
                       units[static_cast<std::size_t>(field.unit)], type.timestamp == i ? " @timestamp" : "");
  }
  return out;
}

}  // namespace

std::string step_name(const Rule& rule, std::uint32_t step) {
  const bool named = step < rule.steps.size() && !rule.steps[step].name.empty();
  return named ? rule.steps[step].name : fmt::format("#{}", step);
}

std::string_view report_word(Report report) {
  switch (report) {
    case Report::first: return "first";
    case Report::last: return "last";
    case Report::longest: return "longest";
    case Report::any: return "any";
    case Report::all: return "all";
    case Report::total: return "total";
  }
  return {};
}

std::string_view window_word(Window::Kind kind) {
  switch (kind) {
    case Window::Kind::sliding: return "sliding";
    case Window::Kind::tumbling: return "tumbling";
    case Window::Kind::hopping: return "hopping";
    case Window::Kind::session: return "session";
  }
  return {};
}

std::string_view on_word(Threshold::On on) {
  switch (on) {
    case Threshold::On::rise: return "rise";
    case Threshold::On::every: return "every";
    case Threshold::On::fall: return "fall";
    case Threshold::On::close: return "close";
  }
  return {};
}

std::string dump(const Plan& plan, const Rule& rule) {
  const auto type_name = [&](model::EventTypeId id) { return plan.catalog[id].name; };
  const auto type_names = [&](const std::vector<model::EventTypeId>& types) {
    std::string names;
    for (const auto type : types)
      names += (names.empty() ? "" : " | ") + type_name(type);
    return types.size() == 1 ? names : "any (" + names + ")";
  };
  auto out = fmt::format("rule {}\n", rule.name);
  if (!rule.doc.empty()) out += fmt::format("  doc {}\n", quoted_text(rule.doc));
  for (const auto& label : rule.labels) {
    out += "  label " + label.name;
    for (const auto& value : label.values)
      out += " " + constant_text(value);
    out += "\n";
  }
  for (const auto& input : rule.inputs) {
    out += fmt::format("  input {}\n", type_name(input.type));
    for (const auto& condition : input.conditions)
      out += fmt::format("    if {}\n", dump(plan, rule, condition));
  }
  for (std::uint32_t i = 0; i < rule.steps.size(); ++i) {
    const Step& step = rule.steps[i];
    out += fmt::format("  step {}: {}{}{}\n", step_name(rule, i), type_names(step.types),
                       quantifier_text(step.quantifier), step.in_loop ? ", in a loop" : "");
    for (const auto& condition : step.conditions)
      out += fmt::format("    if {}\n", dump(plan, rule, condition));
    for (const auto& condition : step.until)
      out += fmt::format("    until {}\n", dump(plan, rule, condition));
  }
  for (std::uint32_t i = 0; i < rule.negations.size(); ++i) {
    out += fmt::format("  not {}: {}\n", negation_name(i), type_names(rule.negations[i].types));
    for (const auto& condition : rule.negations[i].conditions)
      out += fmt::format("    if {}\n", dump(plan, rule, condition));
  }
  if (rule.has_pattern) out += fmt::format("  match {}\n", match_text(rule));
  for (const auto& key : rule.partition) {
    out += fmt::format("  partition {}by {}: {} =", rule.partition_found ? "found " : "", key.name,
                       to_string(key.type, plan.catalog));
    for (const auto& [type, field] : key.fields) {
      out += fmt::format(" {}.{}", type_name(type), plan.catalog[type].fields[field].name);
    }
    out += "\n";
  }
  if (rule.within.unit != Within::Unit::none) out += fmt::format("  within {}\n", within_text(rule.within));
  if (rule.window) {
    out += fmt::format("  window {}\n  when {}\n", window_text(*rule.window), threshold_text(rule.threshold));
    for (const auto& condition : rule.threshold.conditions)
      out += fmt::format("    if {}\n", dump(plan, rule, condition));
  }
  if (rule.has_pattern) {
    out += fmt::format("  report {}, skip {}\n", report_word(rule.report), skip_text(rule));
  }
  if (rule.throttle_ns != no_bound) out += fmt::format("  throttle {}\n", duration_text(rule.throttle_ns));
  const auto emit = [&](const char* clause, const Emit& emitted) {
    out += fmt::format("  {} {}\n", clause, type_name(emitted.type));
    for (const auto& field : emitted.fields) {
      out += fmt::format("    {} = {}\n", plan.catalog[emitted.type].fields[field.field].name,
                         dump(plan, rule, field.value));
    }
  };
  if (rule.emit) emit("emit", *rule.emit);
  if (rule.timeout) emit("on timeout emit", *rule.timeout);
  return out;
}

std::string dump(const Plan& plan) {
  std::string out;
  for (const auto& type : plan.catalog.types)
    out += type_dump(plan, type);
  for (const auto& rule : plan.rules)
    out += dump(plan, rule);
  out += "order";
  for (const auto id : plan.order)
    out += " " + plan.rules[id].name;
  return out + "\n";
}

}  // namespace tocsin::plan
