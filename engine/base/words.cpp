#include "engine/base/words.hpp"

#include <algorithm>
#include <cstddef>

namespace tocsin {

namespace {

// Optimal string alignment: insertions, deletions, replacements, and swaps of neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr std::size_t longest_name = 64;  // typing errors are made in short names; keeps this cheap
  if (name.size() > longest_name) return "";
  std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
  std::string best;
  for (const auto& candidate : candidates) {
    if (candidate.size() >= name.size() + best_distance || name.size() >= candidate.size() + best_distance)
      continue;
    const auto found = distance(name, candidate);
    const bool alike = found < std::max(name.size(), candidate.size());  // `x` is no misspelt `y`
    if (found < best_distance && alike) {
      best_distance = found;
      best = candidate;
    }
  }
  return best;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string result = "'";
  std::size_t size = std::min(text.size(), longest);
  if (size < text.size()) {
    while (size > 0 && (text[size] & 0xC0) == 0x80)
      --size;  // never within a UTF-8 sequence
  }
  for (const char c : text.substr(0, size))
    result += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  if (size < text.size()) result += "…";
  return result += '\'';
}

}  // namespace tocsin
