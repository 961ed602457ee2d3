// One plan after another, as rules are replaced while an engine runs: whatever is the same in both keeps its
// number, so that state, events and matches that refer to it by number stay right.
#pragma once

#include "engine/plan/plan.hpp"

namespace tocsin::plan {

/// `next`, numbered as a continuation of `previous`: types, enumerations, tables and rules that are the same
/// as those of their name in `previous` have its numbers, and what is new or has changed gets numbers behind
/// all of those. What is gone stays in its place, marked as removed; rules in force are those in
/// Plan::order. A rule is the same where all that its matches depend on is: its pattern or window, its
/// conditions, what it emits, and the types and tables that it reads; its documentation and labels may
/// differ. Linear in both plans. Throws std::runtime_error where there would be more types than numbers.
Plan continued(const Plan& previous, Plan next);

}  // namespace tocsin::plan
