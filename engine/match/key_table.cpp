#include "engine/match/key_table.hpp"

#include <cstring>

namespace tocsin::match {

using model::Kind;

namespace {

// A text of at most 7 bytes and its length as one number: no two texts share one.
std::uint64_t pack(std::string_view text) {
  const auto load = [](const char* from, auto value) {
    std::memcpy(&value, from, sizeof value);
    return static_cast<std::uint64_t>(value);
  };
  const std::size_t size = text.size();
  std::uint64_t packed = std::uint64_t{size} << 56;
  if (size >= 4) {
    packed |= load(text.data(), std::uint32_t{}) | load(text.data() + size - 4, std::uint32_t{})
                                                       << (8 * (size - 4));
  } else if (size >= 2) {
    packed |= load(text.data(), std::uint16_t{}) | load(text.data() + size - 2, std::uint16_t{})
                                                       << (8 * (size - 2));
  } else if (size == 1) {
    packed |= static_cast<unsigned char>(text.front());
  }
  return packed;
}

}  // namespace

bool make_key(model::EventView event, const KeyFields& fields, std::string& scratch, KeyView& key) {
  for (const auto& field : fields.fields) {
    if (event.is_null(field.index)) return false;
  }
  key.is_number = false;
  if (fields.fields.size() == 1) {
    const auto& field = fields.fields.front();
    if (field.kind == Kind::string) {
      key.bytes = event.load_text(field.slot);
      key.is_number = key.bytes.size() < 8;
      if (key.is_number) key.number = pack(key.bytes);
    } else {
      key.is_number = true;
      key.number = static_cast<std::uint64_t>(event.load_int(field.slot));
    }
    key.hash = key.is_number ? hash_mix(key.number) : hash_bytes(key.bytes);
    return true;
  }
  scratch.clear();
  for (const auto& field : fields.fields) {
    const std::string_view bytes =
        field.kind == Kind::string
            ? event.load_text(field.slot)
            : std::string_view(reinterpret_cast<const char*>(event.bytes() + field.slot), 8);
    const auto size = static_cast<std::uint32_t>(bytes.size());  // tells ("ab", "c") from ("a", "bc")
    scratch.append(reinterpret_cast<const char*>(&size), sizeof size);
    scratch.append(bytes);
  }
  key.bytes = scratch;
  key.hash = hash_bytes(key.bytes);
  return true;
}

std::uint32_t KeyTable::find(const KeyView& key) const {
  if (key.is_number) {
    const auto found = numbers_.find(key.number);
    return found == numbers_.end() ? absent : found->second;
  }
  const auto found = first_of_hash_.find(key.hash);
  if (found == first_of_hash_.end()) return absent;
  std::uint32_t slot = found->second;
  while (slot != absent && slots_[slot].bytes != key.bytes)
    slot = slots_[slot].next;
  return slot;
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
  Slot& entry = slots_[slot];
  entry.is_number = key.is_number;
  entry.used = true;
  entry.next = absent;
  if (key.is_number) {
    entry.id = key.number;
    numbers_.emplace(key.number, slot);
    return slot;
  }
  entry.id = key.hash;
  entry.bytes.assign(key.bytes);
  const auto [place, inserted] = first_of_hash_.try_emplace(key.hash, slot);
  if (!inserted) {
    entry.next = place->second;
    place->second = slot;
  }
  return slot;
}

void KeyTable::erase(std::uint32_t slot) {
  Slot& entry = slots_[slot];
  entry.used = false;
  free_.push_back(slot);
  if (entry.is_number) {
    numbers_.erase(entry.id);
    return;
  }
  const auto place = first_of_hash_.find(entry.id);
  if (place->second != slot) {
    std::uint32_t before = place->second;
    while (slots_[before].next != slot)
      before = slots_[before].next;
    slots_[before].next = entry.next;
  } else if (entry.next != absent) {
    place->second = entry.next;
  } else {
    first_of_hash_.erase(place);
  }
}

}  // namespace tocsin::match
