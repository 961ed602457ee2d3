// Numbers the matches that a rule has in common with one event and time, so that (rule, time, last event,
// number) names one: several candidates that one event completes, or, where rules read what others emit,
// several events that go back to the same one. The numbers do not depend on shards or batches.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>

#include "engine/base/hash.hpp"
#include "engine/runtime/match_log.hpp"

namespace tocsin::runtime {

class Ordinals {
 public:
  /// Before the matches of another batch or layer.
  void reset() { rule_ = none; }

  /// The number of the next match, from 0. Matches come in order of position, so that those that have a
  /// number in common stand in one run of one event or timer and rule. Constant time, mostly a comparison.
  std::uint32_t next(const Position& position, std::int64_t at_ns, std::uint64_t trigger_seq, bool timeout) {
    const Key key{at_ns, trigger_seq, timeout};
    if (position.rule != rule_ || position.event != event_ || position.timer_ns != timer_ns_) {
      if (!others_.empty()) others_.clear();
      rule_ = position.rule;
      event_ = position.event;
      timer_ns_ = position.timer_ns;
      last_ = {key, 0};
    } else if (!(key == last_.key)) {
      others_[last_.key] = last_.count;
      last_ = {key, others_[key]};
    }
    return last_.count++;
  }

 private:
  struct Key {
    std::int64_t at_ns = 0;
    std::uint64_t trigger_seq = 0;
    bool timeout = false;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    using is_avalanching = void;
    std::size_t operator()(const Key& key) const {
      return hash_mix(key.trigger_seq, hash_mix(static_cast<std::uint64_t>(key.at_ns) + key.timeout));
    }
  };
  struct Count {
    Key key;
    std::uint32_t count = 0;
  };
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  std::uint32_t rule_ = none;  // the run at hand
  std::uint32_t event_ = 0;
  std::int64_t timer_ns_ = 0;
  Count last_;
  boost::unordered_flat_map<Key, std::uint32_t, KeyHash> others_;  // of the run, where its matches differ
};

}  // namespace tocsin::runtime
