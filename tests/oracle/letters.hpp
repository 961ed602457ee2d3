// Plans built by hand, and streams written as text, for the oracle's own tests: neither parser nor engine
// takes part.
#pragma once

#include <string>
#include <vector>

#include "engine/plan/plan.hpp"
#include "tests/oracle/oracle.hpp"

namespace tocsin::oracle {

inline constexpr auto many = plan::unbounded;
inline constexpr std::int64_t second_ns = 1'000'000'000;

/// The event's letter, equal to `value`.
plan::Expr is(const char* value);
/// This event's letter, held against another value.
plan::Expr compare_letter(plan::Op op, plan::Expr other);
/// The letter of an event of the run.
plan::Expr letter(plan::Selector selector, std::uint32_t step = 0);
plan::Expr text(const char* value);

plan::Step step(plan::Expr condition, plan::Quantifier quantifier = {});
/// A step for one letter.
plan::Step step(const char* value, plan::Quantifier quantifier = {});

plan::PatternNode leaf(std::uint32_t index);
/// Elements side by side; a sequence has `edge` before each.
plan::PatternNode group(plan::PatternNode::Kind kind, std::vector<plan::PatternNode> children,
                        plan::Contiguity edge = plan::Contiguity::relaxed);
plan::PatternNode sequence(std::vector<plan::PatternNode> children);

/// The steps one after the other, with `edge` before each; default report and skip.
plan::Rule rule(std::vector<plan::Step> steps, plan::Contiguity edge = plan::Contiguity::relaxed);
/// The same steps in another shape.
plan::Rule rule(std::vector<plan::Step> steps, plan::PatternNode pattern);
/// With `report all` and `after match skip none`.
plan::Rule all(plan::Rule rule);
/// Adds `not value` and gives its index.
std::uint32_t negation(plan::Rule& rule, plan::Expr condition);
/// `rule` with `not value` before the child `index` of its sequence.
plan::Rule ban(plan::Rule rule, std::size_t index, const char* value, bool strict = false);
/// `rule` with `within` of some seconds.
plan::Rule within(plan::Rule rule, int seconds);

/// `rule` with `not value for …` behind its pattern, or before it.
plan::Rule absent_after(plan::Rule rule, const char* value, int seconds);
plan::Rule absent_before(plan::Rule rule, const char* value, int seconds);
/// `rule` within some seconds, and on timeout an event without fields.
plan::Rule timed(plan::Rule rule, int seconds);

/// What the rule finds: "1 3|2 3", events by number. What a timer completes carries its second: "1@5"; a
/// timeout has a mark before it: "!1@5".
/// In `stream` each letter is an event, a second after the one before, from 0; a `.` is a second without one,
/// and a `+` before a letter gives it the time of the one before.
std::string matches(plan::Rule rule, const std::string& stream);
/// The matches themselves.
std::vector<Match> find_in(const plan::Plan& plan, const std::string& stream);
/// The text for the rules of a plan, each match with the name of its rule:
/// "r:1 3|s:1".
std::string matches(const plan::Plan& plan, const std::string& stream);
/// A plan of these rules, in this order, over the type of letters (id 0, with the field `c`) and an empty
/// derived one (id 1).
plan::Plan plan_of(std::vector<plan::Rule> rules);

}  // namespace tocsin::oracle
