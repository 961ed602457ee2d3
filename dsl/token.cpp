// What can be said of tokens without a grammar: where declarations begin, how deep brackets nest, and the
// words for what is wrong. Tested by tests/dsl/parse_error_test.cpp.
#include "dsl/token.hpp"

#include <algorithm>
#include <cstdio>

#include "dsl/literal.hpp"
#include "engine/base/words.hpp"

namespace tocsin::dsl {
namespace {

constexpr std::string_view binary_words[] = {"and", "or", "in", "like", "matches", "between", "is", "has"};
constexpr std::string_view operator_words[] = {"and", "or",      "not", "in",     "like",
                                               "is",  "matches", "has", "between"};

/// What people write after a number when they mean a duration.
constexpr std::string_view unit_words[] = {"ns",      "us",   "ms",     "s",       "m",   "h",
                                           "d",       "sec",  "second", "seconds", "min", "minute",
                                           "minutes", "hour", "hours",  "day",     "days"};

/// `next` follows `keyword` as in a declaration or clause, not as in a use of a name that is spelt alike. The
/// one bracket that may follow is `(` for a clause; `{` is that of a declaration whose name was forgotten.
bool keyword_goes_on(const Token& keyword, const Token& next, std::string_view bracket) {
  if (next.line != keyword.line) return false;
  switch (next.kind) {
    case Token::Kind::word: return !one_of(next.text, binary_words);
    case Token::Kind::symbol: return next.text == bracket;
    case Token::Kind::end: return false;
    default: return true;
  }
}

bool begins(const std::vector<Token>& tokens, std::size_t at, Words keywords, std::string_view bracket) {
  return tokens[at].kind == Token::Kind::word && tokens[at].line_start && one_of(tokens[at].text, keywords) &&
         keyword_goes_on(tokens[at], tokens[at + 1], bracket);
}

void mark_starts(std::vector<Token>& tokens) {
  std::size_t close = tokens.size() - 1;  // the nearest ')' to the right, or the end
  for (std::size_t at = tokens.size() - 1; at-- > 0;) {
    Token& token = tokens[at];
    if (token.is(")")) close = at;
    token.leads = begins(tokens, at, declaration_words, "{");
    token.opens = token.leads || begins(tokens, at, clause_words, "(");
    if (token.is("@") && tokens[at + 1].kind == Token::Kind::word) {
      const bool values = tokens[at + 2].is("(");
      const std::size_t after = values ? close + 1 : at + 2;
      token.leads = after < tokens.size() && tokens[after].leads;
    }
  }
}

/// In a test, `param name = …` and `table name {` are statements, and begin no declaration.
void unmark_statements(std::vector<Token>& tokens) {
  bool in_test = false;
  std::size_t depth = 0;
  for (std::size_t at = 0; at + 2 < tokens.size(); ++at) {
    Token& token = tokens[at];
    if (token.leads) {
      const bool is_statement =
          (token.is("param") && tokens[at + 2].is("=")) || (token.is("table") && tokens[at + 2].is("{"));
      if (in_test && is_statement) {
        token.leads = token.opens = false;
      } else {
        in_test = token.is("test");
        depth = 0;
      }
    }
    if (token.is("{")) ++depth;
    if (token.is("}") && depth > 0 && --depth == 0) in_test = false;
  }
}

/// The parser recurses at brackets and at prefix operators; a level is a bracket with the prefix operators
/// before it, or one such operator.
void mark_depth(std::vector<Token>& tokens) {
  std::vector<std::size_t> levels;
  std::size_t depth = 0, prefixes = 0;
  bool too_deep = false;
  for (Token& token : tokens) {
    if (token.leads && !token.is("@")) {
      levels.clear();
      depth = prefixes = 0;
      too_deep = false;
    }
    if (token.is("-") || token.is("not")) {
      ++prefixes;
    } else if (token.is("(") || token.is("[") || token.is("{")) {
      levels.push_back(prefixes + 1);
      depth += prefixes + 1;
      prefixes = 0;
    } else {
      prefixes = 0;
      if ((token.is(")") || token.is("]") || token.is("}")) && !levels.empty()) {
        depth -= levels.back();
        levels.pop_back();
      }
    }
    if (!too_deep && depth + prefixes > max_nesting) {
      too_deep = true;
      token.kind = Token::Kind::too_deep;
    }
  }
}

std::string shown(std::string_view text) {
  constexpr std::size_t limit = 40;
  if (text.size() <= limit) return std::string(text);
  std::size_t length = limit;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
    --length;
  return std::string(text.substr(0, length)) + "…";
}

std::string name_of(const Token& token) {
  switch (token.kind) {
    case Token::Kind::end: return "the end of the file";
    case Token::Kind::text: return shown(token.text);
    default: return "'" + shown(token.text) + "'";
  }
}

/// The innermost bracket that is open before `found`, or null.
Cursor open_bracket(Cursor declaration, Cursor found) {
  std::vector<Cursor> open;
  for (Cursor token = declaration; token < found; ++token) {
    if (token->is("(") || token->is("[") || token->is("{")) open.push_back(token);
    if ((token->is(")") || token->is("]") || token->is("}")) && !open.empty()) open.pop_back();
  }
  return open.empty() ? nullptr : open.back();
}

/// What a misspelt word may have been meant as where `expected` was expected.
std::string meant(std::string_view expected, std::string_view word) {
  std::vector<std::string> candidates;
  const auto add = [&](std::string_view label, Words words) {
    if (expected.find(label) != std::string_view::npos)
      candidates.insert(candidates.end(), words.begin(), words.end());
  };
  add("clause", clause_words);
  add("declaration", declaration_words);
  add("operator", operator_words);
  for (std::size_t begin = 0; (begin = expected.find('\'', begin)) != std::string_view::npos;) {
    const std::size_t end = expected.find('\'', begin + 1);
    if (end == std::string_view::npos) break;
    candidates.emplace_back(expected.substr(begin + 1, end - begin - 1));
    begin = end + 1;
  }
  std::string lower(word);
  for (char& c : lower)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (lower != word && std::find(candidates.begin(), candidates.end(), lower) != candidates.end())
    return lower;
  return nearest(word, candidates);
}

std::string hint_for(std::string_view expected, Cursor found, Cursor declaration) {
  if (found->kind == Token::Kind::end || found->leads) {
    if (const Cursor open = open_bracket(declaration, found)) {
      return "the '" + std::string(open->text) + "' of line " + std::to_string(open->line) + " is not closed";
    }
    return {};
  }
  if (found->is(";")) return "nothing ends with ';' here: leave it out";
  if (found->is("=") && found[1].is(">")) return "steps that follow each other are joined with '->'";
  if (found->is("}") && expected.find("declaration") != std::string_view::npos)
    return "is this '}' one too many?";
  if (found->is("||") && expected.find("'|'") != std::string_view::npos)
    return "alternatives are joined with '|'";
  if (found->is("&&") && expected.find("'&'") != std::string_view::npos)
    return "elements in any order are joined with '&'";
  if (found->kind != Token::Kind::word) return {};
  if (expected.find("name") != std::string_view::npos && one_of(found->text, reserved_words)) {
    return "'" + std::string(found->text) + "' is an operator or a value: choose another name";
  }
  if (found->is("events") && expected.find("'within'") != std::string_view::npos)
    return "the bound of a group is a time, as in within 10s";
  if (found > declaration && found[-1].kind == Token::Kind::integer && one_of(found->text, unit_words))
    return "a unit stands right after its number: 5m, 30s, 1h30m";
  const std::string word = meant(expected, found->text);
  if (!word.empty()) return "did you mean '" + word + "'?";
  if (expected.starts_with("'->'") && is_name(*found)) return "a step with a name is written name: Type";
  return {};
}

}  // namespace

bool one_of(std::string_view text, Words words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_name(const Token& token) {
  return token.kind == Token::Kind::word && !token.opens && !one_of(token.text, reserved_words);
}

void mark(std::vector<Token>& tokens) {
  mark_starts(tokens);
  unmark_statements(tokens);
  mark_depth(tokens);
}

std::string doc_before(const Token& token) {
  std::string_view gap(token.text.data() - token.gap, token.gap);
  std::string doc;
  bool any = false;
  // The first line of the gap is the rest of the line before, but at the start of the file.
  bool own_line = token.span.begin == token.gap;
  if (gap.starts_with(byte_order_mark)) gap.remove_prefix(byte_order_mark.size());
  for (std::size_t begin = 0; begin < gap.size();) {
    const std::size_t end = std::min(gap.find('\n', begin), gap.size());
    std::string_view line = gap.substr(begin, end - begin);
    begin = end + 1;
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (own_line && line.starts_with("///") && !line.starts_with("////")) {
      line.remove_prefix(3);
      if (line.starts_with(' ')) line.remove_prefix(1);
      if (any) doc += '\n';
      doc += line.substr(0, line.find_last_not_of(" \t\r") + 1);
      any = true;
    }
    own_line = true;
  }
  return doc;
}

Diagnostic flaw(const Token& token) {
  const auto error = [&](std::string message, std::string hint = {}) {
    return Diagnostic{Severity::error, token.span, std::move(message), std::move(hint)};
  };
  switch (token.kind) {
    case Token::Kind::bad_number:
      return error("'" + shown(token.text) + "' is neither a number nor a duration",
                   "write 10_000, 1.5e3, or a duration in whole numbers: 500us, 10ms, 1h30m");
    case Token::Kind::bad_time:
      return error("'" + shown(token.text) + "' is not a time",
                   "write a date, @2026-01-31, or a time with its zone, @2026-01-31T12:00:00Z");
    case Token::Kind::open_text: return error("the text is not closed on its line", "add the closing '\"'");
    case Token::Kind::single_quotes:
      return error("text stands in double quotes",
                   "write \"" + shown(token.text.substr(1, token.text.size() - 2)) + "\"");
    case Token::Kind::bad_utf8: return error("the file is not valid UTF-8 here");
    case Token::Kind::too_deep:
      return error("brackets and prefix operators nest deeper than " + std::to_string(max_nesting));
    default: break;
  }
  const auto byte = static_cast<unsigned char>(token.text[0]);
  if (byte >= 0x20 && byte != 0x7F) return error("unexpected character '" + std::string(token.text) + "'");
  char code[8];
  std::snprintf(code, sizeof code, "0x%02x", byte);
  return error("unexpected control character " + std::string(code));
}

Diagnostic unexpected(std::string_view expected, Cursor found, Cursor declaration) {
  if (found->bad()) return flaw(*found);
  return {Severity::error, found->span, "expected " + std::string(expected) + ", found " + name_of(*found),
          hint_for(expected, found, declaration)};
}

}  // namespace tocsin::dsl
