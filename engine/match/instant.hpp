// Where in event time something happens that no event brings about. At one time: first windows close, then
// come all events of that time, then deadlines, then what has been in a window for its whole width leaves.
#pragma once

#include <compare>
#include <cstdint>

namespace tocsin::match {

struct Instant {
  enum class Phase : std::uint8_t { closing, deadline, expiry };

  std::int64_t ns = INT64_MAX;
  Phase phase = Phase::expiry;

  friend auto operator<=>(const Instant&, const Instant&) = default;

  /// True where it comes before the events of `time_ns`.
  bool precedes(std::int64_t time_ns) const {
    return ns < time_ns || (ns == time_ns && phase == Phase::closing);
  }
};

inline constexpr Instant never{};

}  // namespace tocsin::match
