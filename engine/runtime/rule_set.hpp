// All rules of a plan, compiled: shared by the shards, never changed. Where rules are replaced, the next set
// takes over the programs of those that stay the same. Says which layer each rule runs in and
// which shard an event must go to for it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/match/counters.hpp"
#include "engine/match/key_table.hpp"
#include "engine/match/program.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::runtime {

/// How the events of one type find the shard of a rule.
struct Routing {
  enum class Kind : std::uint8_t {
    keyed,   // by the hash of the partition key; nowhere where a key field is null
    fixed,   // to one shard: a rule without partition lives there
    spread,  // to the one that owns the batch: a rule without state
  };
  Kind kind = Kind::spread;
  match::KeyFields keys;
  unsigned shard = 0;

  /// The shard, or `nowhere`. Not of `spread`.
  unsigned destination(model::EventView event, unsigned shards, std::string& scratch) const {
    if (kind == Kind::fixed) return shard;
    match::KeyView key;
    if (!match::make_key(event, keys, scratch, key)) return nowhere;
    // The low half scaled, as the shards' tables stand in order of the whole.
    return static_cast<unsigned>(((key.hash & 0xFFFFFFFF) * shards) >> 32);
  }
  static constexpr unsigned nowhere = ~0u;
};

struct RuleSet {
  /// `plan` must outlive it; with `before` it continues that one's plan (plan/continuation.hpp).
  RuleSet(const plan::Plan& plan, match::MatcherChoice choice, unsigned shards,
          const RuleSet* before = nullptr);

  const plan::Plan& plan;
  std::vector<std::shared_ptr<const match::Program>>
      programs;                                    // in the plan's order: emitters before readers
  std::vector<std::optional<std::uint32_t>> kept;  // by program: its number in the set before, if it goes on
  std::vector<std::vector<std::uint32_t>> layers;  // programs by layer; a layer reads only earlier ones
  std::vector<std::size_t> layer_of;               // by program: its layer
  std::vector<std::vector<Routing>> routings;      // by program, then input
  std::vector<std::vector<Routing>> of_type;       // by event type: the distinct ones of all rules
  std::vector<bool> is_read;                       // by event type: some rule reads it, or a table keeps it
  std::vector<std::vector<std::uint32_t>> tables;  // by layer: those that its rules look into, in order
  std::vector<bool> is_kept;                       // by event type: one of these tables keeps it
  std::vector<bool> is_split;  // by event type: a shard that gets an event need not run all its rules
  bool is_spread = true;       // all routings are spread, and no table is kept

 private:
  void add_program(std::uint32_t rule, match::MatcherChoice choice, const RuleSet* before,
                   std::uint32_t number_before);
  void part_windows(const RuleSet& before, match::MatcherChoice choice);
};

}  // namespace tocsin::runtime
