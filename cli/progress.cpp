#include "cli/progress.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <string>

#include "service/text.hpp"

namespace tocsin::cli {
using namespace service;
namespace {

constexpr auto first_after = std::chrono::seconds(1);
constexpr auto then_every = std::chrono::milliseconds(200);

}  // namespace

Progress::Progress(bool enabled) : enabled_(enabled), started_(Clock::now()), next_(started_ + first_after) {}

bool Progress::due() {
  return enabled_ && Clock::now() >= next_;
}

void Progress::show(const ProgressState& state) {
  const auto now = Clock::now();
  next_ = now + then_every;
  const double seconds = std::chrono::duration<double>(now - started_).count();
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(state.events) / seconds);
  std::string line = fmt::format("{}, {}/s", count_of(state.events, "event"), show_number(rate));
  if (state.bytes_total > 0) {
    line += fmt::format(
        ", {:.0f}%", 100.0 * static_cast<double>(state.bytes_read) / static_cast<double>(state.bytes_total));
  }
  line += ", " + count_of(state.matches, "match", "matches");
  fmt::print(stderr, "\r{}\033[K", line);
  std::fflush(stderr);
  shown_ = true;
}

void Progress::clear() {
  if (shown_.exchange(false)) fmt::print(stderr, "\r\033[K");
}

}  // namespace tocsin::cli
