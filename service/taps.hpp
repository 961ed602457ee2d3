// Matches for those who look on over the control channel. The engine's thread writes what somebody taps as
// NDJSON into a bounded queue, from which the control thread hands it out; where that is full, matches are
// dropped and counted, so that a slow onlooker never holds detection up. Nobody tapping costs one load a
// match.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/model/match.hpp"
#include "engine/plan/plan.hpp"

namespace tocsin::service {

struct TappedMatch {
  std::string rule;
  std::string line;  // NDJSON with its line end
};

class Taps {
 public:
  static constexpr std::size_t max_queued_bytes = std::size_t{4} << 20;

  /// `notify` is called on the engine's thread when the queue is no longer empty.
  Taps(std::shared_ptr<const plan::Plan> plan, std::function<void()> notify);
  ~Taps();

  /// On the engine's thread.
  void on_match(const model::MatchView& match) {
    if (any_.load(std::memory_order_relaxed)) put(match);
  }

  /// Other rules from the next match on; no match is under way.
  void use(std::shared_ptr<const plan::Plan> plan);

  // From the control thread.

  /// The names of the rules that are tapped; empty: nobody taps.
  void want(std::set<std::string> rules);
  std::vector<TappedMatch> take();
  /// Matches that found no room.
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  struct Writer;

  void put(const model::MatchView& match);

  std::function<void()> notify_;
  std::atomic<bool> any_ = false;
  std::atomic<std::uint64_t> dropped_ = 0;
  std::mutex mutex_;  // of what follows
  std::shared_ptr<const plan::Plan> plan_;
  std::unique_ptr<Writer> writer_;
  std::set<std::string> rules_;
  std::vector<TappedMatch> queue_;
  std::size_t queued_bytes_ = 0;
};

}  // namespace tocsin::service
