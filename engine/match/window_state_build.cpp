// Setting up the state of windows: which cells the aggregates of all rules need together, and which columns
// and words these need in entries and rows.
#include <algorithm>
#include <cstddef>

#include "engine/match/window_state.hpp"

namespace tocsin::match {

using model::Kind;
using plan::WindowFunction;

namespace {

bool is_queue(const plan::Window& window) {
  return window.events == 0 &&
         (window.kind == plan::Window::Kind::sliding || window.kind == plan::Window::Kind::hopping);
}

}  // namespace

WindowState::WindowState(const plan::Window& window)
    : window_(window),
      evicts_(window.kind == plan::Window::Kind::sliding || window.kind == plan::Window::Kind::hopping),
      queue_(is_queue(window)) {}

std::uint32_t WindowState::argument(const WindowProgram& program, std::uint32_t number) {
  const WindowArgument& wanted = program.arguments[number];
  for (std::uint32_t i = 0; i < arguments_.size(); ++i) {
    if (arguments_[i].source->source == wanted.source) return i;
  }
  const auto added = static_cast<std::uint32_t>(arguments_.size());
  arguments_.emplace_back();
  arguments_[added].source = &wanted;
  arguments_[added].is_text = wanted.kind == Kind::string;
  arguments_[added].is_plain = !wanted.nullable && wanted.kind != Kind::string;
  if (wanted.nullable) {
    const std::uint32_t present = sum(WindowSum::Kind::present, added);
    arguments_[added].present = present;
  }
  return added;
}

std::uint32_t WindowState::cell(Cell::Kind kind, std::uint32_t argument) {
  Cell wanted;
  wanted.kind = kind;
  wanted.argument = argument;
  return cell(wanted);
}

std::uint32_t WindowState::sum(WindowSum::Kind kind, std::uint32_t argument) {
  Cell wanted;
  wanted.sum = {kind, arguments_[argument].source->kind == Kind::floating};
  wanted.argument = argument;
  return cell(wanted);
}

std::uint32_t WindowState::cell(const Cell& wanted) {
  for (std::uint32_t i = 0; i < cells_.size(); ++i) {
    const Cell& other = cells_[i];
    if (other.kind == wanted.kind && other.sum.kind == wanted.sum.kind && other.argument == wanted.argument &&
        other.decay == wanted.decay && other.greatest == wanted.greatest)
      return i;
  }
  Cell& added = cells_.emplace_back(wanted);
  const Cell::Kind kind = wanted.kind;
  Argument& argument = arguments_[wanted.argument];
  added.floating = argument.source->kind == Kind::floating;
  if (kind != Cell::Kind::sum || wanted.sum.kind != WindowSum::Kind::present) argument.is_wanted = true;
  if (kind == Cell::Kind::different) {
    added.table = static_cast<std::uint32_t>(values_.size());
    values_.emplace_back();
    is_new_.push_back(0);
  } else if (kind == Cell::Kind::quantiles) {
    added.table = static_cast<std::uint32_t>(quantiles_.size());
    quantiles_.emplace_back();
  } else if (kind == Cell::Kind::registers) {
    added.table = static_cast<std::uint32_t>(registers_.size());
    registers_.emplace_back();
  } else if (kind == Cell::Kind::extreme) {
    added.table = static_cast<std::uint32_t>(extremes_.size());
    extremes_.emplace_back(added.greatest, added.floating);
  }
  return static_cast<std::uint32_t>(cells_.size() - 1);
}

std::uint32_t WindowState::add(const WindowProgram& program, std::uint32_t number) {
  Aggregate aggregate;
  aggregate.source = program.aggregates[number];
  const auto& source = aggregate.source;
  using Wanted = Cell::Kind;
  if (source.argument != WindowAggregate::no_argument) {
    const std::uint32_t arg = aggregate.argument = argument(program, source.argument);
    using SumKind = WindowSum::Kind;
    const auto extreme = [&](bool greatest) {
      Cell wanted;
      wanted.kind = Wanted::extreme;
      wanted.argument = arg;
      wanted.greatest = greatest;
      return cell(wanted);
    };
    switch (source.function) {
      case WindowFunction::count:
      case WindowFunction::rate: break;
      case WindowFunction::sum:
      case WindowFunction::avg:
        aggregate.cell =
            sum(arguments_[arg].source->kind == Kind::floating ? SumKind::floats : SumKind::integers, arg);
        break;
      case WindowFunction::stddev:
      case WindowFunction::variance:
        aggregate.cell = sum(SumKind::floats, arg);
        aggregate.second = sum(SumKind::squares, arg);
        break;
      case WindowFunction::min: aggregate.cell = extreme(false); break;
      case WindowFunction::max: aggregate.cell = extreme(true); break;
      case WindowFunction::distinct:
      case WindowFunction::is_new: aggregate.cell = cell(Wanted::different, arg); break;
      case WindowFunction::top: {
        Cell& different = cells_[aggregate.cell = cell(Wanted::different, arg)];
        if (different.ranked == none) {
          different.ranked = static_cast<std::uint32_t>(ranked_.size());
          ranked_.emplace_back();
        }
        break;
      }
      case WindowFunction::approx_distinct: aggregate.cell = cell(Wanted::registers, arg); break;
      case WindowFunction::percentile:
        aggregate.cell = cell(Wanted::quantiles, arg);
        for (const Aggregate& other : aggregates_)
          aggregate.cursor += other.cell == aggregate.cell;
        break;
      case WindowFunction::first: aggregate.cell = cell(Wanted::first, arg); break;
      case WindowFunction::last: aggregate.cell = cell(Wanted::last, arg); break;
      case WindowFunction::ewma: {
        Cell wanted;
        wanted.kind = Wanted::decayed;
        wanted.argument = arg;
        wanted.decay = 1 / static_cast<double>(source.half_life_ns);
        aggregate.cell = cell(wanted);
        break;
      }
      case WindowFunction::collect: aggregate.cell = cell(Wanted::collected, arg); break;
    }
  }
  for (std::uint32_t i = 0; i < aggregates_.size(); ++i) {
    const Aggregate& other = aggregates_[i];
    if (other.source.function == source.function && other.argument == aggregate.argument &&
        other.cell == aggregate.cell && other.source.percent == source.percent &&
        other.source.most == source.most)
      return i;
  }
  aggregates_.push_back(aggregate);
  return static_cast<std::uint32_t>(aggregates_.size() - 1);
}

void WindowState::build() {
  using Wanted = Cell::Kind;
  const auto has = [&](auto... kinds) {
    return std::any_of(cells_.begin(), cells_.end(),
                       [&](const Cell& each) { return ((each.kind == kinds) || ...); });
  };
  const bool has_text = std::any_of(arguments_.begin(), arguments_.end(), [](const Argument& argument) {
    return argument.is_text && argument.is_wanted;
  });
  keeps_entries_ = evicts_ || has_text || has(Wanted::different, Wanted::registers, Wanted::collected);
  const bool is_hopping = queue_ && window_.kind == plan::Window::Kind::hopping;
  is_linked_ =
      keeps_entries_ && (!queue_ || is_hopping || has(Wanted::decayed, Wanted::first, Wanted::collected));
  keeps_panes_ = is_hopping && !has_text && std::all_of(cells_.begin(), cells_.end(), [](const Cell& each) {
                   return each.kind == Wanted::sum || each.kind == Wanted::extreme ||
                          each.kind == Wanted::first || each.kind == Wanted::last;
                 });
  keeps_linked_times_ = evicts_ && (!queue_ || has(Wanted::decayed));
  if (queue_) times_.add_to(log_);
  if (keeps_linked_times_) linked_times_ = log_.add_column<std::int64_t>();
  if (queue_) keys_ = log_.add_column<std::uint32_t>();
  if (is_linked_) links_ = log_.add_column<Entry>();
  has_before_ = has(Wanted::collected) && evicts_;
  before_ = has_before_ ? log_.add_column<Entry>() : links_;
  keeps_linked_orders_ = keeps_orders_ && is_hopping;
  keeps_orders_ = keeps_orders_ && !is_hopping;
  if (keeps_linked_orders_) linked_orders_ = log_.add_column<std::uint64_t>();
  if (keeps_orders_) orders_.add_to(log_);
  if (keeps_panes_) counts_ = log_.add_column<std::uint32_t>();
  words_per_header_ = (is_linked_ ? sizeof(Row) : offsetof(Row, front)) / 8;
  words_per_row_ = words_per_header_;
  for (std::uint32_t i = 0; i < cells_.size(); ++i) {
    Cell& each = cells_[i];
    Argument& argument = arguments_[each.argument];
    each.word = words_per_row_;
    switch (each.kind) {
      case Wanted::sum: words_per_row_ += WindowSum::words(each.sum.kind); break;
      case Wanted::different: words_per_row_ += 1; break;
      case Wanted::last: words_per_row_ += 2; break;
      case Wanted::first: words_per_row_ += keeps_entries_ ? 0 : 2; break;
      case Wanted::extreme: words_per_row_ += sizeof(Extreme) / 8; break;
      case Wanted::decayed:
        words_per_row_ += sizeof(Decayed) / 8;
        if (!evicts_) break;
        each.weighted = log_.add_column<double>();
        each.weights = log_.add_column<double>();
        break;
      default: break;
    }
    if (each.kind == Wanted::decayed) decayed_.push_back(i);
    if (each.kind == Wanted::different) different_.push_back(i);
    if (each.kind == Wanted::quantiles) sorted_.push_back(i);
    if (keeps_panes_ && each.kind == Wanted::sum) {
      each.partial = words_per_partial_;
      words_per_partial_ += words_per_row_ - each.word;
      continue;
    }
    if (!keeps_entries_ || each.kind == Wanted::decayed || each.kind == Wanted::extreme ||
        (each.kind == Wanted::sum && each.sum.kind == WindowSum::Kind::present))
      continue;
    const bool goes = evicts_ && each.kind != Wanted::last;
    argument.is_raw |= goes || argument.is_text || each.kind == Wanted::first ||
                       each.kind == Wanted::different || each.kind == Wanted::registers ||
                       each.kind == Wanted::collected;
  }
  if (words_per_partial_ > 0) partials_ = log_.add_bytes(8 * words_per_partial_);
  std::uint32_t null_bits = 0;
  for (Argument& argument : arguments_) {
    if (argument.is_raw) {
      raw_.push_back(static_cast<std::uint32_t>(&argument - arguments_.data()));
      argument.raw = log_.add_column<std::uint64_t>();
      has_texts_ |= argument.is_text;
    }
    if (argument.source->nullable) argument.null_bit = null_bits++;
  }
  if (keeps_entries_ && null_bits > 0) {
    null_bytes_ = (null_bits + 7) / 8;
    null_bits_ = log_.add_bytes(null_bytes_);
  }
  words_ahead_ = std::min<std::uint32_t>(words_per_row_ - 1, 8);
  only_sums_ = queue_ && !is_hopping && std::all_of(cells_.begin(), cells_.end(), [&](const Cell& each) {
                 return each.kind == Wanted::sum && arguments_[each.argument].is_plain;
               });
  for (const Cell& each : cells_) {
    const Argument& argument = arguments_[each.argument];
    if (only_sums_) plain_sums_.push_back({each.sum, argument.source->slot, each.word, argument.raw});
  }
  for (Aggregate& aggregate : aggregates_)
    set_form(aggregate);
}

// Reads of the row what can be.
void WindowState::set_form(Aggregate& aggregate) const {
  using Form = Aggregate::Form;
  const std::uint32_t cell = aggregate.source.function == WindowFunction::count && aggregate.argument != none
                                 ? arguments_[aggregate.argument].present
                                 : aggregate.cell;
  if (cell != none) aggregate.word = cells_[cell].word;
  switch (aggregate.source.function) {
    case WindowFunction::count: aggregate.form = cell == none ? Form::count : Form::word; break;
    case WindowFunction::distinct: aggregate.form = Form::word; break;
    case WindowFunction::sum:
      if (cells_[cell].floating) aggregate.form = Form::float_sum;
      break;
    case WindowFunction::min:
    case WindowFunction::max:
      if (cells_[cell].floating) aggregate.form = Form::float_extreme;
      break;
    default: break;
  }
}

}  // namespace tocsin::match
