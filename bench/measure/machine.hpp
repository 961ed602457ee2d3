// What a figure depends on besides the program: the machine, how it was built, and how quiet it is.
#pragma once

#include <cstdint>
#include <string>

#include "bench/measure/clock.hpp"
#include "bench/measure/histogram.hpp"

namespace tocsin::measure {

struct Machine {
  std::string cpu;  // model name
  unsigned cores = 0;
  std::string kernel;
  std::string load;  // the three averages
};
/// As the system tells it; what it does not tell is `unknown`.
Machine this_machine();

struct Build {
  std::string type, compiler, version, commit;
};
Build this_build();

/// How long the calling thread was kept from running: for `duration_ns` it does nothing but read the clock,
/// and each step from one reading to the next that is more than a few readings is a hiccup. In ns.
Histogram hiccups(const TickClock& clock, std::int64_t duration_ns);

}  // namespace tocsin::measure
