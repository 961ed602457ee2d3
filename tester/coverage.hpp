// Which rules and which of their steps tests have reached.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/plan/plan.hpp"
#include "tester/play.hpp"
#include "tester/show.hpp"

namespace tocsin::tester {

class Coverage {
 public:
  explicit Coverage(const plan::Plan& plan) : rules_(plan.rules.size()) {}

  /// Adds what the test behind `record` reached. `plan`: its own, with the same rules.
  void add(const plan::Plan& plan, const Record& record, const Show& show);

  std::size_t matched() const;
  /// A line a rule: `card_testing  matched`, `two_countries  started; never reached: b`,
  /// `port_scan  started; never fired` (events came into its window), `campaign  never`.
  std::vector<std::string> lines(const plan::Plan& plan) const;

 private:
  struct Reached {
    bool matched = false;
    bool started = false;
    std::uint64_t steps = 0;  // bit i: an event was taken as step i
  };
  std::vector<Reached> rules_;  // by id
};

}  // namespace tocsin::tester
