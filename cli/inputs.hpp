// Where the events of a run come from: what the command line says of inputs, and the sources that it means.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/generator.hpp"
#include "connectors/open_source.hpp"
#include "engine/model/source.hpp"

namespace tocsin::cli {

struct InputOptions {
  std::vector<std::string> specs;                 // paths, "-", "gen:payments"; in order
  std::vector<std::string> events;                // one for all inputs, or one each
  std::vector<std::vector<std::string>> columns;  // the same
  connectors::Format format = connectors::Format::automatic;
  std::string type_field = "type";
  std::optional<char> separator;
  connectors::GeneratorSpec generator;
};

/// Adds --input and what belongs to it; `options` must outlive `app`.
void add_input_options(CLI::App& app, InputOptions& options);

/// Puts stdin where no input is named, and checks that everything fits together. Throws UsageError.
void complete(InputOptions& options);

using Sources = std::vector<std::unique_ptr<model::Source>>;

/// Opens every input, in order; may wait for a pipe's other end. Throws std::runtime_error with a sentence
/// where one can't be opened. `catalog` must outlive the sources.
Sources open_inputs(const InputOptions& options, const model::Catalog& catalog,
                    const connectors::SourceContext& context);

}  // namespace tocsin::cli
