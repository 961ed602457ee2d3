// The lexical part of the grammar: text → tokens. Included by grammar.cpp alone.
#pragma once

#include <boost/spirit/home/x3.hpp>

#include "dsl/literal.hpp"
#include "dsl/token.hpp"

namespace tocsin::dsl::lexical {

namespace x3 = boost::spirit::x3;
using x3::attr;
using x3::char_;
using x3::lit;
using x3::omit;
using x3::repeat;
using Kind = Token::Kind;

const auto letter = char_("a-zA-Z_");
const auto digit = char_("0-9");
const auto word_end = !(letter | digit);

const auto comment = "//" >> *~char_('\n');
const auto space = *(char_(" \t\r\n") | comment);

const auto word = letter >> *(letter | digit);
// So that neither `5min` nor `1.2.3` nor `1.5s` is taken apart.
const auto number_end = !(letter | digit | ('.' >> digit));
const auto digits = +digit >> *(char_('_') >> +digit);
const auto exponent = char_("eE") >> -char_("-+") >> +digit;
const auto fraction = '.' >> digits;
const auto floating = digits >> ((fraction >> -exponent) | exponent) >> number_end;
const auto unit = lit("ns") | "us" | "ms" | "s" | "m" | "h" | "d";
const auto duration = +(digits >> unit) >> number_end;
const auto malformed_number = digit >> *(letter | digit | ('.' >> digit));

const auto two = digit >> digit;
const auto date = two >> two >> '-' >> two >> '-' >> two;
const auto zone = 'Z' | (char_("-+") >> two >> ':' >> two);
const auto time_of_day = 'T' >> two >> ':' >> two >> ':' >> two >> -('.' >> +digit) >> zone;
const auto time = '@' >> date >> -time_of_day >> word_end;
const auto malformed_time = '@' >> digit >> *(letter | digit | char_(":.-"));

const auto text_item = ('\\' >> ~char_('\n')) | ~char_("\"\\\n");
const auto text = '"' >> *text_item >> '"';
const auto open_text = '"' >> *~char_('\n');
const auto single_quotes = '\'' >> *~char_("'\n") >> '\'';

const auto symbol = lit("==~") | "!=~" | "==" | "!=" | "<=" | ">=" | "<>" | "->" | "~>" | ".." | "&&" | "||" |
                    char_("][{}()<>:,.|&+*/%=!~?@;-");

const x3::rule<class lexeme_id, Kind> lexeme{"a token"};
const auto lexeme_def = (omit[word] >> attr(Kind::word))                       //
                        | (omit[duration] >> attr(Kind::duration))             //
                        | (omit[floating] >> attr(Kind::floating))             //
                        | (omit[digits >> number_end] >> attr(Kind::integer))  //
                        | (omit[malformed_number] >> attr(Kind::bad_number))   //
                        | (omit[text] >> attr(Kind::text))                     //
                        | (omit[open_text] >> attr(Kind::open_text))           //
                        | (omit[time] >> attr(Kind::time))                     //
                        | (omit[malformed_time] >> attr(Kind::bad_time))       //
                        | (omit[symbol] >> attr(Kind::symbol))                 //
                        | (omit[single_quotes] >> attr(Kind::single_quotes))   //
                        | (omit[char_] >> attr(Kind::stray));
BOOST_SPIRIT_DEFINE(lexeme)

/// Splits the text of file number `file`; the last token is the end. Linear: junk of any length between two
/// tokens is one bad token.
inline std::vector<Token> tokenize(std::string_view source, std::uint32_t file) {
  std::vector<Token> tokens;
  const char* const begin = source.data();
  const char* const end = begin + source.size();
  const char* cursor = begin;
  if (source.starts_with(byte_order_mark)) cursor += byte_order_mark.size();
  std::uint32_t line = 1;
  bool line_start = true;

  const auto push = [&](Kind kind, const char* from, const char* to, std::size_t gap) {
    Token token;
    token.kind = kind;
    token.line_start = line_start;
    token.line = line;
    token.gap = static_cast<std::uint32_t>(gap);
    token.span = {file, static_cast<std::uint32_t>(from - begin), static_cast<std::uint32_t>(to - begin)};
    token.text = std::string_view(from, static_cast<std::size_t>(to - from));
    tokens.push_back(token);
    line_start = false;
  };

  for (;;) {
    const char* const gap_begin = tokens.empty() ? begin : cursor;
    x3::parse(cursor, end, space);
    const std::string_view gap(gap_begin, static_cast<std::size_t>(cursor - gap_begin));
    for (const char c : gap) {
      line += c == '\n';
      line_start |= c == '\n';
    }
    if (const auto bad = invalid_utf8(gap))
      push(Kind::bad_utf8, gap_begin + *bad, gap_begin + *bad + 1, *bad);
    if (cursor == end) {
      push(Kind::end, end, end, gap.size());
      return tokens;
    }
    const char* from = cursor;
    Kind kind = Kind::stray;
    x3::parse(cursor, end, lexeme, kind);
    std::string_view read(from, static_cast<std::size_t>(cursor - from));
    if (kind == Kind::stray) {
      // One character is shown; what follows of its like says nothing more.
      const std::size_t length = utf8_length(std::string_view(from, static_cast<std::size_t>(end - from)));
      if (length == 0) kind = Kind::bad_utf8;
      read = std::string_view(from, std::max<std::size_t>(1, length));
      while (cursor < end && (static_cast<signed char>(*cursor) < ' ' && *cursor != '\n'))
        ++cursor;
    } else if (const auto bad = invalid_utf8(read)) {
      kind = Kind::bad_utf8;
      from += *bad;
      read = std::string_view(from, 1);
    }
    push(kind, from, read.data() + read.size(), gap.size());
  }
}

}  // namespace tocsin::dsl::lexical
