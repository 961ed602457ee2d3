// Candidates: every assignment of the events of one partition to the steps of one rule that the pattern, the
// conditions and the bounds allow. All are written down; which of them are reported is not decided here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/plan/plan.hpp"
#include "tests/oracle/datum.hpp"

namespace tocsin::oracle {

/// More candidates than it is sensible to write down.
struct TooMany : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Steps and the positions, in the partition's stream, of the events that they took.
using Assignment = std::vector<std::pair<std::uint32_t, std::size_t>>;

struct Candidate {
  enum class End : std::uint8_t {
    event,    // its last event completes it
    absence,  // time does, as nothing came that must not
    timeout,  // it is unfinished, and time has passed its bound
  };
  Assignment events;
  End end = End::event;
  std::int64_t due_ns = 0;  // of absence and timeout: the instant
  std::size_t passed =
      0;  // events of the partition's stream up to that instant or last event, itself included
};

/// All candidates of `rule` over `stream`, by start and then in the order of preference. `last_ns` is the
/// time of the last event of the whole input: only what lies before has passed. Throws TooMany beyond
/// `max_candidates`, or four times as many runs.
std::vector<Candidate> find_candidates(const plan::Rule& rule, const std::vector<const Event*>& stream,
                                       std::int64_t last_ns, std::size_t max_candidates);

}  // namespace tocsin::oracle
