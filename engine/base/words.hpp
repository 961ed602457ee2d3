// Words of users, in sentences to them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

/// The candidate nearest to `name` (optimal string alignment distance, at most a third of its length and at
/// least 1), or empty.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

/// Input text as it may stand in a sentence: in quotes, shortened, control characters as `?`.
std::string in_quotes(std::string_view text);

}  // namespace tocsin
