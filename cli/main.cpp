// The `tocsin` command: parses the command line, runs one subcommand, and turns what went wrong into a
// sentence on stderr and an exit code (command.hpp).
#include <cerrno>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "cli/command.hpp"
#include "engine/base/words.hpp"
#include "service/text.hpp"

namespace {

using namespace tocsin::cli;
using namespace tocsin::service;

constexpr const char* examples =
    "Examples:\n"
    "  tocsin check fraud.tocsin\n"
    "  tocsin test fraud.tocsin\n"
    "  tocsin run fraud.tocsin --input payments.ndjson > alerts.ndjson\n"
    "  tocsin explain fraud.tocsin\n"
    "  tocsin fmt fraud.tocsin\n"
    "\n"
    "`tocsin COMMAND --help` shows a command's options.";

// CLI11's help with the order of arguments that people write, and less shouting.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() {
    column_width(28);
    label("Positionals", "Arguments");
  }
  std::string make_usage(const CLI::App* app, std::string) const override {
    if (app->get_parent() == nullptr) return "\nUsage: tocsin COMMAND [OPTIONS]\n";
    const bool takes_rules = app->get_option_no_throw("RULES") != nullptr;
    return fmt::format("\nUsage: tocsin {} {}[OPTIONS]\n", app->get_name(), takes_rules ? "RULES... " : "");
  }
};

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames())
      names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> names_of(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands)
    names.push_back(command.app->get_name());
  return names;
}

[[noreturn]] void reject(const std::string& kind, const std::string& word,
                         const std::vector<std::string>& known) {
  const std::string near = tocsin::nearest(word, known);
  throw UsageError(fmt::format("unknown {} '{}'{}", kind, word,
                               near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

void reject_unknown_option(const CLI::App& app) {
  for (const std::string& word : app.remaining()) {
    if (word.starts_with("-")) reject("option", word.substr(0, word.find('=')), option_names(app));
  }
}

// CLI11's complaints in our words.
std::string sentence(const CLI::ParseError& error) {
  std::string text = error.what();
  if (error.get_name() == "ArgumentMismatch") {
    const std::string option = text.substr(0, text.find(':'));
    const bool too_many = text.find("At Most") != std::string::npos;
    return fmt::format("{} {}", option, too_many ? "is given more than once" : "needs a value");
  }
  return text;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Tocsin finds patterns and passed thresholds in streams of events: rules in, events in, matches out.",
      "tocsin");
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag("-h,--help", "Show this help");
  app.set_version_flag("--version", "tocsin " TOCSIN_VERSION, "Show the version");
  app.footer(examples);
  app.allow_extras();
  app.require_subcommand(0, 1);  // so that a file may be called `rules`, or as another command
  const std::vector<Command> commands = {add_run(app),    add_check(app),  add_test(app), add_explain(app),
                                         add_fmt(app),    add_config(app), add_top(app),  add_rules(app),
                                         add_reload(app), add_tap(app),    add_stop(app), add_bench(app)};

  const CLI::App* chosen = &app;
  try {
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success&) {
      throw;
    } catch (const CLI::ParseError& error) {
      for (const Command& command : commands) {
        if (command.app->parsed()) chosen = command.app;
      }
      throw UsageError(sentence(error));
    }
    reject_unknown_option(app);
    for (const Command& command : commands) {
      if (!command.app->parsed()) continue;
      chosen = command.app;
      reject_unknown_option(*chosen);
      return command.run();
    }
    if (!app.remaining().empty()) reject("command", app.remaining().front(), names_of(commands));
    fmt::print(stderr, "{}", app.help());
    return exit_usage;
  } catch (const CLI::CallForVersion& version) {
    fmt::print("{}\n", version.what());
    return exit_fine;
  } catch (const CLI::Success&) {
    return app.exit(CLI::CallForHelp());
  } catch (const UsageError& error) {
    say(error.what());
    const bool is_command = chosen != &app;
    fmt::print(stderr, "Try 'tocsin {}--help'.\n", is_command ? chosen->get_name() + " " : "");
    return exit_usage;
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run(argc, argv);
    if (std::fflush(stdout) != 0)
      throw std::system_error(errno, std::generic_category(), "cannot write stdout");
    return code;
  } catch (const std::exception& error) {
    say(error.what());
    return exit_failed;
  }
}
