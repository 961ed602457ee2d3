#include "tester/explore.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "engine/base/saturate.hpp"
#include "engine/plan/literal.hpp"

namespace tocsin::tester {

using match::Arc;
using match::Closing;
using match::Program;
using match::State;
using match::Watch;
using plan::Contiguity;

namespace {

constexpr std::size_t max_events = 5000;  // of a stream that are looked at
constexpr std::size_t max_waiting = 200;  // runs of a stream at one time; beyond it the least advanced go
constexpr std::size_t max_runs = 2000;    // of a stream that are kept; beyond it those that are not the best
constexpr std::uint64_t unreachable = std::uint64_t{1} << 60;

/// By state: the fewest events from its step's least number of repeats to the end.
std::vector<std::uint64_t> distances(const Program& program) {
  std::vector<std::uint64_t> left(program.states.size(), unreachable);
  for (std::size_t i = 0; i < left.size(); ++i)
    left[i] = program.states[i].accepts ? 0 : unreachable;
  for (bool changed = true; changed;) {
    changed = false;
    for (const Arc& arc : program.arcs) {
      if (arc.from == match::start_state || arc.repeats) continue;
      const std::uint64_t least =
          std::max<std::uint64_t>(1, program.steps[program.states[arc.to].step].quantifier.min);
      if (left[arc.to] + least >= left[arc.from]) continue;
      left[arc.from] = left[arc.to] + least;
      changed = true;
    }
  }
  return left;
}

class Explorer {
 public:
  Explorer(const plan::Plan& plan, const plan::Rule& rule, const Program& program, Conditions& conditions)
      : plan_(plan),
        rule_(rule),
        program_(program),
        conditions_(conditions),
        distances_(distances(program)) {}

  void explore(Stream& stream, std::uint64_t& steps_reached) {
    Run nothing;
    nothing.needed = unreachable;
    nothing.group_start_ns.resize(program_.groups.size());
    for (std::size_t a = program_.start.begin; a < program_.start.end; ++a)
      nothing.needed = std::min(nothing.needed, needed_after(program_.arcs[a], 0));
    stream.runs.push_back(std::move(nothing));
    std::vector<std::size_t> waiting;  // of stream.runs
    std::size_t place = 0;             // among those that pass
    for (std::size_t i = 0; i < stream.events.size() && place < max_events; ++i) {
      if (!stream.passes[i]) continue;
      const std::size_t before = stream.runs.size();
      visit(stream, 0, i, place);
      for (const std::size_t run : waiting)
        visit(stream, run, i, place);
      ++place;
      for (std::size_t run = before; run < stream.runs.size(); ++run) {
        steps_reached |= bit(stream.runs[run].taken.back().step);
        waiting.push_back(run);
      }
      std::erase_if(waiting,
                    [&](std::size_t run) { return is_over(stream.runs[run], stream.events[i].time_ns()); });
      if (waiting.size() > max_waiting) thin_out(stream, waiting);
      if (stream.runs.size() > max_runs) compact(stream, waiting);
    }
  }

 private:
  static std::uint64_t bit(std::uint32_t i) { return std::uint64_t{1} << i; }

  std::uint64_t needed(std::uint16_t state, std::uint32_t count) const {
    const std::uint32_t min = program_.steps[program_.states[state].step].quantifier.min;
    return distances_[state] + (min > count ? min - count : 0);
  }
  std::uint64_t needed_after(const Arc& arc, std::uint32_t count) const {
    return 1 + needed(arc.to, arc.repeats ? count + 1 : 1);
  }

  bool is_over(const Run& run, std::int64_t time_ns) const {
    return program_.within.unit == plan::Within::Unit::time &&
           later(run.taken.front().event.time_ns(), program_.within.time_ns) < time_ns;
  }

  static void thin_out(const Stream& stream, std::vector<std::size_t>& waiting) {
    std::stable_sort(waiting.begin(), waiting.end(), [&](std::size_t a, std::size_t b) {
      const Run& one = stream.runs[a];
      const Run& other = stream.runs[b];
      return one.needed != other.needed ? one.needed < other.needed : one.taken.size() > other.taken.size();
    });
    waiting.resize(max_waiting / 2);
    std::sort(waiting.begin(), waiting.end());
  }

  // Keeps the run without an event, those that wait and, of the others, the whole ones and the best.
  static void compact(Stream& stream, std::vector<std::size_t>& waiting) {
    std::uint64_t best = unreachable;
    for (const Run& run : stream.runs) {
      if (run.needed > 0) best = std::min(best, run.needed);
    }
    std::vector<Run> kept;
    std::size_t next = 0;  // in waiting
    std::size_t others = 0;
    for (std::size_t i = 0; i < stream.runs.size(); ++i) {
      Run& run = stream.runs[i];
      if (next < waiting.size() && waiting[next] == i) {
        waiting[next++] = kept.size();
      } else if (i > 0 && ((run.needed > 0 && run.needed > best) || ++others > max_runs / 2)) {
        continue;
      }
      kept.push_back(std::move(run));
    }
    stream.runs = std::move(kept);
  }

  // Shows event number `i`, the one at `place`, to one run. Runs that it makes are added to the stream.
  void visit(Stream& stream, std::size_t number, std::size_t i, std::size_t place) {
    const model::EventView event = stream.events[i];
    if (number == 0 && comes_too_soon(stream, i)) return;
    close(stream.runs[number], event, place, true);
    const bool starts = number == 0;
    const match::Range out = starts ? program_.start : program_.states[stream.runs[number].state].out;
    std::vector<std::uint16_t> fitting;
    std::uint64_t all = 0;
    for (std::uint16_t a = out.begin; a < out.end; ++a) {
      if (!takes(stream.runs[number], program_.arcs[a], a, event, place)) continue;
      fitting.push_back(a);
      all |= program_.bit(a);
    }
    for (const std::uint16_t a : fitting) {
      const Arc& arc = program_.arcs[a];
      if ((arc.barred_by & all) != 0) continue;
      Run next = stream.runs[number];
      next.count = arc.repeats ? next.count + 1 : 1;
      next.state = arc.to;
      next.place = place;
      if (starts) next.first_place = place, next.first_index = i;
      next.index = i;
      next.spent = next.closed = 0;
      next.absence_closed = false;
      next.closed_by = {};
      next.watch = match::no_watch;
      next.needed = needed(arc.to, next.count);
      next.taken.push_back({program_.states[arc.to].step, event});
      for (const std::uint16_t group : arc.opens)
        next.group_start_ns[group] = event.time_ns();
      stream.runs.push_back(std::move(next));
      if (starts) continue;
      if (arc.contiguity != Contiguity::any) stream.runs[number].spent |= program_.bit(a);
      stream.runs[number].spent |= arc.closes;
      if (arc.closes != 0) stream.runs[number].absence_closed |= !has_open_end(stream.runs[number]);
    }
    close(stream.runs[number], event, place, false);
  }

  bool has_open_end(const Run& run) const {
    const match::State& state = program_.states[run.state];
    for (std::size_t end = 0; end < state.end_ranks.size(); ++end) {
      if ((run.spent & program_.end_bit(state, end)) == 0) return true;
    }
    return false;
  }

  bool takes(Run& run, const Arc& arc, std::uint16_t a, model::EventView event, std::size_t place) {
    const bool starts = run.state == match::start_state;
    if (!starts && ((run.spent & program_.bit(a)) != 0 || !program_.may_go(arc, run.count))) return false;
    if (!starts && arc.contiguity == Contiguity::strict && run.place + 1 != place) return false;
    if (!starts && !bound_passed(rule_, program_, run, arc, event.time_ns(), place).empty()) return false;
    const std::uint32_t step = program_.states[arc.to].step;
    const auto& types = rule_.steps[step].types;
    if (std::find(types.begin(), types.end(), event.type()) == types.end()) return false;
    if (starts && arc.until != match::no_watch && watches(program_.watches[arc.until], run, event))
      return false;
    return conditions_.hold(rule_.steps[step].conditions, event, run.taken, step);
  }

  // `not B for 30s` before the first event.
  bool comes_too_soon(const Stream& stream, std::size_t i) {
    const model::EventView event = stream.events[i];
    for (const match::LeadingAbsence& absence : program_.before) {
      for (std::size_t earlier = i; earlier-- > 0;) {
        const model::EventView other = stream.events[earlier];
        if (later(other.time_ns(), absence.for_ns) < event.time_ns()) break;
        if (stream.passes[earlier] && watches(program_.watches[absence.watch], stream.runs.front(), other))
          return true;
      }
    }
    return false;
  }

  bool watches(const Watch& watch, const Run& run, model::EventView event) {
    const bool is_type = std::any_of(watch.filters.begin(), watch.filters.end(),
                                     [&](const auto& filter) { return filter.type == event.type(); });
    if (!is_type) return false;
    if (watch.kind == Watch::Kind::until)
      return conditions_.hold(rule_.steps[watch.step].until, event, run.taken, watch.step);
    const auto index = static_cast<std::size_t>(&watch - program_.watches.data());
    return conditions_.hold(rule_.negations[index].conditions, event, run.taken, watch.step);
  }

  void close(Run& run, model::EventView event, std::size_t place, bool first) {
    if (run.state == match::start_state) return;
    const match::Range closings = program_.states[run.state].closings;
    for (std::uint16_t c = closings.begin; c < closings.end; ++c) {
      const Closing& closing = program_.closings[c];
      if (closing.first != first || (closing.strict && run.place + 1 != place)) continue;
      const std::int64_t since_ns = event.time_ns() - run.taken.back().event.time_ns();
      if (closing.for_ns != plan::no_bound && since_ns > closing.for_ns) continue;
      if ((closing.arcs & ~run.spent) == 0 && (!closing.absence || run.absence_closed)) continue;
      if (!watches(program_.watches[closing.watch], run, event)) continue;
      run.spent |= closing.arcs;
      run.closed |= closing.arcs;
      run.absence_closed |= closing.absence;
      run.closed_by = event;
      run.watch = closing.watch;
    }
  }

  const plan::Plan& plan_;
  const plan::Rule& rule_;
  const Program& program_;
  Conditions& conditions_;
  const std::vector<std::uint64_t> distances_;
};

// The key of an event in its rule, as text that is equal where the keys are; nothing where a part is null.
bool key_of(const plan::Rule& rule, const model::Catalog& catalog, model::EventView event,
            std::vector<model::Value>& key, std::string& text) {
  key.clear();
  text.clear();
  for (const plan::PartitionKey& part : rule.partition) {
    for (const auto& [type, field] : part.fields) {
      if (type != event.type()) continue;
      key.push_back(event.get(catalog[type].fields[field], field));
      if (key.back().is_null()) return false;
      const std::string shown = key.back().kind == model::Kind::string ? std::string(key.back().text())
                                                                       : std::to_string(key.back().i);
      text += fmt::format("{}:{}", shown.size(), shown);
    }
  }
  return true;
}

}  // namespace

bool any_passes(const Stream& stream) {
  return std::find(stream.passes.begin(), stream.passes.end(), true) != stream.passes.end();
}

std::string bound_passed(const plan::Rule& rule, const Program& program, const Run& run, const Arc& arc,
                         std::int64_t time_ns, std::size_t place) {
  const auto passed = [&](std::int64_t since_ns, std::int64_t bound_ns) {
    return later(since_ns, bound_ns) < time_ns;
  };
  if (run.taken.empty()) return {};
  const std::int64_t first_ns = run.taken.front().event.time_ns();
  if (rule.within.unit == plan::Within::Unit::time && passed(first_ns, rule.within.time_ns))
    return "within " + plan::duration_text(rule.within.time_ns);
  if (rule.within.unit == plan::Within::Unit::events && place - run.first_place >= rule.within.events)
    return fmt::format("within {} events", rule.within.events);
  if (arc.bound_ns != plan::no_bound && passed(run.taken.back().event.time_ns(), arc.bound_ns))
    return fmt::format("the bound of {} since the event before", plan::duration_text(arc.bound_ns));
  for (const std::uint16_t group : program.states[arc.to].groups) {
    const bool opens = std::find(arc.opens.begin(), arc.opens.end(), group) != arc.opens.end();
    if (!opens && passed(run.group_start_ns[group], program.groups[group]))
      return fmt::format("the group's within {}", plan::duration_text(program.groups[group]));
  }
  return {};
}

Exploration explore(const plan::Plan& plan, std::uint32_t rule_id, const Record& record,
                    Conditions& conditions) {
  const plan::Rule& rule = plan.rules[rule_id];
  Exploration out;
  out.program = match::build_program(plan, rule_id);
  std::map<std::string, std::size_t> numbers;
  std::vector<model::Value> key;
  std::string text;
  for (std::size_t i = 0; i < record.events.size(); ++i) {
    const model::EventView event = record.events[i];
    const auto input = std::find_if(rule.inputs.begin(), rule.inputs.end(),
                                    [&](const plan::Input& each) { return each.type == event.type(); });
    if (input == rule.inputs.end() || !key_of(rule, plan.catalog, event, key, text)) continue;
    const auto [number, is_new] = numbers.emplace(text, out.streams.size());
    if (is_new) out.streams.push_back({.key = key, .events = {}, .passes = {}, .runs = {}});
    Stream& stream = out.streams[number->second];
    stream.events.push_back(event);
    stream.passes.push_back(conditions.hold(input->conditions, event, {}, 0));
  }
  if (!rule.has_pattern) return out;
  Explorer explorer(plan, rule, out.program, conditions);
  for (Stream& stream : out.streams)
    explorer.explore(stream, out.steps_reached);
  return out;
}

}  // namespace tocsin::tester
