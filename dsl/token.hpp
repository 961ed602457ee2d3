// The words of rule text, on which the grammar works. A token is a view into the text; what it means (a
// number's value, an escaped text, a doc comment) is read only when the grammar asks. What can't be a token
// is one of the bad kinds: no grammar accepts it, so each is reported exactly where a declaration runs into
// it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/diagnostic.hpp"
#include "dsl/source.hpp"

namespace tocsin::dsl {

struct Token {
  enum class Kind : std::uint8_t {
    word,
    integer,
    floating,
    duration,
    time,
    text,
    symbol,
    end,  // after the last token of a file
    // Bad ones.
    bad_number,
    bad_time,
    open_text,      // "…  without its closing quote
    single_quotes,  // '…'
    bad_utf8,
    stray,     // a character that nothing begins with
    too_deep,  // the bracket or prefix operator that nests beyond the limit
  };
  Kind kind = Kind::end;
  bool line_start = false;  // the first of its line
  bool leads = false;       // a declaration may begin here: its keyword, or an annotation before one
  bool opens = false;       // a keyword that begins a declaration or clause at the start of a line: no name
  std::uint32_t line = 1;
  std::uint32_t gap = 0;  // bytes of space and comments before it
  Span span;
  std::string_view text;

  bool is(std::string_view word_or_symbol) const {
    return (kind == Kind::word || kind == Kind::symbol) && text == word_or_symbol;
  }
  bool bad() const { return kind > Kind::end; }
};

using Cursor = const Token*;

/// Brackets and prefix operators may nest this deep; a level costs some 10 kB of the parser's stack.
inline constexpr std::size_t max_nesting = 200;

inline constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

using Words = std::span<const std::string_view>;

/// Words that end or join expressions and so are never names. All other keywords are known by their place
/// alone: a field may be called `rule`, `from`, `within`, `event` or `match`.
inline constexpr std::string_view reserved_words[] = {"and", "or",   "not",     "in",   "like",  "matches",
                                                      "is",  "null", "between", "true", "false", "has"};
inline constexpr std::string_view declaration_words[] = {"event", "param", "import", "rule", "table", "test"};
/// In the order in which `tocsin fmt` writes them.
inline constexpr std::string_view clause_words[] = {"from",   "match",  "partition", "where",
                                                    "within", "window", "when",      "throttle",
                                                    "report", "after",  "emit",      "on"};

/// The words of file number `file`; they are views into its text. The last token is the end of the file.
/// Linear. Defined with the grammar.
std::vector<Token> tokens_of(const SourceMap& sources, std::uint32_t file);

bool one_of(std::string_view text, Words words);

/// A word that may stand for a thing: not reserved, and not the keyword that begins the next clause.
bool is_name(const Token& token);

/// Sets `leads` and `opens`, and makes the first token that nests too deep of each declaration a bad one.
/// Linear; `tokens` ends with its end token.
void mark(std::vector<Token>& tokens);

/// The doc comment (`///` lines, joined with \n) that stands right before a token on lines of its own.
std::string doc_before(const Token& token);

/// What is wrong with a bad token.
Diagnostic flaw(const Token& token);

/// "expected …, found …" with the likely fix. `declaration` is where the declaration began, for brackets
/// left open; linear in the tokens between.
Diagnostic unexpected(std::string_view expected, Cursor found, Cursor declaration);

}  // namespace tocsin::dsl
