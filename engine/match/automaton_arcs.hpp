// What may come next at one place of a pattern, and how that becomes a state's arcs: which of them bar
// others, and what closes them.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/match/program.hpp"

namespace tocsin::match {

inline constexpr std::size_t max_arcs_of_state = 64;  // what a mask holds

/// A mask of one place; 0 where it has none.
inline std::uint64_t bit(std::size_t i) {
  return i < 64 ? std::uint64_t{1} << i : 0;
}
inline bool is_subset(std::uint64_t part, std::uint64_t whole) {
  return (part & ~whole) == 0;
}

/// Between the event matched last and the next one.
struct Gap {
  plan::Contiguity contiguity = plan::Contiguity::relaxed;
  std::int64_t bound_ns = plan::no_bound;
  std::vector<plan::Ban> bans;
  std::vector<std::uint16_t> opens;  // groups that begin behind it

  friend bool operator==(const Gap&, const Gap&) = default;
};

/// Where a step is entered.
struct Entrance {
  std::uint16_t state = 0;
  Gap gap;

  friend bool operator==(const Entrance&, const Entrance&) = default;
};
using Entrances = std::vector<Entrance>;

struct Target {
  std::uint16_t state = 0;
  Gap gap;
  bool repeats = false;
  std::uint64_t passes = 0;  // possessive loops that the way here passes over, by place in the list
  Entrances yields_to;       // of a reluctant loop: what comes where it is left
  bool is_left = false;      // that is being found out

  bool is(const Entrance& entrance) const {
    return !repeats && state == entrance.state && gap == entrance.gap;
  }
};

/// A way to the pattern's end.
struct End {
  std::size_t rank = 0;      // targets that are preferred to it
  std::uint64_t passes = 0;  // as of a target
};

struct Targets {
  std::vector<Target> list;
  std::vector<End> ends;
};

/// Writes arcs and closings into a program.
class AutomatonArcs {
 public:
  AutomatonArcs(const plan::Rule& rule, const std::vector<std::uint16_t>& watch_of_until, Program& program)
      : rule_(rule), watch_of_until_(watch_of_until), program_(program) {}

  /// The arcs of the state `from`, or of the start. Throws std::runtime_error where there are more than
  /// max_arcs_of_state. Quadratic in their number.
  Range add(std::uint16_t from, const Targets& targets);
  /// What ends the wait for the absences behind the pattern, in the state whose arcs were added last.
  void add_absences();
  [[noreturn]] void refuse() const;

 private:
  void close(std::size_t begin, std::uint16_t watch, bool strict, bool first, std::uint64_t arc);

  const plan::Rule& rule_;
  const std::vector<std::uint16_t>& watch_of_until_;
  Program& program_;
};

}  // namespace tocsin::match
