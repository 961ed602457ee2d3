// What a shard has for its rules, made when it begins and when they are replaced: matchers, key spaces,
// tables, and which rules emit copies.
#include <algorithm>
#include <map>
#include <utility>

#include "engine/runtime/shard.hpp"

namespace tocsin::runtime {

Shard::Shard(const RuleSet& rules, const Limits& limits, bool predicate_index, unsigned number,
             unsigned shards)
    : number_(number),
      shards_(shards),
      limits_(limits),
      predicate_index_(predicate_index),
      no_keys_(limits.near_keys),
      sample_seed_(number) {
  set_up(rules);
  draw_sample();
}

Shard::~Shard() {
  no_keys_.abandon();
  for (const auto& space : key_spaces_)
    space->abandon();
}

void Shard::replace(const RuleSet& rules) {
  drop_gone(rules);
  set_up(rules);
}

// Counts what the rules did that are not kept, and lets go of them, so that their keys are free for others.
void Shard::drop_gone(const RuleSet& rules) {
  std::vector<bool> stays(matchers_.size());
  for (const auto& number : rules.kept) {
    if (number) stays[*number] = true;
  }
  gone_.resize(rules.plan.rules.size());
  for (std::size_t i = 0; i < matchers_.size(); ++i) {
    if (stays[i]) continue;
    gone_[rules_->programs[i]->rule] += counters_of(i);
    matchers_[i].reset();
  }
  std::erase_if(key_spaces_, [](const auto& space) { return space->rules() == 0; });
}

// Takes over what the rules had that are kept, and makes the others anew.
void Shard::set_up(const RuleSet& rules) {
  rules_ = &rules;
  auto matchers = std::exchange(matchers_, {});
  auto throttles = std::exchange(throttles_, {});
  const auto throttled = std::exchange(throttled_, {});
  const auto busy_ns = std::exchange(busy_ns_, {});
  std::vector<match::WindowStores> windows(
      rules.layers.size());  // each layer sees events in turns of its own
  for (std::size_t i = 0; i < rules.programs.size(); ++i) {
    const auto& program = rules.programs[i];
    if (const auto number = rules.kept[i]) {
      matchers_.push_back(std::move(matchers[*number]));
      throttles_.push_back(std::move(throttles[*number]));
      throttled_.push_back(throttled[*number]);
      busy_ns_.push_back(busy_ns[*number]);
      continue;
    }
    match::KeySpace& space = program->partitioned ? key_space_of(*program) : no_keys_;
    matchers_.push_back(match::make_matcher(program, {limits_, scratch_, space, windows[rules.layer_of[i]]}));
    const bool has_throttle = program->throttle_ns != plan::no_bound;
    throttles_.push_back(has_throttle ? std::make_unique<match::Throttle>(*program) : nullptr);
    throttled_.push_back(0);
    busy_ns_.push_back(0);
  }
  auto tables = std::exchange(tables_, {});
  indexes_.clear();
  for (std::size_t layer = 0; layer < rules.layers.size(); ++layer) {
    std::vector<const match::Program*> programs;
    for (const std::uint32_t program : rules.layers[layer])
      programs.push_back(rules.programs[program].get());
    indexes_.emplace_back(programs, rules.plan.catalog, predicate_index_);
    tables_.push_back(tables_of(layer, tables));
    for (const auto& kept : tables_.back().kept)
      indexes_.back().show_all(kept.type);
  }
  timers_.assign(rules.layers.size(), {});
  next_timer_.assign(rules.programs.size(), match::never);
  visited_.clear();
  for (std::uint32_t i = 0; i < rules.programs.size(); ++i) {
    match::Matcher& matcher = *matchers_[i];
    const match::Program& program = *rules.programs[i];
    visited_.push_back(
        {&matcher, matcher.key_space(), program.keys.data(), matcher.prefetch_stages(), program.is_timed()});
    if (program.is_timed()) note_timer(rules.layer_of[i], i);
  }
  find_copies();
  ordinals_ = Ordinals(false);
}

namespace {

model::Value value_of(const plan::Constant& constant) {
  switch (constant.kind) {
    case model::Kind::null: return model::Value::null();
    case model::Kind::string: return model::Value::string(constant.s);
    case model::Kind::floating: return model::Value::floating(constant.f);
    default: return model::Value::of_int(constant.i, constant.kind);
  }
}

}  // namespace

// Finds the rules that emit what they copy from an event, and constants, and which of them emit the same.
void Shard::find_copies() {
  copies_.clear();
  reported_.clear();
  std::map<std::pair<model::EventTypeId, std::vector<std::pair<std::uint32_t, std::uint32_t>>>, std::uint32_t>
      known;
  for (std::size_t i = 0; i < rules_->programs.size(); ++i) {
    const match::Program& program = *rules_->programs[i];
    reported_.push_back({program.rule, no_copy, false});
    const auto& emit = rules_->plan.rules[program.rule].emit;
    if (!emit || program.matcher != match::MatcherKind::stateless || program.inputs.size() > 1) continue;
    Copy copy{emit->type, program.inputs[0].type, rules_->is_read[emit->type], {}, {}};
    for (const auto& field : emit->fields) {
      const plan::Expr& value = field.value;
      if (value.op == plan::Op::constant) {
        copy.constants.emplace_back(field.field, value_of(value.constant));
      } else if (value.op == plan::Op::field && value.ref.selector == plan::Selector::current &&
                 value.ref.type == copy.from) {
        copy.fields.emplace_back(field.field, value.ref.field);
      }
    }
    if (copy.fields.size() + copy.constants.size() < emit->fields.size()) continue;
    auto number = static_cast<std::uint32_t>(copies_.size());
    if (copy.constants.empty()) {
      auto key = copy.fields;
      key.emplace_back(copy.from, 0);
      number = known.try_emplace({copy.type, std::move(key)}, number).first->second;
    }
    if (number == copies_.size()) copies_.push_back(std::move(copy));
    reported_.back().copy = number;
    reported_.back().copies_alone = !program.partitioned && !throttles_[i] && !rules_->is_read[emit->type];
  }
}

match::KeySpace& Shard::key_space_of(const match::Program& program) {
  for (const auto& space : key_spaces_) {
    if (space->take_in(program.keys)) return *space;
  }
  key_spaces_.push_back(std::make_unique<match::KeySpace>(limits_.near_keys));
  key_spaces_.back()->take_in(program.keys);
  return *key_spaces_.back();
}

// `before` are the tables so far: those that keep events stay, and as all copies have seen the same events,
// a layer that needs one anew copies another's.
Shard::LayerTables Shard::tables_of(std::size_t layer, std::vector<LayerTables>& before) {
  LayerTables out;
  out.by_number.resize(rules_->plan.tables.size());
  for (const std::uint32_t number : rules_->tables[layer]) {
    const plan::Table& table = rules_->plan.tables[number];
    if (!table.path.empty()) {
      out.files.push_back(number);
      continue;
    }
    std::unique_ptr<match::Table> content;
    if (auto* own = layer < before.size() ? before[layer].find(number) : nullptr) content = std::move(*own);
    for (auto* all : {&before, &tables_}) {
      for (LayerTables& other : *all) {
        if (auto* copy = content ? nullptr : other.find(number); copy && *copy)
          content = std::make_unique<match::Table>(**copy);
      }
    }
    if (!content) content = std::make_unique<match::Table>(table, rules_->plan.catalog, limits_.table_rows);
    out.by_number[number] = content.get();
    out.kept.push_back({number, table.type, std::move(content)});
  }
  return out;
}

}  // namespace tocsin::runtime
