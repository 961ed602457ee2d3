// What `tocsin explain` shows of the engine: matchers, automata, layers, the predicate index.
#include <fmt/format.h>

#include "engine/match/matcher.hpp"
#include "engine/match/predicate_index.hpp"
#include "engine/match/window_store.hpp"
#include "engine/plan/literal.hpp"
#include "engine/runtime/engine.hpp"
#include "engine/runtime/rule_set.hpp"

namespace tocsin::runtime {

namespace {

const char* routing_text(const Routing& routing) {
  switch (routing.kind) {
    case Routing::Kind::keyed: return "by partition key";
    case Routing::Kind::fixed: return "all events to one shard (no partition)";
    case Routing::Kind::spread: return "any shard (no state)";
  }
  return "?";
}

/// A rule that only asks what a store would be like.
struct Nobody final : match::WindowStore::Member {
  void look_again(std::uint32_t) override {}
  bool forget(std::uint32_t, bool) override { return true; }
};

// What a rule's windows take, and the rules with which it shares them.
std::string windows_text(const RuleSet& rules, std::size_t layer, const match::Program& program,
                         const Limits& limits) {
  match::KeySpace keys(limits.near_keys);
  match::Scratch scratch;
  match::WindowStore store(program, limits, keys, scratch);
  Nobody nobody;
  std::string sharers;
  for (const std::uint32_t number : rules.layers[layer]) {
    const auto& other = rules.programs[number];
    if (!match::WindowStore::may_share(program, *other)) continue;
    store.join(nobody, other);
    if (other.get() != &program) sharers += (sharers.empty() ? "" : ", ") + other->name;
  }
  const match::WindowState& state = store.state();
  std::string text = fmt::format("  windows: {} bytes a key; a pane is ", state.bytes_per_row());
  if (state.keeps_panes()) {
    text += fmt::format("{} of a key, of {} bytes\n", plan::duration_text(store.pane_ns()),
                        state.bytes_per_entry());
  } else if (state.keeps_entries()) {
    text += fmt::format("an event, of {} bytes\n", state.bytes_per_entry());
  } else {
    text += "a whole window: no event is kept\n";
  }
  if (!sharers.empty()) text += fmt::format("  windows shared with: {}\n", sharers);
  return text;
}

}  // namespace

std::string explain(const plan::Plan& plan, const EngineOptions& options) {
  const RuleSet rules(plan, options.matcher, options.shards);
  std::string text;
  for (std::size_t layer = 0; layer < rules.layers.size(); ++layer) {
    std::vector<const match::Program*> programs;
    for (const std::uint32_t number : rules.layers[layer]) {
      const match::Program& program = *rules.programs[number];
      programs.push_back(&program);
      text += match::dump(plan, program);
      if (program.window) text += windows_text(rules, layer, program, options.limits);
      text += fmt::format("  layer: {}\n  shards: {}\n", layer, routing_text(rules.routings[number].front()));
    }
    for (const std::uint32_t table : rules.tables[layer]) {
      const bool of_file = !plan.tables[table].path.empty();
      text +=
          fmt::format("table {}: {}\n", plan.tables[table].name,
                      of_file ? "one for all shards, replaced when its file changes"
                              : fmt::format("each shard keeps the newest event a key, for layer {}", layer));
    }
    const match::PredicateIndex index(programs, plan.catalog, options.predicate_index);
    text += fmt::format("predicate index of layer {}\n", layer);
    const std::string index_text = index.dump(plan.catalog);
    for (std::size_t begin = 0; begin < index_text.size();) {
      const std::size_t end = index_text.find('\n', begin) + 1;
      text += "  " + index_text.substr(begin, end - begin);
      begin = end;
    }
  }
  return text;
}

std::string explain_dot(const plan::Plan& plan, std::uint32_t rule) {
  match::Program program = match::build_program(plan, rule);
  return match::dump_dot(plan, program);
}

}  // namespace tocsin::runtime
