// The configuration file: TOML, by toml++. Every value goes through the parser of its setting as text, so
// that the file says what the command line says.
#define TOML_HEADER_ONLY 1
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <toml++/toml.h>

#include "engine/base/words.hpp"
#include "service/layers.hpp"
#include "service/values.hpp"

namespace tocsin::service {
namespace {

using Kind = Setting::Kind;

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "text";
    case toml::node_type::integer: return "a whole number";
    case toml::node_type::floating_point: return "a number with a fraction";
    case toml::node_type::boolean: return "true or false";
    default: return "a date or time";
  }
}

std::string_view expected(Kind kind) {
  switch (kind) {
    case Kind::text: return "text";
    case Kind::boolean: return "true or false";
    case Kind::number: return "a whole number";
    case Kind::list: return "a list";
    case Kind::assignments: return "a table";
  }
  return "";
}

class Reader {
 public:
  Reader(const std::string& path, Layers& layers) : path_(path), layers_(layers) {}

  void read(const toml::table& table, const std::string& prefix) {
    for (const auto& [name, node] : table) {
      const std::string key = prefix + std::string(name.str());
      if (const Setting* setting = find_setting(key)) {
        take(*setting, node);
      } else if (prefix.empty() && node.is_table() && is_section(key)) {
        read(*node.as_table(), key + ".");
      } else {
        unknown(key, name.source());
      }
    }
  }

  std::vector<std::string> problems;

  void problem(const toml::source_region& place, const std::string& sentence) {
    problems.push_back(fmt::format("{}:{}:{}: {}", path_, place.begin.line, place.begin.column, sentence));
  }

 private:
  static bool is_section(const std::string& name) {
    for (const Setting& setting : settings()) {
      if (setting.key.starts_with(name + ".")) return true;
    }
    return false;
  }

  // The last name of a key counts most: people forget the section before they mistype it.
  void unknown(const std::string& key, const toml::source_region& place) {
    std::vector<std::string> keys;
    const std::string last = key.substr(key.rfind('.') + 1);
    std::string near;
    for (const Setting& setting : settings()) {
      keys.push_back(setting.key);
      if (setting.key.substr(setting.key.rfind('.') + 1) == last) near = setting.key;
    }
    if (near.empty()) near = nearest(key, keys);
    problem(place, fmt::format("unknown setting '{}'{}", key,
                               near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }

  void take(const Setting& setting, const toml::node& node) {
    if (setting.kind == Kind::list && node.is_array()) {
      layers_.give_empty(Layer::file, setting);
      for (const toml::node& element : *node.as_array())
        take_scalar(setting, element, {});
    } else if (setting.kind == Kind::assignments && node.is_table()) {
      for (const auto& [name, value] : *node.as_table())
        take_scalar(setting, value, std::string(name.str()) + "=");
    } else if (setting.is_list()) {
      wrong_kind(setting, node);
    } else {
      take_scalar(setting, node, {});
    }
  }

  void wrong_kind(const Setting& setting, const toml::node& node) {
    problem(node.source(),
            fmt::format("{}: expected {}, got {}", setting.key, expected(setting.kind), kind_of(node)));
  }

  // The node as text, where its kind fits the setting. Numbers may be written as text ("auto", "1_000").
  void take_scalar(const Setting& setting, const toml::node& node, const std::string& before) {
    std::string text;
    if (const auto* value = node.as_string()) {
      if (setting.kind == Kind::boolean) return wrong_kind(setting, node);
      text = value->get();
    } else if (node.is_integer() &&
               (setting.kind == Kind::number || setting.is_list() || accepts_zero(setting, node))) {
      text = std::to_string(node.as_integer()->get());
    } else if (node.is_boolean() && (setting.kind == Kind::boolean || setting.kind == Kind::assignments)) {
      text = node.as_boolean()->get() ? "true" : "false";
    } else if (node.is_floating_point() && setting.kind == Kind::assignments) {
      text = fmt::format("{}", node.as_floating_point()->get());
    } else if (setting.is_list()) {
      return problem(node.source(), fmt::format("{}: expected text, got {}", setting.key, kind_of(node)));
    } else {
      return wrong_kind(setting, node);
    }
    try {
      layers_.give(Layer::file, setting, before + text,
                   fmt::format("{}:{}", path_, node.source().begin.line));
    } catch (const BadValue& error) {
      problem(node.source(), fmt::format("{}: {}", setting.key, error.what()));
    }
  }

  // A duration of 0 needs no unit.
  static bool accepts_zero(const Setting& setting, const toml::node& node) {
    return setting.kind == Kind::text && node.as_integer()->get() == 0;
  }

  const std::string& path_;
  Layers& layers_;
};

}  // namespace

std::vector<std::string> read_text(std::string_view text, const std::string& path, Layers& layers) {
  Reader reader(path, layers);
  try {
    reader.read(toml::parse(text, path), "");
  } catch (const toml::parse_error& error) {
    reader.problem(error.source(), std::string(error.description()));
  }
  return std::move(reader.problems);
}

std::vector<std::string> read_file(const std::string& path, Layers& layers) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || !text) return {fmt::format("cannot read {}", path)};
  return read_text(text.str(), path, layers);
}

}  // namespace tocsin::service
