#include "tester/check.hpp"

#include <algorithm>
#include <cmath>

#include "tester/show.hpp"

namespace tocsin::tester {

using model::Kind;
using model::Value;

namespace {

bool is_about(const dsl::Expectation& expected, const Alert& alert, const Record& record) {
  if (!expected.type) return alert.rule == expected.rule && !alert.event;
  return alert.event && record.events[*alert.event].type() == *expected.type;
}

bool fits(const dsl::Expectation& expected, const Alert& alert, const Record& record,
          const model::Catalog& catalog) {
  return (!expected.at_ns || *expected.at_ns == alert.at_ns) &&
         std::all_of(expected.fields.begin(), expected.fields.end(),
                     [&](const dsl::TestField& field) { return has_value(field, alert, record, catalog); });
}

/// Gives expectations alerts of their own: a matching in a bipartite graph, grown by augmenting paths (Kuhn).
class Assignment {
 public:
  Assignment(std::vector<Verdict>& verdicts, std::size_t alerts)
      : verdicts_(verdicts), owner_(alerts, nobody) {}

  void run() {
    for (std::size_t i = 0; i < verdicts_.size(); ++i) {
      if (verdicts_[i].expected->count) continue;
      tried_.assign(owner_.size(), false);
      verdicts_[i].holds = serve(i);
    }
    for (std::size_t i = 0; i < verdicts_.size(); ++i) {
      for (const std::size_t alert : verdicts_[i].fitting) {
        if (owner_[alert] != nobody && owner_[alert] != i) verdicts_[i].taken.push_back(alert);
      }
    }
  }

 private:
  static constexpr std::size_t nobody = static_cast<std::size_t>(-1);

  bool serve(std::size_t verdict) {
    for (const std::size_t alert : verdicts_[verdict].fitting) {
      if (tried_[alert]) continue;
      tried_[alert] = true;
      if (owner_[alert] != nobody && !serve(owner_[alert])) continue;
      owner_[alert] = verdict;
      return true;
    }
    return false;
  }

  std::vector<Verdict>& verdicts_;
  std::vector<std::size_t> owner_;  // by alert
  std::vector<bool> tried_;
};

}  // namespace

bool same_value(const Value& a, const Value& b) {
  constexpr double relative = 1e-9;
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::null: return true;
    case Kind::string: return a.text() == b.text();
    case Kind::floating:
      return a.f == b.f || (std::isnan(a.f) && std::isnan(b.f)) ||
             std::abs(a.f - b.f) <= relative * std::min(std::abs(a.f), std::abs(b.f));
    case Kind::array:
      if (a.size != b.size) return false;
      for (std::uint32_t i = 0; i < a.size; ++i) {
        if (!same_value(element_of(a, i), element_of(b, i))) return false;
      }
      return true;
    default: return a.i == b.i;
  }
}

bool has_value(const dsl::TestField& field, const Alert& alert, const Record& record,
               const model::Catalog& catalog) {
  const model::EventView event = record.events[*alert.event];
  const Value value = event.get(catalog[event.type()].fields[field.field], field.field);
  if (!field.array) return same_value(value, value_of(field.value));
  if (value.kind != Kind::array || value.size != field.elements.size()) return false;
  for (std::uint32_t i = 0; i < value.size; ++i) {
    if (!same_value(element_of(value, i), value_of(field.elements[i]))) return false;
  }
  return true;
}

std::vector<Verdict> check(const dsl::TestBlock& test, const Record& record, const model::Catalog& catalog) {
  std::vector<Verdict> verdicts;
  for (const dsl::Expectation& expected : test.expectations) {
    Verdict& verdict = verdicts.emplace_back();
    verdict.expected = &expected;
    for (std::size_t i = 0; i < record.alerts.size(); ++i) {
      const Alert& alert = record.alerts[i];
      if (!is_about(expected, alert, record)) continue;
      (fits(expected, alert, record, catalog) ? verdict.fitting : verdict.others).push_back(i);
    }
    if (expected.count) verdict.holds = verdict.fitting.size() == *expected.count;
  }
  Assignment(verdicts, record.alerts.size()).run();
  return verdicts;
}

}  // namespace tocsin::tester
