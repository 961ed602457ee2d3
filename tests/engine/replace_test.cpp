// Rules replaced under a running engine: each rule, from when it came to when it went, finds what an engine
// of its own finds in the events of that time.
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/match/table.hpp"
#include "engine/plan/continuation.hpp"
#include "engine/runtime/engine.hpp"
#include "tests/engine/support.hpp"

using namespace tocsin;
using namespace tocsin::test;

namespace {

using Matches = std::map<std::string, std::vector<std::string>>;  // by rule name

/// Matches by the rule's name: time, the events' numbers, what was emitted.
class ByName final : public model::MatchSink {
 public:
  explicit ByName(const plan::Plan* plan, std::uint64_t seq_offset = 0) : plan_(plan), offset_(seq_offset) {}
  void use(const plan::Plan* plan) { plan_ = plan; }
  void on_match(const model::MatchView& match) override {
    std::string text = std::to_string(match.at_ns) + (match.timeout ? "!" : "") + "[";
    for (const auto& taken : match.events)
      text += std::to_string(taken.event.seq() + offset_) + " ";
    text += "]";
    if (match.emitted) {
      const model::EventType& type = plan_->catalog[match.emitted.type()];
      for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
        const model::Value value = match.emitted.get(type.fields[i], i);
        text += value.kind == model::Kind::floating ? std::to_string(value.f) : std::to_string(value.i);
        text += ",";
      }
    }
    matches[plan_->rules[match.rule].name].push_back(text);
  }
  Matches matches;

 private:
  const plan::Plan* plan_;
  const std::uint64_t offset_;
};

constexpr const char* types[] = {
    "event P { card: int, amount: float, at: time(s) @timestamp }\n",
    "event Q { card: int, kind: enum(red, green, blue), at: time(s) @timestamp }\n",
};
constexpr const char* other_types[] = {
    "event Unused { a: string }\n",
    "event Other { kind: enum(green, red) }\n",
    "",
};

/// Rules of every kind; `#` is a number that makes one rule out of another.
constexpr const char* rules[] = {
    "rule filter { from P[amount > #0.0] emit Big { amount } }\n",
    "rule grouped { match a: P[amount < #0.0] -> b: Q[kind == green] -> c: P partition by card within 40s\n"
    "  report all }\n",
    "rule joined { match a: P -> b: P[amount > a.amount + #] -> c: Q partition by card within 30s\n"
    "  emit Joined { card, grown: b.amount - a.amount } }\n",
    "rule absent { match a: P[amount > #0.0] -> not Q for 9s partition by card emit Absent { card } }\n",
    "rule timeout { match a: P[amount > #0.0] -> b: Q[kind == red] partition by card within 8s\n"
    "  emit Seen { card } on timeout emit Late { card } }\n",
    "rule repeated { match p: P[amount > prev.amount + #]{3..} -> q: Q partition by card within 1m\n"
    "  emit Repeated { n: count(p), sum: sum(p.amount) } }\n",
    "rule unbounded { match a: P[amount > 9#.0] -> b: P[amount < 5.0] partition by card }\n",
    "rule counted { from P partition by card window sliding 30s when count() > # on every\n"
    "  emit Counted { card, n: count(), total: sum(amount) } }\n",
    "rule risen { from P partition by card window sliding 30s when count() > # on rise keep 5s\n"
    "  emit Risen { card, n: count() } }\n",
    "rule falling { from P partition by card window sliding 30s when max(amount) > #0.0 on fall emit Fell { "
    "card } }\n",
    "rule hopping { from P partition by card window hopping 40s every 10s\n"
    "  emit Hopped { card, n: count() + #, total: sum(amount) } }\n",
    "rule session { from Q partition by card window session gap 6s when count() > # emit Session { n: "
    "count() } }\n",
    "rule several { from P partition by card window sliding # events when avg(amount) > 50.0 on rise\n"
    "  emit Several { card } }\n",
    "rule throttled { from Q[kind != blue] partition by card throttle #0s emit Throttled { card } }\n",
    "rule alone { from P window sliding 20s when count() > 1# on rise emit Alone { n: count() } }\n",
    "rule pair { match a: P[amount > #0.0] -> b: Q[kind == blue] within 3s }\n",
};
constexpr std::size_t rule_count = std::size(rules);

std::string rule_text(std::size_t rule, int variant) {
  std::string text = rules[rule];
  for (std::size_t at; (at = text.find('#')) != std::string::npos;)
    text.replace(at, 1, std::to_string(variant));
  return text;
}

struct Input {
  bool is_payment;
  std::int64_t time_s;
  std::int64_t card;
  std::int64_t value;
};

std::vector<Input> random_inputs(std::mt19937_64& random, std::size_t count) {
  std::vector<Input> inputs;
  std::int64_t time_s = 1000;
  for (std::size_t i = 0; i < count; ++i) {
    time_s += static_cast<std::int64_t>(random() % 3);
    inputs.push_back({random() % 5 < 3, time_s, static_cast<std::int64_t>(random() % 6),
                      static_cast<std::int64_t>(random() % 100)});
  }
  return inputs;
}

void add(model::EventBatch& batch, const model::Catalog& catalog, const Input& input) {
  const std::int64_t at_ns = input.time_s * 1'000'000'000;
  if (input.is_payment) {
    add_event(batch, *catalog.find("P"), at_ns,
              {int_value(input.card), float_value(static_cast<double>(input.value))});
  } else {
    add_event(batch, *catalog.find("Q"), at_ns,
              {int_value(input.card), model::Value::of_int(input.value % 3, model::Kind::enumeration)});
  }
}

/// Rules in force, by number of the rule: their variants.
using Set = std::map<std::size_t, int>;

std::string text_of(const Set& set, std::mt19937_64& random) {
  std::vector<std::string> parts = {types[0], types[1], other_types[random() % 3]};
  for (const auto& [rule, variant] : set)
    parts.push_back(rule_text(rule, variant));
  std::shuffle(parts.begin(), parts.end(), random);
  std::string text;
  for (const auto& part : parts)
    text += part;
  return text;
}

/// What the rule finds by itself in inputs[begin, end).
std::vector<std::string> alone(std::size_t rule, int variant, const std::vector<Input>& inputs,
                               std::size_t begin, std::size_t end) {
  const auto plan = plan_of(types[0] + std::string(types[1]) + rule_text(rule, variant));
  ByName sink(&plan, begin);
  runtime::Engine engine(plan, {}, sink);
  const auto source = engine.add_source();
  model::EventBatch batch;
  for (std::size_t i = begin; i < end; ++i)
    add(batch, plan.catalog, inputs[i]);
  engine.push(source, batch);
  if (end == inputs.size()) engine.finish();
  return sink.matches[plan.rules[0].name];
}

std::string name_of(std::size_t rule) {
  const std::string text = rules[rule];
  return text.substr(5, text.find(' ', 5) - 5);
}

void check_random_replacements(std::uint64_t seed, unsigned shards) {
  std::mt19937_64 random(seed);
  const auto inputs = random_inputs(random, 600);
  struct Life {
    std::size_t rule;
    int variant;
    std::size_t begin;
    std::size_t end;
  };
  std::vector<Life> lives;
  Set set;
  // Some rules go, come, or change; from event `now` on.
  const auto change = [&](std::size_t now) {
    const Set before = set;
    for (std::size_t rule = 0; rule < rule_count; ++rule) {
      if (now > 0 && random() % 3 != 0) continue;
      set.erase(rule);
      if (random() % 4 != 0) set[rule] = 1 + static_cast<int>(random() % 4);
    }
    for (Life& life : lives) {
      const auto here = set.find(life.rule);
      const bool stays = here != set.end() && here->second == life.variant;
      if (life.end == inputs.size() && !stays) life.end = now;
    }
    for (const auto& [rule, variant] : set) {
      const auto known = before.find(rule);
      if (known == before.end() || known->second != variant)
        lives.push_back({rule, variant, now, inputs.size()});
    }
  };
  change(0);
  auto plan = std::make_shared<const plan::Plan>(plan_of(text_of(set, random)));
  ByName sink(plan.get());
  runtime::EngineOptions options;
  options.shards = shards;
  const auto first = plan;
  runtime::Engine engine(*first, options, sink);
  const auto source = engine.add_source();
  model::EventBatch batch;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (random() % 60 == 0 && i > 0) {
      engine.push(source, batch);
      change(i);
      plan = std::make_shared<const plan::Plan>(plan::continued(*plan, plan_of(text_of(set, random))));
      engine.replace(plan);
      sink.use(plan.get());
    }
    add(batch, plan->catalog, inputs[i]);
    if (random() % 7 == 0) engine.push(source, batch);
  }
  engine.push(source, batch);
  engine.finish();
  Matches expected;
  for (const Life& life : lives) {
    auto& of_rule = expected[name_of(life.rule)];
    const auto more = alone(life.rule, life.variant, inputs, life.begin, life.end);
    of_rule.insert(of_rule.end(), more.begin(), more.end());
  }
  std::size_t found = 0;
  for (auto& [name, matches] : expected) {
    CAPTURE(seed);
    CAPTURE(shards);
    CAPTURE(name);
    REQUIRE(sink.matches[name] == matches);
    found += matches.size();
  }
  CHECK(found > 100);
}

}  // namespace

TEST_CASE("each rule finds, while it is in force, what it finds alone") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    check_random_replacements(seed, 1);
    if (seed % 4 == 0) check_random_replacements(seed, 3);
  }
}

TEST_CASE("what is the same keeps its number, what is gone its place") {
  const auto before = plan_of(
      "event A { x: int, k: enum(u, v) }\nevent B { x: int }\ntable T from \"t.csv\" { x: int @key, n: "
      "string }\n"
      "rule one { match A[x > 1] }\nrule two { match B }\nrule three { from A[k == v] emit C { x } }\n"
      "rule four { match C }\n");
  const auto after = plan::continued(
      before, plan_of("rule four { match C }\nevent D { y: int }\nevent B { x: float }\n"
                      "rule three { from A[k == v] emit C { x } }\nrule two { match B }\n"
                      "table T from \"t.csv\" { x: int @key, n: string }\n"
                      "@urgent rule one { match A[x > 1] }\nevent A { x: int, k: enum(u, v) }\n"));
  CHECK(after.catalog.find("A")->id == before.catalog.find("A")->id);
  CHECK(after.catalog.find("C")->id == before.catalog.find("C")->id);
  CHECK(after.catalog.find("B")->id >= before.catalog.types.size());
  CHECK(after.catalog[before.catalog.find("B")->id].removed);
  CHECK(after.tables.size() == 1);
  CHECK_FALSE(after.tables[0].removed);
  REQUIRE(after.rules.size() == 5);
  CHECK(after.rules[0].name == "one");
  CHECK(after.rules[0].labels.size() == 1);
  CHECK_FALSE(after.rules[0].removed);
  CHECK(after.rules[1].name == "two");
  CHECK(after.rules[1].removed);
  CHECK(after.rules[4].name == "two");
  CHECK(after.order.size() == 4);

  const auto back =
      plan::continued(after, plan_of("event A { x: int, k: enum(v, u) }\nrule one { match A[x > 1] }\n"));
  CHECK(back.order == std::vector<std::uint32_t>{5});  // its type has changed, so it has
  CHECK(back.tables[0].removed);
}

TEST_CASE("rules that read what others emit stay, whatever becomes of those, and tables keep their rows") {
  const std::string head =
      "event P { card: int, amount: float, at: time(s) @timestamp }\n"
      "event Limit { card: int, most: float, at: time(s) @timestamp }\n"
      "table Limits from Limit keyed by card\n";
  const std::string twice = "rule twice { match a: Big -> b: Big partition by card }\n";
  const std::string above = "rule above { from P[amount > Limits[card].most] emit Above { card } }\n";
  for (const unsigned shards : {1U, 2U}) {
    auto plan = std::make_shared<const plan::Plan>(
        plan_of(head + "rule big { from P[amount > 50.0] emit Big { card } }\n" + twice));
    const auto first = plan;
    ByName sink(plan.get());
    runtime::EngineOptions options;
    options.shards = shards;
    runtime::Engine engine(*first, options, sink);
    const auto source = engine.add_source();
    model::EventBatch batch;
    std::int64_t time = 0;
    const auto pay = [&](double amount) {
      add_event(batch, *plan->catalog.find("P"), ++time, {int_value(1), float_value(amount)});
      engine.push(source, batch);
    };
    const auto replace = [&](const std::string& text) {
      plan = std::make_shared<const plan::Plan>(plan::continued(*plan, plan_of(text)));
      engine.replace(plan);
      sink.use(plan.get());
    };
    pay(60);  // begins a run of `twice`
    replace(twice + "rule small { from P[amount < 10.0] emit Small { card } }\n" + head +
            "rule big { from Small emit Big { card } }\n");  // a layer later
    pay(60);
    CHECK(sink.matches["twice"].empty());
    pay(5);
    replace(head + "rule look { from P[Limits[card].most > 1000.0] emit Look { card } }\n");
    add_event(batch, *plan->catalog.find("Limit"), ++time, {int_value(1), float_value(40)});
    engine.push(source, batch);
    replace(above + "rule look { from P[Limits[card].most > 1000.0] emit Look { card } }\n" + head);
    pay(45);
    pay(39);
    engine.finish();
    CHECK(sink.matches["twice"].size() == 1);
    CHECK(sink.matches["twice"][0].find("[1 3 ]") != std::string::npos);
    CHECK(sink.matches["above"].size() == 1);
    const auto stats = engine.stats();
    std::uint64_t matches = 0;
    for (const auto& rule : stats.rules)
      matches += rule.matches;
    CHECK(matches == stats.matches);
  }
}
