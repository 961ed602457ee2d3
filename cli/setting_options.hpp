// The settings as options of the command line, and what they come to with the configuration file and the
// environment.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "service/layers.hpp"

namespace tocsin::cli {

struct SettingOptions {
  std::string file;   // --config
  std::string stats;  // CLI11 gives flags with an optional value no callback
  service::Layers layers;
};

/// Adds --config and the options of all settings; `options` must outlive `app`.
void add_settings(CLI::App& app, SettingOptions& options);

/// Adds the options of those settings whose key begins with `prefix`.
void add_settings(CLI::App& app, SettingOptions& options, std::string_view prefix);

/// Reads the file and the environment beneath what the command line gave. False where something is wrong with
/// them, which it has told then. Throws UsageError where the command line is.
bool read_layers(SettingOptions& options);

/// What all layers together give. Throws UsageError where settings do not go together.
service::Config config_of(const SettingOptions& options);

}  // namespace tocsin::cli
