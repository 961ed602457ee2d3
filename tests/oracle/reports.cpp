// Report, then skip, instant by instant.
#include "tests/oracle/reports.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace tocsin::oracle {

using plan::Report;
using plan::Rule;
using plan::Skip;

namespace {

/// The event of position `passed` - 1, or a timer behind it; what time alone completes stands behind.
auto instant_of(const Candidate& candidate) {
  return std::tuple(candidate.passed, candidate.end != Candidate::End::event, candidate.due_ns);
}

/// `live` is in the order of start and preference.
Reported choose(Report report, const std::vector<Candidate>& live) {
  Reported out;
  const auto start = [](const Candidate& each) { return each.events.front().second; };
  switch (report) {
    case Report::all: out.chosen = live; break;
    case Report::first: out.chosen = {live.front()}; break;
    case Report::any:
    case Report::total:
      out.chosen = {live.front()};
      out.others.assign(live.begin() + 1, live.end());
      break;
    case Report::last:
      out.chosen = {*std::max_element(live.begin(), live.end(), [&](const Candidate& a, const Candidate& b) {
        return start(a) < start(b);
      })};
      break;
    case Report::longest:
      out.chosen = {*std::max_element(live.begin(), live.end(), [](const Candidate& a, const Candidate& b) {
        return a.events.size() < b.events.size();
      })};
      break;
  }
  return out;
}

/// The position from which on starts live once `match` is reported.
std::size_t live_after(const Rule& rule, const Candidate& match) {
  const auto is_step = [&](const auto& each) { return each.first == rule.skip_step; };
  const std::size_t next = match.events.front().second + 1;
  switch (rule.skip) {
    case Skip::none: return 0;
    case Skip::past_last: return match.passed;
    case Skip::to_next: return next;
    case Skip::to_first: {
      const auto first = std::find_if(match.events.begin(), match.events.end(), is_step);
      return first == match.events.end() ? next : first->second;
    }
    case Skip::to_last: {
      const auto last = std::find_if(match.events.rbegin(), match.events.rend(), is_step);
      return last == match.events.rend() ? next : last->second;
    }
  }
  return 0;
}

}  // namespace

std::vector<Reported> report(const Rule& rule, const std::vector<Candidate>& candidates) {
  std::map<decltype(instant_of(candidates[0])), std::vector<Candidate>> instants;
  for (const Candidate& candidate : candidates)
    instants[instant_of(candidate)].push_back(candidate);

  std::vector<Reported> out;
  std::size_t live_from = 0;  // runs that started before are dropped
  for (const auto& [instant, all] : instants) {
    for (const auto end : {Candidate::End::event, Candidate::End::absence, Candidate::End::timeout}) {
      std::vector<Candidate> live;
      for (const Candidate& each : all) {
        if (each.end == end && each.events.front().second >= live_from) live.push_back(each);
      }
      if (live.empty()) continue;
      out.push_back(choose(rule.report, live));
      const auto earliest = std::min_element(live.begin(), live.end(), [](const auto& a, const auto& b) {
        return a.events.back().second < b.events.back().second;
      });
      out.back().earliest_end = earliest->events.back().second;
      if (end == Candidate::End::timeout) continue;  // no match: it uses nothing up
      for (const Candidate& match : out.back().chosen)
        live_from = std::max(live_from, live_after(rule, match));
    }
  }
  return out;
}

}  // namespace tocsin::oracle
