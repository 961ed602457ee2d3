// Rule text in its canonical layout. What is written stays as it is written: the same tokens (numbers,
// texts and brackets as the author wrote them) and the same comments, with other space between them. Only
// clauses are put in order, and commas that say nothing come and go. docs/language.md ("Layout") tells what
// the layout is.
#pragma once

#include <cstdint>
#include <string>

#include "dsl/diagnostic.hpp"
#include "dsl/source.hpp"

namespace tocsin::dsl {

struct Formatted {
  std::string text;         // empty after errors
  Diagnostics diagnostics;  // the syntax errors of the file
};

/// Lays out file number `file` of `sources`. The result parses to the same AST (spans aside), holds each
/// comment once, and is laid out as itself. Lines end as the first one does. Never throws on bad text; linear
/// in its length (times the depth of brackets in lines that must be broken).
Formatted format(const SourceMap& sources, std::uint32_t file);

}  // namespace tocsin::dsl
