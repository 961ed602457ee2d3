// Drives the engine and holds its matches against the oracle's.
#include "tests/oracle/runs.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>
#include <stdexcept>

#include "dsl/compile.hpp"
#include "engine/match/table.hpp"

namespace tocsin::oracle {

using runtime::MatcherChoice;

namespace {

constexpr MatcherChoice matchers[] = {MatcherChoice::automatic, MatcherChoice::grouped, MatcherChoice::arena};
constexpr unsigned shard_counts[] = {1, 2, 3, 7};
constexpr std::size_t batch_sizes[] = {1, 3, 1024};

const char* name_of(MatcherChoice matcher) {
  switch (matcher) {
    case MatcherChoice::automatic: return "automatic";
    case MatcherChoice::grouped: return "grouped";
    case MatcherChoice::arena: return "arena";
  }
  return "?";
}

class Collector : public model::MatchSink {
 public:
  explicit Collector(const plan::Plan& plan) : plan_(plan) {}

  void on_match(const model::MatchView& view) override {
    Match match;
    match.rule = view.rule;
    match.at_ns = view.at_ns;
    match.trigger_seq = view.trigger_seq;
    match.timeout = view.timeout;
    match.ordinal = view.ordinal;
    for (const model::MatchedEvent& each : view.events) {
      match.events.emplace_back(each.step, each.event.seq());
      if (!plan_.catalog[each.event.type()].derived) continue;
      const model::Origin origin = each.event.origin();
      match.causes.push_back(
          {origin.rule, each.event.time_ns(), each.event.seq(), origin.ordinal, origin.timeout});
    }
    match.emitted = static_cast<bool>(view.emitted);
    if (match.emitted) match.fields = to_event(view.emitted, plan_.catalog).fields;
    matches.push_back(std::move(match));
  }

  std::vector<Match> matches;

 private:
  const plan::Plan& plan_;
};

}  // namespace

std::string to_string(const Setup& setup) {
  return fmt::format("matcher {}, predicate index {}, {} shard(s), batches of {}{}", name_of(setup.matcher),
                     setup.predicate_index ? "on" : "off", setup.shards, setup.batch,
                     setup.look_ahead ? ", looking ahead" : "");
}

std::vector<Setup> all_setups() {
  std::vector<Setup> setups;
  for (const MatcherChoice matcher : matchers) {
    for (const bool index : {true, false}) {
      for (const unsigned shards : shard_counts) {
        for (const std::size_t batch : batch_sizes)
          setups.push_back({matcher, index, shards, batch, setups.size() % 2 == 0});
      }
    }
  }
  return setups;
}

std::vector<Setup> some_setups(std::uint64_t turn) {
  std::vector<Setup> setups;
  for (const MatcherChoice matcher : matchers) {
    for (const bool index : {true, false}) {
      const bool look_ahead = (turn + setups.size() / 2 + setups.size()) % 2 == 0;
      setups.push_back({matcher, index, 1, batch_sizes[(turn + setups.size()) % 3], look_ahead});
    }
  }
  setups.push_back({matchers[turn / 3 % 3], turn / 9 % 2 == 0, shard_counts[1 + turn % 3],
                    batch_sizes[turn / 2 % 3], turn / 5 % 2 == 0});
  return setups;
}

std::vector<model::EventView> processing_order(Arrivals& arrivals) {
  std::vector<model::EventView> order;
  std::vector<std::optional<std::int64_t>> greatest(arrivals.sources);
  for (std::size_t i = 0; i < arrivals.events.size(); ++i) {
    const model::EventView event = arrivals.events[i];
    auto& of_source = greatest[arrivals.source_of(i)];
    if (of_source && event.time_ns() < *of_source - arrivals.lateness_ns) continue;
    of_source = std::max(of_source.value_or(event.time_ns()), event.time_ns());
    order.push_back(event);
    arrivals.events.header(i).seq = order.size();
  }
  std::stable_sort(order.begin(), order.end(),
                   [](model::EventView a, model::EventView b) { return a.time_ns() < b.time_ns(); });
  return order;
}

std::vector<Match> run_engine(const plan::Plan& plan, const Arrivals& arrivals, const Setup& setup,
                              const Limits& limits) {
  Collector collector(plan);
  runtime::EngineOptions options;
  options.shards = setup.shards;
  options.matcher = setup.matcher;
  options.predicate_index = setup.predicate_index;
  options.limits = limits;
  if (setup.look_ahead) options.limits.near_keys = 0;
  runtime::Engine engine(plan, options, collector);
  for (std::uint32_t i = 0; i < arrivals.tables.size(); ++i) {
    if (plan.tables[i].path.empty()) continue;
    auto table = std::make_shared<match::Table>(plan.tables[i], plan.catalog, limits.table_rows);
    for (std::size_t row = 0; row < arrivals.tables[i].size(); ++row)
      table->put(arrivals.tables[i][row]);
    engine.set_table(i, std::move(table));
  }
  for (unsigned i = 0; i < arrivals.sources; ++i)
    engine.add_source({.lateness_ns = arrivals.lateness_ns});
  model::EventBatch batch;
  for (std::size_t i = 0; i < arrivals.events.size(); ++i) {
    batch.append(arrivals.events[i]);
    const bool last = i + 1 == arrivals.events.size();
    const std::uint16_t source = arrivals.source_of(i);
    const bool turn_ends = last || arrivals.source_of(i + 1) != source;
    if (batch.size() == setup.batch || turn_ends) engine.push(source, batch);
    if (turn_ends && i + 1 + 3 * (arrivals.sources - 1) >= arrivals.events.size())
      engine.close_source(source);
  }
  engine.finish();
  return std::move(collector.matches);
}

namespace {

constexpr double rounding = 1e-9;       // relative; of sums that are kept up event by event
constexpr double approximation = 0.05;  // of approx_distinct, beside one more or less

bool approximates(const plan::Rule& rule, const plan::Expr& expr) {
  using plan::WindowFunction;
  if (expr.op == plan::Op::window_aggregate)
    return rule.aggregates[expr.ref.index].function == WindowFunction::approx_distinct;
  return std::any_of(expr.args.begin(), expr.args.end(),
                     [&](const plan::Expr& arg) { return approximates(rule, arg); });
}

bool is_near(double a, double b, double slack) {
  return std::abs(a - b) <= slack * std::max({1.0, std::abs(a), std::abs(b)});
}

/// What a rule with a window emits is the same but for rounding.
bool is_near(const plan::Rule& rule, const plan::EmitField& field, const Datum& expected,
             const Datum& found) {
  if (expected == found) return true;
  if (expected.kind != found.kind) return false;
  if (expected.kind == model::Kind::floating) return is_near(expected.f, found.f, rounding);
  if (!approximates(rule, field.value) || expected.kind != model::Kind::integer) return false;
  return std::abs(expected.i - found.i) <= 1 || is_near(double(expected.i), double(found.i), approximation);
}

bool is_near(const plan::Rule& rule, const Match& expected, Match found) {
  if (!rule.window || !rule.emit || !found.emitted) return false;
  if (expected.fields.size() != found.fields.size()) return false;
  for (const plan::EmitField& field : rule.emit->fields) {
    if (!is_near(rule, field, expected.fields[field.field], found.fields[field.field])) return false;
  }
  found.fields = expected.fields;
  return expected == found;
}

/// Is `found` what the oracle expects, or what `report any` could report in its place?
bool agrees(const plan::Rule& rule, const Match& expected, const Match& found) {
  const auto& others = expected.in_its_place;
  return expected == found || is_near(rule, expected, found) ||
         std::find(others.begin(), others.end(), found) != others.end();
}

constexpr std::size_t most_ordered = 4096;  // matches of a rule at one event, by docs/language.md

/// Calls with each stretch of matches that one event or timer completes, of one rule.
template <class Function>
void for_each_stretch(const std::vector<Match>& matches, Function function) {
  for (std::size_t begin = 0, end = 0; begin < matches.size(); begin = end) {
    const Match& first = matches[begin];
    while (end < matches.size() && matches[end].rule == first.rule && matches[end].at_ns == first.at_ns &&
           matches[end].trigger_seq == first.trigger_seq)
      ++end;
    function(begin, end);
  }
}

/// In order of their events, and without the numbers that they have by their order, where they are too many.
std::vector<Match> reordered(std::vector<Match> matches) {
  for_each_stretch(matches, [&](std::size_t begin, std::size_t end) {
    if (end - begin <= most_ordered) return;
    const auto at = [&](std::size_t index) { return matches.begin() + static_cast<std::ptrdiff_t>(index); };
    std::sort(at(begin), at(end), [](const Match& a, const Match& b) { return a.events < b.events; });
    std::for_each(at(begin), at(end), [](Match& match) { match.ordinal = 0; });
  });
  return matches;
}

std::string difference_in_order(const plan::Plan& plan, const std::vector<Match>& expected,
                                const std::vector<Match>& found) {
  std::vector<std::vector<const Match*>> want(plan.rules.size());  // by rule
  for (const Match& match : expected)
    want[match.rule].push_back(&match);

  std::vector<std::size_t> next(plan.rules.size());
  const Match* before = nullptr;  // what the oracle expects for the match before
  for (const Match& match : found) {
    const auto& of_rule = want[match.rule];
    const std::size_t index = next[match.rule]++;
    if (index == of_rule.size()) return "one too many: " + to_json(match, plan);
    if (!agrees(plan.rules[match.rule], *of_rule[index], match)) {
      return "expected " + to_json(*of_rule[index], plan) + "\n     found " + to_json(match, plan);
    }
    if (before != nullptr && of_rule[index]->instant < before->instant) {
      return "out of order: " + to_json(match, plan) + " after " + to_json(*before, plan);
    }
    before = of_rule[index];
  }
  for (std::size_t rule = 0; rule < want.size(); ++rule) {
    if (next[rule] < want[rule].size()) return "missing: " + to_json(*want[rule][next[rule]], plan);
  }
  return "";
}

}  // namespace

bool has_unordered(const std::vector<Match>& matches) {
  bool has = false;
  for_each_stretch(matches, [&](std::size_t begin, std::size_t end) { has |= end - begin > most_ordered; });
  return has;
}

std::string difference(const plan::Plan& plan, const std::vector<Match>& expected,
                       const std::vector<Match>& found) {
  return has_unordered(expected) ? difference_in_order(plan, reordered(expected), reordered(found))
                                 : difference_in_order(plan, expected, found);
}

std::string difference_under(const std::vector<Setup>& setups, const plan::Plan& plan,
                             const Arrivals& arrivals, const std::vector<Match>& expected) {
  for (const Setup& setup : setups) {
    const std::string text = difference(plan, expected, run_engine(plan, arrivals, setup));
    if (!text.empty()) return to_string(setup) + ": " + text;
  }
  return "";
}

std::string difference_under(const std::vector<Setup>& setups, const plan::Plan& plan, Arrivals& arrivals) {
  const auto stream = processing_order(arrivals);
  return difference_under(setups, plan, arrivals,
                          find_matches(plan, stream, max_candidates, arrivals.tables));
}

std::string to_json(const Match& match, const plan::Plan& plan) {
  const plan::Rule& rule = plan.rules[match.rule];
  std::vector<std::uint64_t> seqs;
  std::vector<std::string> steps;
  for (const auto& [step, seq] : match.events) {
    seqs.push_back(seq);
    if (rule.has_pattern) steps.push_back(fmt::format("\"{}\"", rule.steps[step].name));
  }
  std::string out = fmt::format(R"({{"rule":"{}",{}"seqs":[{}],"steps":[{}],"at":{})", rule.name,
                                match.timeout ? "\"timeout\":true," : "", fmt::join(seqs, ","),
                                fmt::join(steps, ","), match.at_ns);
  if (match.emitted) {
    const model::EventType& type = plan.catalog[match.timeout ? rule.timeout->type : rule.emit->type];
    std::string fields;
    for (std::size_t i = 0; i < match.fields.size(); ++i) {
      fields += fmt::format("{}\"{}\":{}", i == 0 ? "" : ",", type.fields[i].name,
                            to_json(match.fields[i], type.fields[i].type, plan.catalog));
    }
    out += fmt::format(R"(,"type":"{}","fields":{{{}}})", type.name, fields);
  }
  if (match.ordinal > 0) out += fmt::format(R"(,"n":{})", match.ordinal);
  std::string causes;
  for (const Cause& cause : match.causes) {
    causes += fmt::format(R"({}{{"rule":"{}","at":{},"seq":{},"n":{}{}}})", causes.empty() ? "" : ",",
                          plan.rules[cause.rule].name, cause.at_ns, cause.seq, cause.ordinal,
                          cause.timeout ? R"(,"timeout":true)" : "");
  }
  if (!causes.empty()) out += fmt::format(R"(,"causes":[{}])", causes);
  return out + "}";
}

plan::Plan compile(const std::string& rules) {
  dsl::Compiled compiled = dsl::compile_text("test.tocsin", rules);
  if (!compiled.plan) throw std::runtime_error(dsl::render(compiled.diagnostics, compiled.sources) + rules);
  return std::move(*compiled.plan);
}

}  // namespace tocsin::oracle
