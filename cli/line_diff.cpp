// See line_diff.hpp. The shortest edit script by E. W. Myers (An O(ND) difference algorithm, 1986): of all
// ways to go through both texts with D edits only the furthest on each diagonal k = x - y is kept.
#include "cli/line_diff.hpp"

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>
#include <optional>
#include <vector>

namespace tocsin::cli {
namespace {

constexpr std::ptrdiff_t max_edits = 1000;
constexpr std::size_t context = 3;

using LinesOf = std::vector<std::string_view>;

/// With their line ends.
LinesOf split(std::string_view text) {
  LinesOf lines;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return lines;
}

/// ' ', '-' or '+' for each line of the two texts, in order; nothing where there are too many edits.
std::optional<std::string> shortest(const LinesOf& a, const LinesOf& b) {
  const auto n = static_cast<std::ptrdiff_t>(a.size());
  const auto m = static_cast<std::ptrdiff_t>(b.size());
  const std::ptrdiff_t limit = std::min(n + m, max_edits);
  std::vector<std::ptrdiff_t> furthest(static_cast<std::size_t>(2 * limit + 3), 0);  // x on each diagonal
  const auto at = [&](std::ptrdiff_t k) -> std::ptrdiff_t& {
    return furthest[static_cast<std::size_t>(k + limit + 1)];
  };
  std::vector<std::vector<std::ptrdiff_t>> trace;  // `furthest` before each number of edits, from -d-1 to d+1
  const auto down = [](const auto& x, std::ptrdiff_t k, std::ptrdiff_t d) {
    return k == -d || (k != d && x(k - 1) < x(k + 1));
  };
  for (std::ptrdiff_t d = 0; d <= limit; ++d) {
    trace.emplace_back(&at(-d - 1), &at(d + 1) + 1);
    for (std::ptrdiff_t k = -d; k <= d; k += 2) {
      std::ptrdiff_t x = down(at, k, d) ? at(k + 1) : at(k - 1) + 1;
      while (x < n && x - k < m && a[static_cast<std::size_t>(x)] == b[static_cast<std::size_t>(x - k)])
        ++x;
      at(k) = x;
      if (x < n || x - k < m) continue;
      // Back from the end, an edit and the equal lines behind it at a time.
      std::string script;
      for (std::ptrdiff_t y = x - k; d >= 0; --d) {
        const auto& row = trace[static_cast<std::size_t>(d)];
        const auto before = [&](std::ptrdiff_t of) { return row[static_cast<std::size_t>(of + d + 1)]; };
        const std::ptrdiff_t diagonal = x - y;
        const bool insert = down(before, diagonal, d);
        const std::ptrdiff_t from = d == 0 ? 0 : insert ? before(diagonal + 1) : before(diagonal - 1);
        const std::ptrdiff_t start = d == 0 ? 0 : insert ? from : from + 1;
        script.append(static_cast<std::size_t>(x - start), ' ');
        if (d > 0) script += insert ? '+' : '-';
        x = from;
        y = d == 0 ? 0 : from - (insert ? diagonal + 1 : diagonal - 1);
      }
      std::reverse(script.begin(), script.end());
      return script;
    }
  }
  return std::nullopt;
}

void add_line(std::string& out, char sign, std::string_view line) {
  out += sign;
  out += line;
  if (!line.ends_with('\n')) out += "\n\\ No newline at end of file\n";
}

/// `12,3`, as a unified diff counts: an empty range stands behind the line before it.
std::string range(std::size_t begin, std::size_t count) {
  const std::size_t first = begin + (count > 0 ? 1 : 0);
  return count == 1 ? fmt::format("{}", first) : fmt::format("{},{}", first, count);
}

}  // namespace

std::string line_diff(std::string_view before, std::string_view after) {
  if (before == after) return {};
  const LinesOf a = split(before), b = split(after);
  const std::string script = shortest(a, b).value_or(std::string(a.size(), '-') + std::string(b.size(), '+'));
  std::string out;
  std::size_t x = 0, y = 0;  // lines before script[at]
  for (std::size_t at = 0; at < script.size();) {
    const std::size_t edit = script.find_first_not_of(' ', at);
    if (edit == std::string::npos) break;
    const std::size_t begin = std::max(at, edit - std::min(edit, context));
    x += begin - at;
    y += begin - at;
    // The hunk ends where no edit follows within twice the context.
    std::size_t end = edit;
    for (std::size_t next = edit; next != std::string::npos && next <= end + 2 * context;
         next = script.find_first_not_of(' ', end))
      end = next + 1;
    end = std::min(script.size(), end + context);
    const std::string_view hunk(script.data() + begin, end - begin);
    const auto inserted = static_cast<std::size_t>(std::count(hunk.begin(), hunk.end(), '+'));
    const auto deleted = static_cast<std::size_t>(std::count(hunk.begin(), hunk.end(), '-'));
    out += fmt::format("@@ -{} +{} @@\n", range(x, hunk.size() - inserted), range(y, hunk.size() - deleted));
    for (const char sign : hunk) {
      add_line(out, sign, sign == '+' ? b[y] : a[x]);
      x += sign != '+';
      y += sign != '-';
    }
    at = end;
  }
  return out;
}

}  // namespace tocsin::cli
