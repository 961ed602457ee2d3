// A candidate as a list of (arc, event), and the order that `report first` and the order of reports go by.
#pragma once

#include <cstdint>
#include <span>

namespace tocsin::match {

/// One taken event: the arc that took it, and a number that grows with the order of processing.
struct PathEntry {
  std::uint32_t arc;
  std::uint64_t order;
};

/// True where `a` is preferred to `b`: the earlier start, then at the first difference the arc that stands
/// earlier (arcs from one state are numbered in order of preference), then the earlier event. Linear.
inline bool preferred(std::span<const PathEntry> a, std::span<const PathEntry> b) {
  if (a.front().order != b.front().order) return a.front().order < b.front().order;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i].arc != b[i].arc) return a[i].arc < b[i].arc;
    if (a[i].order != b[i].order) return a[i].order < b[i].order;
  }
  return false;
}

}  // namespace tocsin::match
