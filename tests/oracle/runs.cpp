// Drives the engine and holds its matches against the oracle's.
#include "tests/oracle/runs.hpp"

#include <algorithm>
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
  return fmt::format("matcher {}, predicate index {}, {} shard(s), batches of {}", name_of(setup.matcher),
                     setup.predicate_index ? "on" : "off", setup.shards, setup.batch);
}

std::vector<Setup> all_setups() {
  std::vector<Setup> setups;
  for (const MatcherChoice matcher : matchers) {
    for (const bool index : {true, false}) {
      for (const unsigned shards : shard_counts) {
        for (const std::size_t batch : batch_sizes)
          setups.push_back({matcher, index, shards, batch});
      }
    }
  }
  return setups;
}

std::vector<Setup> some_setups(std::uint64_t turn) {
  std::vector<Setup> setups;
  for (const MatcherChoice matcher : matchers) {
    for (const bool index : {true, false}) {
      setups.push_back({matcher, index, 1, batch_sizes[(turn + setups.size()) % 3]});
    }
  }
  setups.push_back(
      {matchers[turn / 3 % 3], turn / 9 % 2 == 0, shard_counts[1 + turn % 3], batch_sizes[turn / 2 % 3]});
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
  runtime::Engine engine(plan, options, collector);
  for (std::uint32_t i = 0; i < arrivals.tables.size(); ++i) {
    if (plan.tables[i].path.empty()) continue;
    auto table = std::make_shared<match::Table>(plan.tables[i], plan.catalog, limits.table_rows);
    for (std::size_t row = 0; row < arrivals.tables[i].size(); ++row)
      table->put(arrivals.tables[i][row]);
    engine.set_table(i, std::move(table));
  }
  for (unsigned i = 0; i < arrivals.sources; ++i)
    engine.add_source(arrivals.lateness_ns);
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

/// Is `found` what the oracle expects, or what `report any` could report in its place?
bool agrees(const Match& expected, const Match& found) {
  const auto& others = expected.in_its_place;
  return expected == found || std::find(others.begin(), others.end(), found) != others.end();
}

}  // namespace

std::string difference(const plan::Plan& plan, const std::vector<Match>& expected,
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
    if (!agrees(*of_rule[index], match)) {
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
