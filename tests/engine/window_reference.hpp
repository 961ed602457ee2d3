// Windows worked out plainly, to compare the engine with: what each aggregate comes to over a list of events,
// and what a recorded match says, both as text.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/engine/support.hpp"

namespace tocsin::test {

struct Reading {
  std::int64_t at_ns = 0;
  std::int64_t key = 0;
  std::optional<std::int64_t> x;
  std::optional<double> y;
  std::string s;
};

inline constexpr const char* reading_schema =
    "event E { k: int, x: int?, y: float?, s: string, at: time @timestamp }\n";

/// All aggregates of `emit`, as window_text() gives them.
inline constexpr const char* all_aggregates =
    "n: count(), cx: count(x), sx: sum(x), ax: avg(x), mn: min(x), my: max(y), sy: sum(y), ay: avg(y), "
    "va: variance(y), sd: stddev(x), d: distinct(s), ad: approx_distinct(s), dx: distinct(x), md: median(y), "
    "p: percentile(x, 90), fx: first(x), ls: last(s), fs: first(s), e: ewma(y, 3ns), t: top(s, 3), c: "
    "collect(s), "
    "cx2: collect(x)";

/// Those of them that hopping windows keep by pane, and where they stand among all.
inline constexpr const char* pane_aggregates =
    "n: count(), cx: count(x), sx: sum(x), ax: avg(x), mn: min(x), my: max(y), sy: sum(y), ay: avg(y), "
    "va: variance(y), sd: stddev(x), fx: first(x)";
inline constexpr std::size_t places_of_pane_aggregates[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15};

/// To nine digits, of the value a little moved: so the halves at which rounding turns are no values of tests.
inline std::string text_of(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value == 0 ? 0.0 : value * 1.0000000314159);
  return text;
}

inline std::string text_of(const model::Value& value) {
  switch (value.kind) {
    case model::Kind::null: return "-";
    case model::Kind::floating: return text_of(value.f);
    case model::Kind::string: return std::string(value.text());
    case model::Kind::array: {
      std::string text = "[";
      for (std::uint32_t i = 0; i < value.size; ++i)
        text += text_of(model::element_of(value, i)) + ";";
      return text + "]";
    }
    default: return std::to_string(value.i);
  }
}

/// Each match as `rule@time{emitted fields}#seq of the event at hand`.
class EmitRecorder final : public model::MatchSink {
 public:
  explicit EmitRecorder(const plan::Plan& plan) : plan_(plan) {}
  void on_match(const model::MatchView& match) override {
    std::string text = std::to_string(match.rule) + "@" + std::to_string(match.at_ns) + "{";
    if (match.emitted) {
      const auto& type = plan_.catalog[match.emitted.type()];
      for (std::uint32_t i = 0; i < type.fields.size(); ++i)
        text += (i > 0 ? "," : "") + text_of(match.emitted.get(type.fields[i], i));
    }
    REQUIRE(match.events.size() == 1);
    matches.push_back(text + "}#" + std::to_string(match.events[0].event.seq()));
  }
  std::vector<std::string> matches;

 private:
  const plan::Plan& plan_;
};

inline std::string percentile_text(std::vector<double> values, double percent) {
  if (values.empty()) return "-";
  std::sort(values.begin(), values.end());
  const double place = static_cast<double>(values.size() - 1) * percent / 100;
  const auto low = static_cast<std::size_t>(place);
  const double next = values[std::min(low + 1, values.size() - 1)];
  return text_of(values[low] + (place - static_cast<double>(low)) * (next - values[low]));
}

inline std::string deviation_text(const std::vector<double>& values, bool root) {
  if (values.size() < 2) return "-";
  double mean = 0;
  for (const double v : values)
    mean += v / static_cast<double>(values.size());
  double sum = 0;
  for (const double v : values)
    sum += (v - mean) * (v - mean);
  sum /= static_cast<double>(values.size() - 1);
  return text_of(root ? std::sqrt(sum) : sum);
}

/// What all_aggregates come to over `events`.
inline std::string window_text(const std::vector<const Reading*>& events) {
  std::vector<double> xs, ys;
  std::map<std::string, int> counts;
  std::set<std::int64_t> different;
  std::string collected, collected_x;
  double weighted = 0, weights = 0;
  std::int64_t sum = 0;
  const Reading* last_y = nullptr;
  for (const Reading* e : events) {
    if (e->y) last_y = e;
  }
  for (const Reading* e : events) {
    if (e->x) {
      xs.push_back(static_cast<double>(*e->x));
      sum += *e->x;
      different.insert(*e->x);
      collected_x += std::to_string(*e->x) + ";";
    }
    if (e->y) {
      ys.push_back(*e->y);
      const double weight = std::exp2(-static_cast<double>(last_y->at_ns - e->at_ns) / 3);
      weighted += *e->y * weight;
      weights += weight;
    }
    ++counts[e->s];
    collected += e->s + ";";
  }
  double sum_y = 0;
  for (const double y : ys)
    sum_y += y;
  std::vector<std::pair<int, std::string>> ranked;
  for (const auto& [s, n] : counts)
    ranked.emplace_back(-n, s);
  std::sort(ranked.begin(), ranked.end());
  std::string top;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, ranked.size()); ++i)
    top += ranked[i].second + ";";
  const auto average = [](double total, std::size_t n) {
    return n == 0 ? "-" : text_of(total / static_cast<double>(n));
  };
  const auto integer = [](const std::optional<std::int64_t>& v) { return v ? std::to_string(*v) : "-"; };
  std::vector<std::string> fields;
  fields.push_back(std::to_string(events.size()));
  fields.push_back(std::to_string(xs.size()));
  fields.push_back(std::to_string(sum));
  fields.push_back(average(static_cast<double>(sum), xs.size()));
  fields.push_back(
      xs.empty() ? "-" : std::to_string(static_cast<std::int64_t>(*std::min_element(xs.begin(), xs.end()))));
  fields.push_back(ys.empty() ? "-" : text_of(*std::max_element(ys.begin(), ys.end())));
  fields.push_back(text_of(sum_y));
  fields.push_back(average(sum_y, ys.size()));
  fields.push_back(deviation_text(ys, false));
  fields.push_back(deviation_text(xs, true));
  fields.push_back(std::to_string(counts.size()));
  fields.push_back(std::to_string(counts.size()));  // few: the estimate is exact
  fields.push_back(std::to_string(different.size()));
  fields.push_back(percentile_text(ys, 50));
  fields.push_back(percentile_text(xs, 90));
  fields.push_back(events.empty() ? "-" : integer(events.front()->x));
  fields.push_back(events.empty() ? "-" : events.back()->s);
  fields.push_back(events.empty() ? "-" : events.front()->s);
  fields.push_back(weights == 0 ? "-" : text_of(weighted / weights));
  fields.push_back("[" + top + "]");
  fields.push_back("[" + collected + "]");
  fields.push_back("[" + collected_x + "]");
  std::string text;
  for (const auto& field : fields)
    text += (text.empty() ? "" : ",") + field;
  return text;
}

/// What pane_aggregates come to, out of window_text().
inline std::string pane_text(const std::string& all) {
  std::vector<std::string> fields(1);
  for (const char c : all) {
    if (c == ',') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  std::string text;
  for (const std::size_t place : places_of_pane_aggregates)
    text += (text.empty() ? "" : ",") + fields[place];
  return text;
}

inline void add_reading(model::EventBatch& batch, const model::EventType& type, const Reading& reading) {
  model::EventWriter writer(batch);
  writer.begin(type);
  writer.set_int(0, reading.key);
  if (reading.x) writer.set_int(1, *reading.x);
  if (reading.y) writer.set_float(2, *reading.y);
  writer.set_string(3, reading.s);
  writer.commit(reading.at_ns, 0, 0);
}

}  // namespace tocsin::test
