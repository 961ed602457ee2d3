#include "service/inputs.hpp"

#include <fmt/format.h>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "service/values.hpp"

namespace tocsin::service {
namespace {

constexpr std::string_view generator_prefix = "gen:";

bool is_generator(const std::string& spec) {
  return spec.starts_with(generator_prefix);
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
    throw BadValue(fmt::format("{} is given {} times for {} inputs; give it once, or once for each", option,
                               values.size(), inputs));
  }
}

}  // namespace

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

}  // namespace tocsin::service
