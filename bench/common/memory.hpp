// What a live run, an event of a window and a key take: resident memory, all in all. Each is measured in a
// process of its own, from which what was freed before is gone, so that none of it is used again unseen.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <malloc.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "bench/common/engine_run.hpp"

namespace tocsin::bench {

inline std::size_t resident_bytes() {
  std::size_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

struct MemoryCase {
  const char* what;
  std::string rule;
  std::size_t keys;
  std::size_t events;           // one after the other on all keys
  std::size_t items;            // what is counted
  std::int64_t silence_ns = 0;  // then so long nothing comes, and one event ends that
  int to_reach = 0;
};

inline void measure_memory(const MemoryCase& each) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child != 0) {
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) std::exit(1);
    return;
  }
  malloc_trim(0);
  EngineRun engine(Stream::Kind::payments, each.rule);
  std::vector<Event> events(1024);
  std::size_t made = 0;
  const auto piece = [&](std::int64_t later_ns) {
    for (Event& event : events) {
      event.key = Key("C" + std::to_string(made % each.keys));
      event.number = 1;
      event.at_ns = static_cast<std::int64_t>(made++) * 1000 + later_ns;
    }
    engine.write(events);
  };
  piece(0);  // its events are not pushed: the batch gets its size
  made = 0;
  const std::size_t before = resident_bytes();
  while (made < each.events) {
    piece(0);
    engine.push();
  }
  if (each.silence_ns > 0) {
    piece(each.silence_ns);
    engine.push();
  }
  // What is dropped at a limit would count as held.
  const auto counters = engine.stats().rules[0];
  if (counters.dropped_runs + counters.dropped_events > 0) {
    std::fprintf(stderr, "%s: something was dropped\n", each.what);
    std::_Exit(1);
  }
  const double bytes = static_cast<double>(resident_bytes() - before);
  std::printf("%-44s %9.1f %9d\n", each.what, bytes / static_cast<double>(each.items), each.to_reach);
  std::fflush(stdout);
  std::_Exit(0);
}

inline void measure_memory() {
  constexpr std::size_t million = 1'000'000;
  const std::string sequence = "rule r { match a: Payment[amount < 5] -> b: Payment[amount > 500";
  const std::string window =
      "rule r { from Payment partition by card window sliding 60s when count() > 5000 and sum(amount) > "
      "1000000 on every }";
  std::printf("%-44s %9s %9s\n", "bytes each", "engine", "to reach");
  measure_memory({"a live run, 1,000 keys", sequence + "] partition by card within 1h report all }", 1000,
                  4 * million, 4 * million, 0, 64});
  measure_memory({"a live run that compares events",
                  sequence + " and b.amount > 600 * a.amount] partition by card within 1h report all }", 1000,
                  4 * million, 4 * million, 0, 64});
  measure_memory({"an event of a count-and-sum window", window, 1000, 8 * million, 8 * million, 0, 16});
  measure_memory({"a key with one run that waits", sequence + "] partition by card within 1h }", million,
                  million, million, 0, 48 + 64});
  measure_memory(
      {"an idle key: its window is empty", window, million, million, million, 3'600'000'000'000, 48});
}

}  // namespace tocsin::bench
