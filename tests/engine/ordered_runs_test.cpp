// The heap of runs behind an inequality, against a plain list.
#include "engine/match/ordered_runs.hpp"

#include <doctest/doctest.h>
#include <map>
#include <random>

using namespace tocsin::match;

TEST_CASE("an ordered bucket meets the runs up to a rank, and loses those that are done") {
  std::mt19937_64 random(7);
  OrderedRuns runs;
  OrderedRuns::Scratch scratch;
  std::map<Id, std::int64_t> expected;  // node → rank
  Id next = 0;
  const auto below = [&](std::uint64_t n) { return random() % n; };
  for (int round = 0; round < 20'000; ++round) {
    if (below(3) > 0) {
      const auto rank = below(50) == 0 ? INT64_MIN : static_cast<std::int64_t>(below(40));
      runs.push({rank, next}, [](Id) { return false; });
      expected.emplace(next++, rank);
      continue;
    }
    const auto rank = static_cast<std::int64_t>(below(50)) - 5;
    const std::uint64_t keeps = below(3);
    std::map<Id, std::int64_t> met;
    runs.visit_up_to(rank, scratch, [&](Id node) {
      met.emplace(node, expected.at(node));
      return node % 3 < keeps;
    });
    std::map<Id, std::int64_t> due;
    for (const auto& [node, own] : expected) {
      if (own <= rank) due.emplace(node, own);
    }
    REQUIRE(met == due);
    std::erase_if(expected, [&](const auto& run) { return run.second <= rank && run.first % 3 >= keeps; });
    REQUIRE(runs.size() == expected.size());
  }
}

TEST_CASE("runs that are over go when a bucket grows") {
  OrderedRuns runs;
  for (Id node = 0; node < 100'000; ++node)
    runs.push({static_cast<std::int64_t>(node), node}, [&](Id waiting) { return waiting + 10 < node; });
  CHECK(runs.size() < 40);
}
