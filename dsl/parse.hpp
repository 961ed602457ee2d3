// Text → AST. The only door to the grammar (grammar.cpp, Boost.Spirit X3).
#pragma once

#include "dsl/ast.hpp"
#include "dsl/diagnostic.hpp"
#include "dsl/source.hpp"

namespace tocsin::dsl {

struct Parsed {
  ast::File file;           // what could be understood, also after errors
  Diagnostics diagnostics;  // every syntax error, at most one a declaration
};

/// Parses file number `file` of `sources`. Never throws on bad text; linear in its length; nesting deeper
/// than 200 brackets is an error.
Parsed parse(const SourceMap& sources, std::uint32_t file);

}  // namespace tocsin::dsl
