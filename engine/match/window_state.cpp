#include "engine/match/window_state.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/base/assert.hpp"

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

void WindowState::grow(std::uint32_t slot) {
  const std::size_t slots =
      std::max<std::size_t>({16, slot + std::size_t{1}, 2 * rows_.size() / words_per_row_});
  rows_.resize(slots * words_per_row_);
  for (auto& of_slot : ranked_)
    of_slot.resize(slots);
  for (auto& of_slot : quantiles_)
    of_slot.resize(slots);
  for (auto& of_slot : extremes_)
    of_slot.resize(slots);
}

void WindowState::evaluate(model::EventView event, Scratch& scratch) {
  for (Argument& argument : arguments_) {
    const bool floating = argument.source->kind == Kind::floating;
    if (!argument.is_plain) {
      scratch.reset();
      const model::Value value = argument.source->value.evaluate({event, {}, 0, 0}, scratch);
      argument.null = value.is_null();
      argument.bits = 0;
      if (argument.null || !argument.is_wanted) continue;
      argument.bits = argument.is_text ? texts_.hold(value.text()) : static_cast<std::uint64_t>(value.i);
    } else {
      argument.bits = plain_bits(argument, event);
    }
    if (!floating) continue;
    const auto value = std::bit_cast<double>(argument.bits);  // one zero and one NaN
    argument.bits = std::bit_cast<std::uint64_t>(std::isnan(value) ? std::numeric_limits<double>::quiet_NaN()
                                                                   : value + 0.0);
  }
}

void WindowState::insert_otherwise(std::uint32_t slot, model::EventView event, std::uint64_t order,
                                   Scratch& scratch) {
  evaluate(event, scratch);
  Row& here = row(slot);
  Entry entry = no_entry;
  // A pane of the key goes on where the key's newest entry is not older than the panes at hand.
  const bool goes_on =
      keeps_panes_ && here.count > 0 && static_cast<std::int32_t>(here.newest - pane_begin_) >= 0;
  if (goes_on) {
    entry = here.newest;
  } else if (keeps_entries_) {
    entry = add_entry(slot, event, order);
  }
  for (const Cell& each : cells_)
    insert_into(each, here, slot, entry, event.time_ns());
  if (is_linked_ && !goes_on) link(here, entry);
  ++here.count;
  if (!keeps_panes_) return;
  ++log_.at(counts_, entry);
  for (const Cell& each : cells_) {
    const Argument& argument = arguments_[each.argument];
    if (each.kind == Cell::Kind::sum && !argument.null) each.sum.add(partial(each, entry), argument.bits);
  }
}

// An entry for the event at hand.
Entry WindowState::add_entry(std::uint32_t slot, model::EventView event, std::uint64_t order) {
  const Entry entry = queue_ ? log_.push() : log_.take();
  const WindowLog::Place place = log_.place(entry);
  if (queue_) {
    times_.push(log_, static_cast<std::uint64_t>(event.time_ns()));
    place.at(keys_) = slot;
  }
  if (keeps_orders_) orders_.push(log_, order);
  if (keeps_linked_times_) place.at(linked_times_) = event.time_ns();
  if (keeps_linked_orders_) place.at(linked_orders_) = order;
  for (const std::uint32_t number : raw_)
    place.at(arguments_[number].raw) = arguments_[number].bits;
  if (null_bytes_ > 0) mark_nulls(entry);
  if (keeps_panes_) {
    place.at(counts_) = 0;
    if (words_per_partial_ > 0)
      std::memset(&log_.byte_at(partials_, 8 * words_per_partial_, entry, 0), 0, 8 * words_per_partial_);
  }
  return entry;
}

void WindowState::mark_nulls(Entry entry) {
  for (std::uint32_t i = 0; i < null_bytes_; ++i)
    log_.byte_at(null_bits_, null_bytes_, entry, i) = 0;
  for (const Argument& argument : arguments_) {
    if (!argument.null) continue;
    log_.byte_at(null_bits_, null_bytes_, entry, argument.null_bit / 8) |=
        static_cast<std::uint8_t>(1u << (argument.null_bit % 8));
  }
}

void WindowState::release_texts(Entry entry) {
  for (const std::uint32_t number : raw_) {
    const Argument& argument = arguments_[number];
    if (argument.is_text && !is_null(argument, entry)) texts_.release(log_.at(argument.raw, entry));
  }
}

void WindowState::link(Row& row, Entry entry) {
  log_.at(links_, entry) = row.count == 0 ? no_entry : row.newest;
  if (has_before_) log_.at(before_, entry) = row.newest;
  if (row.count == 0) {
    row.front = entry;
    row.in_front = evicts_ ? 1 : 0;
  }
  row.newest = entry;
  ++row.entries;
}

void WindowState::insert_into(const Cell& cell, Row& row, std::uint32_t slot, Entry entry,
                              std::int64_t time_ns) {
  const Argument& argument = arguments_[cell.argument];
  if (cell.kind == Cell::Kind::decayed) return stack(cell, row, entry, time_ns);
  std::uint64_t* const words = this->words(row) + cell.word;
  if (argument.null) {
    if (cell.kind == Cell::Kind::last ||
        (cell.kind == Cell::Kind::first && !keeps_entries_ && row.count == 0))
      words[1] = 1;
    if (cell.kind == Cell::Kind::different) is_new_[cell.table] = 0;
    return;
  }
  switch (cell.kind) {
    case Cell::Kind::sum: cell.sum.add(words, argument.bits); break;
    case Cell::Kind::first:
      if (keeps_entries_ || row.count > 0) break;
      words[0] = argument.bits;
      words[1] = 0;
      break;
    case Cell::Kind::last:
      words[0] = argument.bits;
      words[1] = 0;
      break;
    case Cell::Kind::different: {
      const std::uint32_t times = ++values_[cell.table](slot, argument.bits);
      words[0] += times == 1;
      is_new_[cell.table] = times == 1;
      if (cell.ranked != none) change_rank(cell, slot, argument.bits, times - 1, times);
      break;
    }
    case Cell::Kind::extreme: widen(cell, row, slot, entry); break;
    case Cell::Kind::quantiles: quantiles_[cell.table][slot].add(number(argument, argument.bits)); break;
    case Cell::Kind::registers: registers_[cell.table].add(slot, entry, hash(argument, argument.bits)); break;
    default: break;
  }
}

// The event at hand against the key's least or greatest value. NaN is passed over.
void WindowState::widen(const Cell& cell, Row& row, std::uint32_t slot, Entry entry) {
  const std::uint64_t bits = arguments_[cell.argument].bits;
  if (cell.floating && std::isnan(std::bit_cast<double>(bits))) return;
  WindowExtremes& extremes = extremes_[cell.table];
  Extreme& extreme = state<Extreme>(row, cell);
  if (evicts_) {
    const WindowExtremes::Value& furthest = extremes.push(slot, bits, entry);
    extreme = {furthest.bits, furthest.entry, 1};
  } else if (extreme.known == 0 || extremes.outdoes(bits, extreme.bits)) {
    extreme = {bits, entry, 1};
  }
}

void WindowState::remove_from(const Cell& cell, Row& row, std::uint32_t slot, Entry entry) {
  const Argument& argument = arguments_[cell.argument];
  if (cell.kind == Cell::Kind::extreme) {
    Extreme& extreme = state<Extreme>(row, cell);
    if (extreme.known == 0 || extreme.entry != entry) return;
    const WindowExtremes::Value* const next = extremes_[cell.table].pop(slot);
    extreme = next ? Extreme{next->bits, next->entry, 1} : Extreme{0, 0, 0};
    return;
  }
  std::uint64_t* const words = this->words(row) + cell.word;
  if (keeps_panes_ && cell.kind == Cell::Kind::sum) return cell.sum.subtract(words, partial(cell, entry));
  if (cell.kind == Cell::Kind::decayed || is_null(argument, entry)) return;
  const auto bits = [&] { return argument.is_raw ? log_.at(argument.raw, entry) : 0; };
  switch (cell.kind) {
    case Cell::Kind::sum: cell.sum.take(words, bits()); break;
    case Cell::Kind::different: {
      std::uint32_t& times = values_[cell.table](slot, bits());
      const std::uint32_t left = times - 1;
      if (left == 0) {
        values_[cell.table].erase(slot, bits());
        --words[0];
      } else {
        times = left;
      }
      if (cell.ranked != none) change_rank(cell, slot, bits(), left + 1, left);
      break;
    }
    case Cell::Kind::quantiles: quantiles_[cell.table][slot].remove(number(argument, bits())); break;
    case Cell::Kind::registers: registers_[cell.table].remove(slot, entry, hash(argument, bits())); break;
    default: break;
  }
}

void WindowState::evict(std::uint32_t slot, Entry entry, bool give_back) {
  Row& here = row(slot);
  for (const Cell& each : cells_)
    remove_from(each, here, slot, entry);
  if (has_texts_) release_texts(entry);
  here.count -= keeps_panes_ ? log_.at(counts_, entry) : 1;
  here.changed = 1;
  if (is_linked_) unlink_front(here);
  if (give_back) log_.give_back(entry);
  if (here.count == 0) clear_rest(here);
}

std::uint32_t WindowState::evict_oldest_otherwise() {
  const Entry entry = log_.front();
  const std::uint32_t slot = log_.at(keys_, entry);
  prefetch_entries(entry);
  evict(slot, entry, false);
  pop();
  return slot;
}

// Asks for what the entries soon to be taken out behind `entry` need.
void WindowState::prefetch_entries(Entry entry) const {
  if (log_.size() <= ahead) return;
  const std::uint32_t slot = log_.at(keys_, entry + ahead);
  prefetch_row(slot);
  prefetch_tables(slot);
  for (const std::uint32_t number : different_) {
    const Cell& cell = cells_[number];
    values_[cell.table].prefetch(slot, log_.at(arguments_[cell.argument].raw, entry + ahead));
  }
  if (quantiles_.empty()) return;
  prefetch_heads(log_.at(keys_, entry + ahead * 2 / 3));
  const Entry next = entry + ahead / 3;
  for (const std::uint32_t number : sorted_) {
    const Cell& cell = cells_[number];
    const Argument& argument = arguments_[cell.argument];
    quantiles_[cell.table][log_.at(keys_, next)].prefetch_value(
        this->number(argument, log_.at(argument.raw, next)));
  }
}

void WindowState::clear(std::uint32_t slot) {
  Row& here = row(slot);
  if (evicts_) {
    TOCSIN_ASSERT(!queue_);
    while (here.count > 0)
      evict(slot);
    return;
  }
  if (keeps_entries_) {
    Entry entry = here.newest;
    for (std::uint32_t left = here.count; left > 0; --left) {
      for (const Cell& each : cells_) {
        const Argument& argument = arguments_[each.argument];
        if (is_null(argument, entry)) continue;
        const bool is_values = each.kind == Cell::Kind::different;
        if (is_values && --values_[each.table](slot, log_.at(argument.raw, entry)) == 0)
          values_[each.table].erase(slot, log_.at(argument.raw, entry));
        if (each.kind == Cell::Kind::registers)
          registers_[each.table].remove(slot, entry, hash(argument, log_.at(argument.raw, entry)));
      }
      if (has_texts_) release_texts(entry);
      const Entry next = log_.at(links_, entry);
      log_.give_back(entry);
      entry = next;
    }
  }
  for (auto& of_slot : ranked_)
    of_slot[slot].clear();
  for (auto& of_slot : quantiles_)
    of_slot[slot].clear();
  std::memset(&here, 0, 8 * words_per_row_);
}

}  // namespace tocsin::match
