// What is looked at together, `within` and `window`, and thresholds, `when`. Included by grammar.cpp alone.
#pragma once

#include "dsl/grammar_pattern.hpp"

namespace tocsin::dsl::grammar {

/// A keyword behind which stands what fills `member`, once.
template <typename Class, typename Member>
auto once(Member Class::*member) {
  return [member](auto& context) {
    const auto& part = x3::_val(context).*member;
    bool given = false;
    if constexpr (requires { part.has_value(); }) {
      given = part.has_value();
    } else {
      given = !part.empty();
    }
    const Cursor token = x3::_attr(context);
    if (given)
      throw SyntaxError(token, "a second '" + std::string(token->text) + "': each clause stands once");
  };
}

const x3::rule<class within_id, ast::Within> within{"a duration or a number of events"};
const x3::rule<class window_id, ast::Window> window{"a window"};
const x3::rule<class when_id, ast::When> when{"a condition"};

const auto counts_events =
    sight([](Cursor token) { return token->kind == Token::Kind::integer && token[1].is("events"); });
const auto event_count = [](auto& context) { x3::_val(context).events = count_of(x3::_attr(context)); };

const auto within_duration = [](auto& context) {
  x3::_val(context).span = x3::_attr(context).span;
  x3::_val(context).duration = std::move(x3::_attr(context));
};
const auto within_def =
    (counts_events >> integer[begins][event_count] >> word("events")[ends]) | expression[within_duration];

// Windows.

inline constexpr std::string_view window_kinds[] = {"sliding", "tumbling", "hopping", "session"};
const auto window_kind = [](plan::Window::Kind kind) { return assign(&ast::Window::kind, kind); };
const auto width = expression[set(&ast::Window::width)];
const auto size = (counts_events >> integer[event_count] >> word("events")) | (x3::eps > width);
/// Windows of a kind that is bounded by time alone.
const auto no_count =
    -(counts_events >> integer[mistake("this kind of window is bounded by time, not by a number of events",
                                       "windows of events are 'sliding' or 'tumbling'")]);
const auto window_def =
    ((word("sliding")[begins][window_kind(plan::Window::Kind::sliding)] > size) |
     (word("tumbling")[begins][window_kind(plan::Window::Kind::tumbling)] > size) |
     (word("hopping")[begins][window_kind(plan::Window::Kind::hopping)] > no_count > width >
      word("every", "an operator, or 'every' and how far the window hops") > no_count >
      expression[set(&ast::Window::hop)]) |
     (word("session")[begins][window_kind(plan::Window::Kind::session)] >
      word("gap", "'gap', as in session gap 30s") > no_count > width) |
     literal(Token::Kind::duration)[mistake("which kind of window?", "as in window sliding 10s")] |
     (x3::eps > word_of(window_kinds, "'sliding', 'tumbling', 'hopping' or 'session'"))) >>
    x3::eps[ends];

// Thresholds. What follows the condition may stand in any order.

inline constexpr std::string_view fires_on[] = {"rise", "every", "fall", "close"};
/// The word that begins `on timeout` is another clause.
const auto fires_here = sight([](Cursor token) { return token->is("on") && !token[1].is("timeout"); });
const auto when_condition = [](auto& context) {
  x3::_val(context).span = x3::_attr(context).span;
  x3::_val(context).condition = std::move(x3::_attr(context));
};
const auto fires = [](auto& context) {
  const Cursor token = x3::_attr(context);
  const auto found = std::find(std::begin(fires_on), std::end(fires_on), token->text);
  x3::_val(context).on = static_cast<plan::Threshold::On>(found - std::begin(fires_on));
  x3::_val(context).on_span = token->span;
};
const auto when_def = condition[when_condition] >>
                      *((fires_here >> word("on")[once(&ast::When::on)] >
                         word_of(fires_on, "'rise', 'every', 'fall' or 'close'")[fires]) |
                        (word("for")[once(&ast::When::duration)] > expression[set(&ast::When::duration)]) |
                        (word("keep")[once(&ast::When::keep)] > expression[set(&ast::When::keep)])) >>
                      x3::eps[ends];

BOOST_SPIRIT_DEFINE(within, window, when)

}  // namespace tocsin::dsl::grammar
