// Hashes of conditions, so that equal ones are found among many.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/plan/expr.hpp"

namespace tocsin::plan {

/// Equal conjuncts have equal hashes, but for zeros of both signs: what is found by its hash alone is then
/// two. Linear in their size.
std::uint64_t hash_of(const std::vector<Expr>& conjuncts, std::uint64_t seed = 0);

}  // namespace tocsin::plan
