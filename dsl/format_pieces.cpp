// See format_pieces.hpp. One walk over the tokens tells operators from signs, quantifiers and prefixes that
// are spelt alike: after an operand comes an operator or a keyword, else an operand. What it can't tell (a
// name that is spelt like a keyword, in a place where either may stand) costs a space, never the meaning.
// That the spaces are those of ast::print is tested by tests/dsl/format_test.cpp over random ASTs.
#include "dsl/format_pieces.hpp"

#include <algorithm>

namespace tocsin::dsl::layout {
namespace {

constexpr std::string_view constants[] = {"true", "false", "null"};
std::string_view trimmed(std::string_view line) {
  const std::size_t begin = std::min(line.find_first_not_of(" \t\r"), line.size());
  return line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin);
}

/// Shares out the comments between two pieces; `before` is none at the start of the file.
void read_gap(std::string_view gap, Piece* before, Piece& after) {
  bool own_line = before == nullptr;
  bool blank = false;
  for (std::size_t begin = 0; begin <= gap.size();) {
    const std::size_t end = std::min(gap.find('\n', begin), gap.size());
    const std::string_view line = trimmed(gap.substr(begin, end - begin));
    if (!line.empty() && !own_line) {
      before->trailing = line;
    } else if (!line.empty()) {
      after.comments.push_back({line, blank});
      blank = false;
    } else if (own_line && end < gap.size()) {
      blank = true;
    }
    own_line = true;
    begin = end + 1;
  }
  after.blank_before = blank;
}

class Walk {
 public:
  explicit Walk(std::vector<Piece>& pieces) : pieces_(pieces) {}

  void all() {
    frames_.push_back({0, Mode::expression});
    for (at_ = 0; at_ < pieces_.size(); ++at_) {
      piece().glued = at_ > 0 && glued();
      take();
    }
  }

 private:
  enum class Mode : std::uint8_t { pattern, expression, quantifier };
  /// The inside of a bracket.
  struct Frame {
    std::size_t open = 0;
    Mode mode = Mode::expression;
    bool bound = false;        // of an edge: `->[5s]`
    bool in_pattern = false;   // a pattern goes on behind the duration that is read as an expression
    std::size_t betweens = 0;  // that wait for their `and`
  };
  /// What the piece before was.
  enum class Before : std::uint8_t { nothing, operand, name, keyword, prefix };

  Piece& piece() { return pieces_[at_]; }
  const Token& token() { return piece().token; }
  Frame& frame() { return frames_.back(); }
  bool after_operand() const { return before_ == Before::operand || before_ == Before::name; }
  bool in_pattern() { return frame().mode == Mode::pattern || frame().in_pattern; }

  /// A pattern's sign of repetition: no operator can stand there.
  bool repeats() { return frame().mode == Mode::pattern && (token().is("+") || token().is("*")); }
  bool opens_quantifier() {
    return token().is("{") && frame().mode == Mode::pattern &&
           pieces_[at_ + 1].token.kind == Token::Kind::integer;
  }

  bool glued() {
    const Piece& previous = pieces_[at_ - 1];
    const Token& last = previous.token;
    const Token& now = token();
    if (now.kind == Token::Kind::end) return true;
    if (last.is("{") && now.is("}")) return true;
    if (last.is("(") || last.is("[") || last.is(".") || last.is("@")) return true;
    if (last.is("{")) return !previous.braces;
    if (last.is("..")) return now.kind != Token::Kind::word;
    if (before_ == Before::prefix) return !now.is("-");
    if (now.is(")") || now.is("]") || now.is(".") || now.is("..") || now.is(":") || now.is("?") ||
        now.is("~"))
      return true;
    if (now.is("}")) return !pieces_[frame().open].braces;
    if (now.is(",")) return true;
    if (now.is("(")) return before_ == Before::name;
    if (now.is("[")) return after_operand() || previous.role == Role::edge;
    return repeats() || opens_quantifier();
  }

  void take() {
    const Token& now = token();
    if (now.kind == Token::Kind::word) return take_word();
    if (now.kind != Token::Kind::symbol) {
      before_ = Before::operand;
      return;
    }
    if (now.is("(") || now.is("[") || now.is("{")) return open();
    if (now.is(")") || now.is("]") || now.is("}")) return close();
    if (now.is("?") || repeats()) {
      before_ = Before::operand;
      return;
    }
    if (now.is("~")) return;
    if (now.is("->") || now.is("~>") || now.is("|") || now.is("&") || now.is(",")) {
      const bool edge = in_pattern();
      if (edge) frame().mode = Mode::pattern;
      piece().role = now.is("|") ? Role::either : now.is("&") ? Role::both : edge ? Role::edge : Role::comma;
    }
    before_ = now.is("-") && !after_operand() ? Before::prefix : Before::nothing;
  }

  void take_word() {
    const std::string_view text = token().text;
    if (piece().keyword) {
      frame().mode = text == "match" ? Mode::pattern : Mode::expression;
      frame().in_pattern = false;
      frame().betweens = 0;
      before_ = Before::keyword;
    } else if (one_of(text, constants)) {
      before_ = Before::operand;
    } else if (one_of(text, reserved_words)) {
      if (text == "between") ++frame().betweens;
      if (text == "or") piece().role = Role::disjunction;
      if (text == "and" && frame().betweens == 0) piece().role = Role::conjunction;
      if (text == "and" && frame().betweens > 0) --frame().betweens;
      before_ = Before::keyword;
    } else if (frame().mode == Mode::quantifier || after_operand() || is_window_word()) {
      before_ = Before::keyword;
      if (frame().mode == Mode::quantifier && text == "gap") frame().mode = Mode::expression;
      if (frame().mode == Mode::pattern && (text == "for" || text == "within")) {
        frame().mode = Mode::expression;
        frame().in_pattern = true;
      }
    } else {
      before_ = Before::name;
    }
  }

  /// `window sliding …`, `window session gap …`.
  bool is_window_word() const {
    if (before_ != Before::keyword) return false;
    const Piece& previous = pieces_[at_ - 1];
    return previous.keyword ? previous.token.is("window") : previous.token.is("session");
  }

  void open() {
    Frame inner{at_, Mode::expression};
    inner.bound = token().is("[") && at_ > 0 && pieces_[at_ - 1].role == Role::edge;
    if (token().is("(")) inner.mode = frame().mode;
    if (opens_quantifier()) inner.mode = Mode::quantifier;
    piece().braces = token().is("{") && inner.mode != Mode::quantifier;
    frames_.push_back(inner);
    before_ = Before::nothing;
  }

  void close() {
    const Frame inner = frame();
    if (frames_.size() > 1) frames_.pop_back();
    piece().partner = inner.open;
    piece().braces = pieces_[inner.open].braces;
    pieces_[inner.open].partner = at_;
    before_ = inner.bound ? Before::nothing : Before::operand;
    Piece& last = pieces_[at_ - 1];
    // Unless the comma's place is needed between two comments.
    last.dropped = last.role == Role::comma && last.comments.empty() &&
                   (last.trailing.empty() || pieces_[at_ - 2].trailing.empty());
  }

  std::vector<Piece>& pieces_;
  std::vector<Frame> frames_;
  std::size_t at_ = 0;
  Before before_ = Before::nothing;
};

/// A comment that was written behind the operator at a line's end goes with what stands before the operator,
/// which will begin the next line; one before a comma goes behind it.
void settle_comments(std::vector<Piece>& pieces) {
  for (std::size_t i = 1; i + 1 < pieces.size(); ++i) {
    Piece& before = pieces[i - 1];
    Piece& piece = pieces[i];
    if (piece.role == Role::other || !piece.comments.empty()) continue;
    const bool is_comma = piece.role == Role::comma;
    if (is_comma && spelt_like_keyword(pieces[i + 1].token)) continue;  // which would begin a line
    if (is_comma ? piece.trailing.empty() : before.trailing.empty())
      std::swap(before.trailing, piece.trailing);
  }
}

}  // namespace

bool spelt_like_keyword(const Token& token) {
  return token.kind == Token::Kind::word &&
         (one_of(token.text, clause_words) || one_of(token.text, declaration_words));
}

std::vector<Piece> pieces_of(std::string_view text, const std::vector<Token>& tokens, const ast::File& file) {
  std::vector<Piece> pieces(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    Piece& piece = pieces[i];
    piece.token = tokens[i];
    piece.new_line = tokens[i].line_start;
    std::string_view gap = text.substr(tokens[i].span.begin - tokens[i].gap, tokens[i].gap);
    if (i == 0 && gap.starts_with(byte_order_mark)) gap.remove_prefix(byte_order_mark.size());
    read_gap(gap, i > 0 ? &pieces[i - 1] : nullptr, piece);
  }
  const auto piece_at = [&](std::uint32_t begin) {
    return std::partition_point(pieces.begin(), pieces.end(),
                                [&](const Piece& piece) { return piece.token.span.begin < begin; });
  };
  for (const ast::Declaration& declaration : file.declarations) {
    const auto mark = [&](const auto& node) {
      piece_at(node.span.begin)->keyword = true;
      if constexpr (requires { node.clauses; }) {  // of a rule
        for (const Span& clause : node.clauses)
          piece_at(clause.begin)->keyword = true;
      }
      if constexpr (requires { node.statements; }) {  // of a test
        for (const auto& statement : node.statements)
          piece_at(statement.span.begin)->keyword = true;
      }
    };
    std::visit(mark, declaration);
  }
  Walk(pieces).all();
  settle_comments(pieces);
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    const bool stays_first =
        !pieces[i].comments.empty() || pieces[i].keeps_line || (i > 0 && !pieces[i - 1].trailing.empty());
    pieces[i + 1].keeps_line = stays_first && spelt_like_keyword(tokens[i]) && !pieces[i].keyword &&
                               !tokens[i].opens && tokens[i + 1].line_start;
  }
  return pieces;
}

}  // namespace tocsin::dsl::layout
