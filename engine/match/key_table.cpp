#include "engine/match/key_table.hpp"

#include <algorithm>

#include "engine/base/assert.hpp"

namespace tocsin::match {

using model::Kind;

namespace {

// Keys of one part.

void make_text_key(std::string_view text, KeyView& key) {
  key.bytes = text;
  key.is_number = text.size() <= max_packed_text;
  key.hash = key.is_number ? hash_number(pack_text(text)) : hash_bytes(text);
}

void make_number_key(std::int64_t number, KeyView& key) {
  key.is_number = true;
  key.hash = hash_number(static_cast<std::uint64_t>(number));
}

// Keys of several parts.

void add_part(std::string_view bytes, std::string& scratch) {
  const auto size = static_cast<std::uint32_t>(bytes.size());  // tells ("ab", "c") from ("a", "bc")
  scratch.append(reinterpret_cast<const char*>(&size), sizeof size);
  scratch.append(bytes);
}

void make_long_key(const std::string& scratch, KeyView& key) {
  key.is_number = false;
  key.bytes = scratch;
  key.hash = hash_bytes(key.bytes);
}

std::string_view bytes_of(const std::byte* number) {
  return {reinterpret_cast<const char*>(number), 8};
}

}  // namespace

bool make_any_key(model::EventView event, const KeyFields& fields, std::string& scratch, KeyView& key) {
  for (const auto& field : fields.fields) {
    if (event.is_null(field.index)) return false;
  }
  if (fields.fields.size() == 1) {
    const auto& field = fields.fields.front();
    if (field.kind == Kind::string) {
      make_text_key(event.load_text(field.slot), key);
    } else {
      make_number_key(event.load_int(field.slot), key);
    }
    return true;
  }
  scratch.clear();
  for (const auto& field : fields.fields) {
    add_part(field.kind == Kind::string ? event.load_text(field.slot) : bytes_of(event.bytes() + field.slot),
             scratch);
  }
  make_long_key(scratch, key);
  return true;
}

void make_key(std::span<const model::Value> values, std::string& scratch, KeyView& key) {
  if (values.size() == 1) {
    const model::Value& value = values.front();
    return value.kind == Kind::string ? make_text_key(value.text(), key) : make_number_key(value.i, key);
  }
  scratch.clear();
  for (const model::Value& value : values) {
    add_part(
        value.kind == Kind::string ? value.text() : bytes_of(reinterpret_cast<const std::byte*>(&value.i)),
        scratch);
  }
  make_long_key(scratch, key);
}

std::uint32_t KeyTable::add(const KeyView& key) {
  std::uint32_t slot;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(halves_.size());
    TOCSIN_ASSERT(slot < no_slot);
    halves_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  // The greatest half is that of free slots: the one before it leads to the same entry, by a step more.
  halves_[slot] = std::min(static_cast<std::uint32_t>(key.hash >> 32), unused - 1);
  if (!key.is_number) {
    if (slot >= text_of_.size()) text_of_.resize(slot + std::size_t{1}, no_text);
    if (text_of_[slot] == no_text) {
      text_of_[slot] = static_cast<std::uint32_t>(texts_.size());
      texts_.emplace_back();
    }
    texts_[text_of_[slot]].assign(key.bytes);
  }
  if (size() > room()) move_to(homes_ < sparse_homes * 2 ? 2 * homes_ : homes_ / 4 * 5);
  Entry added;
  std::memcpy(added.halves, &key.hash, sizeof key.hash);
  added.slot = slot & no_slot;
  added.is_text = !key.is_number;
  insert(added);
  return slot;
}

// Those behind it up to the first free entry move on by one.
void KeyTable::insert(const Entry& entry) {
  std::size_t place = home(entry.hash());
  while (entries_[place].hash() < entry.hash())
    ++place;
  std::size_t free = place;
  while (!entries_[free].is_free())
    ++free;
  if (free + 1 == entries_.size()) entries_.resize(entries_.size() + tail);
  std::move_backward(&entries_[place], &entries_[free], &entries_[free + 1]);
  entries_[place] = entry;
}

void KeyTable::move_to(std::size_t homes) {
  homes_ = homes;
  LargeVector<Entry> before(homes_ + tail);
  std::swap(before, entries_);
  std::size_t next = 0;
  for (const Entry& entry : before) {
    if (entry.is_free()) continue;
    next = std::max(next, home(entry.hash()));
    if (next + 1 == entries_.size()) entries_.resize(entries_.size() + tail);
    entries_[next++] = entry;
  }
}

void KeyTable::erase(std::uint32_t slot) {
  std::size_t hole = home(std::uint64_t{halves_[slot]} << 32);
  while (entries_[hole].slot != slot)
    ++hole;
  halves_[slot] = unused;
  free_.push_back(slot);
  // Those behind it that are not at home move back by one.
  for (; !entries_[hole + 1].is_free() && home(entries_[hole + 1].hash()) <= hole; ++hole)
    entries_[hole] = entries_[hole + 1];
  entries_[hole] = {};
  if (homes_ > 2 * sparse_homes && size() < homes_ / 4) move_to(homes_ / 2);
}

}  // namespace tocsin::match
