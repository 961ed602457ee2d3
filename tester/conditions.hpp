// The conditions of one rule, evaluated one conjunct at a time, for those who want to know why: which one is
// false, and what the names in it stood for.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/match/evaluate.hpp"
#include "engine/plan/plan.hpp"
#include "tester/show.hpp"
#include "tester/tables_at.hpp"

namespace tocsin::tester {

/// A conjunct that is false.
struct Refusal {
  std::string text;                                         // as rule text
  std::vector<std::pair<std::string, std::string>> values;  // of the names and aggregates in it
  double distance = 1;  // how far from true it is: of two numbers their relative difference, else 1
};

/// A line a conjunct, and one a value below it, for a person.
void add_lines(const std::vector<Refusal>& refusals, const std::string& indent,
               std::vector<std::string>& out);

class Conditions {
 public:
  /// All must outlive this.
  Conditions(const plan::Plan& plan, const plan::Rule& rule, const Record& record, const Show& show);

  /// Those of `conjuncts` that are false of `event` as the next event of `run`. `step`: whose they are; a
  /// conjunct with `prev` counts once the run holds an event of it.
  std::vector<Refusal> refusals(const std::vector<plan::Expr>& conjuncts, model::EventView event,
                                const std::vector<model::MatchedEvent>& run, std::uint32_t step);
  /// Of `bindings`, with the tables of the last scratch_at().
  std::vector<Refusal> refusals(const std::vector<plan::Expr>& conjuncts, const match::Bindings& bindings);
  /// Working memory, with the tables as they stand when `event`, one of the record, is looked at; an empty
  /// view: at its end.
  match::Scratch& scratch_at(model::EventView event);
  /// False where one of them is false.
  bool hold(const std::vector<plan::Expr>& conjuncts, model::EventView event,
            const std::vector<model::MatchedEvent>& run, std::uint32_t step);

 private:
  const match::Expression& compiled(const plan::Expr& expr, model::EventTypeId type);
  bool applies(const plan::Expr& conjunct, const match::Bindings& bindings);
  Refusal describe(const plan::Expr& conjunct, const match::Bindings& bindings);
  void add_values(const plan::Expr& expr, const match::Bindings& bindings, Refusal& out);
  double distance(const plan::Expr& conjunct, const match::Bindings& bindings);

  const plan::Plan& plan_;
  plan::Rule rule_;  // its aggregates as they are written
  const Show& show_;
  TablesAt tables_;
  match::Scratch scratch_;
  std::map<std::pair<const plan::Expr*, model::EventTypeId>, match::Expression> compiled_;
};

}  // namespace tocsin::tester
