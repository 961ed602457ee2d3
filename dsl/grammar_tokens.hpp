// What the X3 grammar is made of: parsers of one token, and the small semantic actions that fill the AST.
// Included by grammar.cpp alone.
#pragma once

#include <boost/spirit/home/x3.hpp>
#include <optional>
#include <utility>

#include "dsl/ast.hpp"
#include "dsl/token.hpp"

namespace tocsin::dsl::grammar {

namespace x3 = boost::spirit::x3;

/// A syntax error with words of its own. It travels as X3's expectation failures do: the declaration under
/// way is given up and `on_error` resynchronises.
struct SyntaxError : x3::expectation_failure<Cursor> {
  SyntaxError(Cursor where, Diagnostic said)
      : x3::expectation_failure<Cursor>(where, said.message), diagnostic(std::move(said)) {}
  SyntaxError(Cursor where, std::string message, std::string hint = {})
      : SyntaxError(where, Diagnostic{Severity::error, where->span, std::move(message), std::move(hint)}) {}
  Diagnostic diagnostic;
};

/// One token: of a kind and with the text or one of the words given, or one that passes a test. `label` is
/// what the user reads.
struct TokenParser : x3::parser<TokenParser> {
  using attribute_type = Cursor;
  static constexpr bool has_attribute = true;

  enum class Mode : std::uint8_t { take, look, list };
  Token::Kind kind;
  std::string_view text;  // empty: any
  Words words;            // empty: any
  bool (*test)(const Token&) = nullptr;
  Mode mode = Mode::take;
  const char* label = "";  // empty: the text, in quotes

  TokenParser(Token::Kind of_kind, std::string_view of_text, Words of_words, const char* for_users)
      : kind(of_kind), text(of_text), words(of_words), label(for_users) {}

  template <typename Context, typename RuleContext, typename Attribute>
  bool parse(Cursor& first, Cursor const&, Context const&, RuleContext const&, Attribute& attribute) const {
    if (!accepts(*first)) return false;
    x3::traits::move_to(Cursor(first), attribute);
    if (mode == Mode::take || (mode == Mode::list && first->is(","))) ++first;
    return true;
  }

  bool accepts(const Token& token) const {
    // Nothing that holds a bad token is a sentence, so there is no need to try the alternatives.
    if (token.bad()) throw SyntaxError(&token, flaw(token));
    if (mode == Mode::list && token.is(",")) return true;
    if (test) return test(token);
    return token.kind == kind && (text.empty() || token.text == text) &&
           (words.empty() || one_of(token.text, words));
  }
};

/// A keyword, known by its place.
inline TokenParser word(std::string_view text, const char* label = "") {
  return {Token::Kind::word, text, {}, label};
}
inline TokenParser word_of(Words words, const char* label = "") {
  return {Token::Kind::word, {}, words, label};
}
inline TokenParser symbol(std::string_view text, const char* label = "") {
  return {Token::Kind::symbol, text, {}, label};
}
inline TokenParser symbol_of(Words words, const char* label = "") {
  return {Token::Kind::symbol, {}, words, label};
}
inline TokenParser literal(Token::Kind kind, const char* label = "") {
  return {kind, {}, {}, label};
}
inline TokenParser token_if(bool (*test)(const Token&), const char* label = "") {
  TokenParser parser = literal(Token::Kind::word, label);
  parser.test = test;
  return parser;
}
inline TokenParser name(const char* label = "") {
  return token_if(is_name, label);
}
/// The same without taking the token.
inline TokenParser look(TokenParser parser) {
  parser.mode = TokenParser::Mode::look;
  return parser;
}
/// Between the items of a list: takes a comma, or sees that the list is at its end.
inline TokenParser comma_or(std::string_view close, const char* label) {
  TokenParser parser = symbol(close, label);
  parser.mode = TokenParser::Mode::list;
  return parser;
}

/// A condition on the next token (and those after it) that takes nothing.
struct SightParser : x3::parser<SightParser> {
  using attribute_type = x3::unused_type;
  static constexpr bool has_attribute = false;
  bool (*holds)(Cursor) = nullptr;
  const char* label = "";

  template <typename Context, typename RuleContext, typename Attribute>
  bool parse(Cursor& first, Cursor const&, Context const&, RuleContext const&, Attribute&) const {
    return holds(first);
  }
};
inline SightParser sight(bool (*holds)(Cursor), const char* label = "") {
  SightParser parser;
  parser.holds = holds;
  parser.label = label;
  return parser;
}

/// The doc comment before the next token.
struct DocParser : x3::parser<DocParser> {
  using attribute_type = std::string;
  static constexpr bool has_attribute = true;

  template <typename Context, typename RuleContext>
  bool parse(Cursor& first, Cursor const&, Context const&, RuleContext const&, std::string& doc) const {
    doc = doc_before(*first);
    return true;
  }
};
const DocParser doc;

// Actions. An action runs at once and is not taken back, so one stands only where what it belongs to is sure.

inline ast::Name to_name(Cursor token) {
  return {std::string(token->text), token->span};
}
inline Span cover(Span first, Span last) {
  return {first.file, first.begin, last.end};
}

template <typename Context>
Cursor last_token(const Context& context) {
  return x3::_where(context).begin() - 1;
}

/// The attribute becomes the member; tokens become names.
template <typename Class, typename Member>
auto set(Member Class::*member) {
  return [member](auto& context) {
    if constexpr (std::is_same_v<std::decay_t<decltype(x3::_attr(context))>, Cursor>) {
      x3::_val(context).*member = to_name(x3::_attr(context));
    } else {
      x3::_val(context).*member = std::move(x3::_attr(context));
    }
  };
}

template <typename Class, typename Member>
auto push(Member Class::*member) {
  return [member](auto& context) {
    if constexpr (std::is_same_v<std::decay_t<decltype(x3::_attr(context))>, Cursor>) {
      (x3::_val(context).*member).push_back(to_name(x3::_attr(context)));
    } else {
      (x3::_val(context).*member).push_back(std::move(x3::_attr(context)));
    }
  };
}

template <typename Class, typename Member, typename Value>
auto assign(Member Class::*member, Value value) {
  return [member, value](auto& context) { x3::_val(context).*member = value; };
}

/// The attribute is the whole value.
const auto whole = [](auto& context) { x3::_val(context) = std::move(x3::_attr(context)); };

/// The place of what a rule builds runs from here …
const auto begins = [](auto& context) { x3::_val(context).span = x3::_attr(context)->span; };
/// … to the last token taken.
const auto ends = [](auto& context) {
  x3::_val(context).span = cover(x3::_val(context).span, last_token(context)->span);
};

inline auto mistake(const char* message, const char* hint) {
  return [message, hint](auto& context) { throw SyntaxError(x3::_attr(context), message, hint); };
}

}  // namespace tocsin::dsl::grammar

namespace boost::spirit::x3 {

// What a failed expectation says it wanted.

template <typename Subject, typename Action>
struct get_info<action<Subject, Action>> {
  using result_type = std::string;
  std::string operator()(const action<Subject, Action>& parser) const { return what(parser.subject); }
};

template <>
struct get_info<tocsin::dsl::grammar::TokenParser> {
  using result_type = std::string;
  std::string operator()(const tocsin::dsl::grammar::TokenParser& parser) const {
    return parser.label[0] != '\0' ? parser.label : "'" + std::string(parser.text) + "'";
  }
};

template <>
struct get_info<tocsin::dsl::grammar::SightParser> {
  using result_type = std::string;
  std::string operator()(const tocsin::dsl::grammar::SightParser& parser) const { return parser.label; }
};

}  // namespace boost::spirit::x3
