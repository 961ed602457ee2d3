#include "cli/setting_options.hpp"

#include <cstdlib>
#include <unistd.h>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "service/text.hpp"
#include "service/values.hpp"

namespace tocsin::cli {
namespace {

using service::Layer;
using service::Setting;

void add_setting(CLI::App& app, SettingOptions& options, const Setting& setting) {
  const auto take = [&options, &setting](const std::string& text) {
    options.layers.give(Layer::flags, setting, text, setting.name());
  };
  if (setting.flag.empty()) return;
  if (setting.flag == "RULES") {
    add_values(app, setting.flag, setting.value, setting.help, take);
  } else if (setting.key == "output.stats") {
    app.add_flag(setting.flag + "{" + setting.value + "}", options.stats, setting.help)->group(setting.group);
  } else if (setting.kind == Setting::Kind::boolean) {
    const bool value = !setting.flag.starts_with("--no-");
    app.add_flag_callback(
           setting.flag, [=] { take(value ? "true" : "false"); }, setting.help)
        ->group(setting.group);
  } else {
    const auto adder = setting.is_list() && setting.key != "engine.cores" ? add_values : add_value;
    adder(app, setting.flag, setting.value, setting.help, take)->group(setting.group);
  }
}

}  // namespace

void add_settings(CLI::App& app, SettingOptions& options, std::string_view prefix) {
  for (const Setting& setting : service::settings()) {
    if (setting.key.starts_with(prefix)) add_setting(app, options, setting);
  }
}

void add_settings(CLI::App& app, SettingOptions& options) {
  // Those of a service last: most runs have no use for them.
  for (const bool service : {false, true}) {
    for (const Setting& setting : service::settings()) {
      if ((setting.group == "Service") == service) add_setting(app, options, setting);
    }
  }
  add_value(app, "--config", "FILE", "Settings from a TOML file; the environment and flags go before it",
            [&options](const std::string& text) { options.file = text; })
      ->group("Options");
}

bool read_layers(SettingOptions& options) {
  if (!options.stats.empty()) {
    try {
      options.layers.give(Layer::flags, *service::find_setting("output.stats"), options.stats, "--stats");
    } catch (const service::BadValue& error) {
      throw UsageError(std::string("--stats: ") + error.what());
    }
  }
  if (options.file.empty()) {
    if (const char* file = std::getenv("TOCSIN_CONFIG"); file != nullptr) options.file = file;
  }
  std::vector<std::string> problems;
  if (!options.file.empty()) problems = service::read_file(options.file, options.layers);
  for (std::string& problem : service::read_environment(environ, options.layers))
    problems.push_back(std::move(problem));
  for (const std::string& problem : problems)
    service::say(problem);
  return problems.empty();
}

service::Config config_of(const SettingOptions& options) {
  try {
    return options.layers.config();
  } catch (const service::BadValue& error) {
    throw UsageError(error.what());
  }
}

}  // namespace tocsin::cli
