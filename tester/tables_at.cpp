#include "tester/tables_at.hpp"

#include <algorithm>

#include "engine/base/limits.hpp"

namespace tocsin::tester {

TablesAt::TablesAt(const plan::Plan& plan, const Record& record)
    : plan_(plan), record_(record), kept_(plan.tables.size()), by_number_(plan.tables.size()) {
  for (std::size_t i = 0; i < by_number_.size(); ++i)
    by_number_[i] = record.tables[i].get();
  start_again();
}

void TablesAt::start_again() {
  next_ = 0;
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    if (record_.tables[i]) continue;
    kept_[i] = std::make_unique<match::Table>(plan_.tables[i], plan_.catalog, Limits{}.table_rows);
    by_number_[i] = kept_[i].get();
  }
}

// The record's events lie one behind the other, so that their addresses tell their order.
std::span<const match::Table* const> TablesAt::at(model::EventView event) {
  const bool keeps_any =
      std::any_of(kept_.begin(), kept_.end(), [](const auto& table) { return table != nullptr; });
  if (!keeps_any) return by_number_;
  if (event && next_ > 0 && record_.events[next_ - 1].bytes() >= event.bytes()) start_again();
  for (; next_ < record_.events.size(); ++next_) {
    const model::EventView each = record_.events[next_];
    if (event && each.bytes() >= event.bytes()) break;
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      if (kept_[i] && plan_.tables[i].type == each.type()) kept_[i]->put(each);
    }
  }
  return by_number_;
}

}  // namespace tocsin::tester
