// See format_writer.hpp.
#include "dsl/format_writer.hpp"

namespace tocsin::dsl::layout {
namespace {

/// Lines in brackets are indented to the bracket, but no further than this.
constexpr std::size_t furthest_indent = 60;

bool is_comma(const Piece& piece) {
  return piece.role == Role::comma;
}

}  // namespace

Writer::Writer(const std::vector<Piece>& pieces) : pieces_(pieces) {
  widths_.reserve(pieces.size() + 1);
  comments_.reserve(pieces.size() + 1);
  for (const Piece& each : pieces) {
    const std::size_t own = each.dropped ? 0 : width_of(each.token.text) + (each.glued ? 0 : 1);
    widths_.push_back(widths_.back() + own);
    comments_.push_back(comments_.back() + each.comments.size() + (each.trailing.empty() ? 0 : 1));
  }
}

std::size_t Writer::at(std::size_t from, std::uint32_t byte) const {
  const auto first = pieces_.begin() + static_cast<std::ptrdiff_t>(from);
  const auto found = std::partition_point(first, pieces_.end(),
                                          [&](const Piece& each) { return each.token.span.begin < byte; });
  return static_cast<std::size_t>(found - pieces_.begin());
}

std::size_t Writer::width(std::size_t begin, std::size_t end) const {
  return begin >= end ? 0 : widths_[end] - widths_[begin] - (pieces_[begin].glued ? 0 : 1);
}

bool Writer::has_comments(std::size_t begin, std::size_t end) const {
  if (begin >= end) return false;
  const std::size_t outside = pieces_[begin].comments.size() + (pieces_[end - 1].trailing.empty() ? 0 : 1);
  return comments_[end] - comments_[begin] > outside;
}

Role Writer::loosest(std::size_t begin, std::size_t end) const {
  Role found = Role::other;
  for (std::size_t i = begin; i < end; i = next(i)) {
    if (!pieces_[i].dropped) found = std::max(found, pieces_[i].role);
  }
  return found;
}

bool Writer::author_breaks(std::size_t begin, std::size_t end, Role role) const {
  if (role == Role::other || role == Role::comma) return false;
  for (std::size_t i = begin; i + 1 < end; i = next(i)) {
    if (pieces_[i].role == role && (pieces_[i].new_line || pieces_[i + 1].new_line)) return true;
  }
  return false;
}

void Writer::start(std::size_t i, std::size_t indent, std::size_t comments, bool first) {
  const Piece& now = pieces_[i];
  for (const Comment& comment : now.comments) {
    lines_.begin(comments);
    lines_.add(comment.text);
    if (comment.blank_before && !first) lines_.blank_before(lines_.size() - 1);
    first = false;
  }
  if (now.token.kind == Token::Kind::end) return;
  lines_.begin(indent);
  text(now);
  if (now.blank_before && !first && !now.token.is("}")) lines_.blank_before(lines_.size() - 1);
  if (is_open(i)) brackets(i, indent);
}

void Writer::put(std::size_t i, std::size_t indent, std::size_t block, bool new_line, std::size_t padding) {
  put_alone(i, indent, new_line, padding);
  if (is_open(i)) brackets(i, block);
}

void Writer::put_alone(std::size_t i, std::size_t indent, bool new_line, std::size_t padding) {
  const Piece& now = pieces_[i];
  if (now.dropped) return text(now);
  if (new_line || lines_.closed() || now.keeps_line || !now.comments.empty()) {
    for (const Comment& comment : now.comments) {
      lines_.begin(indent);
      lines_.add(comment.text);
    }
    lines_.begin(indent);
  } else {
    lines_.add(std::string(padding + (now.glued ? 0 : 1), ' '));
  }
  text(now);
}

void Writer::text(const Piece& now) {
  if (!now.dropped) lines_.add(now.token.text);
  if (!now.trailing.empty()) lines_.comment(now.trailing);
}

void Writer::segment(std::size_t begin, std::size_t end, std::size_t indent, std::size_t block) {
  if (begin >= end) return;
  const Role role = loosest(begin, end);
  const bool fits = lines_.column() + 1 + width(begin, end) <= line_width;
  const bool broken = !fits || has_comments(begin, end) || author_breaks(begin, end, role);
  flow(begin, end, indent, block, broken ? role : Role::other);
}

/// Pieces on the line, broken before each operator of the role, or behind commas where the next item does not
/// fit.
void Writer::flow(std::size_t begin, std::size_t end, std::size_t indent, std::size_t block, Role breaks) {
  for (std::size_t i = begin; i < end; i = next(i)) {
    bool new_line = false;
    if (i > begin && breaks == Role::comma) {
      if (is_comma(pieces_[i - 1]) && !spelt_like_keyword(token(i))) {
        const std::size_t with_comma = width(i, find(i, end, is_comma)) + 1;
        new_line = lines_.column() + 1 + with_comma > line_width;
      }
    } else if (i > begin && breaks != Role::other) {
      new_line = pieces_[i].role == breaks;
    }
    put(i, indent, block, new_line);
  }
}

/// What stands behind an opening bracket, and the closing one.
void Writer::brackets(std::size_t open, std::size_t block) {
  if (pieces_[open].braces) return list(open, block);
  const std::size_t close = pieces_[open].partner;
  // What is glued to the closing bracket must fit too: a quantifier, a comma, more closing brackets.
  std::size_t tail = close + 1;
  while (tail < pieces_.size() && pieces_[tail].glued && (!is_open(tail) || token(tail).is("{")))
    tail = next(tail);
  const std::size_t indent = std::min(lines_.column(), furthest_indent);
  const bool fits = lines_.column() + width(open + 1, tail) <= line_width;
  const bool broken = !fits || has_comments(open, close + 1);
  flow(open + 1, close, indent, block, broken ? loosest(open + 1, close) : Role::other);
  put(close, indent, block);
}

/// A list in braces: on the line, or an item a line with a comma behind each. Items in braces of their own
/// need no commas.
void Writer::list(std::size_t open, std::size_t indent) {
  const std::size_t close = pieces_[open].partner;
  const bool fits = lines_.column() + 1 + width(open + 1, close + 1) <= line_width;
  const bool broken = close > open + 1 && (!fits || pieces_[open + 1].new_line);
  if (!broken && !has_comments(open, close + 1)) {
    flow(open + 1, close, indent, indent, Role::other);
    return put(close, indent, indent);
  }
  for (std::size_t i = open + 1; i < close;) {
    const bool in_braces = token(i).is("{");
    start(i, indent + 2, i == open + 1);
    if (!is_comma(pieces_[i])) {
      const std::size_t end = in_braces ? next(i) : find(i, close, is_comma);
      segment(next(i), end, indent + 6, indent + 2);
      i = end;
      if (i == close || !is_comma(pieces_[i])) {
        if (i == close && !in_braces) lines_.add(",");
        continue;
      }
      put(i, indent + 6, indent + 2);
      if (pieces_[i].dropped && !in_braces) lines_.add(",");
    }
    ++i;
  }
  start(close, indent, indent + 2, false);
}

}  // namespace tocsin::dsl::layout
