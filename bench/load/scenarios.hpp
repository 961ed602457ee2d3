// What a load is made of: rules, and events to be sent again and again. The built-in ones are those of the
// usual questions; a user's own come from a file.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/model/batch.hpp"
#include "engine/model/schema.hpp"
#include "service/inputs.hpp"

namespace tocsin::load {

struct Scenario {
  std::string_view name;
  std::string_view about;  // a line
  std::string (*rules)();  // as a rule file
};
std::span<const Scenario> scenarios();

/// Events to be sent in turn, over and over: each pass has its times behind those of the one before.
class EventLoop {
 public:
  /// Precondition: `events` are at least one. `catalog` must outlive the loop.
  EventLoop(model::EventBatch events, const model::Catalog& catalog);

  /// Those that come next: `begin()` to the returned index, at most `count` and about 64 KiB of them.
  std::size_t end_of(std::size_t count) const;
  std::size_t begin() const { return at_; }
  const model::EventBatch& events() const { return events_; }
  /// They are sent up to `end`.
  void advance(std::size_t end);

 private:
  void pass();

  model::EventBatch events_;
  const model::Catalog& catalog_;
  std::size_t at_ = 0;
  std::int64_t span_ns_ = 1;  // that a pass takes in event time
};

/// The ticks of the built-in scenarios, 2^16 of them, always the same.
model::EventBatch built_in_events(const model::Catalog& catalog);
/// All events of the inputs, as `tocsin run` reads them. Throws std::runtime_error with a sentence where
/// there are none, or one can't be read.
model::EventBatch events_of_files(const service::InputOptions& input, const model::Catalog& catalog);

}  // namespace tocsin::load
