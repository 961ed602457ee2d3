// Counts every allocation of a test binary that links test_allocations.
#pragma once

#include <cstdint>

namespace tocsin::test {

/// Allocations of the process so far.
std::uint64_t allocations();

}  // namespace tocsin::test
