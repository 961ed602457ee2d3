// Builders, a stream from text, and matches as text.
#include "tests/oracle/letters.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/model/batch.hpp"
#include "tests/oracle/oracle.hpp"

namespace tocsin::oracle {

using plan::PatternNode;

plan::Plan plan_of(std::vector<plan::Rule> rules) {
  plan::Plan plan;
  model::EventType type{.name = "L", .id = 0, .fields = {}, .timestamp = {}};
  type.fields.push_back({.name = "c", .type = {.kind = model::Kind::string}});
  type.layout();
  plan.catalog.types.push_back(type);
  plan.catalog.types.push_back({.name = "T", .id = 1, .fields = {}, .timestamp = {}, .derived = true});
  plan.catalog.types.back().layout();
  plan.rules = std::move(rules);
  for (std::uint32_t i = 0; i < plan.rules.size(); ++i)
    plan.order.push_back(i);
  return plan;
}

plan::Expr letter(plan::Selector selector, std::uint32_t step) {
  plan::Expr expr;
  expr.op = plan::Op::field;
  expr.type.kind = model::Kind::string;
  expr.ref.selector = selector;
  expr.ref.step = step;
  return expr;
}

plan::Expr text(const char* value) {
  plan::Expr expr;
  expr.type.kind = model::Kind::string;
  expr.constant.kind = model::Kind::string;
  expr.constant.s = value;
  return expr;
}

plan::Expr compare_letter(plan::Op op, plan::Expr other) {
  plan::Expr expr;
  expr.op = op;
  expr.type.kind = model::Kind::boolean;
  expr.args = {letter(plan::Selector::current), std::move(other)};
  return expr;
}

plan::Expr is(const char* value) {
  return compare_letter(plan::Op::eq, text(value));
}

plan::Step step(plan::Expr condition, plan::Quantifier quantifier) {
  plan::Step out;
  out.types = {0};
  out.conditions = {std::move(condition)};
  out.quantifier = quantifier;
  return out;
}

plan::Step step(const char* value, plan::Quantifier quantifier) {
  return step(is(value), quantifier);
}

PatternNode leaf(std::uint32_t index) {
  PatternNode out;
  out.step = index;
  return out;
}

PatternNode group(PatternNode::Kind kind, std::vector<PatternNode> children, plan::Contiguity edge) {
  PatternNode out;
  out.kind = kind;
  plan::Edge before;
  before.contiguity = edge;
  if (kind == PatternNode::Kind::sequence) out.edges.assign(children.size(), before);
  out.children = std::move(children);
  return out;
}

PatternNode sequence(std::vector<PatternNode> children) {
  return group(PatternNode::Kind::sequence, std::move(children));
}

plan::Rule rule(std::vector<plan::Step> steps, PatternNode pattern) {
  plan::Rule out;
  out.name = "r";
  out.inputs.push_back({.type = 0, .conditions = {}});
  out.has_pattern = true;
  out.steps = std::move(steps);
  out.pattern = std::move(pattern);
  return out;
}

plan::Rule rule(std::vector<plan::Step> steps, plan::Contiguity edge) {
  std::vector<PatternNode> leaves;
  for (std::uint32_t i = 0; i < steps.size(); ++i)
    leaves.push_back(leaf(i));
  return rule(std::move(steps), group(PatternNode::Kind::sequence, std::move(leaves), edge));
}

plan::Rule all(plan::Rule rule) {
  rule.report = plan::Report::all;
  rule.skip = plan::Skip::none;
  return rule;
}

std::uint32_t negation(plan::Rule& rule, plan::Expr condition) {
  rule.negations.push_back({.types = {0}, .conditions = {std::move(condition)}});
  return std::uint32_t(rule.negations.size() - 1);
}

plan::Rule ban(plan::Rule rule, std::size_t index, const char* value, bool strict) {
  const std::uint32_t id = negation(rule, is(value));
  rule.pattern.edges[index].bans.push_back({.negation = id, .strict = strict});
  return rule;
}

plan::Rule within(plan::Rule rule, int seconds) {
  rule.within = {.unit = plan::Within::Unit::time, .time_ns = seconds * second_ns};
  return rule;
}

plan::Rule absent_after(plan::Rule rule, const char* value, int seconds) {
  const std::uint32_t id = negation(rule, is(value));
  rule.after.push_back({.negation = id, .for_ns = seconds * second_ns});
  return rule;
}

plan::Rule absent_before(plan::Rule rule, const char* value, int seconds) {
  const std::uint32_t id = negation(rule, is(value));
  rule.before.push_back({.negation = id, .for_ns = seconds * second_ns});
  return rule;
}

plan::Rule timed(plan::Rule rule, int seconds) {
  rule.timeout = plan::Emit{.type = 1, .fields = {}};
  return within(std::move(rule), seconds);
}

namespace {

model::EventBatch events_of(const plan::Plan& plan, const std::string& stream) {
  model::EventBatch batch;
  model::EventWriter writer(batch);
  std::int64_t now_s = -1;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    const bool together = stream[i] == '+';
    if (together) ++i;
    now_s += together ? 0 : 1;
    if (stream[i] == '.') continue;
    writer.begin(plan.catalog[0]);
    writer.set_string(0, stream.substr(i, 1));
    writer.commit(now_s * second_ns, batch.size() + 1, 0);
  }
  return batch;
}

std::vector<Match> find_in(const plan::Plan& plan, const model::EventBatch& batch) {
  std::vector<model::EventView> views;
  for (std::size_t i = 0; i < batch.size(); ++i)
    views.push_back(batch[i]);
  return find_matches(plan, views);
}

}  // namespace

std::vector<Match> find_in(const plan::Plan& plan, const std::string& stream) {
  return find_in(plan, events_of(plan, stream));
}

std::string matches(const plan::Plan& plan, const std::string& stream) {
  const model::EventBatch batch = events_of(plan, stream);
  std::vector<std::string> out;
  for (const Match& match : find_in(plan, batch)) {
    std::vector<std::uint64_t> events;
    for (const auto& [step, seq] : match.events)
      events.push_back(seq);
    const bool by_timer = match.at_ns != batch[match.trigger_seq - 1].time_ns();
    out.push_back(fmt::format("{}{}{}{}", plan.rules.size() > 1 ? plan.rules[match.rule].name + ":" : "",
                              match.timeout ? "!" : "", fmt::join(events, " "),
                              by_timer ? fmt::format("@{}", match.at_ns / second_ns) : ""));
  }
  return fmt::format("{}", fmt::join(out, "|"));
}

std::string matches(plan::Rule rule, const std::string& stream) {
  return matches(plan_of({std::move(rule)}), stream);
}

}  // namespace tocsin::oracle
