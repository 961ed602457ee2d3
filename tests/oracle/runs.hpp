// The engine under every setting, its matches copied into the oracle's form, and the comparison of both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/model/batch.hpp"
#include "engine/plan/plan.hpp"
#include "engine/runtime/engine.hpp"
#include "tests/oracle/oracle.hpp"

namespace tocsin::oracle {

/// Tests that take what time they get do less where the build is slow: without optimisation, under
/// sanitizers.
#if defined(__SANITIZE_THREAD__)
inline constexpr unsigned slowdown = 24;
#elif defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__)
inline constexpr unsigned slowdown = 1;
#else
inline constexpr unsigned slowdown = 8;
#endif

/// One way to run the engine. None of it may change the matches.
struct Setup {
  runtime::MatcherChoice matcher = runtime::MatcherChoice::automatic;
  bool predicate_index = true;
  unsigned shards = 1;
  std::size_t batch = 1024;  // events a push
  bool look_ahead = false;   // from the first key on; else only beyond Limits::near_keys
};

std::string to_string(const Setup& setup);

/// Matchers × predicate index × shards 1, 2, 3, 7 × batches of 1, 3, 1024: 72 of them. Every other looks
/// ahead.
std::vector<Setup> all_setups();

/// A few of them, a different few for each `turn`: every matcher with and without the index on one shard, and
/// one with several. Seven engines instead of 72.
std::vector<Setup> some_setups(std::uint64_t turn);

/// Events as they arrive, in turns of three from each source.
struct Arrivals {
  model::EventBatch events;
  std::int64_t lateness_ns = 0;
  unsigned sources = 1;
  std::vector<model::EventBatch> tables = {};  // by number: the rows of those read from files

  std::uint16_t source_of(std::size_t index) const { return static_cast<std::uint16_t>(index / 3 % sources); }
};

/// The events that are not late, numbered from 1 as they arrive, by event time and then by arrival: what the
/// engine is to process, in this order. An event is late where its time is below the greatest so far of its
/// source minus the lateness. The views live as long as `arrivals` is not changed.
std::vector<model::EventView> processing_order(Arrivals& arrivals);

/// Runs the engine over the arrivals and collects its matches as they come.
std::vector<Match> run_engine(const plan::Plan& plan, const Arrivals& arrivals, const Setup& setup,
                              const Limits& limits = {});

/// Has one event or timer completed so many of one rule that their order is not specified?
bool has_unordered(const std::vector<Match>& matches);

/// Empty where both are the same, else the first difference as a sentence. `expected` is the oracle's.
/// Matches of one rule must come in the same order where it is specified, and those of all rules in order of
/// the events and timers that completed them; among different rules that one of these completes, any order
/// will do, as the language promises none. Under `report any`, whichever candidate was reported will do.
/// Floats that come from windows may differ by rounding (1e-9), approx_distinct by one or 5 %.
std::string difference(const plan::Plan& plan, const std::vector<Match>& expected,
                       const std::vector<Match>& found);

/// Compares the engine under each setup with `expected`. Empty, or the setup and the difference.
std::string difference_under(const std::vector<Setup>& setups, const plan::Plan& plan,
                             const Arrivals& arrivals, const std::vector<Match>& expected);
/// The same, with what the oracle finds.
std::string difference_under(const std::vector<Setup>& setups, const plan::Plan& plan, Arrivals& arrivals);

/// One match as an NDJSON line: rule, timeout, seqs, steps, at, type, fields.
std::string to_json(const Match& match, const plan::Plan& plan);

/// The plan of a rule text. Throws std::runtime_error with the rendered errors.
plan::Plan compile(const std::string& rules);

}  // namespace tocsin::oracle
