// What two programs that find the same matches must agree on, and what a benchmark needs beside: a sink and
// the thread's clock.
#pragma once

#include <cstdint>
#include <ctime>

#include "engine/model/match.hpp"

namespace tocsin::bench {

/// The number of matches, and a sum over their rules and events in any order of the matches.
struct Answer {
  std::uint64_t matches = 0;
  std::uint64_t checksum = 0;

  /// A match of these events, as a sum that keeps their order.
  class Events {
   public:
    explicit Events(std::uint32_t rule) : hash_(rule * 0x9FB21C651E98DF25ull) {}
    Events& operator<<(std::uint64_t seq) {
      hash_ = (hash_ ^ seq) * 0xD6E8FEB86659FD93ull;
      return *this;
    }
    std::uint64_t hash() const { return hash_; }

   private:
    std::uint64_t hash_;
  };
  void add(const Events& events) {
    ++matches;
    checksum += events.hash();
  }
  friend bool operator==(const Answer&, const Answer&) = default;
};

class AnswerSink : public model::MatchSink {
 public:
  void on_match(const model::MatchView& match) override {
    Answer::Events events(match.rule);
    for (const auto& taken : match.events)
      events << taken.event.seq();
    answer.add(events);
  }
  Answer answer;
};

/// CPU time of this thread: the machine may be shared.
inline double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace tocsin::bench
