// See format.hpp. The pieces of the text (format_pieces.hpp) are written line by line (format_lines.hpp),
// each declaration by its kind: a rule's clauses in order, an event's fields in columns, other bodies by the
// author's lines. Where lines end depends on the tokens, the comments and four things that the author chose,
// which the result shows again: a pattern or condition broken at an operator, a list in braces that begins on
// a new line, fields on one line, and empty lines. So the layout of a layout is the same.
//
// Line ends matter to the grammar: a word that is spelt like a keyword begins a clause at the start of a line
// (Token::opens), and `///` documents what follows only on a line of its own. So a comment on a line of its
// own stays so and one behind a token stays behind it, and no line is broken before such a word.
// Tested by tests/dsl/format_test.cpp.
#include "dsl/format.hpp"

#include <algorithm>

#include "dsl/format_lines.hpp"
#include "dsl/format_pieces.hpp"
#include "dsl/parse.hpp"

namespace tocsin::dsl {
namespace layout {
namespace {

bool is_open(const Piece& piece) {
  return piece.token.is("(") || piece.token.is("[") || piece.token.is("{");
}

bool is_count_or_time(const Token& token) {
  return token.kind == Token::Kind::duration || token.kind == Token::Kind::time ||
         token.kind == Token::Kind::integer;
}

class Printer {
 public:
  explicit Printer(const std::vector<Piece>& pieces) : pieces_(pieces) {
    widths_.reserve(pieces.size() + 1);
    comments_.reserve(pieces.size() + 1);
    for (const Piece& piece : pieces) {
      const std::size_t own = piece.dropped ? 0 : width_of(piece.token.text) + (piece.glued ? 0 : 1);
      widths_.push_back(widths_.back() + own);
      comments_.push_back(comments_.back() + piece.comments.size() + (piece.trailing.empty() ? 0 : 1));
    }
  }

  std::string file(const ast::File& file, std::string_view line_end) {
    std::size_t begin = 0;
    bool tall = false;  // the declaration before stands on several lines
    for (const ast::Declaration& declaration : file.declarations) {
      const Span span = std::visit([](const auto& node) { return node.span; }, declaration);
      const std::size_t keyword = at(begin, span.begin);
      const std::size_t end = at(keyword, span.end);
      const std::size_t first_line = lines_.size();
      const std::size_t before_keyword = head(begin, keyword);
      if (const auto* rule = std::get_if<ast::RuleDecl>(&declaration)) {
        clauses(*rule, keyword, end);
      } else {
        body(keyword, end);
      }
      const bool now_tall = lines_.size() > before_keyword + 1;
      if (tall || now_tall) lines_.blank_before(first_line);
      tall = now_tall;
      begin = end;
    }
    start(begin, 0);  // the comments at the end
    return lines_.take(line_end);
  }

 private:
  /// The first piece from `from` on that does not begin before this byte.
  std::size_t at(std::size_t from, std::uint32_t byte) const {
    const auto first = pieces_.begin() + static_cast<std::ptrdiff_t>(from);
    const auto found = std::partition_point(
        first, pieces_.end(), [&](const Piece& piece) { return piece.token.span.begin < byte; });
    return static_cast<std::size_t>(found - pieces_.begin());
  }

  /// Of pieces [begin, end) on one line.
  std::size_t width(std::size_t begin, std::size_t end) const {
    return begin >= end ? 0 : widths_[end] - widths_[begin] - (pieces_[begin].glued ? 0 : 1);
  }
  /// A comment stands between the pieces [begin, end).
  bool has_comments(std::size_t begin, std::size_t end) const {
    if (begin >= end) return false;
    const std::size_t outside = pieces_[begin].comments.size() + (pieces_[end - 1].trailing.empty() ? 0 : 1);
    return comments_[end] - comments_[begin] > outside;
  }
  /// From an opening bracket, or any other piece, to the one that follows in the same brackets.
  std::size_t next(std::size_t i) const { return is_open(pieces_[i]) ? pieces_[i].partner + 1 : i + 1; }

  template <typename Test>
  std::size_t find(std::size_t begin, std::size_t end, Test test) const {
    while (begin < end && !test(pieces_[begin]))
      begin = next(begin);
    return std::min(begin, end);
  }

  // Single pieces.

  /// A piece at the start of a line, with what stands before it. `comment_indent` is that of its comments.
  void start(std::size_t i, std::size_t indent, bool first = false) { start(i, indent, indent, first); }
  void start(std::size_t i, std::size_t indent, std::size_t comment_indent, bool first) {
    const Piece& piece = pieces_[i];
    for (const Comment& comment : piece.comments) {
      lines_.begin(comment_indent);
      lines_.add(comment.text);
      if (comment.blank_before && !first) lines_.blank_before(lines_.size() - 1);
      first = false;
    }
    if (piece.token.kind == Token::Kind::end) return;
    lines_.begin(indent);
    text(piece);
    if (piece.blank_before && !first && !piece.token.is("}")) lines_.blank_before(lines_.size() - 1);
  }

  void text(const Piece& piece) {
    if (!piece.dropped) lines_.add(piece.token.text);
    if (!piece.trailing.empty()) lines_.comment(piece.trailing);
  }

  /// A piece on the line, `padding` further than usual, or on a new one where a comment or `new_line` ask for
  /// it.
  void put(std::size_t i, std::size_t indent, bool new_line = false, std::size_t padding = 0) {
    const Piece& piece = pieces_[i];
    if (piece.dropped) return text(piece);
    if (new_line || lines_.closed() || piece.keeps_line || !piece.comments.empty()) {
      for (const Comment& comment : piece.comments) {
        lines_.begin(indent);
        lines_.add(comment.text);
      }
      lines_.begin(indent);
    } else {
      lines_.add(std::string(padding + (piece.glued ? 0 : 1), ' '));
    }
    text(piece);
  }

  // Runs of pieces.

  /// What a line of [begin, end) is best broken at: what binds loosest.
  Role loosest(std::size_t begin, std::size_t end) const {
    Role found = Role::other;
    for (std::size_t i = begin; i < end; i = next(i))
      found = std::max(found, pieces_[i].role);
    return found;
  }

  /// The author broke a line at one of these.
  bool author_breaks(std::size_t begin, std::size_t end, Role role) const {
    for (std::size_t i = begin; i + 1 < end; i = next(i)) {
      if (pieces_[i].role == role && role != Role::other && role != Role::comma &&
          (pieces_[i].new_line || pieces_[i + 1].new_line))
        return true;
    }
    return false;
  }

  /// Pieces on the line under way, broken before each operator of the role, or behind commas where the next
  /// item does not fit.
  void flow(std::size_t begin, std::size_t end, std::size_t indent, std::size_t block_indent, Role breaks) {
    for (std::size_t i = begin; i < end; i = next(i)) {
      bool new_line =
          i > begin && breaks != Role::comma && breaks != Role::other && pieces_[i].role == breaks;
      if (i > begin && breaks == Role::comma && pieces_[i - 1].role == Role::comma &&
          !spelt_like_keyword(pieces_[i].token)) {
        const std::size_t item = find(i, end, [](const Piece& piece) { return piece.role == Role::comma; });
        new_line = lines_.column() + 1 + width(i, item) + 1 > line_width;
      }
      put(i, indent, new_line);
      if (is_open(pieces_[i])) brackets(i, block_indent);
    }
  }

  /// Pieces on the line under way, which is broken where it must be.
  void segment(std::size_t begin, std::size_t end, std::size_t indent, std::size_t block_indent) {
    if (begin >= end) return;
    const Role role = loosest(begin, end);
    const bool fits = lines_.column() + 1 + width(begin, end) <= line_width;
    const bool broken = !fits || has_comments(begin, end) || author_breaks(begin, end, role);
    flow(begin, end, indent, block_indent, broken ? role : Role::other);
  }

  /// What stands behind an opening bracket that is written, and the closing one.
  void brackets(std::size_t open, std::size_t block_indent) {
    const std::size_t close = pieces_[open].partner;
    if (pieces_[open].braces) return list(open, block_indent);
    std::size_t tail = close + 1;
    while (tail < pieces_.size() && pieces_[tail].glued &&
           (!is_open(pieces_[tail]) || pieces_[tail].token.is("{")))
      tail = next(tail);
    const std::size_t indent = lines_.column();
    const bool fits = indent + width(open + 1, tail) <= line_width;
    const bool broken = !fits || has_comments(open, close + 1);
    flow(open + 1, close, indent, block_indent, broken ? loosest(open + 1, close) : Role::other);
    put(close, indent);
  }

  /// A list in braces, on the line or an item a line.
  void list(std::size_t open, std::size_t indent) {
    const std::size_t close = pieces_[open].partner;
    const bool fits = lines_.column() + width(open + 1, close + 1) + 1 <= line_width;
    const bool broken = close > open + 1 && (!fits || pieces_[open + 1].new_line);
    if (!broken && !has_comments(open, close + 1)) {
      flow(open + 1, close, indent, indent, Role::other);
      return put(close, indent);
    }
    for (std::size_t begin = open + 1; begin < close;) {
      const std::size_t comma =
          find(begin, close, [](const Piece& piece) { return piece.role == Role::comma; });
      start(begin, indent + 2, begin == open + 1);
      if (begin != comma) segment_behind(begin, comma, indent + 2);
      if (comma < close && begin != comma) put(comma, indent + 4);
      begin = comma + 1;
      if (begin >= close && !lines_.ends_with(',')) lines_.add(",");
    }
    start(close, indent, indent + 2, false);
  }

  /// The rest of an item or clause whose first piece begins a line.
  void segment_behind(std::size_t first, std::size_t end, std::size_t indent) {
    if (is_open(pieces_[first])) brackets(first, indent);
    segment(next(first), end, indent + 4, indent);
  }

  // Declarations.

  /// The annotations before a declaration's keyword, and the keyword. Returns the number of lines before it.
  std::size_t head(std::size_t begin, std::size_t keyword) {
    for (std::size_t i = begin; i < keyword; i = next(i)) {
      if (i == begin || (pieces_[i].token.is("@") && pieces_[i].new_line)) {
        start(i, 0);
      } else {
        put(i, 4);
        if (is_open(pieces_[i])) brackets(i, 0);
      }
    }
    start(keyword, 0, begin < keyword && pieces_[keyword].comments.empty());
    return lines_.size() - 1;
  }

  /// The brace that begins the body of a declaration, or `end`.
  std::size_t body_of(std::size_t keyword, std::size_t end) const {
    return find(keyword, end, [](const Piece& piece) { return piece.braces; });
  }

  void body(std::size_t keyword, std::size_t end) {
    const std::size_t open = body_of(keyword, end);
    segment(keyword + 1, open, 4, 0);
    if (open == end) return;
    put(open, 4);
    const std::size_t close = pieces_[open].partner;
    if (pieces_[keyword].token.is("test")) {
      statements(open, close);
    } else {
      fields(open, close);
    }
    if (close + 1 < end) segment(close + 1, end, 4, 0);
  }

  void clauses(const ast::RuleDecl& rule, std::size_t keyword, std::size_t end) {
    const std::size_t open = body_of(keyword, end);
    const std::size_t close = pieces_[open].partner;
    segment(keyword + 1, open, 4, 0);
    put(open, 4);
    struct Range {
      std::size_t begin, end, place;
    };
    std::vector<Range> ranges;
    for (const Span& clause : rule.clauses) {
      const std::size_t begin = at(open, clause.begin);
      const auto word =
          std::find(std::begin(clause_words), std::end(clause_words), pieces_[begin].token.text);
      if (!ranges.empty()) ranges.back().end = begin;
      ranges.push_back({begin, close, static_cast<std::size_t>(word - std::begin(clause_words))});
    }
    std::stable_sort(ranges.begin(), ranges.end(),
                     [](const Range& a, const Range& b) { return a.place < b.place; });
    for (const Range& range : ranges) {
      start(range.begin, 2, &range == &ranges.front());
      if (pieces_[range.begin].token.is("match")) {
        pattern(range.begin, range.end);
      } else {
        segment(range.begin + 1, range.end, 4, 2);
      }
    }
    if (ranges.empty() && !has_comments(open, close + 1)) return put(close, 0);
    start(close, 0, 2, ranges.empty());
  }

  /// `match`, and the elements below each other where one line is not enough, their names in a column.
  void pattern(std::size_t keyword, std::size_t end) {
    const std::size_t begin = keyword + 1;
    const bool fits = lines_.column() + 2 + width(begin, end) <= line_width;
    const bool broken = has_comments(keyword, end) || author_breaks(begin, end, Role::edge) || !fits;
    if (!broken || loosest(begin, end) != Role::edge) {
      put(begin, 9, false, 1);
      if (is_open(pieces_[begin])) brackets(begin, 2);
      return segment(next(begin), end, 6, 2);
    }
    const auto is_edge = [](const Piece& piece) { return piece.role == Role::edge; };
    const auto named = [&](std::size_t i) { return i + 1 < end && pieces_[i + 1].token.is(":"); };
    const auto behind_edge = [&](std::size_t i) {  // and its bound
      return pieces_[i + 1].token.is("[") ? pieces_[i + 1].partner + 1 : i + 1;
    };
    std::size_t column = named(begin) ? width(begin, begin + 2) : 0;
    for (std::size_t i = find(begin, end, is_edge); i < end; i = find(i + 1, end, is_edge)) {
      const std::size_t element = behind_edge(i);
      if (named(element)) column = std::max(column, width(element, element + 2));
    }
    put(begin, 9, false, 1);
    for (std::size_t i = begin;;) {
      if (is_open(pieces_[i])) brackets(i, 9);
      std::size_t rest = next(i);
      const std::size_t after = find(rest, end, is_edge);
      if (named(i)) {
        put(i + 1, 9);
        rest = i + 2;
        if (rest < after) put(rest, 9, false, column - width(i, i + 2));
        if (rest < after && is_open(pieces_[rest])) brackets(rest, 9);
        rest = rest < after ? next(rest) : rest;
      }
      segment(rest, after, 11, 9);
      if (after == end) return;
      put(after, 6, true);
      i = behind_edge(after);
      if (i > after + 1) {
        put(after + 1, 9);
        brackets(after + 1, 9);
      }
      put(i, 9, false, pieces_[after].token.is(",") ? 1 : 0);
    }
  }

  /// A field a line, with types and annotations in columns; or all on one line, where the author has them so.
  void fields(std::size_t open, std::size_t close) {
    bool on_one_line =
        !has_comments(open, close + 1) && lines_.column() + 1 + width(open + 1, close + 1) <= line_width;
    for (std::size_t i = open + 1; i <= close; ++i)
      on_one_line &= !pieces_[i].new_line;
    if (on_one_line) {
      flow(open + 1, close, 0, 0, Role::other);
      return put(close, 0);
    }
    struct Field {
      std::size_t begin, type, annotations, end;
    };
    std::vector<Field> all;
    std::size_t names = 0, types = 0;
    for (std::size_t i = open + 1; i < close; i = next(i)) {
      if (!pieces_[i + 1].token.is(":")) continue;
      if (!all.empty()) all.back().end = i;
      all.push_back({i, std::min(i + 2, close), close, close});
    }
    for (Field& field : all) {
      field.annotations = find(field.type, field.end, [](const Piece& piece) { return piece.token.is("@"); });
      names = std::max(names, width(field.begin, field.type));
      if (field.annotations < field.end) types = std::max(types, width(field.type, field.annotations));
    }
    for (const Field& field : all) {
      start(field.begin, 2, &field == &all.front());
      put(field.begin + 1, 6);
      for (std::size_t i = field.type; i < field.end; i = next(i)) {
        if (is_lone_comma(i)) {
          if (!pieces_[i].trailing.empty()) lines_.comment(pieces_[i].trailing);
          continue;
        }
        const std::size_t padding = i == field.type ? names - width(field.begin, field.type)
                                    : i == field.annotations
                                        ? types - width(field.type, field.annotations) + 1
                                        : 0;
        put(i, 6, false, padding);
        if (is_open(pieces_[i])) brackets(i, 2);
      }
    }
    start(close, 0, 2, all.empty());
  }

  /// A comma that says no more than the end of the line.
  bool is_lone_comma(std::size_t i) const {
    return pieces_[i].role == Role::comma && pieces_[i].comments.empty() &&
           (pieces_[i].trailing.empty() || pieces_[i - 1].trailing.empty());
  }

  /// The author's lines, with what follows the times at their start in a column.
  void statements(std::size_t open, std::size_t close) {
    const auto behind_time = [&](std::size_t i) {
      if (!is_count_or_time(pieces_[i].token)) return i;
      while (i < close && (is_count_or_time(pieces_[i].token) || pieces_[i].token.is("..") ||
                           pieces_[i].token.is("every")))
        ++i;
      return i;
    };
    const auto line_end = [&](std::size_t i) {
      return find(next(i), close, [](const Piece& piece) { return piece.new_line; });
    };
    std::size_t column = 0;
    for (std::size_t i = open + 1; i < close; i = line_end(i))
      column = std::max(column, width(i, behind_time(i)));
    for (std::size_t i = open + 1, end = i; i < close; i = end) {
      end = line_end(i);
      start(i, 2, i == open + 1);
      std::size_t rest = behind_time(i);
      for (std::size_t k = i + 1; k < rest; ++k)
        put(k, 6);
      if (rest > i && rest < end) {
        put(rest, 6, false, column - width(i, rest) + 1);
        if (is_open(pieces_[rest])) brackets(rest, 2);
        rest = next(rest);
      } else if (rest == i) {
        rest = i + 1;
      }
      segment(rest, end, 6, 2);
    }
    if (close == open + 1 && !has_comments(open, close + 1)) return put(close, 0);
    start(close, 0, 2, close == open + 1);
  }

  const std::vector<Piece>& pieces_;
  std::vector<std::size_t> widths_{0};    // of the pieces before each, with the spaces before them
  std::vector<std::size_t> comments_{0};  // how many before each
  Lines lines_;
};

}  // namespace
}  // namespace layout

Formatted format(const SourceMap& sources, std::uint32_t file) {
  Parsed parsed = parse(sources, file);
  if (has_errors(parsed.diagnostics)) return {{}, std::move(parsed.diagnostics)};
  const std::string& text = sources.files[file].text;
  const std::vector<layout::Piece> pieces = layout::pieces_of(text, tokens_of(sources, file), parsed.file);
  const std::size_t first_end = text.find('\n');
  const bool carriage = first_end != std::string::npos && first_end > 0 && text[first_end - 1] == '\r';
  Formatted formatted;
  formatted.text = layout::Printer(pieces).file(parsed.file, carriage ? "\r\n" : "\n");

  // What the layout must never do is change what is said.
  SourceMap again;
  again.files.push_back({sources.files[file].name, formatted.text});
  const Parsed result = parse(again, 0);
  if (has_errors(result.diagnostics) || ast::dump(result.file) != ast::dump(parsed.file)) {
    return {{},
            {{Severity::error,
              {file, 0, 0},
              "the layout of this file would change its meaning, so it is left as it is",
              "this is a bug of the formatter"}}};
  }
  return formatted;
}

}  // namespace tocsin::dsl
