#include "bench/measure/machine.hpp"

#include <fstream>
#include <sys/utsname.h>
#include <unistd.h>

namespace tocsin::measure {
namespace {

constexpr std::uint64_t least_hiccup_ns = 200;  // a few readings of the clock take less

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) ? line : "unknown";
}

}  // namespace

Machine this_machine() {
  Machine machine;
  machine.cpu = "unknown";
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (!line.starts_with("model name") || colon == std::string::npos) continue;
    machine.cpu = line.substr(colon + 2);
    break;
  }
  machine.cores = static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN));
  utsname name{};
  machine.kernel = ::uname(&name) == 0 ? std::string(name.sysname) + " " + name.release : "unknown";
  machine.load = first_line("/proc/loadavg");
  for (std::size_t i = 0, words = 0; i < machine.load.size(); ++i) {
    if (machine.load[i] == ' ' && ++words == 3) machine.load.resize(i);
  }
  return machine;
}

Build this_build() {
#if defined(__clang__)
  const std::string compiler = "clang " __clang_version__;
#else
  const std::string compiler = "g++ " __VERSION__;
#endif
  return {TOCSIN_BUILD_TYPE, compiler, TOCSIN_VERSION, TOCSIN_COMMIT};
}

Histogram hiccups(const TickClock& clock, std::int64_t duration_ns) {
  Histogram hiccups;
  const std::uint64_t begin = ticks(), end = begin + clock.ticks_of(static_cast<double>(duration_ns));
  for (std::uint64_t last = begin; last < end;) {
    const std::uint64_t now = ticks();
    const std::uint64_t step_ns = clock.ns_of(now - last);
    if (step_ns >= least_hiccup_ns) hiccups.record(step_ns);
    last = now;
  }
  return hiccups;
}

}  // namespace tocsin::measure
