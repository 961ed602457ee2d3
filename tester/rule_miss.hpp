// One rule that gave no alert where one was expected: how far its best run got, and what stopped it.
//
// What stopped it is the event that came nearest to taking the run on: the one that the fewest conditions
// refused, of those the one that numbers were closest for. An event that no condition refused was too late,
// was forbidden, or not the very next.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "dsl/test_block.hpp"
#include "tester/explore.hpp"

namespace tocsin::tester {

using Lines = std::vector<std::string>;

class RuleMiss {
 public:
  /// All must outlive this.
  RuleMiss(const plan::Plan& plan, std::uint32_t rule, const Record& record, const Show& show,
           const dsl::Expectation& expected);

  /// What happened, for a person. `at_timeout`: of its `on timeout`.
  Lines lines(bool at_timeout);

  /// The event types that its best run waited for and that did not come. Call after lines().
  const std::vector<model::EventTypeId>& lacking() const { return lacking_; }

 private:
  /// An event that a run did not take, and why.
  struct Candidate {
    const Run* run = nullptr;
    model::EventView event;
    std::uint32_t step = 0;         // as which it was tried
    std::vector<Refusal> refusals;  // none: there is a reason
    std::string reason;
  };
  struct Place {
    const Stream* stream;
    const Run* run;
  };

  Lines filter_lines();
  Lines pattern_lines();
  std::optional<Lines> whole_run() const;
  std::optional<Lines> pending_timeout() const;

  std::optional<model::Value> wanted_key(const plan::PartitionKey& part,
                                         const dsl::Expectation& expected) const;
  std::size_t first_free(const Stream& stream) const;
  std::vector<Place> best_runs() const;
  match::Range arcs_of(const Run& run) const;
  void add_candidates(const Place& place, std::vector<Candidate>& out);
  std::vector<Refusal> refusals(model::EventView event, const Run& run, std::optional<std::uint32_t> step);
  std::string reason(const Run& run, const match::Arc& arc, model::EventView event, std::size_t place,
                     const std::string& passed, bool closed) const;
  void note_lacking(const Run& run);
  static std::tuple<std::size_t, double, std::size_t, std::int64_t> rank(const Candidate& candidate);

  std::string type_names(const std::vector<model::EventTypeId>& types) const;
  std::string step_name(std::uint32_t step) const;
  std::string watch_text(std::uint32_t watch) const;
  Lines run_lines(const Run& run, const std::string& what) const;
  void show_candidate(const Candidate& candidate, Lines& out) const;

  const plan::Plan& plan_;
  const plan::Rule& rule_;
  const std::uint32_t id_;
  const Record& record_;
  const Show& show_;
  Conditions conditions_;
  Exploration explored_;
  std::vector<const Stream*> streams_;  // those with the key that the expectation asks for
  std::string key_;                     // this key: `card: "A"`, or empty
  std::vector<model::EventTypeId> lacking_;
};

}  // namespace tocsin::tester
