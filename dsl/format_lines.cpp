// See format_lines.hpp.
#include "dsl/format_lines.hpp"

#include <algorithm>

namespace tocsin::dsl::layout {

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

void Lines::add(std::string_view text) {
  lines_.back().text += text;
  lines_.back().width += width_of(text);
}

void Lines::blank_before(std::size_t at) {
  const auto place = lines_.begin() + static_cast<std::ptrdiff_t>(at);
  if (at > 0 && !place[-1].text.empty() && !place->text.empty()) lines_.insert(place, Line{});
}

std::string Lines::take(std::string_view line_end) {
  std::string out;
  for (std::size_t begin = 0; begin < lines_.size();) {
    std::size_t end = begin;
    std::size_t column = 0;
    for (; end < lines_.size() && !lines_[end].comment.empty(); ++end) {
      if (lines_[end].width <= line_width) column = std::max(column, lines_[end].width + 2);
    }
    for (; begin < end; ++begin) {
      const Line& line = lines_[begin];
      const std::size_t space = std::max(column, line.width + 2) - line.width;
      out.append(line.text).append(space, ' ').append(line.comment).append(line_end);
    }
    if (begin < lines_.size()) out.append(lines_[begin++].text).append(line_end);
  }
  lines_.clear();
  return out;
}

}  // namespace tocsin::dsl::layout
