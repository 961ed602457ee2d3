// The reference workloads: their events, rules and hand-written programs, and what is known of their answers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/common/by_hand.hpp"
#include "bench/common/events.hpp"

namespace tocsin::bench {

struct Workload {
  const char* name;
  const char* what;
  Stream::Kind kind;
  std::uint64_t keys;
  std::string rules;
  std::function<std::unique_ptr<ByHand>()> by_hand;
  double reach_m = 0;         // million events, or matches, a second on the machine of the issue
  double reach_fraction = 0;  // of the hand-written program's rate, where that is known of that machine
  std::optional<std::uint64_t> known = {};  // matches in the recorded events, as other engines found them
  std::uint64_t warm_rounds = 1;            // rounds of the stream before anything is timed
  std::uint64_t per_ms = 10;
  bool is_any = false;      // which candidate is reported is open: only the number is compared
  bool is_rare = false;     // a million events may have no match
  bool by_matches = false;  // the rate is that of matches
};

/// In the order of the table.
std::vector<Workload> workloads();

/// The reference data in the folder TOCSIN_DATA where the workload is theirs, else from a seed. Throws
/// std::runtime_error.
Stream stream_of(const Workload& workload);

/// So many rules, each on a symbol and a price.
std::string symbol_rules(int count);

}  // namespace tocsin::bench
