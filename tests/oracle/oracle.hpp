// The oracle: what the rules of a plan find in a stream, computed in the slowest and plainest way that
// docs/language.md allows. It reads the language page and the plan, never the engine.
//
// For each rule in Plan::order: its stream is cut into partitions; in each, every assignment of events to
// steps that the pattern allows is written down, by recursion over the pattern; then the stream is walked
// once, and at each event `report` chooses among the assignments that end there and `skip` strikes out what
// a reported match uses up. Emitted events join the streams of later rules.
//
// Cost: exponential in the length of the stream for `~>` and `any` (all subsequences), at least quadratic
// otherwise. For streams of tens of events.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/model/event.hpp"
#include "engine/plan/plan.hpp"
#include "tests/oracle/datum.hpp"

namespace tocsin::oracle {

struct Match {
  std::uint32_t rule = 0;
  std::int64_t at_ns = 0;
  std::uint64_t trigger_seq = 0;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> events;  // (step, sequence number), in order
  bool emitted = false;
  std::vector<Datum> fields;  // of the emitted event, in the order of its type

  friend bool operator==(const Match&, const Match&) = default;
};

/// More candidates than it is sensible to write down.
struct TooMany : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// All matches of all rules over `stream`, which is in processing order and numbered. They come in order of
/// the event that completed them, then of Plan::order, then as the language orders those of one rule. Throws
/// TooMany where one partition of one rule has more than `max_candidates`.
std::vector<Match> find_matches(const plan::Plan& plan, const std::vector<model::EventView>& stream,
                                std::size_t max_candidates = 200'000);

}  // namespace tocsin::oracle
