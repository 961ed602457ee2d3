#include "engine/runtime/shard.hpp"

namespace tocsin::runtime {

Shard::Shard(const RuleSet& rules, const Limits& limits, bool predicate_index, unsigned number,
             unsigned shards)
    : rules_(rules), number_(number), shards_(shards) {
  for (const auto& program : rules.programs)
    matchers_.push_back(match::make_matcher(program, limits, scratch_));
  for (const auto& layer : rules.layers) {
    std::vector<const match::Program*> programs;
    for (const std::uint32_t program : layer)
      programs.push_back(&rules.programs[program]);
    indexes_.emplace_back(programs, rules.plan.catalog, predicate_index);
  }
}

void Shard::run_layer(Batch& batch, std::size_t layer, model::MatchSink* sink) {
  log_ = &batch.log(layer, number_);
  sink_ = sink;
  match::PredicateIndex& index = indexes_[layer];
  std::size_t next = 0;  // derived event; those of an event come right after it
  const auto derived_before = [&](std::uint32_t event) {
    for (; next < batch.derived.size() && batch.derived[next].position.event < event; ++next) {
      const Derived& derived = batch.derived[next];
      visit(layer, derived.event, index.lookup(derived.event, scratch_),
            {derived.position.event, derived.position.rule, 0, derived.rank, 0});
    }
  };
  const bool derived = !batch.derived.empty();
  const auto raw = [&](std::uint32_t event) {
    if (derived) derived_before(event);
    const model::EventView view = batch.events[event];
    const auto& touched = index.lookup(view, scratch_);
    if (!touched.empty()) visit(layer, view, touched, {event, 0, 0, 0, 0});
  };
  if (shards_ == 1) {
    const std::size_t events = batch.events.size();
    for (std::size_t i = 0; (i = index.next_candidate(batch.events, i)) < events; ++i)
      raw(static_cast<std::uint32_t>(i));
  } else {
    for (const std::uint32_t event : batch.parts[number_])
      raw(event);
  }
  derived_before(UINT32_MAX);
}

// `position`: the event's place as a trigger: its event, its rule, its rank in trigger_rank.
void Shard::visit(std::size_t layer, model::EventView event, const std::vector<match::Touched>& all,
                  const Position& position) {
  ++order_;
  for (const match::Touched& touched : all) {
    program_ = rules_.layers[layer][touched.program];
    const Routing& routing = rules_.routings[program_][touched.input];
    if (shards_ > 1 && routing.destination(event, shards_, key_scratch_) != number_) continue;
    position_ = {position.event, program_ + 1, position.rule, position.trigger_rank, 0};
    matchers_[program_]->visit(event, order_, touched.steps, *this);
  }
}

void Shard::report(const match::Program& program, model::EventView trigger,
                   std::span<const model::MatchedEvent> events) {
  ++matches_;
  model::MatchView match{program.rule, trigger.time_ns(), trigger.seq(), events, {}};
  if (program.emit_type) {
    emitted_.clear();
    model::EventWriter writer(emitted_);
    writer.begin(rules_.plan.catalog[*program.emit_type]);
    const match::Bindings bindings{trigger, events};
    for (const auto& field : program.emit) {
      scratch_.reset();
      writer.set(field.field, field.value.evaluate(bindings, scratch_));
    }
    writer.commit(match.at_ns, match.trigger_seq, 0);
    match.emitted = emitted_[0];
    derived_ += rules_.is_read[*program.emit_type];
  }
  if (sink_) return sink_->on_match(match);
  log_->append(position_, match);
  ++position_.ordinal;
}

void Shard::add_counters(std::vector<match::RuleCounters>& by_rule) const {
  for (std::size_t i = 0; i < matchers_.size(); ++i) {
    by_rule[rules_.programs[i].rule] += matchers_[i]->counters();
  }
}

}  // namespace tocsin::runtime
