// `tocsin fmt`: rule files in their canonical layout, or whether they are.
#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <system_error>
#include <unistd.h>

#include "cli/command.hpp"
#include "cli/line_diff.hpp"
#include "cli/replace_file.hpp"
#include "dsl/format.hpp"
#include "service/text.hpp"

namespace tocsin::cli {
using namespace service;
namespace {

/// `--check` shows no more of a file's differences.
constexpr std::size_t shown_lines = 20;

struct Arguments {
  std::vector<std::string> paths;
  bool check = false;
  bool diff = false;
};

void print_diff(const std::string& name, const std::string& before, const std::string& after,
                std::size_t limit) {
  const std::string diff = line_diff(before, after);
  std::size_t end = 0;
  while (limit > 0 && end < diff.size()) {
    end = diff.find('\n', end) + 1;
    --limit;
  }
  fmt::print("--- {}\n+++ {} (formatted)\n{}", name, name, diff.substr(0, end));
  const auto left = static_cast<std::uint64_t>(
      std::count(diff.begin() + static_cast<std::ptrdiff_t>(end), diff.end(), '\n'));
  if (left > 0) fmt::print("… and {}; --diff shows them\n", count_of(left, "more line"));
}

enum class Outcome : std::uint8_t { same, different, failed };

Outcome format_file(const Arguments& arguments, const std::string& path) {
  const bool is_stdin = path == "-";
  dsl::SourceMap sources;
  sources.files.push_back({is_stdin ? "<stdin>" : path, read_file(path)});
  const dsl::SourceFile& file = sources.files[0];
  const dsl::Formatted formatted = dsl::format(sources, 0);
  if (dsl::has_errors(formatted.diagnostics)) {
    fmt::print(stderr, "{}", dsl::render(formatted.diagnostics, sources, stderr_has_color()));
    return Outcome::failed;
  }
  const bool same = formatted.text == file.text;
  if (arguments.check || arguments.diff) {
    if (!same)
      print_diff(file.name, file.text, formatted.text,
                 arguments.diff ? file.text.size() + formatted.text.size() : shown_lines);
  } else if (is_stdin) {
    fmt::print("{}", formatted.text);
  } else if (!same) {
    replace_file(path, formatted.text);
    fmt::print("{}\n", path);
  }
  return same ? Outcome::same : Outcome::different;
}

int format(const Arguments& arguments) {
  std::vector<std::string> paths = arguments.paths;
  if (paths.empty()) {
    if (isatty(STDIN_FILENO) == 1) throw UsageError("no rule file is given, and none comes from stdin");
    paths.emplace_back("-");
  }
  std::uint64_t different = 0, failed = 0;
  for (const std::string& path : paths) {
    Outcome outcome = Outcome::failed;
    try {
      outcome = format_file(arguments, path);
    } catch (const std::system_error& error) {
      say(error.what());
    }
    different += outcome == Outcome::different ? 1 : 0;
    failed += outcome == Outcome::failed ? 1 : 0;
  }
  const bool only_looks = arguments.check || arguments.diff;
  if (only_looks && different > 0) {
    fmt::print(stderr, "{} of {} would be formatted\n", different, count_of(paths.size(), "file"));
  }
  return failed > 0 || (only_looks && different > 0) ? exit_failed : exit_fine;
}

}  // namespace

Command add_fmt(CLI::App& app) {
  CLI::App* command = app.add_subcommand("fmt", "Lay out rule files in place");
  command->group("Commands");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("RULES", arguments->paths, "Rule files, formatted in place; - or none: stdin to stdout")
      ->option_text("...");
  command->add_flag("--check", arguments->check,
                    "Change nothing, show where files are laid out differently, and fail if any is");
  command->add_flag("--diff", arguments->diff, "The same with all that differs, as a unified diff");
  command->footer(
      "Prints the names of the files that it changes. Comments stay; a file with syntax errors is left as it "
      "is.\n"
      "\n"
      "Examples:\n"
      "  tocsin fmt rules/*.tocsin\n"
      "  tocsin fmt --check rules/*.tocsin\n"
      "  tocsin fmt < draft.tocsin > fraud.tocsin\n"
      "\n"
      "Exit code 1 where a file has errors or can't be written, or with --check or --diff would change; else "
      "0.");
  return {command, [arguments] { return format(*arguments); }};
}

}  // namespace tocsin::cli
