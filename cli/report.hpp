// What a run says at its end, all of it on stderr: what was lost and how to keep it, the totals, the
// counters.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/plan/plan.hpp"
#include "engine/runtime/engine.hpp"

namespace tocsin::cli {

/// One input, as the counters show it.
struct InputReport {
  std::string name;
  std::uint64_t bad_records = 0;
  runtime::SourceStats counts;
};

struct RunReport {
  const plan::Plan* plan = nullptr;
  runtime::Stats stats;
  Limits limits;
  std::vector<InputReport> inputs;
  std::string late_output;  // the file that has the late events, if any
  std::chrono::duration<double> elapsed{};
};

/// Events and matches that the run lost; nothing where it lost none.
void print_losses(const RunReport& report);

/// One line: events, matches, time, rate.
void print_totals(const RunReport& report);

/// The counters of every rule and input, as a table or as one line of JSON.
void print_stats_table(const RunReport& report);
void print_stats_json(const RunReport& report);

}  // namespace tocsin::cli
