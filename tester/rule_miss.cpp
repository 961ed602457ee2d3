#include "tester/rule_miss.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "engine/base/saturate.hpp"
#include "engine/plan/literal.hpp"
#include "tester/check.hpp"
#include "tester/window_miss.hpp"

namespace tocsin::tester {

using match::Arc;
using match::Program;

namespace {

constexpr std::size_t max_runs = 300;     // that are looked at
constexpr std::size_t max_events = 3000;  // after each of them
constexpr std::size_t max_shown = 6;      // events of a run

}  // namespace

RuleMiss::RuleMiss(const plan::Plan& plan, std::uint32_t rule, const Record& record, const Show& show,
                   const dsl::Expectation& expected)
    : plan_(plan),
      rule_(plan.rules[rule]),
      id_(rule),
      record_(record),
      show_(show),
      conditions_(plan, rule_, record, show),
      explored_(explore(plan, rule, record, conditions_)) {
  std::vector<std::optional<model::Value>> wanted;
  for (const plan::PartitionKey& part : rule_.partition) {
    wanted.push_back(wanted_key(part, expected));
    if (wanted.back())
      key_ +=
          fmt::format("{}{}: {}", key_.empty() ? "" : ", ", part.name, show.value(*wanted.back(), part.type));
  }
  for (const Stream& stream : explored_.streams) {
    bool fits = true;
    for (std::size_t i = 0; i < wanted.size(); ++i)
      fits = fits && (!wanted[i] || same_value(*wanted[i], stream.key[i]));
    if (fits) streams_.push_back(&stream);
  }
}

// What a part of the key must be, where an expected field is that part.
std::optional<model::Value> RuleMiss::wanted_key(const plan::PartitionKey& part,
                                                 const dsl::Expectation& expected) const {
  if (!rule_.emit || expected.type != rule_.emit->type) return std::nullopt;
  for (const dsl::TestField& field : expected.fields) {
    const auto emitted = std::find_if(rule_.emit->fields.begin(), rule_.emit->fields.end(),
                                      [&](const plan::EmitField& each) { return each.field == field.field; });
    if (emitted == rule_.emit->fields.end() || emitted->value.op != plan::Op::field) continue;
    const std::pair<model::EventTypeId, std::uint32_t> read{emitted->value.ref.type,
                                                            emitted->value.ref.field};
    if (std::find(part.fields.begin(), part.fields.end(), read) != part.fields.end())
      return value_of(field.value);
  }
  return std::nullopt;
}

Lines RuleMiss::lines(bool at_timeout) {
  if (streams_.empty()) {
    std::vector<model::EventTypeId> types;
    for (const plan::Input& input : rule_.inputs)
      types.push_back(input.type);
    if (explored_.streams.empty()) lacking_ = types;
    const std::string with = explored_.streams.empty() ? "" : " with " + key_;
    return {fmt::format("rule {}: no {} came{}", rule_.name, type_names(types), with)};
  }
  if (rule_.window &&
      std::any_of(streams_.begin(), streams_.end(), [](const Stream* stream) { return any_passes(*stream); }))
    return window_miss(plan_, id_, record_, show_, conditions_, streams_);
  if (!rule_.has_pattern) return filter_lines();
  const auto told = at_timeout ? pending_timeout() : whole_run();
  return told ? *told : pattern_lines();
}

// Of a filter each event is tried by itself, and so is what may come into a window.
Lines RuleMiss::filter_lines() {
  const Run nothing;
  std::optional<Candidate> nearest;
  for (const Stream* stream : streams_) {
    std::optional<std::int64_t> last_ns;  // of the matches that `throttle` lets pass
    for (std::size_t i = 0; i < stream->events.size(); ++i) {
      const model::EventView event = stream->events[i];
      Candidate candidate{&nothing, event, 0, {}, {}};
      if (!stream->passes[i]) {
        candidate.refusals = refusals(event, nothing, {});
      } else if (last_ns && rule_.throttle_ns != plan::no_bound &&
                 later(*last_ns, rule_.throttle_ns) > event.time_ns()) {
        candidate.reason = show_.throttled(rule_.throttle_ns, *last_ns);
      } else {
        last_ns = event.time_ns();
        continue;
      }
      if (!nearest || rank(candidate) < rank(*nearest)) nearest = std::move(candidate);
    }
  }
  if (!nearest) return {fmt::format("rule {}: all that came is reported", rule_.name)};
  Lines out = {fmt::format("rule {}:{}", rule_.name, rule_.window ? " no event came into its window" : "")};
  show_candidate(*nearest, out);
  return out;
}

// A run that has all its events, and of which nothing was reported.
std::optional<Lines> RuleMiss::whole_run() const {
  const std::int64_t after_ns = explored_.program.after_ns;
  for (const Stream* stream : streams_) {
    for (const Run& run : stream->runs) {
      if (run.needed > 0) continue;
      const std::int64_t due_ns = after_ns == plan::no_bound
                                      ? run.taken.back().event.time_ns()
                                      : later(run.taken.back().event.time_ns(), after_ns);
      const bool reported = std::any_of(
          record_.alerts.begin(), record_.alerts.end(),
          [&](const Alert& alert) { return alert.rule == id_ && !alert.timeout && alert.at_ns == due_ns; });
      if (reported) continue;
      if (run.absence_closed && run.closed_by) {
        Lines out = run_lines(run, "waited for time to pass");
        out.push_back(fmt::format("  but {} came, which {} forbids", show_.event_at(run.closed_by),
                                  watch_text(run.watch)));
        return out;
      }
      if (after_ns != plan::no_bound && due_ns >= record_.passed_ns) {
        Lines out = run_lines(run, "waits for time to pass");
        out.push_back(fmt::format("  it is a match once {} has passed, but the test ends before: 'advance'",
                                  show_.time(due_ns)));
        return out;
      }
      Lines out = run_lines(run, "has all its events");
      out.push_back(
          "  but a match before has used them up (after match skip), or another was preferred (report)" +
          std::string(rule_.throttle_ns == plan::no_bound ? ""
                                                          : ", or it came too soon after one (throttle)"));
      return out;
    }
  }
  return std::nullopt;
}

// A run that its bound has not ended yet.
std::optional<Lines> RuleMiss::pending_timeout() const {
  for (const Stream* stream : streams_) {
    for (const Run& run : stream->runs) {
      if (run.taken.empty() || run.needed == 0) continue;
      const std::int64_t due_ns = later(run.taken.front().event.time_ns(), rule_.within.time_ns);
      if (due_ns < record_.passed_ns) continue;
      Lines out = run_lines(run, "is under way");
      out.push_back(fmt::format("  it times out once {} has passed, but the test ends before: 'advance'",
                                show_.time(due_ns)));
      return out;
    }
  }
  return std::nullopt;
}

Lines RuleMiss::pattern_lines() {
  const std::vector<Place> best = best_runs();
  std::vector<Candidate> candidates;
  for (const Place& place : best)
    add_candidates(place, candidates);
  const auto nearest =
      std::min_element(candidates.begin(), candidates.end(),
                       [](const Candidate& a, const Candidate& b) { return rank(a) < rank(b); });
  const Place at = nearest == candidates.end() ? best.front() : Place{nullptr, nearest->run};
  const Run& run = *at.run;
  Lines out =
      run_lines(run, fmt::format("is {} short of a match",
                                 run.needed == 1 ? "one event" : fmt::format("{} events", run.needed)));
  if (nearest != candidates.end()) {
    show_candidate(*nearest, out);
    return out;
  }
  if (run.closed_by) {
    out.push_back(
        fmt::format("  but {} came, which {} forbids", show_.event_at(run.closed_by), watch_text(run.watch)));
    return out;
  }
  note_lacking(run);
  const auto& events = at.stream->events;
  const auto after =
      events.begin() + static_cast<std::ptrdiff_t>(run.taken.empty() ? events.size() : run.index + 1);
  const bool too_late = std::any_of(after, events.end(), [&](model::EventView event) {
    return std::find(lacking_.begin(), lacking_.end(), event.type()) != lacking_.end();
  });
  out.push_back(fmt::format("  no {}{} came{}", run.taken.empty() ? "" : "further ", type_names(lacking_),
                            run.taken.empty() ? ""
                            : too_late        ? " after that in time"
                                              : " after that"));
  return out;
}

// The first event of the stream that no match has used up.
std::size_t RuleMiss::first_free(const Stream& stream) const {
  if (rule_.skip != plan::Skip::past_last) return 0;
  for (std::size_t i = stream.events.size(); i-- > 0;) {
    const bool used = std::any_of(record_.alerts.begin(), record_.alerts.end(), [&](const Alert& alert) {
      return alert.rule == id_ && !alert.timeout && alert.trigger_seq == stream.events[i].seq() &&
             stream.events[i].time_ns() <= alert.at_ns;
    });
    if (used) return i + 1;
  }
  return 0;
}

// Those that need the fewest further events, the longest first. There is one at least: that without an event.
std::vector<RuleMiss::Place> RuleMiss::best_runs() const {
  std::vector<Place> best;
  for (const Stream* stream : streams_) {
    const std::size_t free = first_free(*stream);
    for (const Run& run : stream->runs) {
      if (run.needed == 0 || (!run.taken.empty() && run.first_index < free)) continue;
      if (!best.empty() && run.needed > best.front().run->needed) continue;
      if (!best.empty() && run.needed < best.front().run->needed) best.clear();
      best.push_back({stream, &run});
    }
  }
  std::stable_sort(best.begin(), best.end(),
                   [](const Place& a, const Place& b) { return a.run->taken.size() > b.run->taken.size(); });
  if (best.size() > max_runs) best.resize(max_runs);
  return best;
}

match::Range RuleMiss::arcs_of(const Run& run) const {
  return run.taken.empty() ? explored_.program.start : explored_.program.states[run.state].out;
}

void RuleMiss::add_candidates(const Place& at, std::vector<Candidate>& out) {
  const Program& program = explored_.program;
  const Run& run = *at.run;
  const Stream& stream = *at.stream;
  const std::size_t first = run.taken.empty() ? first_free(stream) : run.index + 1;
  auto place = static_cast<std::size_t>(
      std::count(stream.passes.begin(), stream.passes.begin() + static_cast<std::ptrdiff_t>(first), true));
  const match::Range arcs = arcs_of(run);
  for (std::size_t i = first; i < std::min(stream.events.size(), first + max_events); ++i) {
    const model::EventView event = stream.events[i];
    for (std::uint16_t a = arcs.begin; a < arcs.end; ++a) {
      const Arc& arc = program.arcs[a];
      const std::uint32_t step = program.step_of(a);
      const auto& types = rule_.steps[step].types;
      const bool may_go = run.taken.empty() || program.may_go(arc, run.count);
      if (!may_go || std::find(types.begin(), types.end(), event.type()) == types.end()) continue;
      Candidate candidate{&run, event, step, refusals(event, run, step), {}};
      const std::string passed = bound_passed(rule_, program, run, arc, event.time_ns(), place);
      const bool closed = (run.closed & program.bit(a)) != 0 && run.closed_by.time_ns() <= event.time_ns();
      if (candidate.refusals.empty()) candidate.reason = reason(run, arc, event, place, passed, closed);
      const bool stopped_by_conditions = !candidate.refusals.empty() && passed.empty() && !closed;
      if (stopped_by_conditions || !candidate.reason.empty()) out.push_back(std::move(candidate));
    }
    place += stream.passes[i];
  }
}

std::vector<Refusal> RuleMiss::refusals(model::EventView event, const Run& run,
                                        std::optional<std::uint32_t> step) {
  const auto input = std::find_if(rule_.inputs.begin(), rule_.inputs.end(),
                                  [&](const plan::Input& each) { return each.type == event.type(); });
  std::vector<Refusal> out = conditions_.refusals(input->conditions, event, run.taken, 0);
  if (!step) return out;
  for (Refusal& refusal : conditions_.refusals(rule_.steps[*step].conditions, event, run.taken, *step))
    out.push_back(std::move(refusal));
  return out;
}

// Why an event that no condition refuses was not taken; empty where it was.
std::string RuleMiss::reason(const Run& run, const Arc& arc, model::EventView event, std::size_t place,
                             const std::string& passed, bool closed) const {
  if (closed)
    return fmt::format("but {} came before, which {} forbids", show_.event_at(run.closed_by),
                       watch_text(run.watch));
  if (!passed.empty()) {
    const std::int64_t first_ns = run.taken.front().event.time_ns();
    return fmt::format("but '{}' had passed: it came {} after {}", passed,
                       plan::duration_text(event.time_ns() - first_ns), show_.time(first_ns));
  }
  if (run.taken.empty())
    return explored_.program.before.empty() ? "" : "but what must not come before it had come";
  if (arc.contiguity == plan::Contiguity::strict && run.place + 1 != place)
    return "but another event came in between, and it must be the very next";
  return "";
}

void RuleMiss::note_lacking(const Run& run) {
  const match::Range arcs = arcs_of(run);
  for (std::uint16_t a = arcs.begin; a < arcs.end; ++a) {
    if (!run.taken.empty() && !explored_.program.may_go(explored_.program.arcs[a], run.count)) continue;
    for (const model::EventTypeId type : rule_.steps[explored_.program.step_of(a)].types) {
      if (std::find(lacking_.begin(), lacking_.end(), type) == lacking_.end()) lacking_.push_back(type);
    }
  }
}

// The less, the nearer the event was.
std::tuple<std::size_t, double, std::size_t, std::int64_t> RuleMiss::rank(const Candidate& candidate) {
  double distance = 0;
  for (const Refusal& refusal : candidate.refusals)
    distance += refusal.distance;
  return {candidate.refusals.size(), distance, SIZE_MAX - candidate.run->taken.size(),
          candidate.event.time_ns()};
}

// Text.

std::string RuleMiss::type_names(const std::vector<model::EventTypeId>& types) const {
  std::string out;
  for (const model::EventTypeId type : types)
    out += (out.empty() ? "" : " or ") + plan_.catalog[type].name;
  return out;
}

std::string RuleMiss::step_name(std::uint32_t step) const {
  const plan::Step& each = rule_.steps[step];
  if (!each.name.empty()) return each.name;
  return each.types.size() == 1 ? plan_.catalog[each.types.front()].name : "any";
}

std::string RuleMiss::watch_text(std::uint32_t index) const {
  const match::Watch& watch = explored_.program.watches[index];
  const bool is_until = watch.kind == match::Watch::Kind::until;
  std::string condition;
  for (const plan::Expr& conjunct :
       is_until ? rule_.steps[watch.step].until : rule_.negations[index].conditions)
    condition += (condition.empty() ? "" : " and ") + plan::dump(plan_, rule_, conjunct);
  if (is_until) return fmt::format("'until [{}]'", condition);
  const std::string type = watch.filters.size() == 1 ? plan_.catalog[watch.filters.front().type].name : "any";
  return condition.empty() ? fmt::format("'not {}'", type) : fmt::format("'not {}[{}]'", type, condition);
}

Lines RuleMiss::run_lines(const Run& run, const std::string& what) const {
  if (run.taken.empty()) {
    const bool again = std::any_of(streams_.begin(), streams_.end(),
                                   [&](const Stream* stream) { return first_free(*stream) > 0; });
    return {fmt::format("rule {}: no {}run began", rule_.name, again ? "further " : "")};
  }
  Lines out = {fmt::format("rule {}: this run {}", rule_.name, what)};
  const std::size_t size = run.taken.size();
  for (std::size_t i = 0; i < size; ++i) {
    if (size > max_shown && i == max_shown / 2) {
      i = size - max_shown / 2;
      out.push_back(fmt::format("  … {} more", i - max_shown / 2));
    }
    out.push_back(fmt::format("  {}: {}", step_name(run.taken[i].step), show_.event_at(run.taken[i].event)));
  }
  return out;
}

void RuleMiss::show_candidate(const Candidate& candidate, Lines& out) const {
  const std::string event = show_.event_at(candidate.event);
  out.push_back(rule_.has_pattern ? fmt::format("  not {}: {}", step_name(candidate.step), event)
                                  : fmt::format("  not {}: {}", rule_.window ? "taken" : "reported", event));
  if (!candidate.reason.empty()) out.push_back("    " + candidate.reason);
  add_lines(candidate.refusals, "    ", out);
}

}  // namespace tocsin::tester
