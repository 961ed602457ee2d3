// Results as JUnit XML, as build servers read it: a suite a file, a case a test.
#pragma once

#include <string>
#include <vector>

#include "tester/run.hpp"

namespace tocsin::tester {

/// The whole document. Characters that XML cannot hold are written as U+FFFD.
std::string junit_text(const std::vector<Result>& results);

}  // namespace tocsin::tester
