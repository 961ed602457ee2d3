// What the engine's tests share: a plan from rule text, events by hand, a sink that remembers.
#pragma once

#include <cstdint>
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "dsl/compile.hpp"
#include "engine/model/batch.hpp"
#include "engine/model/match.hpp"
#include "engine/plan/plan.hpp"
#include "tests/allocations.hpp"

namespace tocsin::test {

/// The plan of a rule text that must be without errors.
inline plan::Plan plan_of(const std::string& text) {
  auto compiled = dsl::compile_text("test.tocsin", text);
  INFO(dsl::render(compiled.diagnostics, compiled.sources));
  REQUIRE(compiled.plan.has_value());
  return std::move(*compiled.plan);
}

inline model::Value text_value(std::string_view text) {
  return model::Value::string(text);
}
inline model::Value int_value(std::int64_t i) {
  return model::Value::integer(i);
}
inline model::Value float_value(double f) {
  return model::Value::floating(f);
}

/// Appends an event with these fields, in the order declared; missing ones are null.
inline void add_event(model::EventBatch& batch, const model::EventType& type, std::int64_t time_ns,
                      const std::vector<model::Value>& fields, std::uint64_t seq = 0) {
  model::EventWriter writer(batch);
  writer.begin(type);
  for (std::uint32_t i = 0; i < fields.size(); ++i)
    writer.set(i, fields[i]);
  writer.commit(time_ns, seq, 0);
}

/// Matches as text: `rule@time[seq seq …]`.
class Recorder final : public model::MatchSink {
 public:
  void on_match(const model::MatchView& match) override {
    std::string text = std::to_string(match.rule) + "@" + std::to_string(match.at_ns) + "[";
    for (const auto& taken : match.events) {
      if (text.back() != '[') text += ' ';
      text += std::to_string(taken.event.seq());
    }
    matches.push_back(text + "]");
  }
  std::vector<std::string> matches;
};

}  // namespace tocsin::test
