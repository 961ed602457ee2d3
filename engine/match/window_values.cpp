// What aggregates come to, from the state that window_state.cpp keeps.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "engine/match/functions.hpp"
#include "engine/match/window_state.hpp"

namespace tocsin::match {

using model::Kind;
using model::Value;
using plan::WindowFunction;

bool WindowState::is_null(const Argument& argument, Entry entry) {
  return argument.source->nullable &&
         ((log_.byte_at(null_bits_, null_bytes_, entry, argument.null_bit / 8) >> (argument.null_bit % 8)) &
          1) != 0;
}

std::uint64_t WindowState::present(const Argument& argument, Row& row) {
  return argument.present == none ? row.count : state<std::uint64_t>(row, cells_[argument.present]);
}

double WindowState::number(const Argument& argument, std::uint64_t bits) const {
  return argument.source->kind == Kind::floating ? std::bit_cast<double>(bits)
                                                 : static_cast<double>(static_cast<std::int64_t>(bits));
}

std::uint64_t WindowState::hash(const Argument& argument, std::uint64_t bits) const {
  return argument.is_text ? hash_bytes(texts_.text(bits)) : hash_mix(bits);
}

int WindowState::compare(const Argument& argument, std::uint64_t a, std::uint64_t b) const {
  if (argument.is_text) return compare_text(texts_.text(a), texts_.text(b), false);
  if (argument.source->kind == Kind::floating) {
    const double x = std::bit_cast<double>(a);
    const double y = std::bit_cast<double>(b);
    if (std::isnan(x) || std::isnan(y)) return std::isnan(x) - std::isnan(y);
    return (x > y) - (x < y);
  }
  const auto x = static_cast<std::int64_t>(a);
  const auto y = static_cast<std::int64_t>(b);
  return (x > y) - (x < y);
}

// A value occurred `before` times and now does `after`: it moves among those of its key, which stand by how
// often they occur, then by value. Linear in the places that it passes.
void WindowState::change_rank(const Cell& cell, std::uint32_t slot, std::uint64_t bits, std::uint32_t before,
                              std::uint32_t after) {
  auto& ranked = ranked_[cell.ranked][slot];
  const Argument& argument = arguments_[cell.argument];
  const auto place = [&](std::uint32_t count) {
    return std::lower_bound(
        ranked.begin(), ranked.end(), Ranked{bits, count}, [&](const Ranked& a, const Ranked& b) {
          return a.count != b.count ? a.count > b.count : compare(argument, a.bits, b.bits) < 0;
        });
  };
  if (before == 0) {
    ranked.insert(place(after), {bits, after});
    return;
  }
  const auto old = place(before);
  if (after == 0) {
    ranked.erase(old);
    return;
  }
  const auto now = place(after);
  if (now <= old) {
    std::move_backward(now, old, old + 1);
    *now = {bits, after};
  } else {
    std::move(old + 1, now, old);
    *(now - 1) = {bits, after};
  }
}

Value WindowState::value_of(const Argument& argument, std::uint64_t bits, Scratch& scratch) const {
  if (!argument.is_text) {
    return argument.source->kind == Kind::floating
               ? Value::floating(std::bit_cast<double>(bits))
               : Value::of_int(static_cast<std::int64_t>(bits), argument.source->kind);
  }
  std::string& copy = scratch.text();
  copy = texts_.text(bits);
  return Value::string(copy);
}

Value WindowState::value(std::uint32_t number, std::uint32_t slot, const WindowPlace& place,
                         Scratch& scratch) {
  const Aggregate& aggregate = aggregates_[number];
  Row& here = row(slot);
  if (aggregate.argument == none) {
    if (aggregate.source.function == WindowFunction::rate) return rate_of(here, place);
    return Value::integer(here.count);
  }
  const Argument& argument = arguments_[aggregate.argument];
  const auto cell_word = [&] { return state<std::uint64_t>(here, cells_[aggregate.cell]); };
  switch (aggregate.source.function) {
    case WindowFunction::count: return Value::integer(static_cast<std::int64_t>(present(argument, here)));
    case WindowFunction::sum: return sum_of(aggregate, here, scratch);
    case WindowFunction::avg: return average_of(aggregate, here);
    case WindowFunction::stddev:
    case WindowFunction::variance: return variance_of(aggregate, here);
    case WindowFunction::min:
    case WindowFunction::max: return extreme_of(aggregate, here);
    case WindowFunction::distinct: return Value::integer(static_cast<std::int64_t>(cell_word()));
    case WindowFunction::is_new:
      return Value::boolean(place.arrival && is_new_[cells_[aggregate.cell].table] != 0);
    case WindowFunction::approx_distinct:
      return Value::integer(registers_[cells_[aggregate.cell].table].estimate(slot));
    case WindowFunction::percentile: {
      Quantiles& quantiles = quantiles_[cells_[aggregate.cell].table][slot];
      if (quantiles.empty()) return Value::null();
      return Value::floating(quantiles.percentile(aggregate.source.percent, aggregate.cursor));
    }
    case WindowFunction::first: return first_of(aggregate, here, scratch);
    case WindowFunction::last: {
      const std::uint64_t* words = &state<std::uint64_t>(here, cells_[aggregate.cell]);
      return here.count == 0 || words[1] != 0 ? Value::null() : value_of(argument, words[0], scratch);
    }
    case WindowFunction::ewma: return decayed_of(aggregate, here);
    case WindowFunction::top: return top_of(aggregate, slot, scratch);
    case WindowFunction::collect: return collected_of(aggregate, here, scratch);
    case WindowFunction::rate: break;
  }
  return Value::null();
}

double WindowState::float_sum_of(const Aggregate& aggregate, Row& row) const {
  const std::uint64_t* const sum = words(row) + cells_[aggregate.cell].word;
  return non_finite_.value(sum_number(sum)).value_or(WindowSum::floats(sum).value());
}

Value WindowState::sum_of(const Aggregate& aggregate, Row& row, Scratch& scratch) {
  const Cell& cell = cells_[aggregate.cell];
  if (cell.sum.kind == WindowSum::Kind::floats) return Value::floating(float_sum_of(aggregate, row));
  const __int128 sum = WindowSum::load(words(row) + cell.word);
  if (sum < INT64_MIN || sum > INT64_MAX) {
    ++scratch.arithmetic_faults;
    return Value::null();
  }
  return Value::of_int(static_cast<std::int64_t>(sum), aggregate.source.result);
}

Value WindowState::average_of(const Aggregate& aggregate, Row& row) {
  const Cell& cell = cells_[aggregate.cell];
  const std::uint64_t count = present(arguments_[aggregate.argument], row);
  if (count == 0) return Value::null();
  if (cell.sum.kind == WindowSum::Kind::floats)
    return Value::floating(float_sum_of(aggregate, row) / static_cast<double>(count));
  const __int128 sum = WindowSum::load(words(row) + cell.word);
  if (aggregate.source.result == Kind::floating)
    return Value::floating(static_cast<double>(sum) / static_cast<double>(count));
  return Value::of_int(static_cast<std::int64_t>(sum / static_cast<__int128>(count)),
                       aggregate.source.result);
}

// From the sums of values and squares, both to twice the digits of a double: what cancels leaves enough.
Value WindowState::variance_of(const Aggregate& aggregate, Row& row) {
  const std::uint64_t count = present(arguments_[aggregate.argument], row);
  if (count < 2) return Value::null();
  const auto& sum = state<Compensated>(row, cells_[aggregate.cell]);
  if (non_finite_.value(sum_number(words(row) + cells_[aggregate.cell].word)))
    return Value::floating(std::numeric_limits<double>::quiet_NaN());
  const auto n = static_cast<double>(count);
  // n * squares - sum * sum
  Compensated scatter{0, 0};
  const auto add_product = [&](double a, double b) {
    const double product = a * b;
    scatter.add(product);
    scatter.add(std::fma(a, b, -product));
  };
  const auto& squares = state<Compensated>(row, cells_[aggregate.second]);
  add_product(n, squares.high);
  add_product(n, squares.low);
  add_product(-sum.high, sum.high);
  add_product(-2 * sum.high, sum.low);
  add_product(-sum.low, sum.low);
  const double variance = std::max(0.0, scatter.value()) / n / (n - 1);
  return Value::floating(aggregate.source.function == WindowFunction::stddev ? std::sqrt(variance)
                                                                             : variance);
}

Value WindowState::extreme_of(const Aggregate& aggregate, Row& row) {
  const Cell& cell = cells_[aggregate.cell];
  const auto& extreme = state<Extreme>(row, cell);
  if (extreme.known == 0) return Value::null();
  return cell.floating ? Value::floating(std::bit_cast<double>(extreme.bits))
                       : Value::of_int(static_cast<std::int64_t>(extreme.bits),
                                       arguments_[aggregate.argument].source->kind);
}

Value WindowState::decayed_of(const Aggregate& aggregate, Row& row) {
  const Cell& cell = cells_[aggregate.cell];
  const auto& sums = state<Decayed>(row, cell);
  double weights = sums.weights;
  double weighted = sums.weighted;
  if (sums.front_weights > 0) {
    const double decay =
        weights == 0 ? 1 : std::exp2(-static_cast<double>(sums.back_ns - sums.front_ns) * cell.decay);
    weights += sums.front_weights * decay;
    weighted += sums.front_weighted * decay;
  }
  return weights == 0 ? Value::null() : Value::floating(weighted / weights);
}

Value WindowState::first_of(const Aggregate& aggregate, Row& row, Scratch& scratch) {
  if (row.count == 0) return Value::null();
  const Argument& argument = arguments_[aggregate.argument];
  if (keeps_entries_) {
    if (is_null(argument, row.front)) return Value::null();
    return value_of(argument, log_.at(argument.raw, row.front), scratch);
  }
  const std::uint64_t* words = &state<std::uint64_t>(row, cells_[aggregate.cell]);
  return words[1] != 0 ? Value::null() : value_of(argument, words[0], scratch);
}

Value WindowState::rate_of(const Row& row, const WindowPlace& place) const {
  const bool by_width = window_.events == 0 && window_.kind != plan::Window::Kind::session;
  const std::int64_t span_ns = by_width ? window_.width_ns : place.last_ns - place.first_ns;
  if (span_ns == 0) return Value::null();
  return Value::floating(row.count / (static_cast<double>(span_ns) / 1e9));
}

Value WindowState::top_of(const Aggregate& aggregate, std::uint32_t slot, Scratch& scratch) {
  elements_.clear();
  for (const Ranked& ranked : ranked_[cells_[aggregate.cell].ranked][slot]) {
    if (elements_.size() == aggregate.source.most) break;
    elements_.push_back(ranked.bits);
  }
  return array_of(arguments_[aggregate.argument], scratch);
}

Value WindowState::collected_of(const Aggregate& aggregate, Row& row, Scratch& scratch) {
  elements_.clear();
  const Argument& argument = arguments_[aggregate.argument];
  Entry entry = row.newest;
  for (std::uint32_t left = row.count; left > 0 && elements_.size() < most_collected; --left) {
    if (!is_null(argument, entry)) elements_.push_back(log_.at(argument.raw, entry));
    entry = log_.at(before_, entry);
  }
  std::reverse(elements_.begin(), elements_.end());
  return array_of(argument, scratch);
}

// elements_ as an array, laid out as in an event.
Value WindowState::array_of(const Argument& argument, Scratch& scratch) const {
  std::string& bytes = scratch.text();
  bytes.resize(8 * elements_.size());
  for (std::size_t i = 0; i < elements_.size(); ++i) {
    if (!argument.is_text) {
      std::memcpy(bytes.data() + 8 * i, &elements_[i], 8);
      continue;
    }
    const std::string_view text = texts_.text(elements_[i]);
    const model::VarSlot slot{static_cast<std::uint32_t>(bytes.size() - 8 * i),
                              static_cast<std::uint32_t>(text.size())};
    std::memcpy(bytes.data() + 8 * i, &slot, sizeof slot);
    bytes.append(text);
  }
  Value array;
  array.kind = Kind::array;
  array.element = argument.source->kind;
  array.array = reinterpret_cast<const std::byte*>(bytes.data());
  array.size = static_cast<std::uint32_t>(elements_.size());
  return array;
}

}  // namespace tocsin::match
