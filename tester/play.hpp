// A test's input, played through the engine: one shard, in event time, event by event, so that what rules
// emitted is known in its place among the events.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dsl/test_block.hpp"
#include "engine/match/table.hpp"
#include "engine/model/batch.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::tester {

/// A match, or a timeout.
struct Alert {
  std::uint32_t rule = 0;
  std::int64_t at_ns = 0;
  bool timeout = false;
  std::uint64_t trigger_seq = 0;     // the number of its last event
  std::optional<std::size_t> event;  // what was emitted, in Record::events; none: nothing
};

struct Record {
  model::EventBatch events;  // what came in and what rules emitted, in the order of processing
  std::vector<std::shared_ptr<const match::Table>> tables;  // by number; none: it keeps events
  std::vector<Alert> alerts;                                // in order
  std::int64_t passed_ns = 0;                               // all before this time has happened
};

/// Plays `test`. `plan` is its own where it has one. At each `advance` all that waits for a time up to the
/// new one happens, unless events of that very time follow.
Record play(const plan::Plan& plan, const dsl::TestBlock& test);

}  // namespace tocsin::tester
