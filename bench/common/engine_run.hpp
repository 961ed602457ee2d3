// The engine with some rules over a stream of plain events, inline on one shard where it is not said
// otherwise: all between decoding and the sink. Events are written into batches as a decoder would, apart
// from what is timed.
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

template <class Sink>
class EngineWith {
 public:
  /// `rules` declare the type of the events.
  EngineWith(const char* type, const std::string& rules, const runtime::EngineOptions& options = {})
      : compiled_(compile_or_exit(rules)),
        type_(*compiled_.plan->catalog.find(type)),
        engine_(*compiled_.plan, options, sink_),
        source_(engine_.add_source()) {}

  /// Writes events for push(), in batches of so many, and so much later; fill(writer, item) sets the fields.
  template <class Item, class Fill>
  void write(std::span<const Item> items, Fill fill, std::size_t per_batch = 1024,
             std::int64_t later_ns = 0) {
    used_ = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i % per_batch == 0) {
        if (used_ == batches_.size()) batches_.emplace_back();
        batches_[used_++].clear();
      }
      model::EventWriter writer(batches_[used_ - 1]);
      writer.begin(type_);
      fill(writer, items[i]);
      writer.commit(items[i].at_ns + later_ns, 0, 0);
    }
  }
  void push() {
    for (std::size_t i = 0; i < used_; ++i)
      push_batch(i);
  }
  void push_batch(std::size_t number) { engine_.push(source_, batches_[number]); }

  /// The sink gets `stamp` behind the matches of all that was pushed.
  void mark(std::int64_t stamp) { engine_.mark(stamp); }

  runtime::Stats stats() { return engine_.stats(); }
  const Sink& sink() const { return sink_; }

 private:
  dsl::Compiled compiled_;
  const model::EventType& type_;
  Sink sink_;
  runtime::Engine engine_;
  std::uint16_t source_;
  std::vector<model::EventBatch> batches_;
  std::size_t used_ = 0;
};

/// Ticks, or payments.
template <class Sink>
class EngineRunWith {
 public:
  EngineRunWith(Stream::Kind kind, const std::string& rules, const runtime::EngineOptions& options = {})
      : ticks_(kind == Stream::Kind::ticks),
        engine_(ticks_ ? "Tick" : "Payment", (ticks_ ? tick_schema : payment_schema) + rules, options) {}

  /// Writes events for push(), in batches of so many.
  void write(std::span<const Event> events, std::size_t per_batch = 1024) {
    const auto fill = [this](model::EventWriter& writer, const Event& event) {
      writer.set_string(0, event.key.view());
      writer.set_float(1, event.number);
      if (ticks_) writer.set_int(2, event.volume);
    };
    engine_.write(events, fill, per_batch);
  }
  void push() { engine_.push(); }
  void push_batch(std::size_t number) { engine_.push_batch(number); }
  void mark(std::int64_t stamp) { engine_.mark(stamp); }

  runtime::Stats stats() { return engine_.stats(); }
  const Sink& sink() const { return engine_.sink(); }
  const Answer& answer() const { return sink().answer; }

 private:
  const bool ticks_;
  EngineWith<Sink> engine_;
};
using EngineRun = EngineRunWith<AnswerSink>;

}  // namespace tocsin::bench
