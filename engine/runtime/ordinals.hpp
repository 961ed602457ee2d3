// Numbers the matches that a rule has in common with one time and last event, so that (rule, time, last
// event, number) names one: several candidates that one event completes, or, where rules read what others
// emit, several events that go back to the same one. The numbers do not depend on shards or batches.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>

#include "engine/base/hash.hpp"
#include "engine/runtime/match_log.hpp"

namespace tocsin::runtime {

/// The matches of one layer, in order of position.
class Ordinals {
 public:
  /// Of a layer whose rules read raw events alone, matches that have a number in common stand together.
  /// Emitted events that go back to one may be as far apart as an event and a timer of one time.
  explicit Ordinals(bool reads_emitted) : reads_emitted_(reads_emitted) {}

  /// The number of the next match, from 0. Amortised constant, mostly a comparison. Positions of two batches
  /// have nothing to do with each other: `first` is true for the first match of a batch.
  std::uint32_t next(const Position& position, std::int64_t at_ns, std::uint64_t trigger_seq, bool timeout,
                     bool first) {
    const Key key{position.rule, timeout, at_ns, trigger_seq};
    const bool goes_on = reads_emitted_ ? at_ns == last_.at_ns
                                        : !first && position.rule == last_.rule && position.event == event_ &&
                                              position.timer_ns == timer_ns_;
    event_ = position.event;
    timer_ns_ = position.timer_ns;
    if (!goes_on) {
      if (!others_.empty()) others_.clear();
      count_ = 0;
    } else if (!(key == last_)) {
      // Without a bound, time that stands still would fill memory.
      if (others_.size() == most_at_once) others_.clear();
      others_[last_] = count_;
      const auto known = others_.find(key);
      count_ = known == others_.end() ? 0 : known->second;
    }
    last_ = key;
    return count_++;
  }

 private:
  static constexpr std::size_t most_at_once = std::size_t{1} << 16;
  struct Key {
    std::uint32_t rule = 0;
    bool timeout = false;
    std::int64_t at_ns = INT64_MIN;
    std::uint64_t trigger_seq = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    using is_avalanching = void;
    std::size_t operator()(const Key& key) const {
      return hash_mix(key.trigger_seq,
                      hash_mix(static_cast<std::uint64_t>(key.at_ns), 2 * key.rule + key.timeout));
    }
  };

  bool reads_emitted_;
  std::uint32_t event_ = 0;  // where the last match stands
  std::int64_t timer_ns_ = 0;
  Key last_;
  std::uint32_t count_ = 0;                                        // of those like the last
  boost::unordered_flat_map<Key, std::uint32_t, KeyHash> others_;  // that may still get more
};

}  // namespace tocsin::runtime
