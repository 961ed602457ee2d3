// Which candidates of one partition are reported: time is walked through once, and at each event and each
// timer `report` chooses and `skip` strikes out.
#pragma once

#include <vector>

#include "engine/plan/plan.hpp"
#include "tests/oracle/candidates.hpp"

namespace tocsin::oracle {

/// What is reported at one event or timer, from what lives there. A timer's absences come before its
/// timeouts.
struct Reported {
  std::vector<Candidate> chosen;  // in order; never empty
  std::vector<Candidate> others;  // under `report any` those of which one could be reported instead; under
                                  // `report total` those that are reported with it
  std::size_t earliest_end = 0;   // the least last position among all that this was chosen from
};

/// `candidates` are in the order of find_candidates. The result is in the order of time.
std::vector<Reported> report(const plan::Rule& rule, const std::vector<Candidate>& candidates);

}  // namespace tocsin::oracle
