#include "tester/coverage.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "tester/explore.hpp"

namespace tocsin::tester {

void Coverage::add(const plan::Plan& plan, const Record& record, const Show& show) {
  for (const Alert& alert : record.alerts) {
    rules_[alert.rule].matched |= !alert.timeout;
    rules_[alert.rule].started = true;
  }
  for (std::uint32_t id = 0; id < plan.rules.size(); ++id) {
    const plan::Rule& rule = plan.rules[id];
    const std::uint64_t all =
        rule.steps.size() == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << rule.steps.size()) - 1;
    Reached& reached = rules_[id];
    if (rule.window ? reached.started : !rule.has_pattern || reached.steps == all) continue;
    Conditions conditions(plan, rule, record, show);
    const Exploration explored = explore(plan, id, record, conditions);
    reached.steps |= explored.steps_reached;
    reached.started |= reached.steps != 0;
    reached.started |=
        rule.window && std::any_of(explored.streams.begin(), explored.streams.end(), any_passes);
  }
}

std::size_t Coverage::matched() const {
  return static_cast<std::size_t>(
      std::count_if(rules_.begin(), rules_.end(), [](const Reached& rule) { return rule.matched; }));
}

std::vector<std::string> Coverage::lines(const plan::Plan& plan) const {
  std::size_t width = 0;
  for (const plan::Rule& rule : plan.rules)
    width = std::max(width, rule.name.size());
  std::vector<std::string> out;
  for (std::size_t id = 0; id < rules_.size(); ++id) {
    const plan::Rule& rule = plan.rules[id];
    const Reached& reached = rules_[id];
    std::string line = fmt::format("{:{}}  {}", rule.name, width,
                                   reached.matched   ? "matched"
                                   : reached.started ? "started"
                                                     : "never");
    std::string missing;
    for (std::size_t step = 0; reached.started && step < rule.steps.size(); ++step) {
      if ((reached.steps >> step & 1) != 0) continue;
      const std::string& name = rule.steps[step].name;
      missing += (missing.empty() ? "" : ", ") +
                 (name.empty() ? plan.catalog[rule.steps[step].types.front()].name : name);
    }
    if (!missing.empty()) line += "; never reached: " + missing;
    if (rule.window && reached.started && !reached.matched) line += "; never fired";
    out.push_back(std::move(line));
  }
  return out;
}

}  // namespace tocsin::tester
