// Rules of the text → rules of the plan, each after the rules whose emitted types it reads.
#pragma once

#include <optional>
#include <vector>

#include "dsl/lower_expr.hpp"
#include "dsl/resolve.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::dsl {

/// A pattern before its conditions: the shape, and the steps in text order.
struct LoweredPattern {
  plan::PatternNode root;
  std::vector<StepInfo> steps;
  std::vector<const ast::Pattern*> sources;  // beside steps
  bool sound = true;                         // false: the steps are not all there

  /// The fewest events that match `node`.
  std::uint64_t least_events(const plan::PatternNode& node) const;
  /// The steps whose event may be the last of a match. With `shortest` (report first) a match completes as
  /// soon as it can.
  std::vector<std::uint32_t> last_steps(const plan::PatternNode& node, bool shortest) const;
  /// The steps that are never taken because a match is complete without them (report first).
  std::vector<std::uint32_t> idle_steps(const plan::PatternNode& node) const;
};
LoweredPattern lower_pattern(Symbols& symbols, const ast::Pattern& pattern);

/// A partition key over the stream `inputs`; nothing where it is wrong. `all_known` says that no type of the
/// rule is missing from them.
std::optional<plan::PartitionKey> lower_key(Symbols& symbols, const ast::PartitionKey& key,
                                            const std::vector<plan::Input>& inputs, bool all_known);

/// One field of an emit: its value, if it could be typed.
struct EmittedField {
  const ast::Name* name = nullptr;
  Lowered value;
};

struct LoweredRule {
  plan::Rule rule;  // but for rule.emit
  std::vector<EmittedField> emitted;
};
/// Types a rule. The types that it reads must be complete.
LoweredRule lower_rule(Symbols& symbols, const ast::RuleDecl& decl);

/// All of it. The plan is of use only where no error was reported.
plan::Plan lower(Symbols& symbols, const Declarations& declarations);

}  // namespace tocsin::dsl
