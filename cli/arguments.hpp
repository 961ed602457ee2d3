// Values on the command line: each parser takes the text that the user wrote and throws UsageError with a
// sentence that says what was expected.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <fmt/format.h>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command.hpp"

namespace tocsin::cli {

/// A whole number from `least` to `most`; `_` may separate digits.
std::uint64_t parse_number(const std::string& text, std::uint64_t least, std::uint64_t most);

/// A duration as rule files write it, not negative, also with a fraction: `500us`, `1m30s`, `3.2s`, `0`.
/// In nanoseconds.
std::int64_t parse_duration(const std::string& text);

/// `name=value`.
std::pair<std::string, std::string> parse_assignment(const std::string& text);

/// `a,b,c`; no part may be empty.
std::vector<std::string> parse_list(const std::string& text);

/// One of a few words and what it stands for.
template <typename T>
struct Choice {
  std::string_view name;
  T value;
};

/// The value of the word `text`.
template <typename T, std::size_t count>
T choose(const std::string& text, const Choice<T> (&choices)[count]) {
  std::string names;
  for (const Choice<T>& choice : choices) {
    if (choice.name == text) return choice.value;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", choice.name);
  }
  throw UsageError(fmt::format("'{}' is none of {}", text, names));
}

/// Adds an option that takes one value. `value` names it in the help; `take` gets what the user wrote, and
/// the UsageErrors that it throws get the option's name.
using Take = std::function<void(const std::string&)>;
CLI::Option* add_value(CLI::App& app, const std::string& names, const std::string& value,
                       const std::string& description, Take take);
/// The same, and it may be given several times.
CLI::Option* add_values(CLI::App& app, const std::string& names, const std::string& value,
                        const std::string& description, Take take);

}  // namespace tocsin::cli
