// Expressions: one rule a level of precedence, from `or` down to names and literals. Operators wrap what
// stands to their left and then take their right side as an argument, so no rule needs an attribute but the
// node itself. Included by grammar.cpp alone.
#pragma once

#include "dsl/grammar_tokens.hpp"
#include "dsl/literal.hpp"

namespace tocsin::dsl::grammar {

/// An expression under construction. A long chain `a + b + …` is a tree as high as nested brackets; the
/// height is bounded so that later passes may recurse.
struct Node : ast::Expr {
  std::uint32_t height = 1;
  std::uint32_t bracket = 0;  // of `( … )`: where it opens
};
inline constexpr std::uint32_t max_height = 1000;

// The work of the actions, free of templates.

inline void check_height(const Node& node, Cursor at) {
  if (node.height <= max_height) return;
  throw SyntaxError(at, "the expression chains more than " + std::to_string(max_height) + " operators",
                    "use `in (…)` for many values, or split it");
}

/// What was read so far becomes the first argument of the operator at `token`.
inline void wrap_node(Node& node, ast::Expr::Kind kind, Cursor token) {
  Node outer;
  outer.kind = kind;
  outer.text = token->text;
  outer.negated = token[-1].is("not") && kind != ast::Expr::Kind::binary;
  outer.name_span = outer.negated ? cover(token[-1].span, token->span) : token->span;
  outer.span = cover(node.span, token->span);
  outer.height = node.height + 1;
  outer.args.push_back(std::move(node));
  node = std::move(outer);
  check_height(node, token);
}

inline void add_argument(Node& node, Node& argument, Cursor last) {
  node.span.end = argument.span.end;
  node.height = std::max(node.height, argument.height + 1);
  node.args.push_back(std::move(argument));
  check_height(node, last);
}

/// A node that begins at `token`, before its arguments.
inline void start_node(Node& node, ast::Expr::Kind kind, Cursor token) {
  node.kind = kind;
  node.text = token->text;
  node.span = node.name_span = token->span;
}

/// The value of a literal's token; a bad one is a syntax error at the very bytes.
template <typename T>
T value_of(Read<T> read, Cursor token) {
  if (read.problem.empty()) return std::move(read.value);
  Span span = token->span;
  span.end = span.begin + static_cast<std::uint32_t>(std::min(read.end, token->text.size()));
  span.begin += static_cast<std::uint32_t>(read.begin);
  throw SyntaxError(token, Diagnostic{Severity::error, span, std::move(read.problem), std::move(read.hint)});
}

inline void set_literal(Node& node, Cursor token, bool negative) {
  using Kind = ast::Expr::Kind;
  node.span = negative ? cover(token[-1].span, token->span) : token->span;
  switch (token->kind) {
    case Token::Kind::integer:
      node.kind = Kind::integer;
      node.integer = value_of(read_integer(token->text, negative), token);
      break;
    case Token::Kind::floating:
      node.kind = Kind::floating;
      node.floating = value_of(read_floating(token->text, negative), token);
      break;
    case Token::Kind::duration:
      node.kind = Kind::duration;
      node.integer = value_of(read_duration(token->text, negative), token);
      break;
    case Token::Kind::time:
      node.kind = Kind::time;
      node.integer = value_of(read_time(token->text), token);
      break;
    case Token::Kind::text:
      node.kind = Kind::text;
      node.text = value_of(read_text(token->text), token);
      break;
    default:
      node.kind = token->text == "null" ? Kind::null : Kind::boolean;
      node.integer = token->text == "true";
  }
}

/// `… in name`: what was read so far are the keys to look for in a table.
inline void name_table(Node& node, Cursor token) {
  if (node.text.ends_with('~'))
    throw SyntaxError(token, "the keys of a table are compared as they are", "write 'in'");
  node.kind = ast::Expr::Kind::in_table;
  node.text = token->text;
  node.name_span = token->span;
  node.span.end = token->span.end;
  if (node.args.front().kind != ast::Expr::Kind::tuple) return;
  std::vector<ast::Expr> keys = std::move(node.args.front().args);
  node.args = std::move(keys);
}

/// A comma behind the first value within brackets: several of them are one.
inline void start_tuple(Node& node, Cursor comma) {
  Node tuple;
  tuple.kind = ast::Expr::Kind::tuple;
  tuple.span = node.span;
  tuple.bracket = node.bracket;
  tuple.height = node.height + 1;
  tuple.args.push_back(std::move(node));
  node = std::move(tuple);
  check_height(node, comma);
}

inline auto wrap(ast::Expr::Kind kind) {
  return [kind](auto& context) { wrap_node(x3::_val(context), kind, x3::_attr(context)); };
}
inline auto start(ast::Expr::Kind kind) {
  return [kind](auto& context) { start_node(x3::_val(context), kind, x3::_attr(context)); };
}
inline auto literal_value(bool negative) {
  return [negative](auto& context) { set_literal(x3::_val(context), x3::_attr(context), negative); };
}
const auto argument = [](auto& context) {
  add_argument(x3::_val(context), x3::_attr(context), last_token(context));
};
const auto member_name = [](auto& context) {
  ast::Expr& node = x3::_val(context);
  node.text = x3::_attr(context)->text;
  node.name_span = x3::_attr(context)->span;
  node.span.end = node.name_span.end;
};
const auto to_call = [](auto& context) { x3::_val(context).kind = ast::Expr::Kind::call; };
const auto ignoring_case = [](auto& context) {
  ast::Expr& node = x3::_val(context);
  node.text += '~';
  node.name_span.end = x3::_attr(context)->span.end;
};
const auto is_not = [](auto& context) {
  ast::Expr& node = x3::_val(context);
  node.integer = 1;
  node.name_span.end = x3::_attr(context)->span.end;
};
/// `( … )`: the place is with the brackets.
const auto inside = [](auto& context) {
  Node& node = x3::_val(context);
  const Span open = node.span;
  node = std::move(x3::_attr(context));
  node.bracket = open.begin;
};
const auto encloses = [](auto& context) {
  Node& node = x3::_val(context);
  node.span.begin = node.bracket;
  node.span.end = last_token(context)->span.end;
};
const auto to_tuple = [](auto& context) { start_tuple(x3::_val(context), x3::_attr(context)); };
const auto table_name = [](auto& context) { name_table(x3::_val(context), x3::_attr(context)); };
const auto no_empty_list = [](auto& context) {
  if (x3::_val(context).args.size() < 2) throw SyntaxError(x3::_attr(context), "the list is empty");
};

using Kind = ast::Expr::Kind;

inline constexpr std::string_view comparisons[] = {"==", "!=", "<", "<=", ">", ">=", "==~", "!=~"};
inline constexpr std::string_view memberships[] = {"in", "like", "matches", "between"};
inline constexpr std::string_view like_words[] = {"like", "matches"};
inline constexpr std::string_view sums[] = {"+", "-"};
inline constexpr std::string_view products[] = {"*", "/", "%"};
inline constexpr std::string_view constants[] = {"true", "false", "null"};

inline bool is_comparison(const Token& token) {
  return token.is("has") || (token.kind == Token::Kind::symbol && one_of(token.text, comparisons));
}
inline bool goes_on_comparing(const Token& token) {
  return is_comparison(token) || token.is("is") ||
         (token.kind == Token::Kind::word && one_of(token.text, memberships));
}
inline bool is_number(const Token& token) {
  return token.kind == Token::Kind::integer || token.kind == Token::Kind::floating ||
         token.kind == Token::Kind::duration;
}
inline bool is_literal(const Token& token) {
  return is_number(token) || token.kind == Token::Kind::time || token.kind == Token::Kind::text ||
         (token.kind == Token::Kind::word && one_of(token.text, constants));
}

const x3::rule<class expression_id, Node> expression{"an expression"};
const x3::rule<class conjunction_id, Node> conjunction{"an expression"};
const x3::rule<class negation_id, Node> negation{"an expression"};
const x3::rule<class comparison_id, Node> comparison{"an expression"};
const x3::rule<class sum_id, Node> sum{"an expression"};
const x3::rule<class product_id, Node> product{"an expression"};
const x3::rule<class sign_id, Node> sign{"an expression"};
const x3::rule<class postfix_id, Node> postfix{"an expression"};
const x3::rule<class literal_id, Node> literal_expression{"a literal"};

const auto open = symbol("(");
const auto close = symbol(")");
const auto comma = symbol(",");

const auto expression_def = conjunction[whole] >>
                            *((word("or")[wrap(Kind::binary)] > conjunction[argument]) |
                              symbol("||")[mistake("'||' is not an operator", "write 'or'")]);

const auto conjunction_def = negation[whole] >>
                             *((word("and")[wrap(Kind::binary)] > negation[argument]) |
                               symbol("&&")[mistake("'&&' is not an operator", "write 'and'")]);

const auto negation_def = (word("not")[start(Kind::unary)] > negation[argument]) | comparison[whole];

// `x not in …`: the operator finds the `not` right before it.
const auto ignore_case = -symbol("~")[ignoring_case];
const auto one_or_list =
    (open > *(expression[argument] > comma_or(")", "an operator, ',' or ')'")) > close[no_empty_list][ends]) |
    (x3::eps > sum[argument]);
const auto membership =
    ((word("in")[wrap(Kind::in)] >> ignore_case) >
     (name()[table_name] |
      (x3::eps > symbol("(", "'(' and a list of values, or the name of a table") >
       *(expression[argument] > comma_or(")", "an operator, ',' or ')'")) > close[no_empty_list][ends]))) |
    ((word_of(like_words, "'like'")[wrap(Kind::like)] >> ignore_case) > one_or_list) |
    (word("between")[wrap(Kind::between)] > sum[argument] > word("and") > sum[argument]);
const auto compared =
    (token_if(is_comparison, "a comparison")[wrap(Kind::binary)] > sum[argument]) |
    (word("is")[wrap(Kind::is_null)] > -word("not")[is_not] > word("null")[ends]) |
    (word("not") > look(word_of(memberships, "'in', 'like', 'matches' or 'between'")) > membership) |
    membership;
const auto miswritten = -symbol("=")[mistake("'=' does not compare", "write '=='")] >>
                        -symbol("<>")[mistake("'<>' is not an operator", "write '!='")];
const auto chained = -token_if(
    goes_on_comparing)[mistake("comparisons do not chain", "join two of them with 'and', or set brackets")];

const auto comparison_def = sum[whole] >> miswritten >> -(compared >> miswritten >> chained);

const auto sum_def = product[whole] >> *(symbol_of(sums, "'+'")[wrap(Kind::binary)] > product[argument]);

const auto product_def = sign[whole] >> *(symbol_of(products, "'*'")[wrap(Kind::binary)] > sign[argument]);

// A minus right before a number belongs to the literal, so that the least integer can be written.
const auto minus = symbol("-");
const auto number = token_if(is_number, "a number");
const auto sign_def = (minus >> number[literal_value(true)]) | (minus[start(Kind::unary)] > sign[argument]) |
                      symbol("!")[mistake("'!' is not an operator", "write 'not'")] | postfix[whole];

const auto plain_literal = token_if(is_literal, "a literal");
const auto call_arguments = open[to_call] >
                            *(expression[argument] > comma_or(")", "an operator, ',' or ')'")) >
                            symbol(")", "an expression or ')'")[ends];
const auto primary = plain_literal[literal_value(false)] |
                     (open[begins] > expression[inside] >
                      -(comma[to_tuple] > expression[argument] > *(comma > expression[argument])) >
                      symbol(")", "an operator or ')'")[encloses]) |
                     (name("a name")[start(Kind::name)] >> -call_arguments);

// `any[…]` is a step of any type; in an expression `any` is a function.
const auto postfix_def = primary >>
                         *((symbol(".")[wrap(Kind::member)] > name("a field name")[member_name]) |
                           (symbol("[")[wrap(Kind::index)] > expression[argument] >
                            *(comma > expression[argument]) > symbol("]", "an operator or ']'")[ends]));

const auto literal_expression_def =
    (minus >> number[literal_value(true)]) | plain_literal[literal_value(false)];

BOOST_SPIRIT_DEFINE(expression, conjunction, negation, comparison, sum, product, sign, postfix,
                    literal_expression)

}  // namespace tocsin::dsl::grammar
