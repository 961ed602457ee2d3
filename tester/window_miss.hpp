// Why a rule with a window gave no match: the instant at which its condition came nearest to being true or,
// where it was true, what held the match back. Found by playing the rule's stream through a window of its
// own, key by key, and looking at each instant at which the rule looks (docs/language.md, Windows).
//
// Cost: an evaluation of the condition an instant. Tested in tests/tester/window_miss_test.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tester/explore.hpp"

namespace tocsin::tester {

/// Lines for a person, about rule number `rule`. `streams`: the keys in question; at least one event of them
/// passes.
std::vector<std::string> window_miss(const plan::Plan& plan, std::uint32_t rule, const Record& record,
                                     const Show& show, Conditions& conditions,
                                     const std::vector<const Stream*>& streams);

}  // namespace tocsin::tester
