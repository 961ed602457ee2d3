#include "engine/runtime/rule_set.hpp"

#include <algorithm>

#include "engine/match/matcher.hpp"
#include "engine/match/window_store.hpp"

namespace tocsin::runtime {

namespace {

bool same(const Routing& a, const Routing& b) {
  return a.kind == b.kind && a.shard == b.shard &&
         std::equal(a.keys.fields.begin(), a.keys.fields.end(), b.keys.fields.begin(), b.keys.fields.end(),
                    [](const auto& x, const auto& y) { return x.index == y.index; });
}

Routing routing_of(const match::Program& program, std::size_t input, unsigned shards) {
  Routing routing;
  if (program.partitioned) {
    routing.kind = Routing::Kind::keyed;
    routing.keys = program.keys[input];
  } else if (!program.steps.empty() || program.window || program.throttle_ns != plan::no_bound) {
    routing.kind = Routing::Kind::fixed;
    routing.shard = program.rule % shards;
  }
  return routing;
}

constexpr std::uint32_t none = 0xFFFFFFFF;

// By rule id: the rule's program.
std::vector<std::uint32_t> numbers_by_rule(const RuleSet* rules, std::size_t size) {
  std::vector<std::uint32_t> numbers(size, none);
  for (std::uint32_t number = 0; rules && number < rules->programs.size(); ++number)
    numbers[rules->programs[number]->rule] = number;
  return numbers;
}

}  // namespace

// The program of a rule: that of the set before, where the rule was in force there under its id.
void RuleSet::add_program(std::uint32_t rule, match::MatcherChoice choice, const RuleSet* before,
                          std::uint32_t number_before) {
  if (number_before != none) {
    programs.push_back(before->programs[number_before]);
    kept.emplace_back(number_before);
    return;
  }
  auto program = std::make_shared<match::Program>(match::build_program(plan, rule));
  match::choose(*program, choice);
  programs.push_back(std::move(program));
  kept.emplace_back();
}

// Rules whose windows are the same may share them, but only within a layer. Where what they read has put them
// into different ones, those that have moved begin anew.
void RuleSet::part_windows(const RuleSet& before, match::MatcherChoice choice) {
  const auto moved = [&](std::size_t i) { return kept[i] && layer_of[i] != before.layer_of[*kept[i]]; };
  for (std::size_t i = 0; i < programs.size(); ++i) {
    if (!programs[i]->window || !moved(i)) continue;
    for (std::size_t j = 0; j < programs.size(); ++j) {
      if (j == i || !kept[j] || !programs[j]->window || layer_of[j] == layer_of[i]) continue;
      if (before.layer_of[*kept[j]] != before.layer_of[*kept[i]]) continue;
      if (!match::WindowStore::may_share(*programs[i], *programs[j])) continue;
      auto anew = std::make_shared<match::Program>(match::build_program(plan, programs[i]->rule));
      match::choose(*anew, choice);
      programs[i] = std::move(anew);
      kept[i].reset();
      break;
    }
  }
}

RuleSet::RuleSet(const plan::Plan& source, match::MatcherChoice choice, unsigned shards,
                 const RuleSet* before)
    : plan(source) {
  of_type.resize(plan.catalog.types.size());
  is_read.resize(plan.catalog.types.size());
  is_kept.resize(plan.catalog.types.size());
  const auto number_before = numbers_by_rule(before, plan.rules.size());
  std::vector<std::size_t> layer_of_type(plan.catalog.types.size(), 0);  // the first layer that may read it
  for (const std::uint32_t rule : plan.order) {
    const auto number = static_cast<std::uint32_t>(programs.size());
    add_program(rule, choice, before, number_before[rule]);
    const match::Program& program = *programs.back();

    std::size_t layer = 0;
    for (const auto& input : program.inputs)
      layer = std::max(layer, layer_of_type[input.type]);
    const auto tables_read = plan::tables_read(plan.rules[rule]);
    for (const std::uint32_t table : tables_read)
      layer = std::max(layer, layer_of_type[plan.tables[table].type]);
    for (const auto* emit : {&program.emit, &program.timeout}) {
      if (emit->has_value()) layer_of_type[(*emit)->type] = std::max(layer_of_type[(*emit)->type], layer + 1);
    }
    if (layers.size() <= layer) layers.resize(layer + 1);
    layers[layer].push_back(number);
    layer_of.push_back(layer);
    tables.resize(layers.size());
    for (const std::uint32_t table : tables_read) {
      tables[layer].push_back(table);
      const model::EventTypeId type = plan.tables[table].type;
      if (plan.tables[table].path.empty()) is_read[type] = is_kept[type] = true;
    }

    auto& own = routings.emplace_back();
    for (std::size_t i = 0; i < program.inputs.size(); ++i) {
      const auto type = program.inputs[i].type;
      is_read[type] = true;
      own.push_back(routing_of(program, i, shards));
      auto& known = of_type[type];
      if (std::none_of(known.begin(), known.end(), [&](const auto& r) { return same(r, own.back()); })) {
        known.push_back(own.back());
      }
    }
  }
  for (std::size_t type = 0; type < of_type.size(); ++type) {
    is_split.push_back(of_type[type].size() > 1 || is_kept[type]);
    is_spread = is_spread && !is_kept[type];
    for (const Routing& routing : of_type[type])
      is_spread = is_spread && routing.kind == Routing::Kind::spread;
  }
  if (before) part_windows(*before, choice);
  if (layers.empty()) layers.resize(1);
  tables.resize(layers.size());
  for (auto& of_layer : tables) {
    std::sort(of_layer.begin(), of_layer.end());
    of_layer.erase(std::unique(of_layer.begin(), of_layer.end()), of_layer.end());
  }
}

}  // namespace tocsin::runtime
