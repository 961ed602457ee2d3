// The oracle's expressions: plan::Expr walked as a tree, by the rules of docs/language.md (Expressions).
//
// Two-valued logic: a comparison with null is false, a null condition counts as false, everything else of
// null is null. Integer overflow and division by zero are null.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/plan/plan.hpp"
#include "tests/oracle/datum.hpp"

namespace tocsin::oracle {

/// One event of a run, and the step that took it.
struct Taken {
  std::uint32_t step = 0;
  const Event* event = nullptr;
};
using Run = std::vector<Taken>;

/// What an expression can see.
struct Scope {
  const Run& run;                             // events taken so far, in order
  const Event* current = nullptr;             // the event tried, or the one that fired the rule
  std::uint32_t step = 0;                     // the step that tries it: whose previous event `prev` is
  const Event* element = nullptr;             // inside an aggregate: the event at hand
  const Datum* item = nullptr;                // inside any(): the array element at hand
  std::int64_t match_end_ns = 0;              // in emit
  std::size_t match_count = 1;                // in emit, under `report total`
  std::optional<std::int64_t> timer_ns = {};  // where no event is at hand but this instant: `current` is
                                              // an earlier event
};

/// The value of `expr`. Linear in its size times the length of the run. Throws std::logic_error for `hash`,
/// whose values only the engine knows.
Datum evaluate(const plan::Expr& expr, const Scope& scope);

/// All functions whose result depends on the values of their arguments alone (functions.cpp).
Datum call(const plan::Expr& expr, const std::vector<Datum>& args);

/// True where `expr` names `prev`.
bool names_previous(const plan::Expr& expr);

}  // namespace tocsin::oracle
