// Tables as declared: what their rows are, what they are found by, and which rules look into which.
#pragma once

#include <cstdint>
#include <vector>

#include "dsl/resolve.hpp"

namespace tocsin::dsl {

/// Declares all tables, the rows of files as types of their own. Call when every event type has its name,
/// emitted ones too.
void declare_tables(Symbols& symbols, const Declarations& declarations);

/// Finds the keys of the tables that keep events of `type`. Call when its fields are complete.
void complete_tables(Symbols& symbols, model::EventTypeId type);

/// The tables, by number, that the rule's expressions name.
std::vector<std::uint32_t> tables_named(const Symbols& symbols, const ast::RuleDecl& rule);

/// Warns of tables that no rule looks into. Call when all rules have been lowered.
void report_unused_tables(Symbols& symbols, const Declarations& declarations);

}  // namespace tocsin::dsl
