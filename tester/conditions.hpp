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

class Conditions {
 public:
  /// All must outlive this.
  Conditions(const plan::Plan& plan, const plan::Rule& rule, const Record& record, const Show& show)
      : plan_(plan), rule_(rule), show_(show), tables_(plan, record) {}

  /// Those of `conjuncts` that are false of `event` as the next event of `run`. `step`: whose they are; a
  /// conjunct with `prev` counts once the run holds an event of it.
  std::vector<Refusal> refusals(const std::vector<plan::Expr>& conjuncts, model::EventView event,
                                const std::vector<model::MatchedEvent>& run, std::uint32_t step);
  /// The same, whether there is one.
  bool hold(const std::vector<plan::Expr>& conjuncts, model::EventView event,
            const std::vector<model::MatchedEvent>& run, std::uint32_t step);

 private:
  const match::Expression& compiled(const plan::Expr& expr, model::EventTypeId type);
  bool applies(const plan::Expr& conjunct, model::EventTypeId type,
               const std::vector<model::MatchedEvent>& run, std::uint32_t step);
  Refusal describe(const plan::Expr& conjunct, const match::Bindings& bindings);
  void add_values(const plan::Expr& expr, const match::Bindings& bindings, Refusal& out);
  double distance(const plan::Expr& conjunct, const match::Bindings& bindings);

  const plan::Plan& plan_;
  const plan::Rule& rule_;
  const Show& show_;
  TablesAt tables_;
  match::Scratch scratch_;
  std::map<std::pair<const plan::Expr*, model::EventTypeId>, match::Expression> compiled_;
};

}  // namespace tocsin::tester
