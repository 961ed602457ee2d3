#include "engine/match/key_table.hpp"

#include "engine/base/assert.hpp"

namespace tocsin::match {

using model::Kind;

namespace {

// Keys of one part.

void make_text_key(std::string_view text, KeyView& key) {
  key.bytes = text;
  key.is_number = text.size() <= max_packed_text;
  if (key.is_number) key.number = pack_text(text);
  key.hash = key.is_number ? hash_mix(key.number) : hash_bytes(text);
}

void make_number_key(std::int64_t number, KeyView& key) {
  key.is_number = true;
  key.number = static_cast<std::uint64_t>(number);
  key.hash = hash_mix(key.number);
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
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Slot& added = slots_[slot];
  added.is_number = key.is_number;
  added.used = true;
  added.id = key.is_number ? key.number : key.hash;
  if (!key.is_number) {
    if (added.text == no_text) {
      TOCSIN_ASSERT(texts_.size() < no_text);
      added.text = static_cast<std::uint32_t>(texts_.size()) & no_text;
      texts_.emplace_back();
    }
    texts_[added.text].assign(key.bytes);
  }
  if (size() > room()) {
    LargeVector<Entry> before(2 * entries_.size());
    std::swap(before, entries_);
    for (const Entry& entry : before) {
      if (entry.slot != absent) insert(entry);
    }
  }
  insert({added.id, slot, key.is_number});
  return slot;
}

void KeyTable::insert(const Entry& entry) {
  std::size_t i = entry.hash() & mask();
  while (entries_[i].slot != absent)
    i = (i + 1) & mask();
  entries_[i] = entry;
}

void KeyTable::erase(std::uint32_t slot) {
  Slot& erased = slots_[slot];
  erased.used = false;
  free_.push_back(slot);
  std::size_t hole = Entry{erased.id, slot, erased.is_number != 0}.hash() & mask();
  while (entries_[hole].slot != slot)
    hole = (hole + 1) & mask();
  // An entry behind the hole moves into it unless its search begins behind the hole.
  for (std::size_t i = (hole + 1) & mask(); entries_[i].slot != absent; i = (i + 1) & mask()) {
    if (((i - entries_[i].hash()) & mask()) < ((i - hole) & mask())) continue;
    entries_[hole] = entries_[i];
    hole = i;
  }
  entries_[hole].slot = absent;
}

}  // namespace tocsin::match
