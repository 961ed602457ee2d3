// Where the events of a run come from besides connections: what the configuration says of files and
// generators, and the sources that it means.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/generator.hpp"
#include "connectors/open_source.hpp"
#include "engine/model/source.hpp"

namespace tocsin::service {

struct InputOptions {
  std::vector<std::string> specs;                 // paths, "-", "gen:payments"; in order
  std::vector<std::string> events;                // one for all inputs, or one each
  std::vector<std::vector<std::string>> columns;  // the same
  connectors::Format format = connectors::Format::automatic;
  std::string type_field = "type";
  std::optional<char> separator;
  connectors::GeneratorSpec generator;
};

/// An input as it may be named; throws BadValue.
std::string checked_input(const std::string& text);
/// The character between columns, or `tab`; throws BadValue.
char parse_separator(const std::string& text);

/// Checks that everything fits together. Throws BadValue.
void check(const InputOptions& options);

bool is_generator(const std::string& spec);
/// True where opening input number `index` reads its first line: CSV without columns.
bool reads_header(const InputOptions& options, std::size_t index);

/// Opens input number `index`, from `bytes` where those are given. Throws std::runtime_error with a sentence
/// where it can't be opened. `catalog` must outlive the source.
std::unique_ptr<model::Source> open_input(const InputOptions& options, std::size_t index,
                                          const model::Catalog& catalog,
                                          const connectors::SourceContext& context,
                                          std::unique_ptr<connectors::ByteInput> bytes = nullptr);

using Sources = std::vector<std::unique_ptr<model::Source>>;

/// Opens every input, in order; may wait for a pipe's other end. Throws std::runtime_error with a sentence
/// where one can't be opened. `catalog` must outlive the sources.
Sources open_inputs(const InputOptions& options, const model::Catalog& catalog,
                    const connectors::SourceContext& context);

}  // namespace tocsin::service
