// Rules of the text → rules of the plan, each after the rules whose emitted types it reads; and the tests.
#pragma once

#include <optional>
#include <vector>

#include "dsl/lower_expr.hpp"
#include "dsl/resolve.hpp"
#include "dsl/test_block.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::dsl {

/// `not T[…]`, wherever it stands.
struct NegationInfo {
  const ast::Pattern* source = nullptr;
  std::vector<model::EventTypeId> types;  // as in StepInfo
  std::uint32_t place = 0;                // the step that it stands before; behind the last: their number
};

/// A step or negation of the text with the types that it takes (none: unknown, reported).
struct Mention {
  const ast::Pattern* source = nullptr;
  std::vector<model::EventTypeId> types;
};

/// A pattern before its conditions: the shape, and the steps in text order.
struct LoweredPattern {
  plan::PatternNode root;
  std::vector<StepInfo> steps;
  std::vector<const ast::Pattern*> sources;  // beside steps
  std::vector<NegationInfo> negations;
  std::vector<plan::Absence> before;
  std::vector<plan::Absence> after;
  std::vector<Mention> mentions;  // in text order
  bool sound = true;              // false: the steps are not all there

  /// The fewest events that match `node`.
  std::uint64_t least_events(const plan::PatternNode& node) const;
  /// The steps whose event may be the last of a match. With `shortest` (report first) a match completes as
  /// soon as it can.
  std::vector<std::uint32_t> last_steps(const plan::PatternNode& node, bool shortest) const;
  /// The steps that are never taken because a match is complete without them (report first).
  std::vector<std::uint32_t> idle_steps(const plan::PatternNode& node) const;
  /// The states of `node` once its groups are unrolled: a group once for each counted repeat, an operand of
  /// `&` once for each set of the others that may come before it. At most `many_states`.
  std::uint64_t states(const plan::PatternNode& node) const;
};
inline constexpr std::uint64_t many_states = 1'000'000'000;

/// `what` is repeated: a step or a group.
plan::Quantifier lower_quantifier(Symbols& symbols, const ast::Quantifier& written, const char* what);
/// Without bans, which are written as elements.
plan::Edge lower_edge(Symbols& symbols, const ast::Edge& written);

/// `any_types` are those that `any[…]` takes; none: unknown, reported.
LoweredPattern lower_pattern(Symbols& symbols, const ast::Pattern& pattern,
                             const std::vector<model::EventTypeId>& any_types);

/// The partition that equality joins make of a rule without one: a key for each field of the first step that
/// every other step and every `not` is compared with. `rule` has its conditions already; `times_out` says
/// that it has an `on timeout`.
std::vector<plan::PartitionKey> find_partition(const Symbols& symbols, const plan::Rule& rule,
                                               const LoweredPattern& pattern, bool times_out);

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
  plan::Rule rule;  // but for rule.emit and rule.timeout
  std::vector<EmittedField> emitted;
  std::vector<EmittedField> timed_out;
};
/// Types a rule. The types that it reads must be complete.
LoweredRule lower_rule(Symbols& symbols, const ast::RuleDecl& decl);

/// All of it. The plan is of use only where no error was reported.
plan::Plan lower(Symbols& symbols, const Declarations& declarations);

/// All tests, after lower() has completed the types that rules emit. Those of a test with params of its own
/// have a plan of their own. Of use only where no error was reported.
std::vector<TestBlock> lower_tests(Symbols& symbols, const Declarations& declarations,
                                   const Settings& settings);

}  // namespace tocsin::dsl
