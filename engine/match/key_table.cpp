#include "engine/match/key_table.hpp"

namespace tocsin::match {

using model::Kind;

bool make_key(model::EventView event, const KeyFields& fields, std::string& scratch, KeyView& key) {
  for (const auto& field : fields.fields) {
    if (event.is_null(field.index)) return false;
  }
  const auto bytes_of = [&](const KeyFields::Field& field) {
    if (field.kind == Kind::string) return event.load_text(field.slot);
    return std::string_view(reinterpret_cast<const char*>(event.bytes() + field.slot), 8);
  };
  if (fields.fields.size() == 1) {
    const auto& field = fields.fields.front();
    key.bytes = bytes_of(field);
    key.hash = field.kind == Kind::string ? hash_bytes(key.bytes)
                                          : hash_mix(static_cast<std::uint64_t>(event.load_int(field.slot)));
    return true;
  }
  scratch.clear();
  for (const auto& field : fields.fields) {
    const std::string_view bytes = bytes_of(field);
    const auto size = static_cast<std::uint32_t>(bytes.size());  // tells ("ab", "c") from ("a", "bc")
    scratch.append(reinterpret_cast<const char*>(&size), sizeof size);
    scratch.append(bytes);
  }
  key.bytes = scratch;
  key.hash = hash_bytes(key.bytes);
  return true;
}

std::uint32_t KeyTable::find(const KeyView& key) const {
  const auto found = first_.find(key.hash);
  if (found == first_.end()) return absent;
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
  const auto [place, inserted] = first_.try_emplace(key.hash, slot);
  Slot& entry = slots_[slot];
  entry.bytes.assign(key.bytes);
  entry.hash = key.hash;
  entry.next = inserted ? absent : place->second;
  entry.used = true;
  place->second = slot;
  return slot;
}

void KeyTable::erase(std::uint32_t slot) {
  Slot& entry = slots_[slot];
  const auto place = first_.find(entry.hash);
  if (place->second == slot) {
    if (entry.next == absent) {
      first_.erase(place);
    } else {
      place->second = entry.next;
    }
  } else {
    std::uint32_t before = place->second;
    while (slots_[before].next != slot)
      before = slots_[before].next;
    slots_[before].next = entry.next;
  }
  entry.used = false;
  free_.push_back(slot);
}

}  // namespace tocsin::match
