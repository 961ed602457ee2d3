// Aggregates over the events of a window, each from all values anew, as its line in docs/language.md says.
#include <algorithm>
#include <cmath>

#include "engine/base/assert.hpp"
#include "tests/oracle/evaluate.hpp"
#include "tests/oracle/windows.hpp"

namespace tocsin::oracle {

using model::Kind;
using plan::WindowFunction;

namespace {

constexpr std::size_t collect_at_most = 1'000;
constexpr double second_in_ns = 1e9;

using Values = std::vector<Datum>;

double number_of(const Datum& datum) {
  return datum.kind == Kind::floating ? datum.f : double(datum.i);
}

/// `value` as a number of this kind.
Datum to_kind(double value, Kind kind) {
  return kind == Kind::floating ? Datum::floating(value) : Datum::of_int(std::int64_t(value), kind);
}

/// Null where the total does not fit, however the way there.
Datum sum_of(const Values& values, Kind kind) {
  if (kind == Kind::floating) {
    long double sum = 0;
    for (const Datum& value : values)
      sum += value.f;
    return Datum::floating(double(sum));
  }
  __int128 sum = 0;
  for (const Datum& value : values)
    sum += value.i;
  if (sum != __int128{std::int64_t(sum)}) return Datum::null();
  return Datum::of_int(std::int64_t(sum), kind);
}

long double mean_of(const Values& values) {
  long double sum = 0;
  for (const Datum& value : values)
    sum += number_of(value);
  return sum / (long double)(values.size());
}

Datum average_of(const Values& values, Kind kind) {
  return values.empty() ? Datum::null() : to_kind(double(mean_of(values)), kind);
}

Datum deviation_of(const Values& values, bool root) {
  if (values.size() < 2) return Datum::null();
  const long double mean = mean_of(values);
  long double squares = 0;
  for (const Datum& value : values)
    squares += (number_of(value) - mean) * (number_of(value) - mean);
  const double variance = double(squares / (long double)(values.size() - 1));
  return Datum::floating(root ? std::sqrt(variance) : variance);
}

bool is_less(const Datum& a, const Datum& b) {
  return compare(a, b) < 0;
}

bool is_in(const Datum& value, const Values& values) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

Values each_once(const Values& values) {
  Values out;
  for (const Datum& value : values) {
    if (!is_in(value, out)) out.push_back(value);
  }
  return out;
}

Datum percentile_of(Values values, double percent, Kind kind) {
  if (values.empty()) return Datum::null();
  std::sort(values.begin(), values.end(), is_less);
  const double rank = double(values.size() - 1) * percent / 100;
  const std::size_t below = std::size_t(rank);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  const double low = number_of(values[below]);
  const double high = number_of(values[above]);
  if (low == high) return to_kind(low, kind);  // two infinities have no difference
  return to_kind(low + (rank - double(below)) * (high - low), kind);
}

Datum array_of(Values values) {
  Datum out;
  out.kind = Kind::array;
  out.items = std::move(values);
  return out;
}

/// The most frequent, and of equally frequent ones the least, first.
Datum top_of(const Values& values, std::size_t most) {
  Values ranked = each_once(values);
  std::sort(ranked.begin(), ranked.end(), [&](const Datum& a, const Datum& b) {
    const auto often_a = std::count(values.begin(), values.end(), a);
    const auto often_b = std::count(values.begin(), values.end(), b);
    return often_a != often_b ? often_a > often_b : is_less(a, b);
  });
  if (ranked.size() > most) ranked.resize(most);
  return array_of(std::move(ranked));
}

Datum value_of(const plan::WindowAggregate& aggregate, const Event& event) {
  const Run nothing;
  return evaluate(aggregate.argument.at(0), {.run = nothing, .current = &event});
}

/// The newer a value, the more it weighs.
Datum ewma_of(const plan::WindowAggregate& aggregate, const Content& content) {
  std::vector<std::pair<std::int64_t, double>> values;
  for (const Event* event : content.events) {
    const Datum value = value_of(aggregate, *event);
    if (!value.is_null()) values.emplace_back(event->time_ns, number_of(value));
  }
  if (values.empty()) return Datum::null();
  double sum = 0, weights = 0;
  for (const auto& [time_ns, value] : values) {
    const double weight = std::exp2(-double(values.back().first - time_ns) / double(aggregate.half_life_ns));
    sum += weight * value;
    weights += weight;
  }
  return Datum::floating(sum / weights);
}

Datum rate_of(const plan::Window& window, const Content& content) {
  const bool by_width = window.kind != plan::Window::Kind::session && window.events == 0;
  std::int64_t over_ns = window.width_ns;
  if (!by_width)
    over_ns = content.events.empty() ? 0 : content.events.back()->time_ns - content.events.front()->time_ns;
  if (over_ns == 0) return Datum::null();
  return Datum::floating(double(content.events.size()) * second_in_ns / double(over_ns));
}

/// Is its value one that no earlier event of the window has?
Datum is_new(const plan::WindowAggregate& aggregate, const Content& content) {
  if (content.arrived == nullptr) return Datum::boolean(false);
  const Datum value = value_of(aggregate, *content.arrived);
  if (value.is_null()) return Datum::boolean(false);
  return Datum::boolean(std::none_of(content.events.begin(), content.events.end(), [&](const Event* event) {
    return event != content.arrived && value_of(aggregate, *event) == value;
  }));
}

}  // namespace

Datum evaluate(const plan::WindowAggregate& aggregate, const plan::Window& window, const Content& content) {
  const auto& events = content.events;
  const Kind kind = aggregate.type.kind;
  Values values;  // nulls do not take part
  for (const Event* event : events) {
    if (aggregate.argument.empty()) break;
    Datum value = value_of(aggregate, *event);
    if (!value.is_null()) values.push_back(std::move(value));
  }
  const auto extreme = [&](auto&& find) {
    return values.empty() ? Datum::null() : *find(values.begin(), values.end(), is_less);
  };
  switch (aggregate.function) {
    case WindowFunction::count:
      return Datum::of_int(std::int64_t(aggregate.argument.empty() ? events.size() : values.size()));
    case WindowFunction::sum: return sum_of(values, kind);
    case WindowFunction::avg: return average_of(values, kind);
    case WindowFunction::min: return extreme([](auto... all) { return std::min_element(all...); });
    case WindowFunction::max: return extreme([](auto... all) { return std::max_element(all...); });
    case WindowFunction::stddev: return deviation_of(values, true);
    case WindowFunction::variance: return deviation_of(values, false);
    case WindowFunction::distinct:
    case WindowFunction::approx_distinct: return Datum::of_int(std::int64_t(each_once(values).size()));
    case WindowFunction::percentile: return percentile_of(values, aggregate.percent, kind);
    case WindowFunction::first: return events.empty() ? Datum::null() : value_of(aggregate, *events.front());
    case WindowFunction::last: return events.empty() ? Datum::null() : value_of(aggregate, *events.back());
    case WindowFunction::rate: return rate_of(window, content);
    case WindowFunction::ewma: return ewma_of(aggregate, content);
    case WindowFunction::top: return top_of(values, aggregate.most);
    case WindowFunction::collect:
      if (values.size() > collect_at_most) values.erase(values.begin(), values.end() - collect_at_most);
      return array_of(std::move(values));
    case WindowFunction::is_new: return is_new(aggregate, content);
  }
  TOCSIN_ASSERT(false);
  return Datum::null();
}

}  // namespace tocsin::oracle
