// Why an alert did not come: for each rule that could have given it, how far its best run got and what
// stopped it. Found by a plain walk over the events (explore.hpp), after a failure only.
#pragma once

#include <string>
#include <vector>

#include "dsl/test_block.hpp"
#include "engine/plan/plan.hpp"
#include "tester/play.hpp"
#include "tester/show.hpp"

namespace tocsin::tester {

/// Lines for a person, the rules that could give what `expected` asks for one after the other.
std::vector<std::string> nearest_miss(const plan::Plan& plan, const Record& record, const Show& show,
                                      const dsl::Expectation& expected);

}  // namespace tocsin::tester
