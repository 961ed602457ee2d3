// A shard: the rules' state for a part of the keys, and the code that runs a batch through it. It knows no
// threads: the same code runs inline, under a thread of its own, and in tests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/limits.hpp"
#include "engine/match/matcher.hpp"
#include "engine/match/predicate_index.hpp"
#include "engine/runtime/batch.hpp"
#include "engine/runtime/rule_set.hpp"

namespace tocsin::runtime {

class Shard final : private match::Output {
 public:
  Shard(const RuleSet& rules, const Limits& limits, bool predicate_index, unsigned number, unsigned shards);

  /// Runs one layer's rules over a batch. Matches go to the batch's log or, with one shard and one layer,
  /// straight to `sink`. Layers of a batch in order, and a layer's batches in order.
  void run_layer(Batch& batch, std::size_t layer, model::MatchSink* sink);

  /// By rule id.
  void add_counters(std::vector<match::RuleCounters>& by_rule) const;
  std::uint64_t matches() const { return matches_; }
  std::uint64_t derived() const { return derived_; }
  std::uint64_t arithmetic_faults() const { return scratch_.arithmetic_faults; }

 private:
  void visit(std::size_t layer, model::EventView event, const std::vector<match::Touched>& all,
             const Position& position);
  void report(const match::Program& program, model::EventView trigger,
              std::span<const model::MatchedEvent> events) override;

  const RuleSet& rules_;
  const unsigned number_;
  const unsigned shards_;
  match::Scratch scratch_;
  std::vector<std::unique_ptr<match::Matcher>> matchers_;  // by program
  std::vector<match::PredicateIndex> indexes_;             // by layer
  model::EventBatch emitted_;                              // of the match at hand
  std::string key_scratch_;
  std::uint64_t order_ = 0;
  std::uint64_t matches_ = 0;
  std::uint64_t derived_ = 0;

  // Of the event at hand.
  MatchLog* log_ = nullptr;
  model::MatchSink* sink_ = nullptr;
  std::uint32_t program_ = 0;
  Position position_;
};

}  // namespace tocsin::runtime
