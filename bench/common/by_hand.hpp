// Hand-written C++ for the reference workloads, one class a rule: how fast it may be at all. They read plain
// structs and find a key's state by its text in a flat hash map, as any program must that is given the same
// events. Each is shown the whole stream in order, in pieces.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "bench/common/answer.hpp"
#include "bench/common/events.hpp"

namespace tocsin::bench {

class ByHand {
 public:
  virtual ~ByHand() = default;
  virtual void run(std::span<const Event> events) = 0;
  const Answer& answer() const { return answer_; }

 protected:
  /// The number of the next event, from 1.
  std::uint64_t seq_ = 1;
  Answer answer_;
};

/// price > bound
class FilterByHand final : public ByHand {
 public:
  explicit FilterByHand(double bound) : bound_(bound) {}
  void run(std::span<const Event> events) override {
    Answer answer = answer_;
    std::uint64_t seq = seq_;
    for (const Event& event : events) {
      if (event.number > bound_) answer.add(Answer::Events(0) << seq);
      ++seq;
    }
    answer_ = answer;
    seq_ = seq;
  }

 private:
  const double bound_;
};

/// a (amount < 5) -> b (amount < 5) -> c (amount > 500), a card, within 60 s, every candidate.
class SequenceByHand final : public ByHand {
 public:
  void run(std::span<const Event> events) override {
    for (const Event& event : events) {
      const std::uint64_t seq = seq_++;
      if (event.number >= 5 && event.number <= 500) continue;
      Card& card = cards_[event.key];
      if (event.number < 5) {
        if (card.a.seq != 0 && event.at_ns - card.a.at_ns <= window_ns) card.pairs.push_back({card.a, seq});
        card.a = {event.at_ns, seq};
        continue;
      }
      for (const Pair& pair : card.pairs) {
        if (event.at_ns - pair.a.at_ns <= window_ns)
          answer_.add(Answer::Events(0) << pair.a.seq << pair.b << seq);
      }
      card.pairs.clear();
    }
  }

 private:
  static constexpr std::int64_t window_ns = 60'000'000'000;
  struct Start {
    std::int64_t at_ns = 0;
    std::uint64_t seq = 0;
  };
  struct Pair {
    Start a;
    std::uint64_t b;
  };
  struct Card {
    Start a;
    std::vector<Pair> pairs;
  };
  KeyMap<Card> cards_;
};

/// The same three, each the very next payment of its card, without a bound.
class ContiguousByHand final : public ByHand {
 public:
  void run(std::span<const Event> events) override {
    for (const Event& event : events) {
      const std::uint64_t seq = seq_++;
      Card& card = cards_[event.key];
      if (event.number < 5) {
        card = {card.second, seq};
        continue;
      }
      if (event.number > 500 && card.first != 0)
        answer_.add(Answer::Events(0) << card.first << card.second << seq);
      card = {};
    }
  }

 private:
  struct Card {
    std::uint64_t first = 0, second = 0;  // the last two payments, where both, or the last, were small
  };
  KeyMap<Card> cards_;
};

/// Per card over 60 s: each payment at which count() > 5 and sum(amount) > least.
class CountSumByHand final : public ByHand {
 public:
  explicit CountSumByHand(double least) : least_(least) {}
  void run(std::span<const Event> events) override {
    for (const Event& event : events) {
      const std::uint64_t seq = seq_++;
      for (; !live_.empty() && live_.front().at_ns < event.at_ns - window_ns; live_.pop_front()) {
        Card& left = cards_[live_.front().card];
        --left.count;
        left.sum -= live_.front().amount;
      }
      const auto [found, added] = numbers_.try_emplace(event.key, static_cast<std::uint32_t>(cards_.size()));
      if (added) cards_.emplace_back();
      live_.push_back({event.at_ns, event.number, found->second});
      Card& card = cards_[found->second];
      ++card.count;
      card.sum += event.number;
      if (card.count > 5 && card.sum > least_) answer_.add(Answer::Events(0) << seq);
    }
  }

 private:
  static constexpr std::int64_t window_ns = 60'000'000'000;
  struct Live {
    std::int64_t at_ns;
    double amount;
    std::uint32_t card;
  };
  struct Card {
    std::int64_t count = 0;
    double sum = 0;
  };
  const double least_;
  KeyMap<std::uint32_t> numbers_;
  std::vector<Card> cards_;
  std::deque<Live> live_;
};

/// Rule i of so many: symbol == "S{i}" and price > 90 + i mod 10.
class SymbolsByHand final : public ByHand {
 public:
  explicit SymbolsByHand(std::uint32_t rules) {
    for (std::uint32_t i = 0; i < rules; ++i)
      rules_[Key("S" + std::to_string(i))] = {90.0 + i % 10, i};
  }
  void run(std::span<const Event> events) override {
    for (const Event& event : events) {
      const std::uint64_t seq = seq_++;
      const auto found = rules_.find(event.key);
      if (found != rules_.end() && event.number > found->second.bound)
        answer_.add(Answer::Events(found->second.number) << seq);
    }
  }

 private:
  struct Rule {
    double bound = 0;
    std::uint32_t number = 0;
  };
  KeyMap<Rule> rules_;
};

/// Rule i: price > bounds[i], which ascend.
class ThresholdsByHand final : public ByHand {
 public:
  explicit ThresholdsByHand(std::vector<double> bounds) : bounds_(std::move(bounds)) {}
  void run(std::span<const Event> events) override {
    for (const Event& event : events) {
      const std::uint64_t seq = seq_++;
      for (std::uint32_t i = 0; i < bounds_.size() && event.number > bounds_[i]; ++i)
        answer_.add(Answer::Events(i) << seq);
    }
  }

 private:
  const std::vector<double> bounds_;
};

/// S0 ~> S1 ~> … within so many events: one match, of any candidate, for each event that completes one. Which
/// one is the rule's choice, so that only the number of matches can be compared.
class AnyByHand final : public ByHand {
 public:
  AnyByHand(std::uint32_t steps, std::int64_t bound) : bound_(bound), latest_(steps, -1) {
    for (std::uint32_t i = 0; i < steps; ++i)
      step_of_[Key("S" + std::to_string(i))] = i;
  }
  void run(std::span<const Event> events) override {
    for (const Event& event : events) {
      const auto now = static_cast<std::int64_t>(seq_++);
      const auto found = step_of_.find(event.key);
      if (found == step_of_.end()) continue;
      const std::size_t step = found->second;
      const std::int64_t start = step == 0 ? now : latest_[step - 1];
      if (start < 0 || now - start >= bound_) continue;
      if (step + 1 == latest_.size()) ++answer_.matches;
      latest_[step] = std::max(latest_[step], start);
    }
  }

 private:
  const std::int64_t bound_;
  KeyMap<std::uint32_t> step_of_;
  std::vector<std::int64_t> latest_;  // by step: the latest start of a run that has got there
};

/// S0 ~> S1 ~> S2 within so many events: all candidates.
class AllByHand final : public ByHand {
 public:
  explicit AllByHand(std::uint64_t bound) : bound_(bound) {}
  void run(std::span<const Event> events) override {
    for (const Event& event : events) {
      const std::uint64_t seq = seq_++;
      if (event.key == s0) {
        first_.push_back(seq);
      } else if (event.key == s1) {
        second_.push_back(seq);
      } else if (event.key == s2) {
        while (!first_.empty() && first_.front() + bound_ <= seq)
          first_.pop_front();
        while (!second_.empty() && second_.front() + bound_ <= seq)
          second_.pop_front();
        for (const std::uint64_t a : first_) {
          for (auto b = second_.rbegin(); b != second_.rend() && *b > a; ++b)
            answer_.add(Answer::Events(0) << a << *b << seq);
        }
      }
    }
  }

 private:
  const Key s0{"S0"}, s1{"S1"}, s2{"S2"};
  const std::uint64_t bound_;
  std::deque<std::uint64_t> first_, second_;
};

}  // namespace tocsin::bench
