// The options of the command line that go to the engine as they are: shards, cores, limits.
#pragma once

#include <CLI/CLI.hpp>

#include "engine/runtime/engine.hpp"

namespace tocsin::cli {

/// Adds --shards, --cores, --idle and --limit-…; `options` must outlive `app`.
void add_engine_options(CLI::App& app, runtime::EngineOptions& options);

/// Adds what tests and measurements need and users don't: --matcher, --no-predicate-index.
void add_hidden_engine_options(CLI::App& app, runtime::EngineOptions& options);

}  // namespace tocsin::cli
