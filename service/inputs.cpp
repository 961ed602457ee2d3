#include "service/inputs.hpp"

#include <fmt/format.h>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "service/values.hpp"

namespace tocsin::service {
namespace {

constexpr std::string_view generator_prefix = "gen:";

// The value for input number `index` of a list that holds one for all or one each.
template <typename T>
std::optional<T> for_input(const std::vector<T>& values, std::size_t index) {
  if (values.empty()) return std::nullopt;
  return values.size() == 1 ? values.front() : values[index];
}

template <typename T>
void check_count(const std::vector<T>& values, std::size_t inputs, std::string_view option) {
  if (values.size() > 1 && values.size() != inputs) {
    throw BadValue(fmt::format("{} is given {} times for {} inputs; give it once, or once for each", option,
                               values.size(), inputs));
  }
}

connectors::SourceSpec spec_of(const InputOptions& options, std::size_t index) {
  connectors::SourceSpec file;
  file.path = options.specs[index];
  file.format = options.format;
  file.event = for_input(options.events, index);
  file.type_field = options.type_field;
  file.columns = for_input(options.columns, index).value_or(std::vector<std::string>{});
  file.separator = options.separator;
  if (file.format == connectors::Format::automatic && !file.columns.empty())
    file.format = connectors::Format::csv;
  return file;
}

}  // namespace

bool is_generator(const std::string& spec) {
  return spec.starts_with(generator_prefix);
}

std::string checked_input(const std::string& text) {
  if (text.empty()) throw BadValue("an input can't be empty");
  if (is_generator(text) && text != "gen:payments" && text != "gen:ticks") {
    throw BadValue(fmt::format("'{}' is no generator; there are gen:payments and gen:ticks", text));
  }
  return text;
}

char parse_separator(const std::string& text) {
  if (text == "tab" || text == "\\t") return '\t';
  if (text.size() != 1 || text == "\"" || text == "\n") {
    throw BadValue(fmt::format("'{}' is no single character, nor tab", text));
  }
  return text.front();
}

void check(const InputOptions& options) {
  check_count(options.events, options.specs.size(), "--event");
  check_count(options.columns, options.specs.size(), "--columns");
}

bool reads_header(const InputOptions& options, std::size_t index) {
  const connectors::SourceSpec spec = spec_of(options, index);
  std::string_view path = spec.path;
  if (path.ends_with(".zst")) path.remove_suffix(4);
  const bool csv =
      spec.format == connectors::Format::csv ||
      (spec.format == connectors::Format::automatic && (path.ends_with(".csv") || path.ends_with(".tsv")));
  return csv && spec.columns.empty();
}

std::unique_ptr<model::Source> open_input(const InputOptions& options, std::size_t index,
                                          const model::Catalog& catalog,
                                          const connectors::SourceContext& context,
                                          std::unique_ptr<connectors::ByteInput> bytes) {
  const auto opened_or_thrown = [](auto opened) -> std::unique_ptr<model::Source> {
    if (!opened) throw std::runtime_error(opened.error);
    return std::move(opened.value);
  };
  if (const std::string& spec = options.specs[index]; is_generator(spec)) {
    connectors::GeneratorSpec generator = options.generator;
    generator.name = spec.substr(generator_prefix.size());
    return opened_or_thrown(connectors::open_generator(generator, catalog));
  }
  const connectors::SourceSpec spec = spec_of(options, index);
  return opened_or_thrown(bytes ? connectors::open_source(std::move(bytes), spec, catalog, context)
                                : connectors::open_source(spec, catalog, context));
}

Sources open_inputs(const InputOptions& options, const model::Catalog& catalog,
                    const connectors::SourceContext& context) {
  Sources sources;
  for (std::size_t index = 0; index < options.specs.size(); ++index)
    sources.push_back(open_input(options, index, catalog, context));
  return sources;
}

}  // namespace tocsin::service
