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

#include "dsl/format_writer.hpp"
#include "dsl/parse.hpp"

namespace tocsin::dsl {
namespace layout {
namespace {

/// A name that is longer moves no others: it is out of the column.
constexpr std::size_t widest_name = 40;

bool is_edge(const Piece& piece) {
  return piece.role == Role::edge;
}
bool is_annotation(const Piece& piece) {
  return piece.token.is("@");
}
bool begins_statement(const Piece& piece) {
  return piece.keyword;
}

class Printer {
 public:
  explicit Printer(const std::vector<Piece>& pieces) : w_(pieces) {}

  std::string file(const ast::File& file, std::string_view line_end) {
    std::size_t begin = 0;
    bool tall = false;  // the declaration before stands on several lines
    for (const ast::Declaration& declaration : file.declarations) {
      const Span span = std::visit([](const auto& node) { return node.span; }, declaration);
      const std::size_t keyword = w_.at(begin, span.begin);
      const std::size_t end = w_.at(keyword, span.end);
      const std::size_t first_line = w_.lines().size();
      head(begin, keyword);
      const std::size_t keyword_line = w_.lines().size();
      body(keyword, end);
      const bool now_tall = w_.lines().size() > keyword_line;
      if (tall || now_tall) w_.lines().blank_before(first_line);
      tall = now_tall;
      begin = end;
    }
    w_.start(begin, 0);  // the comments at the end
    return w_.lines().take(line_end);
  }

 private:
  /// The annotations before a declaration's keyword, and the keyword.
  void head(std::size_t begin, std::size_t keyword) {
    for (std::size_t i = begin; i < keyword; i = w_.next(i)) {
      if (i == begin || (is_annotation(w_.piece(i)) && w_.piece(i).new_line)) {
        w_.start(i, 0);
      } else {
        w_.put(i, 4, 0);
      }
    }
    w_.start(keyword, 0, begin < keyword && w_.piece(keyword).comments.empty());
  }

  void body(std::size_t keyword, std::size_t end) {
    const std::size_t open = w_.find(keyword, end, [](const Piece& piece) { return piece.braces; });
    w_.segment(keyword + 1, open, 4, 0);
    if (open == end) return;
    const std::size_t close = w_.piece(open).partner;
    if (w_.token(keyword).is("rule")) {
      clauses(open, close);
    } else if (w_.token(keyword).is("test")) {
      statements(open, close);
    } else {
      fields(open, close);
    }
  }

  /// In the order of clause_words.
  void clauses(std::size_t open, std::size_t close) {
    w_.put_alone(open, 4);
    struct Clause {
      std::size_t begin, end, place;
    };
    std::vector<Clause> all;
    for (std::size_t i = open + 1; i < close; i = w_.next(i)) {
      if (!w_.piece(i).keyword) continue;
      const auto* const word = std::find(std::begin(clause_words), std::end(clause_words), w_.token(i).text);
      if (!all.empty()) all.back().end = i;
      all.push_back({i, close, static_cast<std::size_t>(word - std::begin(clause_words))});
    }
    std::sort(all.begin(), all.end(), [](const Clause& a, const Clause& b) { return a.place < b.place; });
    for (const Clause& clause : all) {
      w_.start(clause.begin, 2, &clause == &all.front());
      if (w_.token(clause.begin).is("match")) {
        match(clause.begin, clause.end);
      } else {
        w_.segment(clause.begin + 1, clause.end, 4, 2);
      }
    }
    end_body(open, close);
  }

  /// Of a body that is written a statement a line.
  void end_body(std::size_t open, std::size_t close) {
    const bool is_empty = close == open + 1;
    if (is_empty && !w_.has_comments(open, close + 1)) return w_.put(close, 0, 0);
    w_.start(close, 0, 2, is_empty);
  }

  /// `match` and its pattern: on the line, or the elements below each other with their types in a column.
  void match(std::size_t keyword, std::size_t end) {
    const std::size_t first = keyword + 1;
    const bool fits = w_.lines().column() + 2 + w_.width(first, end) <= line_width;
    const bool broken = !fits || w_.has_comments(keyword, end) || w_.author_breaks(first, end, Role::edge);
    if (!broken || w_.loosest(first, end) != Role::edge) {
      w_.put(first, 9, 2, false, 1);
      return w_.segment(w_.next(first), end, 6, 2);
    }
    std::size_t names = 0;
    for (std::size_t i = first; i < end; i = element_behind(w_.find(i, end, is_edge), end)) {
      if (const std::size_t name = name_width(i); name <= widest_name) names = std::max(names, name);
    }
    w_.put(first, 9, 9, false, 1);
    for (std::size_t i = first, edge = 0;; i = element_behind(edge, end)) {
      edge = w_.find(w_.next(i), end, is_edge);
      std::size_t rest = w_.next(i);
      if (const std::size_t name = name_width(i); name > 0) {
        w_.put(i + 1, 9, 9);
        w_.put(i + 2, 9, 9, false, std::max(names, name) - name);
        rest = w_.next(i + 2);
      }
      w_.segment(rest, edge, 11, 9);
      if (edge == end) return;
      w_.put(edge, 6, 6, true);
      const std::size_t element = element_behind(edge, end);
      if (element > edge + 1) w_.put(edge + 1, 9, 9);
      w_.put(element, 9, 9, false, w_.token(edge).is(",") ? 1 : 0);
    }
  }

  /// What an edge and its bound lead to.
  std::size_t element_behind(std::size_t edge, std::size_t end) const {
    if (edge == end) return end;
    return w_.token(edge + 1).is("[") ? w_.next(edge + 1) : edge + 1;
  }

  /// Of `name:`, or 0.
  std::size_t name_width(std::size_t i) const { return w_.token(i + 1).is(":") ? w_.width(i, i + 2) : 0; }

  /// A field a line, with types and annotations in columns; or all on one line, where the author has them so.
  void fields(std::size_t open, std::size_t close) {
    bool on_one_line = !w_.has_comments(open, close + 1) &&
                       w_.lines().column() + 3 + w_.width(open + 1, close + 1) <= line_width;
    for (std::size_t i = open + 1; i <= close; ++i)
      on_one_line &= !w_.piece(i).new_line;
    if (on_one_line) return w_.put(open, 4, 0);
    w_.put_alone(open, 4);
    struct Field {
      std::size_t begin, type, annotations, end;
    };
    std::vector<Field> all;
    for (std::size_t i = open + 1; i < close; i = w_.next(i)) {
      if (!w_.token(i + 1).is(":")) continue;
      if (!all.empty()) all.back().end = i;
      all.push_back({i, i + 2, close, close});
    }
    std::size_t names = 0, types = 0;
    for (Field& field : all) {
      field.annotations = w_.find(field.type, field.end, is_annotation);
      if (const std::size_t name = name_width(field.begin); name <= widest_name)
        names = std::max(names, name);
      const std::size_t type = w_.width(field.type, field.annotations);
      if (field.annotations < field.end && type <= widest_name) types = std::max(types, type);
    }
    for (const Field& field : all) {
      w_.start(field.begin, 2, &field == &all.front());
      w_.put(field.begin + 1, 6, 2);
      const std::size_t name = name_width(field.begin);
      const std::size_t type = w_.width(field.type, field.annotations);
      for (std::size_t i = field.type; i < field.end; i = w_.next(i)) {
        if (ends_field(i)) {
          if (!w_.piece(i).trailing.empty()) w_.lines().comment(w_.piece(i).trailing);
          continue;
        }
        const std::size_t padding = i == field.type          ? std::max(names, name) - name
                                    : i == field.annotations ? std::max(types, type) - type + 1
                                                             : 0;
        w_.put(i, 6, 2, false, padding);
      }
    }
    end_body(open, close);
  }

  /// A comma that says no more than the end of the line.
  bool ends_field(std::size_t i) const {
    const Piece& piece = w_.piece(i);
    return piece.role == Role::comma && piece.comments.empty() &&
           (piece.trailing.empty() || w_.piece(i - 1).trailing.empty());
  }

  /// A statement a line, with what follows a time at its start in a column.
  void statements(std::size_t open, std::size_t close) {
    w_.put_alone(open, 4);
    std::size_t column = 0;
    for (std::size_t i = open + 1; i < close; i = w_.find(w_.next(i), close, begins_statement)) {
      if (behind_times(i) == i + 1) column = std::max(column, w_.width(i, i + 1));
    }
    for (std::size_t i = open + 1, end = i; i < close; i = end) {
      end = w_.find(w_.next(i), close, begins_statement);
      w_.start(i, 2, i == open + 1);
      const std::size_t rest = behind_times(i);
      const std::size_t times = w_.width(i, rest);
      for (std::size_t k = i + 1; k < rest; ++k)
        w_.put(k, 6, 2);
      if (rest > i && rest < end) {
        w_.put(rest, 6, 2, false, w_.piece(rest).glued ? 0 : std::max(column, times) - times + 1);
      }
      w_.segment(rest < end ? w_.next(rest) : end, end, 6, 2);
    }
    end_body(open, close);
  }

  /// Behind `0s` or `0s..60s every 1s` at the start of a statement, or that itself.
  std::size_t behind_times(std::size_t i) const {
    const auto is_time = [&](std::size_t k) {
      return w_.token(k).kind == Token::Kind::duration || w_.token(k).kind == Token::Kind::time;
    };
    if (!is_time(i)) return i;
    if (w_.token(i + 1).is("..") && is_time(i + 2)) i += 2;
    if (w_.token(i + 1).is("every") && is_time(i + 2)) i += 2;
    return i + 1;
  }

  Writer w_;
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
