// What differs between two texts, for people and for patch(1).
#pragma once

#include <string>
#include <string_view>

namespace tocsin::cli {

/// A unified diff with three lines of context, without its two lines of file names; empty where the texts are
/// equal. The fewest lines that say it, where they are at most about a thousand. Time and memory grow with
/// the square of that number at most, else linearly.
std::string line_diff(std::string_view before, std::string_view after);

}  // namespace tocsin::cli
