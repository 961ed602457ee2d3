#include "engine/match/predicate_index.hpp"

#include <algorithm>
#include <bit>

namespace tocsin::match {

std::size_t PredicateIndex::TypeIndex::pass_over(const model::EventBatch& events, std::size_t i,
                                                 model::EventTypeId type) const {
  const auto scan = [&](const auto& passes) {
    while (i < events.size() && events[i].type() == type && !passes(events[i]))
      ++i;
    return i;
  };
  if (runs.size() != 1) {
    return scan([&](model::EventView event) {
      return std::any_of(runs.begin(), runs.end(), [&](const auto& r) { return r.may_pass(event); });
    });
  }
  // One run is the common case: its comparison is chosen once and not for each event.
  const std::uint32_t slot = runs[0].slot;
  const double number = runs[0].first_float;
  const std::int64_t integer = runs[0].first_int;
  if (runs[0].floating && runs[0].upper)
    return scan([=](model::EventView event) { return event.load_float(slot) <= number; });
  if (runs[0].floating) return scan([=](model::EventView event) { return event.load_float(slot) >= number; });
  if (runs[0].upper) return scan([=](model::EventView event) { return event.load_int(slot) <= integer; });
  return scan([=](model::EventView event) { return event.load_int(slot) >= integer; });
}

bool PredicateIndex::rest_holds(const TypeIndex& index, const Predicate& predicate, model::EventView event,
                                Scratch& scratch) {
  for (std::uint32_t i = predicate.first_interval; i < predicate.end_intervals; ++i) {
    if (!index.intervals[i].holds(event)) return false;
  }
  if (predicate.first_residual == predicate.end_residuals) return true;
  scratch.reset();
  for (std::uint32_t i = predicate.first_residual; i < predicate.end_residuals; ++i) {
    if (!index.residuals[i].holds({event, {}}, scratch)) return false;
  }
  return true;
}

// Many are put in order by marking them: a look at each word of marks costs less than comparing.
void PredicateIndex::sort_touched() {
  const auto before = [](const auto& a, const auto& b) { return a.program < b.program; };
  if (std::is_sorted(touched_.begin(), touched_.end(), before)) return;
  if (touched_.size() < 16 + is_touched_.size() / 8) {
    std::sort(touched_.begin(), touched_.end(), before);
    return;
  }
  for (const Touched& touched : touched_)
    is_touched_[touched.program / 64] |= std::uint64_t{1} << (touched.program % 64);
  sorted_.clear();
  for (std::size_t word = 0; word < is_touched_.size(); ++word) {
    for (std::uint64_t left = is_touched_[word]; left != 0; left &= left - 1)
      sorted_.push_back(touched_[place_of_[64 * word + std::countr_zero(left)].place]);
    is_touched_[word] = 0;
  }
  std::swap(touched_, sorted_);
}

std::string PredicateIndex::dump(const model::Catalog& catalog) const {
  std::string text;
  for (std::size_t t = 0; t < types_.size(); ++t) {
    const TypeIndex& index = types_[t];
    if (index.predicates.empty()) continue;
    const auto& type = catalog.types[t];
    text += type.name + ": " + std::to_string(index.predicates.size()) + " predicates\n";
    for (const auto& group : index.equalities) {
      text += "  " + type.fields[group.field].name + " == one of " + std::to_string(group.count) +
              " values (hash)\n";
    }
    for (const auto& run : index.runs) {
      text += "  " + type.fields[run.field].name + (run.upper ? " <" : " >") + " one of " +
              std::to_string(run.end - run.begin) + " bounds (ordered)\n";
    }
    if (!index.always.empty()) text += "  " + std::to_string(index.always.size()) + " tried on every event\n";
  }
  return text;
}

}  // namespace tocsin::match
