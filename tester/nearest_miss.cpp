#include "tester/nearest_miss.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

#include "engine/base/saturate.hpp"
#include "engine/plan/literal.hpp"
#include "tester/explore.hpp"

namespace tocsin::tester {

using match::Arc;
using match::Program;

namespace {

constexpr std::size_t max_runs = 300;     // that are looked at
constexpr std::size_t max_events = 3000;  // after each of them
constexpr std::size_t max_shown = 6;      // events of a run
constexpr int max_depth = 3;              // of rules that feed rules

using Lines = std::vector<std::string>;

/// An event that a run did not take, and why.
struct Candidate {
  const Run* run = nullptr;
  model::EventView event;
  std::uint32_t step = 0;  // as which it was tried
  std::vector<Refusal> refusals;
  std::string reason;  // where no condition refused it

  /// The less, the nearer it was.
  auto rank() const {
    double distance = 0;
    for (const Refusal& refusal : refusals)
      distance += refusal.distance;
    return std::tuple(refusals.size(), distance, -static_cast<std::ptrdiff_t>(run->taken.size()),
                      event.time_ns());
  }
};

class Misses {
 public:
  Misses(const plan::Plan& plan, const Record& record, const Show& show)
      : plan_(plan), record_(record), show_(show) {}

  Lines of(const dsl::Expectation& expected) {
    if (!expected.type) return of_rule(expected.rule, false, expected, 0);
    return of_type(*expected.type, expected, 0);
  }

 private:
  Lines of_type(model::EventTypeId type, const dsl::Expectation& expected, int depth) {
    Lines lines;
    for (std::uint32_t id = 0; id < plan_.rules.size(); ++id) {
      const plan::Rule& rule = plan_.rules[id];
      const auto add = [&](const Lines& more) { lines.insert(lines.end(), more.begin(), more.end()); };
      if (rule.emit && rule.emit->type == type) add(of_rule(id, false, expected, depth));
      if (rule.timeout && rule.timeout->type == type) add(of_rule(id, true, expected, depth));
    }
    return lines;
  }

  Lines of_rule(std::uint32_t id, bool at_timeout, const dsl::Expectation& expected, int depth) {
    const plan::Rule& rule = plan_.rules[id];
    if (rule.window) return {};  // the closest that its condition came is told apart
    Conditions conditions(plan_, rule, show_);
    Exploration explored = explore(plan_, id, record_, conditions);
    std::vector<const Stream*> streams = streams_of(rule, explored, expected);
    if (streams.empty()) return {fmt::format("rule {}: no event came with that key", rule.name)};
    return Miss{*this, plan_, rule, id, show_, record_, explored, conditions, streams, depth}.lines(
        at_timeout);
  }

  // Those with the key that the expected fields ask for, as far as they are keys.
  std::vector<const Stream*> streams_of(const plan::Rule& rule, const Exploration& explored,
                                        const dsl::Expectation& expected) const {
    std::vector<const Stream*> out;
    for (const Stream& stream : explored.streams) {
      bool fits = true;
      for (std::size_t k = 0; k < rule.partition.size() && rule.emit && expected.type == rule.emit->type; ++k)
        fits = fits && is_wanted(rule.partition[k], *rule.emit, stream.key[k], expected);
      if (fits) out.push_back(&stream);
    }
    return out;
  }

  static bool is_wanted(const plan::PartitionKey& part, const plan::Emit& emit, const model::Value& key,
                        const dsl::Expectation& expected) {
    for (const dsl::TestField& wanted : expected.fields) {
      const auto emitted =
          std::find_if(emit.fields.begin(), emit.fields.end(),
                       [&](const plan::EmitField& field) { return field.field == wanted.field; });
      if (emitted == emit.fields.end() || emitted->value.op != plan::Op::field || wanted.array) continue;
      const std::pair<model::EventTypeId, std::uint32_t> read{emitted->value.ref.type,
                                                              emitted->value.ref.field};
      if (std::find(part.fields.begin(), part.fields.end(), read) == part.fields.end()) continue;
      const model::Value value = value_of(wanted.value);
      if (value.kind != key.kind) return false;
      return value.kind == model::Kind::string ? value.text() == key.text() : value.i == key.i;
    }
    return true;
  }

  /// One rule's miss.
  struct Miss {
    Misses& all;
    const plan::Plan& plan;
    const plan::Rule& rule;
    std::uint32_t id;
    const Show& show;
    const Record& record;
    const Exploration& explored;
    Conditions& conditions;
    const std::vector<const Stream*>& streams;
    int depth;

    Lines lines(bool at_timeout) {
      if (!rule.has_pattern) return filter_lines();
      if (at_timeout) {
        if (auto told = pending_timeout()) return *told;
      } else if (auto told = whole_run()) {
        return *told;
      }
      return pattern_lines();
    }

    // Filters: each event is tried by itself.
    Lines filter_lines() {
      std::vector<Candidate> candidates;
      const Run nothing;
      for (const Stream* stream : streams) {
        for (std::size_t i = 0; i < stream->events.size(); ++i) {
          if (!stream->passes[i])
            candidates.push_back(
                {&nothing, stream->events[i], 0, refusals(stream->events[i], nothing, nullptr), {}});
        }
      }
      Lines out = {fmt::format("rule {}:", rule.name)};
      if (candidates.empty()) {
        out.push_back(fmt::format("  every {} that came is reported", input_names()));
      } else {
        add_candidate(nearest(candidates), out);
      }
      return out;
    }

    std::vector<Refusal> refusals(model::EventView event, const Run& run, const std::uint32_t* step) {
      const auto input = std::find_if(rule.inputs.begin(), rule.inputs.end(),
                                      [&](const plan::Input& each) { return each.type == event.type(); });
      std::vector<Refusal> out = conditions.refusals(input->conditions, event, run.taken, 0);
      if (step == nullptr) return out;
      for (Refusal& refusal : conditions.refusals(rule.steps[*step].conditions, event, run.taken, *step))
        out.push_back(std::move(refusal));
      return out;
    }

    // Patterns.

    bool was_reported(std::int64_t at_ns) const {
      return std::any_of(record.alerts.begin(), record.alerts.end(), [&](const Alert& alert) {
        return alert.rule == id && !alert.timeout && alert.at_ns == at_ns;
      });
    }

    /// A run that has all its events, of which nothing was reported.
    std::optional<Lines> whole_run() {
      const Program& program = explored.program;
      for (const Stream* stream : streams) {
        for (const Run& run : stream->runs) {
          if (run.needed > 0) continue;
          const std::int64_t last_ns = run.taken.back().event.time_ns();
          if (program.after_ns == plan::no_bound) {
            if (was_reported(last_ns)) continue;
            Lines out = run_lines(run, "has all its events, but they are not reported");
            out.push_back(
                "  a match before used its events up (after match skip), or another was preferred (report)");
            return out;
          }
          const std::int64_t due_ns = later(last_ns, program.after_ns);
          if (run.absence_closed && run.closed_by) {
            Lines out = run_lines(run, "waited for time to pass");
            out.push_back(fmt::format("  but {} came, which {} forbids", show.event_at(run.closed_by),
                                      watch_text(run.watch)));
            return out;
          }
          if (due_ns < record.passed_ns) continue;
          Lines out = run_lines(run, "waits for time to pass");
          out.push_back(
              fmt::format("  it would be reported once {} has passed, but the test goes no further: advance",
                          show.time(due_ns)));
          return out;
        }
      }
      return std::nullopt;
    }

    /// A run that its bound has not ended yet.
    std::optional<Lines> pending_timeout() {
      for (const Stream* stream : streams) {
        for (const Run& run : stream->runs) {
          if (run.taken.empty() || run.needed == 0) continue;
          const std::int64_t due_ns = later(run.taken.front().event.time_ns(), rule.within.time_ns);
          if (due_ns < record.passed_ns) continue;
          Lines out = run_lines(run, "is under way");
          out.push_back(fmt::format(
              "  it times out once {} has passed, but the test goes no further: advance", show.time(due_ns)));
          return out;
        }
      }
      return std::nullopt;
    }

    Lines pattern_lines() {
      const std::vector<const Run*> best = best_runs();
      std::vector<Candidate> candidates;
      for (const auto& [stream, run] : places(best))
        add_candidates(*stream, *run, candidates);
      const Run& run = candidates.empty() ? *best.front() : *nearest(candidates).run;
      Lines out = run_lines(run, fmt::format("came within {} of a match", count_text(run.needed)));
      if (candidates.empty()) {
        add_nothing(run, out);
      } else {
        add_candidate(nearest(candidates), out);
      }
      return out;
    }

    static std::string count_text(std::uint64_t events) {
      return events == 1 ? "1 event" : fmt::format("{} events", events);
    }

    /// Those that need the fewest further events, the longest first.
    std::vector<const Run*> best_runs() const {
      std::vector<const Run*> best;
      for (const Stream* stream : streams) {
        for (const Run& run : stream->runs) {
          if (run.needed == 0) continue;
          if (!best.empty() && run.needed > best.front()->needed) continue;
          if (!best.empty() && run.needed < best.front()->needed) best.clear();
          best.push_back(&run);
        }
      }
      std::stable_sort(best.begin(), best.end(),
                       [](const Run* a, const Run* b) { return a->taken.size() > b->taken.size(); });
      if (best.size() > max_runs) best.resize(max_runs);
      return best;
    }

    std::vector<std::pair<const Stream*, const Run*>> places(const std::vector<const Run*>& runs) const {
      std::vector<std::pair<const Stream*, const Run*>> out;
      for (const Run* run : runs) {
        for (const Stream* stream : streams) {
          if (run >= stream->runs.data() && run < stream->runs.data() + stream->runs.size())
            out.emplace_back(stream, run);
        }
      }
      return out;
    }

    match::Range arcs_of(const Run& run) const {
      const Program& program = explored.program;
      return run.taken.empty() ? program.start : program.states[run.state].out;
    }

    void add_candidates(const Stream& stream, const Run& run, std::vector<Candidate>& out) {
      const Program& program = explored.program;
      const std::size_t first = run.taken.empty() ? 0 : run.index + 1;
      const auto begin = stream.passes.begin();
      std::size_t place =
          static_cast<std::size_t>(std::count(begin, begin + static_cast<std::ptrdiff_t>(first), true));
      const match::Range arcs = arcs_of(run);
      for (std::size_t i = first; i < std::min(stream.events.size(), first + max_events); ++i) {
        const model::EventView event = stream.events[i];
        for (std::uint16_t a = arcs.begin; a < arcs.end; ++a) {
          const Arc& arc = program.arcs[a];
          if (!run.taken.empty() && !program.may_go(arc, run.count)) continue;
          const std::uint32_t step = program.states[arc.to].step;
          const auto& types = rule.steps[step].types;
          if (std::find(types.begin(), types.end(), event.type()) == types.end()) continue;
          Candidate candidate{&run, event, step, refusals(event, run, &step), {}};
          const std::string passed = bound_passed(rule, program, run, arc, event.time_ns(), place);
          const bool closed =
              !run.taken.empty() && (run.closed & program.bit(a)) != 0 && run.closed_by.seq() <= event.seq();
          if (!candidate.refusals.empty()) {
            if (passed.empty() && !closed) out.push_back(std::move(candidate));
            continue;
          }
          candidate.reason = reason(run, arc, a, event, place, passed, closed);
          if (!candidate.reason.empty()) out.push_back(std::move(candidate));
        }
        place += stream.passes[i];
      }
    }

    /// Why an event that satisfies all conditions was not taken; empty where it was.
    std::string reason(const Run& run, const Arc& arc, std::uint16_t a, model::EventView event,
                       std::size_t place, const std::string& passed, bool closed) const {
      if (closed)
        return fmt::format("but {} had come before, which {} forbids", show.event_at(run.closed_by),
                           watch_text(run.watch));
      if (!passed.empty()) {
        return fmt::format("but {} had passed: it came {} after {}", passed,
                           plan::duration_text(event.time_ns() - run.taken.front().event.time_ns()),
                           show.time(run.taken.front().event.time_ns()));
      }
      if (run.taken.empty())
        return explored.program.before.empty() ? "" : "but what must not come before it had come";
      if (arc.contiguity == plan::Contiguity::strict && run.place + 1 != place)
        return "but another event had come in between, and it must be the very next";
      (void)a;
      return "";
    }

    static const Candidate& nearest(const std::vector<Candidate>& candidates) {
      return *std::min_element(candidates.begin(), candidates.end(),
                               [](const Candidate& a, const Candidate& b) { return a.rank() < b.rank(); });
    }

    // Text.

    std::string step_name(std::uint32_t step) const {
      if (rule.steps.empty()) return {};
      const plan::Step& each = rule.steps[step];
      if (!each.name.empty()) return each.name;
      return each.types.size() == 1 ? plan.catalog[each.types.front()].name : "any";
    }

    std::string input_names() const {
      std::string out;
      for (const plan::Input& input : rule.inputs)
        out += (out.empty() ? "" : " or ") + plan.catalog[input.type].name;
      return out;
    }

    std::string watch_text(std::uint32_t index) const {
      const match::Watch& watch = explored.program.watches[index];
      const bool is_until = watch.kind == match::Watch::Kind::until;
      const auto& conjuncts = is_until ? rule.steps[watch.step].until : rule.negations[index].conditions;
      std::string condition;
      for (const plan::Expr& conjunct : conjuncts)
        condition += (condition.empty() ? "" : " and ") + plan::dump(plan, rule, conjunct);
      if (is_until) return fmt::format("'until [{}]'", condition);
      const std::string type =
          watch.filters.size() == 1 ? plan.catalog[watch.filters.front().type].name : "any";
      return condition.empty() ? fmt::format("'not {}'", type) : fmt::format("'not {}[{}]'", type, condition);
    }

    Lines run_lines(const Run& run, const std::string& what) const {
      Lines out = {run.taken.empty() ? fmt::format("rule {}: no run began", rule.name)
                                     : fmt::format("rule {}: this run {}", rule.name, what)};
      const std::size_t size = run.taken.size();
      for (std::size_t i = 0; i < size; ++i) {
        if (size > max_shown && i == max_shown / 2) {
          out.push_back(fmt::format("  … {} more", size - max_shown + 1));
          i = size - max_shown / 2 + 1;
        }
        out.push_back(
            fmt::format("  {}: {}", step_name(run.taken[i].step), show.event_at(run.taken[i].event)));
      }
      return out;
    }

    void add_candidate(const Candidate& candidate, Lines& out) const {
      const std::string name = step_name(candidate.step);
      out.push_back(name.empty() ? fmt::format("  {} is refused", show.event_at(candidate.event))
                                 : fmt::format("  not {}: {}", name, show.event_at(candidate.event)));
      if (!candidate.reason.empty()) out.push_back("    " + candidate.reason);
      for (const Refusal& refusal : candidate.refusals) {
        out.push_back(fmt::format("    {} is false", refusal.text));
        for (const auto& [what, value] : refusal.values)
          out.push_back(fmt::format("      {} = {}", what, value));
      }
    }

    // No event came that might have gone on from `run`.
    void add_nothing(const Run& run, Lines& out) {
      const match::Range arcs = arcs_of(run);
      std::vector<model::EventTypeId> types;
      std::string names;
      for (std::uint16_t a = arcs.begin; a < arcs.end; ++a) {
        if (!run.taken.empty() && !explored.program.may_go(explored.program.arcs[a], run.count)) continue;
        for (const model::EventTypeId type : rule.steps[explored.program.step_of(a)].types) {
          if (std::find(types.begin(), types.end(), type) != types.end()) continue;
          types.push_back(type);
          names += (names.empty() ? "" : " or ") + plan.catalog[type].name;
        }
      }
      out.push_back(fmt::format("  no {}{} came{}", run.taken.empty() ? "" : "further ", names,
                                run.taken.empty() ? "" : " after that"));
      if (depth >= max_depth) return;
      for (const model::EventTypeId type : types) {
        if (!plan.catalog[type].derived) continue;
        const dsl::Expectation any{
            .type = type, .rule = 0, .fields = {}, .at_ns = {}, .count = {}, .span = {}};
        for (const std::string& line : all.of_type(type, any, depth + 1))
          out.push_back("  " + line);
      }
    }
  };

  const plan::Plan& plan_;
  const Record& record_;
  const Show& show_;
};

}  // namespace

std::vector<std::string> nearest_miss(const plan::Plan& plan, const Record& record, const Show& show,
                                      const dsl::Expectation& expected) {
  return Misses(plan, record, show).of(expected);
}

}  // namespace tocsin::tester
