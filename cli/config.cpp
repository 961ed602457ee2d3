// `tocsin config`: the settings that a run would have, as TOML, and where each comes from.
#include <fmt/format.h>
#include <memory>

#include "cli/command.hpp"
#include "cli/setting_options.hpp"

namespace tocsin::cli {
namespace {

int print_config(SettingOptions& options) {
  if (!read_layers(options)) return exit_failed;
  (void)config_of(options);
  fmt::print("{}", options.layers.dump());
  return exit_fine;
}

}  // namespace

Command add_config(CLI::App& app) {
  CLI::App* command = app.add_subcommand("config", "Show the settings of a run, and where each comes from");
  command->group("Commands");
  const auto options = std::make_shared<SettingOptions>();
  add_settings(*command, *options);
  command->footer(
      "Takes the options of 'tocsin run' and prints what they give together with the file and the "
      "environment,\n"
      "as a file that --config takes. Nothing is opened, and rules are not read.\n"
      "\n"
      "Examples:\n"
      "  tocsin config --config tocsin.toml\n"
      "  TOCSIN_LOG_LEVEL=debug tocsin config --config tocsin.toml --shards 4\n"
      "\n"
      "Exit code 0; 1 where the file or the environment is wrong; 2 where the command line is.");
  return {command, [options] { return print_config(*options); }};
}

}  // namespace tocsin::cli
