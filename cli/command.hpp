// A subcommand: what CLI11 knows of it, and what it does. One file each; main.cpp joins them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <stdexcept>
#include <string>

namespace tocsin::cli {

/// Exit codes: 0 fine, 1 findings or failures (rule errors, input that can't be read), 2 wrong usage.
enum Exit : int { exit_fine = 0, exit_failed = 1, exit_usage = 2 };

/// Wrong use of the command line; what() is a sentence without its full stop. Exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;  // called after parsing; returns the exit code, may throw UsageError
};

/// Each adds its subcommand with its options to `app`.
Command add_bench(CLI::App& app);
Command add_check(CLI::App& app);
Command add_config(CLI::App& app);
Command add_explain(CLI::App& app);
Command add_fmt(CLI::App& app);
Command add_reload(CLI::App& app);
Command add_rules(CLI::App& app);
Command add_run(CLI::App& app);
Command add_stop(CLI::App& app);
Command add_tap(CLI::App& app);
Command add_test(CLI::App& app);
Command add_top(CLI::App& app);

}  // namespace tocsin::cli
