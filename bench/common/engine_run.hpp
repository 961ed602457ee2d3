// The engine with some rules over a stream of plain events, inline on one shard: all between decoding and the
// sink. Events are written into batches as a decoder would, apart from what is timed.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "bench/common/answer.hpp"
#include "bench/common/events.hpp"
#include "dsl/compile.hpp"
#include "engine/runtime/engine.hpp"

namespace tocsin::bench {

inline constexpr const char* tick_schema =
    "event Tick { symbol: string, price: float, volume: int, at: time @timestamp }\n";
inline constexpr const char* payment_schema =
    "event Payment { card: string, amount: float, at: time @timestamp }\n";

inline dsl::Compiled compile_or_exit(const std::string& text) {
  auto compiled = dsl::compile_text("bench.tocsin", text);
  if (!compiled.plan) {
    std::fputs(dsl::render(compiled.diagnostics, compiled.sources).c_str(), stderr);
    std::exit(1);
  }
  return compiled;
}

class EngineRun {
 public:
  EngineRun(Stream::Kind kind, const std::string& rules)
      : ticks_(kind == Stream::Kind::ticks),
        compiled_(compile_or_exit((ticks_ ? tick_schema : payment_schema) + rules)),
        type_(*compiled_.plan->catalog.find(ticks_ ? "Tick" : "Payment")),
        engine_(*compiled_.plan, {}, sink_),
        source_(engine_.add_source()) {}

  /// Writes events for push(), in batches of so many.
  void write(std::span<const Event> events, std::size_t per_batch = 1024) {
    used_ = 0;
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (i % per_batch == 0) {
        if (used_ == batches_.size()) batches_.emplace_back();
        batches_[used_++].clear();
      }
      const Event& event = events[i];
      model::EventWriter writer(batches_[used_ - 1]);
      writer.begin(type_);
      writer.set_string(0, event.key.view());
      writer.set_float(1, event.number);
      if (ticks_) writer.set_int(2, event.volume);
      writer.commit(event.at_ns, 0, 0);
    }
  }
  void push() {
    for (std::size_t i = 0; i < used_; ++i)
      push_batch(i);
  }
  std::size_t batches() const { return used_; }
  void push_batch(std::size_t number) { engine_.push(source_, batches_[number]); }

  const Answer& answer() const { return sink_.answer; }

 private:
  const bool ticks_;
  dsl::Compiled compiled_;
  const model::EventType& type_;
  AnswerSink sink_;
  runtime::Engine engine_;
  std::uint16_t source_;
  std::vector<model::EventBatch> batches_;
  std::size_t used_ = 0;
};

}  // namespace tocsin::bench
