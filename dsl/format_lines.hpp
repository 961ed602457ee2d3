// The lines of a text under construction: where they end, what their width is, and how the comments behind
// them are aligned.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::dsl::layout {

/// Lines should be no longer than this, comments aside.
inline constexpr std::size_t line_width = 100;

/// In code points.
std::size_t width_of(std::string_view text);

class Lines {
 public:
  void begin(std::size_t indent) { lines_.push_back({std::string(indent, ' '), {}, indent}); }
  /// Adds to the last line.
  void add(std::string_view text);
  /// A comment behind the last line.
  void comment(std::string_view text) { lines_.back().comment = text; }

  std::size_t size() const { return lines_.size(); }
  /// Of the last line, without its comment; 0 where there is none.
  std::size_t column() const { return lines_.empty() ? 0 : lines_.back().width; }
  /// The last line has a comment: nothing may be added behind it.
  bool closed() const { return !lines_.empty() && !lines_.back().comment.empty(); }
  /// Puts an empty line before line `at`, unless one is there or it is the first.
  void blank_before(std::size_t at);
  /// The whole, with the comments of neighbouring lines in one column, but for lines that are too long.
  std::string take(std::string_view line_end);

 private:
  struct Line {
    std::string text;
    std::string_view comment;
    std::size_t width = 0;
  };
  std::vector<Line> lines_;
};

}  // namespace tocsin::dsl::layout
