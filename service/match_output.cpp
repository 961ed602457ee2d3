#include "service/match_output.hpp"

#include <stdexcept>
#include <unistd.h>
#include <utility>
#include <vector>

namespace tocsin::service {
namespace {

using model::Kind;
using model::Value;

Value value_of(const plan::Constant& constant) {
  switch (constant.kind) {
    case Kind::floating: return Value::floating(constant.f);
    case Kind::string: return Value::string(constant.s);
    case Kind::null: return Value::null();
    default: return Value::of_int(constant.i, constant.kind);
  }
}

connectors::RuleOutput rule_output(const plan::Rule& rule) {
  connectors::RuleOutput output;
  output.name = rule.name;
  for (const plan::Label& label : rule.labels) {
    auto& values = output.labels.emplace_back(connectors::RuleOutput::Label{label.name, {}}).values;
    for (const plan::Constant& constant : label.values)
      values.push_back(value_of(constant));
  }
  for (const plan::Step& step : rule.steps)
    output.steps.push_back(
        {step.name.empty() && step.types.size() > 1 ? "any" : step.name, step.types.front()});
  if (rule.emit) output.emitted = rule.emit->type;
  if (rule.timeout) output.timeout = rule.timeout->type;
  return output;
}

}  // namespace

std::vector<connectors::RuleOutput> rule_outputs(const plan::Plan& plan) {
  std::vector<connectors::RuleOutput> outputs;
  outputs.reserve(plan.rules.size());
  for (const plan::Rule& rule : plan.rules)
    outputs.push_back(rule_output(rule));
  return outputs;
}

std::unique_ptr<connectors::Output> open_output(const std::string& path) {
  if (path.empty()) return std::make_unique<connectors::Output>(STDOUT_FILENO, "stdout");
  auto opened = connectors::Output::open(path, connectors::Output::Mode::create);
  if (!opened) throw std::runtime_error(opened.error);
  return std::move(opened.value);
}

MatchOutput::MatchOutput(const plan::Plan& plan, connectors::Output& output, const OutputOptions& options,
                         bool flush_each)
    : output_(output),
      writer_(plan.catalog, rule_outputs(plan), output,
              {.with_events = options.with_events, .flush_each = flush_each}) {}

void MatchOutput::on_match(const model::MatchView& match) {
  writer_.on_match(match);
  if (output_.failed()) failed_.store(true, std::memory_order_release);
}

}  // namespace tocsin::service
