// Where matches go: what the command line says of it, and the writer that knows the plan's rules.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "connectors/match_writer.hpp"
#include "connectors/output.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::cli {

struct OutputOptions {
  std::string path;  // empty: stdout
  bool with_events = false;
};

/// Adds --output and --with-events; `options` must outlive `app`.
void add_output_options(CLI::App& app, OutputOptions& options);

/// Opens a file for writing, or stdout where `path` is empty. Throws std::runtime_error with a sentence.
std::unique_ptr<connectors::Output> open_output(const std::string& path);

/// A writer for the matches of all rules of `plan`; `plan` and `output` must outlive it.
connectors::MatchWriter match_writer(const plan::Plan& plan, connectors::Output& output,
                                     const OutputOptions& options);

}  // namespace tocsin::cli
