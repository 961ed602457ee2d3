// The oracle: what the rules of a plan find in a stream, computed in the slowest and plainest way that
// docs/language.md allows. It reads the language page and the plan, never the engine.
//
// For each rule in Plan::order: its stream is cut into partitions; in each, every assignment of events to
// steps that the pattern allows is written down (candidates.hpp); then time is walked through once, and at
// each event and timer `report` chooses among the assignments that end there and `skip` strikes out what a
// reported match uses up (reports.hpp). Emitted events join the streams of later rules.
//
// Cost: exponential in the length of the stream for `~>` and `any` (all subsequences), at least quadratic
// otherwise. For streams of tens of events.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/model/batch.hpp"
#include "engine/model/event.hpp"
#include "engine/plan/plan.hpp"
#include "tests/oracle/candidates.hpp"
#include "tests/oracle/datum.hpp"

namespace tocsin::oracle {

struct Match {
  std::uint32_t rule = 0;
  std::int64_t at_ns = 0;
  std::uint64_t trigger_seq = 0;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> events;  // (step, sequence number), in order
  bool timeout = false;  // no match, but what `on timeout emit` makes of a run
  bool emitted = false;
  std::vector<Datum> fields;  // of the emitted event, in the order of its type
  std::uint32_t ordinal = 0;  // among those of the rule with this time and trigger
  std::vector<Cause> causes;  // of its events, those that rules emitted

  // Only the oracle knows these; they do not count for equality.
  std::size_t instant = 0;          // what completed it, an event or a timer, counted through the stream
  std::vector<Match> in_its_place;  // under `report any`: the others of which one may be reported instead

  friend bool operator==(const Match& a, const Match& b);
};

inline constexpr std::size_t max_candidates = 200'000;

/// All matches of all rules over `stream`, which is in processing order and numbered. They come in order of
/// the event or timer that completed them, then of Plan::order, then as the language orders those of one
/// rule. Throws TooMany where one partition of one rule has more than `most_candidates`.
/// `tables`, by number, are the rows of those that are read from files; none: they are empty.
std::vector<Match> find_matches(const plan::Plan& plan, const std::vector<model::EventView>& stream,
                                std::size_t most_candidates = max_candidates,
                                const std::vector<model::EventBatch>& tables = {});

}  // namespace tocsin::oracle
