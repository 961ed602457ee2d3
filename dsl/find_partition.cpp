// A partition that nobody wrote: where equality joins tie every event of a match to the same field of the
// first step, the rule has that key. Events of different keys can then not be in one match, and with relaxed
// edges and bounds of time alone an event of another key is never in the way.
#include <algorithm>
#include <map>

#include "dsl/lower.hpp"
#include "dsl/types.hpp"

namespace tocsin::dsl {

using model::EventTypeId;
using model::Kind;
using plan::Expr;
using plan::FieldRef;
using plan::Op;
using plan::PatternNode;
using plan::Selector;

namespace {

bool passes_over(plan::Contiguity contiguity) {
  return contiguity != plan::Contiguity::strict;
}

/// No edge or loop asks for the very next event.
bool passes_over(const PatternNode& node) {
  const auto edge_does = [](const plan::Edge& edge) {
    return passes_over(edge.contiguity) &&
           std::none_of(edge.bans.begin(), edge.bans.end(), [](const plan::Ban& ban) { return ban.strict; });
  };
  return passes_over(node.quantifier.mode) && std::all_of(node.edges.begin(), node.edges.end(), edge_does) &&
         std::all_of(node.children.begin(), node.children.end(),
                     [](const PatternNode& child) { return passes_over(child); });
}

bool can_have_partition(const plan::Rule& rule) {
  const auto step_can = [](const plan::Step& step) {
    return step.types.size() == 1 && step.until.empty() && passes_over(step.quantifier.mode);
  };
  return rule.steps.size() > 1 && rule.before.empty() && rule.within.unit != plan::Within::Unit::events &&
         passes_over(rule.pattern) && std::all_of(rule.steps.begin(), rule.steps.end(), step_can) &&
         std::all_of(rule.negations.begin(), rule.negations.end(),
                     [](const plan::Negation& each) { return each.types.size() == 1; });
}

class KeyFinder {
 public:
  KeyFinder(const Symbols& symbols, const plan::Rule& rule, const LoweredPattern& pattern, bool times_out)
      : symbols_(symbols), rule_(rule), pattern_(pattern), times_out_(times_out) {}

  /// The key that begins with this field of the first step, if all the others join.
  std::optional<plan::PartitionKey> find(std::uint32_t first_field) {
    fields_.clear();
    const EventTypeId first = rule_.steps[0].types.front();
    const model::Field& named = symbols_.catalog[first].fields[first_field];
    if (named.type.kind == Kind::floating || named.type.kind == Kind::array) return std::nullopt;
    // An event without key is in no part; alone in its match, or at a timeout, it would be missed.
    if (named.type.nullable && !is_never_alone()) return std::nullopt;
    fields_[first] = first_field;
    if (rule_.steps[0].repeated() && !keeps(first_field)) return std::nullopt;
    const auto steps = static_cast<std::uint32_t>(rule_.steps.size());
    for (std::uint32_t i = 1; i < steps; ++i) {
      if (!joins(rule_.steps[i].types.front(), rule_.steps[i].conditions, i)) return std::nullopt;
    }
    for (std::size_t i = 0; i < rule_.negations.size(); ++i) {
      const plan::Negation& negation = rule_.negations[i];
      if (!joins(negation.types.front(), negation.conditions, pattern_.negations[i].place))
        return std::nullopt;
    }
    plan::PartitionKey key{.name = named.name, .type = named.type, .fields = {}};
    key.type.nullable = false;
    for (const plan::Input& input : rule_.inputs)
      key.fields.emplace_back(input.type, fields_.at(input.type));
    return key;
  }

 private:
  /// Where the first step was taken, another is before anything is reported.
  bool is_never_alone() const {
    const auto& steps = pattern_.steps;
    return !times_out_ &&
           std::any_of(steps.begin() + 1, steps.end(), [](const StepInfo& step) { return step.certain(); });
  }

  /// Each event of the first step has the field's value from the one before.
  bool keeps(std::uint32_t field) const {
    const auto& conditions = rule_.steps[0].conditions;
    return std::any_of(conditions.begin(), conditions.end(), [&](const Expr& each) {
      const auto join = join_of(each);
      return join && join->mine.field == field && join->other.selector == Selector::previous &&
             join->other.field == field;
    });
  }

  /// `field == other.field`, either way round.
  struct Join {
    FieldRef mine;
    FieldRef other;
  };

  static std::optional<Join> join_of(const Expr& condition) {
    if (condition.op != Op::eq || condition.ignore_case) return std::nullopt;
    const Expr& left = condition.args[0];
    const Expr& right = condition.args[1];
    if (left.op != Op::field || right.op != Op::field) return std::nullopt;
    if (left.ref.selector == Selector::current) return Join{left.ref, right.ref};
    if (right.ref.selector == Selector::current) return Join{right.ref, left.ref};
    return std::nullopt;
  }

  /// One of the conditions ties an event of this type, at step `at` or before it, to the key.
  bool joins(EventTypeId type, const std::vector<Expr>& conditions, std::uint32_t at) {
    for (const Expr& condition : conditions) {
      const auto join = join_of(condition);
      if (!join || !is_key_of_earlier(join->other, at)) continue;
      const auto field = fields_.emplace(type, join->mine.field).first;
      if (field->second == join->mine.field) return true;
    }
    return false;
  }

  bool is_key_of_earlier(const FieldRef& ref, std::uint32_t at) const {
    const bool of_step =
        ref.selector == Selector::single || ref.selector == Selector::first || ref.selector == Selector::last;
    if (!of_step || ref.step >= at || fields_.at(ref.type) != ref.field) return false;
    const StepInfo& step = pattern_.steps[ref.step];
    return at < pattern_.steps.size() ? step.certain_at(pattern_.steps[at]) : step.certain();
  }

  const Symbols& symbols_;
  const plan::Rule& rule_;
  const LoweredPattern& pattern_;
  const bool times_out_;
  std::map<EventTypeId, std::uint32_t> fields_;
};

}  // namespace

std::vector<plan::PartitionKey> find_partition(const Symbols& symbols, const plan::Rule& rule,
                                               const LoweredPattern& pattern, bool times_out) {
  std::vector<plan::PartitionKey> keys;
  const bool known = std::all_of(pattern.mentions.begin(), pattern.mentions.end(),
                                 [](const Mention& mention) { return !mention.types.empty(); });
  if (!known || !can_have_partition(rule)) return keys;
  KeyFinder finder(symbols, rule, pattern, times_out);
  const auto& first = symbols.catalog[rule.steps[0].types.front()];
  for (std::uint32_t field = 0; field < first.fields.size(); ++field) {
    if (auto key = finder.find(field)) keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace tocsin::dsl
