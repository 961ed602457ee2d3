// The tables of a test as they stood for each event: those of rows that the test gives, and those that keep
// events, filled again from the record up to the event asked for.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/match/table.hpp"
#include "tester/play.hpp"

namespace tocsin::tester {

class TablesAt {
 public:
  /// Both must outlive this.
  TablesAt(const plan::Plan& plan, const Record& record);

  /// By number, as they stand when `event`, one of the record, is looked at; an empty view: at its end. Going
  /// back costs all events before it again.
  std::span<const match::Table* const> at(model::EventView event);

 private:
  void start_again();

  const plan::Plan& plan_;
  const Record& record_;
  std::vector<std::unique_ptr<match::Table>> kept_;  // by number; null for those of rows
  std::vector<const match::Table*> by_number_;
  std::size_t next_ = 0;  // of the record's events, to be put in
};

}  // namespace tocsin::tester
