// The commands that ask a running service: `reload`, `rules`, `tap`, `stop`. `top` has a file of its own.
#include <cstdio>
#include <fmt/format.h>
#include <memory>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/control_client.hpp"
#include "cli/json_fields.hpp"
#include "cli/replace_file.hpp"
#include "service/json.hpp"
#include "service/text.hpp"
#include "service/values.hpp"

namespace tocsin::cli {
using namespace service;
namespace {

std::string request(std::string_view command) {
  return Json().object().field("command", command).end_object().text();
}

/// An answer that says `ok`, or null where it told an error.
class Answer {
 public:
  explicit Answer(const std::string& line) : fine_(parser_.parse(line).get(object_) == simdjson::SUCCESS) {
    bool ok = false;
    std::string_view error = "the answer can't be read";
    if (fine_) ok = field_or(object_, "ok", false);
    if (ok) return;
    if (fine_) error = field_or(object_, "error", error);
    fine_ = false;
    const bool diagnostics = error.find('\n') != std::string_view::npos;
    if (diagnostics) {
      fmt::print(stderr, "{}{}", error, error.ends_with('\n') ? "" : "\n");
    } else {
      say(error);
    }
  }
  explicit operator bool() const { return fine_; }
  simdjson::dom::object operator*() const { return object_; }

 private:
  simdjson::dom::parser parser_;
  simdjson::dom::object object_;
  bool fine_;
};

std::string text_of(simdjson::dom::object object, std::string_view key) {
  return std::string(field_or(object, key, std::string_view()));
}

int tell_change(const std::string& line) {
  const Answer answer(line);
  if (!answer) return exit_failed;
  fmt::print(stderr, "{}", text_of(*answer, "warnings"));
  const auto rules = field_or<std::uint64_t>(*answer, "rules", 0);
  fmt::print("{} now\n", rules == 1 ? "1 rule runs" : count_of(rules, "rule") + " run");
  return exit_fine;
}

struct Arguments {
  std::string control;
  bool json = false;
  std::vector<std::string> rules;
  std::string add;
  std::string from;
  std::string remove;
  std::uint64_t count = 0;  // 0: no end
};

int list_rules(ControlClient& client, bool json) {
  const std::string line = client.ask(request("rules"));
  const Answer answer(line);
  if (!answer) return exit_failed;
  if (json) {
    fmt::print("{}\n", line);
    return exit_fine;
  }
  for (const auto element : elements(*answer, "rules")) {
    simdjson::dom::object rule;
    if (element.get(rule) != simdjson::SUCCESS) continue;
    const std::string emits = text_of(rule, "emits");
    const std::string doc = text_of(rule, "doc");
    fmt::print("{}{}{}\n", text_of(rule, "rule"), emits.empty() ? "" : " -> " + emits,
               doc.empty() ? "" : "  " + doc.substr(0, doc.find('\n')));
  }
  for (const auto name : elements(*answer, "added"))
    fmt::print("added: {}\n", name.get_string().value_unsafe());
  return exit_fine;
}

int change_rules(const Arguments& arguments) {
  ControlClient client(arguments.control);
  if (!arguments.add.empty()) {
    const std::string text = read_file(arguments.from.empty() ? "-" : arguments.from);
    Json json;
    json.object().field("command", "add").field("name", arguments.add).field("text", text).end_object();
    return tell_change(client.ask(json.text()));
  }
  if (!arguments.remove.empty()) {
    Json json;
    json.object().field("command", "remove").field("name", arguments.remove).end_object();
    return tell_change(client.ask(json.text()));
  }
  return list_rules(client, arguments.json);
}

int tap(const Arguments& arguments) {
  ControlClient client(arguments.control);
  Json json;
  json.object().field("command", "tap").key("rules").array();
  for (const std::string& rule : arguments.rules)
    json.value(rule);
  json.end_array().end_object();
  if (!Answer(client.ask(json.text()))) return exit_failed;
  std::string line;
  for (std::uint64_t shown = 0; (arguments.count == 0 || shown < arguments.count) && client.read_line(line);
       ++shown) {
    fmt::print("{}\n", line);
    if (std::fflush(stdout) != 0) return exit_fine;
  }
  return exit_fine;
}

Command add_simple(CLI::App& app, const char* name, const char* description, const char* footer,
                   int (*run)(const Arguments&), const std::shared_ptr<Arguments>& arguments) {
  CLI::App* command = app.add_subcommand(name, description);
  command->group("Commands for a running service");
  add_control_option(*command, arguments->control);
  command->footer(footer);
  return {command, [arguments, run] { return run(*arguments); }};
}

}  // namespace

Command add_reload(CLI::App& app) {
  return add_simple(
      app, "reload", "Have a service read its rule files again",
      "Rules that are the same keep their state. Where something is wrong nothing changes, and it is shown.\n"
      "\n"
      "Example:\n"
      "  tocsin reload --control /run/tocsin/control.sock",
      [](const Arguments& arguments) {
        ControlClient client(arguments.control);
        return tell_change(client.ask(request("reload")));
      },
      std::make_shared<Arguments>());
}

Command add_stop(CLI::App& app) {
  return add_simple(
      app, "stop", "Have a service drain and end",
      "Example:\n"
      "  tocsin stop --control /run/tocsin/control.sock",
      [](const Arguments& arguments) {
        ControlClient client(arguments.control);
        return static_cast<int>(Answer(client.ask(request("stop"))) ? exit_fine : exit_failed);
      },
      std::make_shared<Arguments>());
}

Command add_rules(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  Command command = add_simple(
      app, "rules", "List the rules of a service, add some or remove them",
      "What was added is gone when the service ends: put it into a file that it reads to keep it.\n"
      "\n"
      "Examples:\n"
      "  tocsin rules --control /run/tocsin/control.sock\n"
      "  tocsin rules --control /run/tocsin/control.sock --add probe --from probe.tocsin\n"
      "  tocsin rules --control /run/tocsin/control.sock --remove probe",
      change_rules, arguments);
  add_value(*command.app, "--add", "NAME", "Add the rules of --from, or of stdin, under a name",
            [arguments](const std::string& text) { arguments->add = text; });
  add_value(*command.app, "--from", "FILE", "The rules to add",
            [arguments](const std::string& text) { arguments->from = text; });
  add_value(*command.app, "--remove", "NAME", "Remove what was added under a name",
            [arguments](const std::string& text) { arguments->remove = text; });
  command.app->add_flag("--json", arguments->json, "The list as JSON");
  return command;
}

Command add_tap(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  Command command = add_simple(app, "tap", "Show the matches of a service as they come",
                               "Matches are NDJSON, one a line. Where this does not keep up some are left "
                               "out, and a line says how many.\n"
                               "\n"
                               "Example:\n"
                               "  tocsin tap card_testing --control /run/tocsin/control.sock",
                               tap, arguments);
  command.app->add_option("RULE", arguments->rules, "Rules; without any, all")->option_text("...");
  add_value(*command.app, "--count", "N", "End after so many matches",
            [arguments](const std::string& text) { arguments->count = parse_number(text, 1, UINT64_MAX); });
  return command;
}

}  // namespace tocsin::cli
