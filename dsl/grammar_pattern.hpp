// Patterns: steps with their quantifiers, joined by `&`, those by `|`, and those by edges. Included by
// grammar.cpp alone.
#pragma once

#include "dsl/grammar_expr.hpp"

namespace tocsin::dsl::grammar {

inline constexpr std::string_view edges[] = {"->", "~>", ","};
inline constexpr std::string_view repeats[] = {"*", "+", "?"};
inline constexpr std::string_view loop_ends[] = {"+", "?"};
inline constexpr std::string_view quantifier_starts[] = {"{", "*", "+", "?"};
inline constexpr std::string_view modes[] = {"strict", "any", "relaxed"};
inline constexpr const char* after_element = "'->', '~>', ',', '|', '&', 'within' or ')'";

/// Under construction: a node that a bracket has closed is a child, not the list to add to.
inline void add_child(ast::Pattern& list, ast::Pattern::Kind kind, ast::Pattern& child) {
  if (list.kind != kind || list.grouped) {
    ast::Pattern outer;
    outer.kind = kind;
    outer.span = list.span;
    outer.children.push_back(std::move(list));
    if (kind == ast::Pattern::Kind::sequence) outer.edges.emplace_back();
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

/// A bracket has closed. `group` has the pattern in it as its only child, and takes its place unless both
/// have a quantifier or a bound of their own; a step or a `not` is no group, and keeps its brackets only if
/// they say something.
inline void close_group(ast::Pattern& group) {
  const auto says_something = [](const ast::Pattern& node) { return node.quantifier || node.duration; };
  ast::Pattern content = std::move(group.children.front());
  const bool is_list = !content.children.empty();
  if (is_list && !says_something(content)) {
    group.kind = content.kind;
    group.children = std::move(content.children);
    group.edges = std::move(content.edges);
  } else if (content.kind != ast::Pattern::Kind::negation && !says_something(group)) {
    content.span = group.span;
    group = std::move(content);
  } else {
    group.children.front() = std::move(content);
    group.edges.emplace_back();
  }
}

/// An edge with the element that it leads to.
struct Hop {
  ast::Edge edge;
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
  if (*quantifier.max == 0) wrong.message = "what is repeated 0 times matches nothing";
  if (*quantifier.max < quantifier.min) wrong.message = "the least number of repeats is above the greatest";
  if (!wrong.message.empty()) throw SyntaxError(close_brace, std::move(wrong));
};
const auto loop_suffix = [](auto& context) {
  const Cursor token = x3::_attr(context);
  x3::_val(context).loop = token->is("+") ? ast::Loop::possessive : ast::Loop::reluctant;
  x3::_val(context).span.end = token->span.end;
};

const auto first_child = whole;
const auto operand = [](auto& context) {
  add_child(x3::_val(context), ast::Pattern::Kind::permutation, x3::_attr(context));
};
const auto alternative = [](auto& context) {
  add_child(x3::_val(context), ast::Pattern::Kind::alternation, x3::_attr(context));
};
const auto next_hop = [](auto& context) {
  Hop& hop = x3::_attr(context);
  ast::Pattern& sequence = x3::_val(context);
  add_child(sequence, ast::Pattern::Kind::sequence, hop.to);
  sequence.edges.push_back(std::move(hop.edge));
};
const auto hop_edge = [](auto& context) {
  ast::Edge& edge = x3::_val(context).edge;
  edge.contiguity = edge_of(x3::_attr(context));
  edge.span = x3::_attr(context)->span;
};
const auto begins_bound = [](auto& context) {
  if (x3::_val(context).edge.contiguity != ast::Contiguity::strict) return;
  throw SyntaxError(x3::_attr(context), "',' takes the very next event, and no bound on its time",
                    "write ->[…] or ~>[…]");
};
const auto hop_bound = [](auto& context) {
  ast::Edge& edge = x3::_val(context).edge;
  edge.bound = std::move(x3::_attr(context));
};
const auto ends_bound = [](auto& context) { x3::_val(context).edge.span.end = x3::_attr(context)->span.end; };
const auto grouped = [](auto& context) {
  ast::Pattern& group = x3::_val(context);
  group.kind = ast::Pattern::Kind::sequence;
  group.grouped = true;
  group.children.push_back(std::move(x3::_attr(context)));
};
const auto group_quantifier = [](auto& context) {
  const ast::Quantifier& quantifier = x3::_attr(context);
  if (quantifier.loop != ast::Loop::greedy) {
    throw SyntaxError(last_token(context), "a reluctant or possessive loop belongs to a step, not to a group",
                      "put the suffix behind the quantifier of a step");
  }
  x3::_val(context).quantifier = std::move(x3::_attr(context));
};
const auto group_ends = [](auto& context) { close_group(x3::_val(context)); };
const auto absent = [](auto& context) {
  x3::_val(context).kind = ast::Pattern::Kind::negation;
  x3::_val(context).span = x3::_attr(context)->span;
};
const auto absent_type = [](auto& context) { x3::_val(context).type = to_name(x3::_attr(context)); };
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
const x3::rule<class permutation_id, ast::Pattern> permutation{"a step, as name: Type[condition]"};
const x3::rule<class element_id, ast::Pattern> element{"a step, as name: Type[condition]"};
const x3::rule<class hop_id, Hop> hop{"'->', '~>' or ','"};
const x3::rule<class quantifier_id, ast::Quantifier> quantifier{"a quantifier"};
const x3::rule<class condition_id, ast::Expr> condition{"a condition"};

const auto condition_def = expression[whole];

const auto integer = literal(Token::Kind::integer, "a number of repeats");
const auto gap = word("gap") > expression[set(&ast::Quantifier::gap)] >
                 look(symbol("}", "an operator or '}'"));
const auto braces = symbol("{")[begins] > integer[least] > -(symbol("..")[open_end] >> -integer[most]) >
                    -word_of(modes)[mode] > -gap >
                    symbol("}", "'..', 'strict', 'any', 'gap' or '}'")[check_range][ends];
const auto quantifier_def = (braces | symbol_of(repeats)[repeat_sign]) >> -symbol_of(loop_ends)[loop_suffix];

const auto bracketed_condition = symbol("[") > condition[set(&ast::Pattern::condition)] >
                                 symbol("]", "an operator or ']'");
const auto until = word("until") > symbol("[") > condition[set(&ast::Pattern::until)] >
                   symbol("]", "an operator or ']'");
/// `any` before a condition is no type.
const auto takes_any = sight([](Cursor token) { return token->is("any") && token[1].is("["); });
const auto any_mark = takes_any >> x3::eps[([](auto& context) { x3::_val(context).any = true; })];
const auto named = sight([](Cursor token) { return is_name(*token) && token[1].is(":"); });
const auto step = -((named >> name("a step name")[step_name] >> symbol(":")) > look(name("an event type"))) >>
                  -any_mark >> name("an event type")[step_type] >> -bracketed_condition >>
                  -quantifier[set(&ast::Pattern::quantifier)] >> -until >> x3::eps[ends] >>
                  -word("for")[mistake("'for' belongs to a 'not'", "as in -> not B for 30s")];

const auto negation_step =
    word("not")[absent] >
    -open[mistake("'not' takes one step, not a group", "as in -> not A -> not B -> C")] >
    -(named >> name()[mistake("an event that does not come has no name", "leave out the name and the ':'")]) >
    -any_mark > name("an event type")[absent_type] > -bracketed_condition >
    -symbol_of(quantifier_starts)[mistake("'not' takes one step, without a quantifier",
                                          "no event at all may come in between")] >
    -(word("for") > expression[set(&ast::Pattern::duration)]) > x3::eps[ends];

const auto group = open[begins] > pattern[grouped] >
                   -(word("within") > expression[set(&ast::Pattern::duration)]) > symbol(")", after_element) >
                   -quantifier[group_quantifier] > x3::eps[ends][group_ends] >
                   -word("until")[mistake("'until' belongs to a step, not to a group",
                                          "put it behind a step's quantifier")] >
                   -word("for")[mistake("'for' belongs to a 'not'", "as in -> not B for 30s")];

const auto element_def = group | negation_step | step;

const auto permutation_def = element[first_child] >> *(symbol("&") > element[operand]);

const auto alternation_def = permutation[first_child] >> *(symbol("|") > permutation[alternative]);

const auto hop_def = (symbol_of(edges)[hop_edge] >> -(symbol("[")[begins_bound] > expression[hop_bound] >
                                                      symbol("]", "an operator or ']'")[ends_bound])) >
                     alternation[set(&Hop::to)];

const auto pattern_def = alternation[first_child] >> *hop[next_hop];

BOOST_SPIRIT_DEFINE(pattern, alternation, permutation, element, hop, quantifier, condition)

}  // namespace tocsin::dsl::grammar
