// A match on its way out of a shard: its place among the others, throttled, numbered, with the event that it
// emits; to the sink or to the log.
#include <utility>

#include "engine/runtime/shard.hpp"

namespace tocsin::runtime {

Position Shard::position_of(const match::Visit& visit) const {
  Position position{.event = visit.place};
  if (visit.place & is_derived) {
    const Position& own = batch_->derived[visit.place & ~is_derived].position;
    position = {.event = own.event, .timer_ns = own.timer_ns, .phase = own.phase};
  }
  position.rule = program_ + 1;
  return position;
}

void Shard::report(const match::Program& program, const match::Completion& completion) {
  // Taken apart, as both were just written: read at once they would wait for memory.
  const model::MatchedEvent* const events = completion.events.data();
  const std::size_t count = completion.events.size();
  const model::EventView last = events[count - 1].event;
  if (throttles_[program_] && !completion.timeout && !throttles_[program_]->passes(last, completion.at_ns)) {
    ++throttled_[program_];
    return;
  }
  const std::uint32_t rule = reported_[program_].rule;
  const std::uint32_t copy = reported_[program_].copy;
  model::MatchView match{rule, completion.at_ns, last.seq(), {events, count}, {}, completion.timeout, 0};
  // Where the match goes to a log, the batch numbers it once all shards have theirs.
  if (positioned_ != at_hand) {
    position_ = position_of(upcoming_[at_hand]);
    positioned_ = at_hand;
  }
  if (sink_) {
    match.ordinal = ordinals_.next(position_, match.at_ns, match.trigger_seq, match.timeout,
                                   std::exchange(is_first_, false));
  }
  matches_ += !completion.timeout;
  if (copy != no_copy) {
    match.emitted = copied(copy, last, {rule, match.ordinal, false});
    derived_ += copies_[copy].is_read;
  } else if (const auto& emit = completion.timeout ? program.timeout : program.emit) {
    copied_ = no_copy;
    emitted_.clear();
    model::EventWriter writer(emitted_);
    writer.begin(rules_->plan.catalog[emit->type]);
    const match::Bindings bindings{
        last, completion.events, 0, completion.at_ns, completion.totals, completion.window};
    for (const auto& field : emit->fields) {
      scratch_.reset();
      writer.set(field.field, field.value.evaluate(bindings, scratch_));
    }
    writer.commit(match.at_ns, match.trigger_seq, model::Origin{rule, match.ordinal, completion.timeout});
    match.emitted = emitted_[0];
    derived_ += rules_->is_read[emit->type];
  }
  if (sink_) return sink_->on_match(match);
  position_.trigger = completion.group;
  if (completion.timeout) position_.cause = Position::Cause::timeout;
  log_->append(position_, match);
  ++position_.ordinal;
}

// A match of a rule that copies alone, to the log: to the entry of the rules before it that copied the same
// from the event, where there is one.
void Shard::log_copy(std::uint32_t program, model::EventView event, std::uint32_t place,
                     std::uint64_t steps) {
  if (!is_owner_ || !stateless(program).takes(event, steps)) return;
  const Reported reported = reported_[program];
  ++matches_;
  if (copied_ != reported.copy || copied_from_ != event.bytes() || logged_ != log_->size()) {
    const model::MatchedEvent matched{0, event};
    log_->append_copies({.event = place, .rule = program + 1}, {reported.rule,
                                                                event.time_ns(),
                                                                event.seq(),
                                                                {&matched, 1},
                                                                copied(reported.copy, event, {}),
                                                                false,
                                                                0});
    logged_ = log_->size();
  }
  log_->append_rule(program + 1, reported.rule);
}

void Shard::write_copy(std::uint32_t number, model::EventView event) {
  copied_ = number;
  copied_from_ = event.bytes();
  emitted_.clear();
  const Copy& copy = copies_[number];
  const auto& fields = rules_->plan.catalog[copy.from].fields;
  model::EventWriter writer(emitted_);
  writer.begin(rules_->plan.catalog[copy.type]);
  for (const auto& [to, from] : copy.fields)
    writer.set(to, event.get(fields[from], from));
  for (const auto& [to, constant] : copy.constants)
    writer.set(to, constant);
  writer.commit(event.time_ns(), event.seq(), model::Origin{});
}

}  // namespace tocsin::runtime
