// Values as people write them, in the configuration file, the environment and the command line alike: each
// parser takes the text and throws BadValue with a sentence that says what was expected.
#pragma once

#include <cstdint>
#include <fmt/format.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::service {

/// A value that can't be taken; what() is a sentence without its full stop, and without the setting's name.
class BadValue : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A whole number from `least` to `most`; `_` may separate digits.
std::uint64_t parse_number(const std::string& text, std::uint64_t least, std::uint64_t most);

/// A duration as rule files write it, not negative, also with a fraction: `500us`, `1m30s`, `3.2s`, `0`.
/// In nanoseconds.
std::int64_t parse_duration(const std::string& text);

/// Bytes: `4096`, `64KiB`, `8MiB`, `1GiB`, from `least` to `most`.
std::uint64_t parse_size(const std::string& text, std::uint64_t least, std::uint64_t most);

/// `true` or `false`.
bool parse_bool(const std::string& text);

/// `name=value`.
std::pair<std::string, std::string> parse_assignment(const std::string& text);

/// `a,b,c`, or with another separator; no part may be empty.
std::vector<std::string> parse_list(const std::string& text, char separator = ',');

/// Bytes in the largest unit that leaves no rest: 8388608 → `8MiB`. parse_size reads it.
std::string show_size(std::uint64_t bytes);

/// One of a few words and what it stands for.
template <typename T>
struct Choice {
  std::string_view name;
  T value;
};

/// The value of the word `text`. `choices` is any range of Choice.
template <typename Choices>
auto choose_of(const std::string& text, const Choices& choices) {
  std::string names;
  for (const auto& choice : choices) {
    if (choice.name == text) return choice.value;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", choice.name);
  }
  throw BadValue(fmt::format("'{}' is none of {}", text, names));
}

template <typename T, std::size_t count>
T choose(const std::string& text, const Choice<T> (&choices)[count]) {
  return choose_of(text, choices);
}

}  // namespace tocsin::service
