// Rule text as `format` sees it: tokens, each with the comments around it, and what can be said of it without
// knowing where lines will end.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dsl/ast.hpp"
#include "dsl/token.hpp"

namespace tocsin::dsl::layout {

/// A comment on a line of its own.
struct Comment {
  std::string_view text;      // from its slashes, without the space at its end
  bool blank_before = false;  // an empty line stands before it
};

/// What a line may be broken at, from what binds tightest to what binds loosest.
enum class Role : std::uint8_t { other, both, either, edge, conjunction, disjunction, comma };

struct Piece {
  Token token;
  std::vector<Comment> comments;  // before it
  std::string_view trailing;      // the comment behind it on its line
  bool new_line = false;          // it is the first of its line
  bool blank_before = false;      // an empty line stands right before it, below its comments
  bool glued = false;             // no space between it and the piece before
  bool keeps_line = false;        // a line must not be joined here: a keyword would come about
  bool dropped = false;           // a comma before a closing bracket
  bool keyword = false;           // it begins a clause, a statement or, annotations aside, a declaration
  bool braces = false;            // '{' or '}' around declarations' or emits' parts, not a quantifier's
  Role role = Role::other;
  std::size_t partner = 0;  // of a bracket: the other one
};

/// At the start of a line such a word may begin a clause or declaration (Token::opens).
bool spelt_like_keyword(const Token& token);

/// The pieces of a file without syntax errors, `tokens` being its own. The last piece is the end of the file.
/// Linear.
std::vector<Piece> pieces_of(std::string_view text, const std::vector<Token>& tokens, const ast::File& file);

}  // namespace tocsin::dsl::layout
