// Tests: the events, the time that passes, and what must come of them. Every statement begins with a word or
// a time that tells its kind, so statements need nothing between them. Included by grammar.cpp alone.
#pragma once

#include "dsl/grammar_pattern.hpp"

namespace tocsin::dsl::grammar {

using Statement = ast::TestStatement;
using Row = std::vector<ast::TestField>;

inline bool is_moment(const Token& token) {
  return token.kind == Token::Kind::duration || token.kind == Token::Kind::time;
}
inline bool is_bare_number(const Token& token) {
  return token.kind == Token::Kind::integer || token.kind == Token::Kind::floating;
}

const x3::rule<class test_field_id, ast::TestField> test_field{"a field"};
const x3::rule<class test_row_id, Row> test_row{"a row, as { key: value }"};
const x3::rule<class moment_id, ast::Expr> moment{"a time, as 9s or @2026-01-31T12:00:00Z"};
const x3::rule<class statement_id, Statement> statement{"a statement"};
const x3::rule<class test_id, ast::TestDecl> test{"'test'"};

const auto statement_kind = [](Statement::Kind kind) {
  return [kind](auto& context) {
    x3::_val(context).kind = kind;
    x3::_val(context).span = x3::_attr(context)->span;
  };
};

// A time: since the test's start, or for all to see.
const auto moment_value = [](auto& context) {
  Node node;
  set_literal(node, x3::_attr(context), false);
  x3::_val(context) = std::move(node);
};
const auto unitless =
    -token_if(is_bare_number)[mistake("a time in a test has a unit", "as in 9s, or @2026-01-31T12:00:00Z")];
const auto moment_def = unitless >>
                        token_if(is_moment, "a time, as 9s or @2026-01-31T12:00:00Z")[moment_value];

// Fields and rows.
const auto array_begins = [](auto& context) {
  x3::_val(context).array = true;
  x3::_val(context).span = x3::_attr(context)->span;
};
const auto only_value = [](auto& context) {
  x3::_val(context).span = x3::_attr(context).span;
  x3::_val(context).values.push_back(std::move(x3::_attr(context)));
};
const auto array_value = symbol("[")[array_begins] > *(expression[push(&ast::TestField::values)] >
                                                       comma_or("]", "an operator, ',' or ']'")) >
                         symbol("]", "a value or ']'")[ends];
const auto test_field_def = name("a field name")[set(&ast::TestField::name)] >
                            -symbol("=")[mistake("a field's value stands after ':'", "write ':'")] >
                            symbol(":", "':' and a value") >
                            (array_value | (x3::eps > expression[only_value]));
const auto add_to_row = [](auto& context) { x3::_val(context).push_back(std::move(x3::_attr(context))); };
const auto test_row_def = symbol("{") > *(test_field[add_to_row] > comma_or("}", "an operator, ',' or '}'")) >
                          symbol("}", "a field name or '}'");
const auto braces_of_fields = test_row[set(&Statement::fields)];

// Statements.
const auto time_of = moment[set(&Statement::time)];
const auto event_begins = [](auto& context) {
  x3::_val(context).kind = Statement::Kind::event;
  x3::_val(context).span = x3::_attr(context).span;
  x3::_val(context).time = std::move(x3::_attr(context));
};
const auto repeated = symbol("..") > moment[set(&Statement::until)] >
                      word("every", "'every' and a duration") > expression[set(&Statement::period)];
const auto event_statement = moment[event_begins] >> -repeated >
                             name("'..' or an event type")[set(&Statement::name)] >
                             look(symbol("{", "'{' and the event's fields")) > braces_of_fields;

const auto start_statement = word("start")[statement_kind(Statement::Kind::start)] > time_of;

const auto advance_statement =
    word("advance")[statement_kind(Statement::Kind::advance)] > expression[set(&Statement::period)];

const auto param_statement =
    word("param")[statement_kind(Statement::Kind::param)] > name("a parameter name")[set(&Statement::name)] >
    -symbol(":")[mistake("the param has its type where it is declared", "write param name = value")] >
    symbol("=", "'=' and a value") > expression[set(&Statement::value)];

const auto table_statement = word("table")[statement_kind(Statement::Kind::table)] >
                             name("a table name")[set(&Statement::name)] > symbol("{") >
                             *(test_row[push(&Statement::rows)] > -symbol(",")) >
                             symbol("}", "a row, as { key: value }, or '}'");

const auto says_none = sight([](Cursor token) { return token->is("no") && is_name(token[1]); });
const auto no_alert = [](auto& context) { x3::_val(context).count = 0; };
const auto alert_count = [](auto& context) {
  const Cursor token = x3::_attr(context);
  if (token->kind != Token::Kind::integer) throw SyntaxError(token, "a number of alerts is a whole number");
  x3::_val(context).count = count_of(token);
};
const auto exactly_first = sight([](Cursor token) {
  return token->is("exactly") && (is_name(token[1]) || token[1].kind == Token::Kind::integer);
});
const auto exactly_misplaced = -(
    exactly_first >> word("exactly")[mistake(
                         "'exactly' stands behind the type",
                         "as in expect Alert exactly { … }; a number alone counts exactly: expect 3 Alert")]);
const auto expect_statement = word("expect")[statement_kind(Statement::Kind::expect)] > exactly_misplaced >
                              -((says_none >> word("no")[no_alert]) | token_if(is_bare_number)[alert_count]) >
                              name("'no', a number or the type of an alert")[set(&Statement::name)] >
                              ((word("exactly")[assign(&Statement::exactly, true)] >
                                look(symbol("{", "'{' and the alert's fields")) > braces_of_fields) |
                               -(look(symbol("{")) > braces_of_fields)) > -(word("at") > time_of);

const auto statement_def = (event_statement | start_statement | advance_statement | expect_statement |
                            param_statement | table_statement) >>
                           x3::eps[ends];

const auto test_name = [](auto& context) {
  const Cursor token = x3::_attr(context);
  x3::_val(context).name = {value_of(read_text(token->text), token), token->span};
};
const auto test_def =
    word("test")[begins] > literal(Token::Kind::text, "the test's name in double quotes")[test_name] >
    symbol("{") > *statement[push(&ast::TestDecl::statements)] >
    symbol("}", "a time and an event, 'expect', 'advance', 'start', 'param', 'table' or '}'")[ends];

BOOST_SPIRIT_DEFINE(test_field, test_row, moment, statement, test)

}  // namespace tocsin::dsl::grammar
