#include "connectors/net/subscriber.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace tocsin::connectors::net {

namespace {

bool emits(const RuleOutput& rule, bool timeout, const std::string& type, const model::Catalog& catalog) {
  const auto& emitted = timeout ? rule.timeout : rule.emitted;
  return emitted && catalog[*emitted].name == type;
}

}  // namespace

bool Subscriber::wants(const RuleOutput& rule, bool timeout, const model::Catalog& catalog) const {
  const auto& [rules, types, policy, queue_bytes, with_events] = wishes_;
  if (rules && std::find(rules->begin(), rules->end(), rule.name) == rules->end()) return false;
  return !types || std::any_of(types->begin(), types->end(),
                               [&](const std::string& type) { return emits(rule, timeout, type, catalog); });
}

std::string unknown_wish(const wire::Subscribe& wishes, const std::vector<RuleOutput>& rules,
                         const model::Catalog& catalog) {
  if (wishes.rules) {
    for (const std::string& name : *wishes.rules) {
      if (std::none_of(rules.begin(), rules.end(), [&](const auto& rule) { return rule.name == name; })) {
        return fmt::format("there is no rule '{}'", name);
      }
    }
  }
  if (wishes.types) {
    for (const std::string& name : *wishes.types) {
      if (std::none_of(rules.begin(), rules.end(), [&](const auto& rule) {
            return emits(rule, false, name, catalog) || emits(rule, true, name, catalog);
          })) {
        return fmt::format("no rule emits '{}'", name);
      }
    }
  }
  return {};
}

}  // namespace tocsin::connectors::net
