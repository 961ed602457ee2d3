// Runs of pieces on lines: what every declaration's layout is made of. A run goes on one line where it fits,
// holds no comment, and the author did not break it; else it is broken at what binds loosest, and the
// brackets in it likewise, each by itself.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "dsl/format_lines.hpp"
#include "dsl/format_pieces.hpp"

namespace tocsin::dsl::layout {

class Writer {
 public:
  explicit Writer(const std::vector<Piece>& pieces);

  // What the pieces are. Ranges [begin, end) are of indices, and lie within one bracket.

  const Piece& piece(std::size_t i) const { return pieces_[i]; }
  const Token& token(std::size_t i) const { return pieces_[i].token; }
  bool is_open(std::size_t i) const { return token(i).is("(") || token(i).is("[") || token(i).is("{"); }
  /// From an opening bracket to what follows the closing one, from any other piece to the one behind it.
  std::size_t next(std::size_t i) const { return is_open(i) ? pieces_[i].partner + 1 : i + 1; }
  /// The first outside of brackets that passes, or `end`.
  template <typename Test>
  std::size_t find(std::size_t begin, std::size_t end, Test test) const {
    while (begin < end && !test(pieces_[begin]))
      begin = next(begin);
    return std::min(begin, end);
  }
  /// The first from `from` on that does not begin before this byte.
  std::size_t at(std::size_t from, std::uint32_t byte) const;
  /// On one line.
  std::size_t width(std::size_t begin, std::size_t end) const;
  /// Between the first and the last.
  bool has_comments(std::size_t begin, std::size_t end) const;
  /// What the range is best broken at: what binds loosest.
  Role loosest(std::size_t begin, std::size_t end) const;
  /// The author began a line at an operator of this role, or behind one.
  bool author_breaks(std::size_t begin, std::size_t end, Role role) const;

  // Writing. `indent` is that of lines that must be begun; `block` that of the line on which the statement
  // began, for what stands in braces.

  Lines& lines() { return lines_; }
  /// A piece at the start of a line, with an empty line before it where the author has one, unless it is the
  /// first of its block. `comments` is the indentation of the comments before it.
  void start(std::size_t i, std::size_t indent, std::size_t comments, bool first);
  void start(std::size_t i, std::size_t indent, bool first = false) { start(i, indent, indent, first); }
  /// A piece on the line, `padding` further than usual, and what is in its brackets if it opens some. It
  /// begins a line if `new_line` or a comment ask for it.
  void put(std::size_t i, std::size_t indent, std::size_t block, bool new_line = false,
           std::size_t padding = 0);
  /// The same without what is in its brackets.
  void put_alone(std::size_t i, std::size_t indent, bool new_line = false, std::size_t padding = 0);
  /// Pieces on the line.
  void segment(std::size_t begin, std::size_t end, std::size_t indent, std::size_t block);

 private:
  void text(const Piece& piece);
  void flow(std::size_t begin, std::size_t end, std::size_t indent, std::size_t block, Role breaks);
  void brackets(std::size_t open, std::size_t block);
  void list(std::size_t open, std::size_t indent);

  const std::vector<Piece>& pieces_;
  std::vector<std::size_t> widths_{0};    // of all before each, with the spaces before them
  std::vector<std::size_t> comments_{0};  // how many before each
  Lines lines_;
};

}  // namespace tocsin::dsl::layout
