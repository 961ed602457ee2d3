#include "cli/inputs.hpp"

#include <fmt/format.h>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <unistd.h>
#include <utility>

#include "cli/arguments.hpp"
#include "cli/command.hpp"

namespace tocsin::cli {
namespace {

constexpr std::string_view generator_prefix = "gen:";
constexpr std::uint64_t any_number = std::numeric_limits<std::int64_t>::max();

bool is_generator(const std::string& spec) {
  return spec.starts_with(generator_prefix);
}

std::string checked_spec(const std::string& text) {
  if (text.empty()) throw UsageError("an input can't be empty");
  if (is_generator(text) && text != "gen:payments" && text != "gen:ticks") {
    throw UsageError(fmt::format("'{}' is no generator; there are gen:payments and gen:ticks", text));
  }
  return text;
}

char parse_separator(const std::string& text) {
  if (text == "tab" || text == "\\t") return '\t';
  if (text.size() != 1 || text == "\"" || text == "\n") {
    throw UsageError(fmt::format("'{}' is no single character, nor tab", text));
  }
  return text.front();
}

// The value for input number `index` of a list that holds one for all or one each.
template <typename T>
std::optional<T> for_input(const std::vector<T>& values, std::size_t index) {
  if (values.empty()) return std::nullopt;
  return values.size() == 1 ? values.front() : values[index];
}

template <typename T>
void check_count(const std::vector<T>& values, std::size_t inputs, std::string_view option) {
  if (values.size() > 1 && values.size() != inputs) {
    throw UsageError(fmt::format("{} is given {} times for {} inputs; give it once, or once for each", option,
                                 values.size(), inputs));
  }
}

}  // namespace

void add_input_options(CLI::App& app, InputOptions& options) {
  const auto add = [&app](auto adder, const char* names, const char* value, const char* description,
                          Take take) {
    adder(app, names, value, description, std::move(take))->group("Input");
  };
  add(add_values, "--input,-i", "SPEC",
      "A file, - for stdin, gen:payments or gen:ticks; .zst is unpacked (repeatable)",
      [&](const std::string& text) { options.specs.push_back(checked_spec(text)); });
  add(add_value, "--format", "FORMAT", "ndjson or csv; without it the file's name says it",
      [&](const std::string& text) {
        using connectors::Format;
        options.format = choose<Format>(text, {{"ndjson", Format::ndjson}, {"csv", Format::csv}});
      });
  add(add_values, "--event", "TYPE", "Every record is an event of this type (once, or once for each input)",
      [&](const std::string& text) { options.events.push_back(text); });
  add(add_value, "--type-field", "NAME", "The field that names the event's type, unless --event does",
      [&](const std::string& text) { options.type_field = text; });
  add(add_values, "--columns", "A,B,…", "Names of the columns of CSV without a header (as --event)",
      [&](const std::string& text) { options.columns.push_back(parse_list(text)); });
  add(add_value, "--separator", "CHARACTER", "Between the columns of CSV; tab for a tab",
      [&](const std::string& text) { options.separator = parse_separator(text); });
  add(add_value, "--seed", "N", "Of a generator: the same seed gives the same events",
      [&](const std::string& text) { options.generator.seed = parse_number(text, 0, any_number); });
  add(add_value, "--count", "N", "Of a generator: how many events",
      [&](const std::string& text) { options.generator.count = parse_number(text, 0, any_number); });
}

void complete(InputOptions& options) {
  if (options.specs.empty()) {
    if (isatty(STDIN_FILENO) == 1) {
      throw UsageError("no input: give --input FILE, pipe events to stdin, or try --input gen:payments");
    }
    options.specs.emplace_back("-");
  }
  check_count(options.events, options.specs.size(), "--event");
  check_count(options.columns, options.specs.size(), "--columns");
}

Sources open_inputs(const InputOptions& options, const model::Catalog& catalog,
                    const connectors::SourceContext& context) {
  Sources sources;
  for (std::size_t index = 0; index < options.specs.size(); ++index) {
    const std::string& spec = options.specs[index];
    if (is_generator(spec)) {
      connectors::GeneratorSpec generator = options.generator;
      generator.name = spec.substr(generator_prefix.size());
      auto opened = connectors::open_generator(generator, catalog);
      if (!opened) throw std::runtime_error(opened.error);
      sources.push_back(std::move(opened.value));
      continue;
    }
    connectors::SourceSpec file;
    file.path = spec;
    file.format = options.format;
    file.event = for_input(options.events, index);
    file.type_field = options.type_field;
    file.columns = for_input(options.columns, index).value_or(std::vector<std::string>{});
    file.separator = options.separator;
    if (file.format == connectors::Format::automatic && !file.columns.empty())
      file.format = connectors::Format::csv;
    auto opened = connectors::open_source(file, catalog, context);
    if (!opened) throw std::runtime_error(opened.error);
    sources.push_back(std::move(opened.value));
  }
  return sources;
}

}  // namespace tocsin::cli
