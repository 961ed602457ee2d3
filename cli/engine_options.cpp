#include "cli/engine_options.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <thread>

#include "cli/arguments.hpp"
#include "cli/command.hpp"

namespace tocsin::cli {
namespace {

constexpr unsigned most_shards = 256;
constexpr std::uint64_t most_cores = 4096;
constexpr std::uint64_t no_limit = std::numeric_limits<std::int64_t>::max();

void add_limit(CLI::App& app, const std::string& name, const std::string& description, std::size_t& limit) {
  add_value(app, name, fmt::format("N={}", limit), description, [&limit](const std::string& text) {
    limit = parse_number(text, 1, no_limit);
  })->group("Limits");
}

}  // namespace

void add_engine_options(CLI::App& app, runtime::EngineOptions& options) {
  add_value(app, "--shards", "N=1", "Threads that match, each with its own partitions; auto: one a core",
            [&options](const std::string& text) {
              options.shards = text == "auto"
                                   ? std::clamp(std::thread::hardware_concurrency(), 1u, most_shards)
                                   : static_cast<unsigned>(parse_number(text, 1, most_shards));
            })
      ->group("Engine");
  add_value(app, "--cores", "0,1,…", "Pin shard i to the i-th of these cores",
            [&options](const std::string& text) {
              for (const std::string& core : parse_list(text)) {
                options.cores.push_back(static_cast<int>(parse_number(core, 0, most_cores)));
              }
            })
      ->group("Engine");
  add_value(app, "--idle", "park", "What a shard does that has no work: spin, yield, park",
            [&options](const std::string& text) {
              using runtime::Idle;
              options.idle =
                  choose<Idle>(text, {{"spin", Idle::spin}, {"yield", Idle::yield}, {"park", Idle::park}});
            })
      ->group("Engine");

  Limits& limits = options.limits;
  add_limit(app, "--limit-runs",
            "Events that a rule's unfinished runs hold on a shard; beyond it the oldest go",
            limits.run_nodes_per_rule);
  add_limit(app, "--limit-matches", "Matches of one rule that one event may complete",
            limits.matches_per_event);
  add_limit(app, "--limit-reorder", "Events held back by --lateness", limits.reorder_events);
  add_limit(app, "--limit-table-rows", "Rows of a table; of a table of events the oldest go",
            limits.table_rows);
  add_limit(app, "--limit-batches", "Batches on their way to the shards", limits.batches_in_flight);
}

void add_hidden_engine_options(CLI::App& app, runtime::EngineOptions& options) {
  add_value(app, "--batch", "N", "Events in one batch", [&options](const std::string& text) {
    options.limits.batch_events = parse_number(text, 1, no_limit);
  })->group("");
  add_value(app, "--matcher", "automatic", "The matcher of every rule that it can serve",
            [&options](const std::string& text) {
              using runtime::MatcherChoice;
              options.matcher = choose<MatcherChoice>(text, {{"automatic", MatcherChoice::automatic},
                                                             {"grouped", MatcherChoice::grouped},
                                                             {"arena", MatcherChoice::arena}});
            })
      ->group("");
  app.add_flag_callback(
         "--no-predicate-index", [&options] { options.predicate_index = false; },
         "Try every condition on every event")
      ->group("");
}

}  // namespace tocsin::cli
