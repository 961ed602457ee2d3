// Patterns: steps with their quantifiers, joined by `|`, and those by edges. Included by grammar.cpp alone.
#pragma once

#include "dsl/grammar_expr.hpp"

namespace tocsin::dsl::grammar {

inline constexpr std::string_view edges[] = {"->", "~>", ","};
inline constexpr std::string_view repeats[] = {"*", "+", "?"};
inline constexpr std::string_view loop_ends[] = {"+", "?"};
inline constexpr std::string_view quantifier_starts[] = {"{", "*", "+", "?"};
inline constexpr std::string_view modes[] = {"strict", "any", "relaxed"};
inline constexpr const char* after_element = "'->', '~>', ',', '|' or ')'";

/// Under construction: a node that a bracket has closed is a child, not the list to add to.
inline void add_child(ast::Pattern& list, ast::Pattern::Kind kind, ast::Pattern& child) {
  if (list.kind != kind || list.grouped) {
    ast::Pattern outer;
    outer.kind = kind;
    outer.span = list.span;
    outer.children.push_back(std::move(list));
    if (kind == ast::Pattern::Kind::sequence) outer.edges.push_back(ast::Contiguity::relaxed);
    list = std::move(outer);
  }
  list.span.end = child.span.end;
  list.children.push_back(std::move(child));
}

inline ast::Contiguity edge_of(Cursor token) {
  return token->is("->")   ? ast::Contiguity::relaxed
         : token->is("~>") ? ast::Contiguity::any
                           : ast::Contiguity::strict;
}

/// An edge with the element that it leads to.
struct Hop {
  ast::Contiguity edge = ast::Contiguity::relaxed;
  ast::Pattern to;
};

inline std::uint64_t count_of(Cursor token) {
  return static_cast<std::uint64_t>(value_of(read_integer(token->text), token));
}

const auto least = [](auto& context) {
  ast::Quantifier& quantifier = x3::_val(context);
  quantifier.min = count_of(x3::_attr(context));
  quantifier.max = quantifier.min;
};
const auto open_end = [](auto& context) { x3::_val(context).max.reset(); };
const auto most = [](auto& context) { x3::_val(context).max = count_of(x3::_attr(context)); };
const auto mode = [](auto& context) {
  const Cursor token = x3::_attr(context);
  x3::_val(context).mode = token->is("strict") ? ast::Contiguity::strict
                           : token->is("any")  ? ast::Contiguity::any
                                               : ast::Contiguity::relaxed;
};
const auto repeat_sign = [](auto& context) {
  ast::Quantifier& quantifier = x3::_val(context);
  const Cursor token = x3::_attr(context);
  quantifier.span = token->span;
  quantifier.min = token->is("+");
  if (!token->is("?")) quantifier.max.reset();
};
const auto check_range = [](auto& context) {
  const ast::Quantifier& quantifier = x3::_val(context);
  if (!quantifier.max) return;
  const Cursor close_brace = x3::_attr(context);
  Diagnostic wrong{Severity::error, cover(quantifier.span, close_brace->span), {}, {}};
  if (*quantifier.max == 0) wrong.message = "a step that is repeated 0 times matches nothing";
  if (*quantifier.max < quantifier.min) wrong.message = "the least number of repeats is above the greatest";
  if (!wrong.message.empty()) throw SyntaxError(close_brace, std::move(wrong));
};

const auto first_child = whole;
const auto alternative = [](auto& context) {
  add_child(x3::_val(context), ast::Pattern::Kind::alternation, x3::_attr(context));
};
const auto next_hop = [](auto& context) {
  Hop& hop = x3::_attr(context);
  ast::Pattern& sequence = x3::_val(context);
  add_child(sequence, ast::Pattern::Kind::sequence, hop.to);
  sequence.edges.push_back(hop.edge);
};
const auto hop_edge = [](auto& context) { x3::_val(context).edge = edge_of(x3::_attr(context)); };
const auto grouped = [](auto& context) {
  ast::Pattern& group = x3::_val(context);
  const Span open_bracket = group.span;
  group = std::move(x3::_attr(context));
  group.span.begin = open_bracket.begin;
  group.grouped = group.kind != ast::Pattern::Kind::step;
};
const auto step_type = [](auto& context) {
  ast::Pattern& step = x3::_val(context);
  step.type = to_name(x3::_attr(context));
  if (!step.name) step.span = step.type.span;
};
const auto step_name = [](auto& context) {
  ast::Pattern& step = x3::_val(context);
  step.name = to_name(x3::_attr(context));
  step.span = step.name->span;
};

const x3::rule<class pattern_id, ast::Pattern> pattern{"a step, as name: Type[condition]"};
const x3::rule<class alternation_id, ast::Pattern> alternation{"a step, as name: Type[condition]"};
const x3::rule<class element_id, ast::Pattern> element{"a step, as name: Type[condition]"};
const x3::rule<class hop_id, Hop> hop{"'->', '~>' or ','"};
const x3::rule<class quantifier_id, ast::Quantifier> quantifier{"a quantifier"};
const x3::rule<class condition_id, ast::Expr> condition{"a condition"};

const auto condition_def = expression[whole];

const auto integer = literal(Token::Kind::integer, "a number of repeats");
const auto braces = symbol("{")[begins] > integer[least] > -(symbol("..")[open_end] >> -integer[most]) >
                    -word_of(modes)[mode] > -word("gap")[unsupported("'gap'")] >
                    symbol("}", "'..', 'strict', 'any' or '}'")[check_range][ends];
const auto quantifier_def = (braces | symbol_of(repeats)[repeat_sign]);

const auto bracketed_condition = symbol("[") > condition[set(&ast::Pattern::condition)] >
                                 symbol("]", "an operator or ']'");
const auto any_type = sight([](Cursor token) { return token->is("any") && token[1].is("["); });
const auto any_step = any_type >> word("any")[unsupported("'any[…]'")];
const auto named = sight([](Cursor token) { return is_name(*token) && token[1].is(":"); });
const auto after_step = -symbol("&")[unsupported("'&'")] >> -word("until")[unsupported("'until'")] >>
                        -word("for")[unsupported("'for'")];
const auto step = -((named >> name("a step name")[step_name] >> symbol(":")) > look(name("an event type"))) >>
                  -any_step >> name("an event type")[step_type] >> -bracketed_condition >>
                  -(quantifier[set(&ast::Pattern::quantifier)] >>
                    -symbol_of(loop_ends)[unsupported("a reluctant or possessive repetition")]) >>
                  x3::eps[ends] >> after_step;

const auto group = open[begins] > pattern[grouped] > -word("within")[unsupported("'within' on a group")] >
                   symbol(")", after_element)[ends] >
                   -symbol_of(quantifier_starts)[unsupported("a group with a quantifier")] > after_step;

const auto element_def = group | word("not")[unsupported("'not' in a pattern")] | step;

const auto alternation_def = element[first_child] >> *(symbol("|") > element[alternative]);

const auto hop_def = (symbol_of(edges)[hop_edge] >> -symbol("[")[unsupported("a bound on an edge")]) >
                     alternation[set(&Hop::to)];

const auto pattern_def = alternation[first_child] >> *hop[next_hop];

BOOST_SPIRIT_DEFINE(pattern, alternation, element, hop, quantifier, condition)

}  // namespace tocsin::dsl::grammar
