// Random ASTs that the grammar can write: every form, names that look like keywords, awkward values.
#pragma once

#include <cstdint>

#include "dsl/ast.hpp"

namespace tocsin::dsl {

/// The same seed gives the same file. Names need not resolve nor types fit.
ast::File random_file(std::uint64_t seed);

}  // namespace tocsin::dsl
