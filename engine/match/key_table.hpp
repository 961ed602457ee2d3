// Partition keys: an event's key fields as one hash and one run of bytes, and a table that gives each key
// a small slot number, which is what all state of the key is indexed by.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/hash.hpp"
#include "engine/base/large_memory.hpp"
#include "engine/base/prefetch.hpp"
#include "engine/match/program.hpp"
#include "engine/model/event.hpp"

namespace tocsin::match {

struct KeyView {
  std::uint64_t hash = 0;
  std::uint64_t number = 0;  // stands for the whole key where `is_number`
  bool is_number = false;    // one field, of 8 bytes or a text of at most 7
  std::string_view bytes;    // else
};

/// The key of `event` where it is this field alone, a number or a text of at most 7 bytes. False where it
/// has to be made by make_any_key(), or is null.
inline bool make_short_key(model::EventView event, const KeyFields::Field& field, KeyView& key) {
  if (event.is_null(field.index)) return false;
  if (field.kind == model::Kind::string) {
    const std::string_view text = event.load_text(field.slot);
    if (text.size() > max_packed_text) return false;
    key.number = pack_text_behind(text);
  } else {
    key.number = static_cast<std::uint64_t>(event.load_int(field.slot));
  }
  key.is_number = true;
  key.hash = hash_mix(key.number);
  return true;
}
bool make_any_key(model::EventView event, const KeyFields& fields, std::string& scratch, KeyView& key);

/// The key of `event`. False where a key field is null: the event then belongs to no partition. The bytes
/// lie in the event, or in `scratch` where there are several fields. Linear in the key's size.
inline bool make_key(model::EventView event, const KeyFields& fields, std::string& scratch, KeyView& key) {
  return (fields.fields.size() == 1 && make_short_key(event, fields.fields.front(), key)) ||
         make_any_key(event, fields, scratch, key);
}

/// The key that these values are, of which none is null.
void make_key(std::span<const model::Value> values, std::string& scratch, KeyView& key);

/// For hashes that are good already.
struct GoodHash {
  using is_avalanching = void;
  std::size_t operator()(std::uint64_t hash) const { return hash; }
};

/// An open-addressing table with linear probing: a look-up of a number mostly meets one cache line, and that
/// can be asked for ahead. Erasing moves later entries up, so keys that come and go leave no traces.
class KeyTable {
 public:
  static constexpr std::uint32_t absent = 0xFFFFFFFF;

  /// The key's slot, or `absent`. Constant time.
  std::uint32_t find(const KeyView& key) const {
    const std::uint64_t id = key.is_number ? key.number : key.hash;
    for (std::size_t i = key.hash & mask(); entries_[i].slot != absent; i = (i + 1) & mask()) {
      const Entry& entry = entries_[i];
      if (entry.id != id || entry.is_number != key.is_number) continue;
      if (key.is_number || bytes(entry.slot) == key.bytes) return entry.slot;
    }
    return absent;
  }
  /// Gives `key`, which must be absent, a slot: a freed one, or the next number.
  std::uint32_t add(const KeyView& key);
  /// Frees a slot. Constant time but for keys whose hashes are equal.
  void erase(std::uint32_t slot);
  /// Asks for the memory that find() will look at first.
  void prefetch(const KeyView& key) const { tocsin::prefetch(&entries_[key.hash & mask()]); }

  std::size_t size() const { return slots_.size() - free_.size(); }
  /// Slots in use and free: the length of an array that slots index.
  std::size_t capacity() const { return slots_.size(); }
  bool in_use(std::uint32_t slot) const { return slots_[slot].used; }
  /// The key's bytes, of a key that is no number.
  std::string_view bytes(std::uint32_t slot) const { return texts_[slots_[slot].text]; }

 private:
  struct Entry {
    std::uint64_t id = 0;         // the number, or the hash
    std::uint32_t slot = absent;  // absent: the entry is free
    bool is_number = false;
    std::uint64_t hash() const { return is_number ? hash_mix(id) : id; }
  };
  static constexpr std::uint32_t no_text = 0xFFFFFFFF >> 2;
  struct Slot {
    std::uint64_t id = 0;
    std::uint32_t text : 30 = no_text;  // in texts_, once it has had a key that is no number
    std::uint32_t is_number : 1 = false;
    std::uint32_t used : 1 = false;
  };
  static_assert(sizeof(Slot) == 16);
  std::size_t mask() const { return entries_.size() - 1; }
  // A small table is kept sparse, as it stays near all the same: there a key that is absent, which most are
  // where keys come and go, mostly meets a free entry at once.
  std::size_t room() const {
    return entries_.size() <= sparse_entries ? entries_.size() / 4 : entries_.size() / 3 * 2;
  }
  static constexpr std::size_t sparse_entries = 8192;
  void insert(const Entry& entry);

  LargeVector<Entry> entries_ = LargeVector<Entry>(16);  // a power of two
  LargeVector<Slot> slots_;
  std::vector<std::string> texts_;
  std::vector<std::uint32_t> free_;
};

}  // namespace tocsin::match
