// `throttle 10m`: of the matches of a rule at most one a partition passes in that time. What is remembered is
// one time for each partition that had one less than that long ago; as all stay equally long, they stand in
// a queue, and a partition goes with its entry.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/fifo.hpp"
#include "engine/base/saturate.hpp"
#include "engine/match/key_table.hpp"

namespace tocsin::match {

class Throttle {
 public:
  /// `program` must outlive it and have a throttle.
  explicit Throttle(const Program& program) : program_(program) {}

  /// True where a match at `at_ns`, not before an earlier one, passes; `event` has its partition. Amortised
  /// constant.
  bool passes(model::EventView event, std::int64_t at_ns) {
    for (; !passed_.empty() && later(passed_.front().at_ns, program_.throttle_ns) <= at_ns;
         passed_.pop_front())
      if (program_.partitioned) keys_.erase(passed_.front().slot);
    std::uint32_t slot = 0;
    if (program_.partitioned) {
      KeyView key;
      if (!make_key(event, program_.keys_of(event.type()), scratch_, key)) return true;
      if (keys_.find(key) != KeyTable::absent) return false;
      slot = keys_.add(key);
    } else if (!passed_.empty()) {
      return false;
    }
    passed_.push_back({at_ns, slot});
    return true;
  }

 private:
  struct Passed {
    std::int64_t at_ns;
    std::uint32_t slot;
  };
  const Program& program_;
  KeyTable keys_;
  Fifo<Passed> passed_;
  std::string scratch_;
};

}  // namespace tocsin::match
