#include "engine/match/window_state.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/base/assert.hpp"

namespace tocsin::match {

using model::Kind;

void WindowState::make_rows(std::size_t slots) {
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
    if (each.kind == Cell::Kind::sum && !argument.null)
      each.sum.add(partial(each, entry), argument.bits, partial_number(each, entry), non_finite_);
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
    case Cell::Kind::sum: cell.sum.add(words, argument.bits, sum_number(words), non_finite_); break;
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
  if (keeps_panes_ && cell.kind == Cell::Kind::sum) {
    if (!non_finite_.empty()) non_finite_.subtract(sum_number(words), partial_number(cell, entry));
    return cell.sum.subtract(words, partial(cell, entry));
  }
  if (cell.kind == Cell::Kind::decayed || is_null(argument, entry)) return;
  const auto bits = [&] { return argument.is_raw ? log_.at(argument.raw, entry) : 0; };
  switch (cell.kind) {
    case Cell::Kind::sum: cell.sum.take(words, bits(), sum_number(words), non_finite_); break;
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
  for (std::uint32_t word = 0; word < words_per_row_ && !non_finite_.empty(); ++word)
    non_finite_.forget(sum_number(words(here) + word));
  std::memset(&here, 0, 8 * words_per_row_);
}

}  // namespace tocsin::match
