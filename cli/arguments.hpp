// Options of the command line. What their values may be is in service/values.hpp.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace tocsin::cli {

/// Adds an option that takes one value. `value` names it in the help; `take` gets what the user wrote, and
/// the BadValues that it throws get the option's name.
using Take = std::function<void(const std::string&)>;
CLI::Option* add_value(CLI::App& app, const std::string& names, const std::string& value,
                       const std::string& description, Take take);
/// The same, and it may be given several times.
CLI::Option* add_values(CLI::App& app, const std::string& names, const std::string& value,
                        const std::string& description, Take take);

}  // namespace tocsin::cli
