// Partition keys: an event's key fields as one hash and one run of bytes, and a table that gives each key
// a small slot number, which is what all state of the key is indexed by.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
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
  bool is_number = false;  // one field, of 8 bytes or a text of at most 7: no two of these share a hash
  std::string_view bytes;  // else
};

/// The key of `event` where it is this field alone, a number or a text of at most 7 bytes. False where it
/// has to be made by make_any_key(), or is null.
inline bool make_short_key(model::EventView event, const KeyFields::Field& field, KeyView& key) {
  if (event.is_null(field.index)) return false;
  if (field.kind == model::Kind::string) {
    const std::string_view text = event.load_text(field.slot);
    if (text.size() > max_packed_text) return false;
    key.hash = hash_number(pack_text_behind(text));
  } else {
    key.hash = hash_number(static_cast<std::uint64_t>(event.load_int(field.slot)));
  }
  key.is_number = true;
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

/// An open-addressing table with linear probing whose entries stand in order of their hashes, each as near
/// behind its home as those before it leave room. A search ends at the first greater hash, be the key there
/// or not, so the table may be three quarters full, and a look-up of a number still mostly meets one cache
/// line, which can be asked for ahead. As no two numbers share a hash, an entry is that and the slot, 12
/// bytes; a slot has four more, half of the hash, from which its entry is found again. The table grows by a
/// quarter, in one pass from front to back, and shrinks where little is left.
class KeyTable {
 public:
  static constexpr std::uint32_t absent = 0xFFFFFFFF;

  /// The key's slot, or `absent`. Constant time.
  std::uint32_t find(const KeyView& key) const {
    const Entry* entry = &entries_[home(key.hash)];
    while (entry->hash() < key.hash)
      ++entry;
    for (; entry->hash() == key.hash; ++entry) {
      if (!entry->is_text) {
        if (key.is_number) return entry->slot;
      } else if (entry->is_free()) {
        break;
      } else if (!key.is_number && bytes(entry->slot) == key.bytes) {
        return entry->slot;
      }
    }
    return absent;
  }
  /// Gives `key`, which must be absent, a slot: a freed one, or the next number. Amortised constant.
  std::uint32_t add(const KeyView& key);
  /// Frees a slot. Amortised constant, but for keys whose hashes are equal.
  void erase(std::uint32_t slot);
  /// Asks for the memory that find() will look at: most searches end within five entries.
  void prefetch(const KeyView& key) const {
    const Entry* const first = &entries_[home(key.hash)];
    tocsin::prefetch(first);
    tocsin::prefetch(first + 4);
  }

  std::size_t size() const { return halves_.size() - free_.size(); }
  /// Slots in use and free: the length of an array that slots index.
  std::size_t capacity() const { return halves_.size(); }
  bool in_use(std::uint32_t slot) const { return halves_[slot] != unused; }
  /// The key's bytes, of a key that is no number.
  std::string_view bytes(std::uint32_t slot) const { return texts_[text_of_[slot]]; }
  /// What its entries take.
  std::size_t entry_bytes() const { return entries_.size() * sizeof(Entry); }

 private:
  static constexpr std::uint32_t no_slot = absent >> 1;
  static constexpr std::uint32_t no_text = absent;
  static constexpr std::uint32_t unused = absent;  // as half of a hash: the slot is free
  struct Entry {
    std::uint32_t halves[2] = {absent, absent};  // of the hash, in the order of memory
    std::uint32_t slot : 31 = no_slot;
    std::uint32_t is_text : 1 = true;
    bool is_free() const { return slot == no_slot; }
    // Of an entry that is free the greatest, which ends any search.
    std::uint64_t hash() const {
      std::uint64_t hash;
      std::memcpy(&hash, halves, sizeof hash);
      return hash;
    }
  };
  static_assert(sizeof(Entry) == 12);

  std::size_t home(std::uint64_t hash) const {
    return static_cast<std::size_t>((static_cast<unsigned __int128>(hash) * homes_) >> 64);
  }
  // A small table is kept sparse, as it stays near all the same: there a key that is absent, which most are
  // where keys come and go, mostly meets a free entry at once.
  std::size_t room() const { return homes_ <= sparse_homes ? homes_ / 4 : homes_ / 4 * 3; }
  static constexpr std::size_t sparse_homes = 8192;
  static constexpr std::size_t tail = 16;  // entries behind the last home, to begin with
  void insert(const Entry& entry);
  void move_to(std::size_t homes);

  std::size_t homes_ = 16;
  LargeVector<Entry> entries_ = LargeVector<Entry>(homes_ + tail);  // the last one is free
  LargeVector<std::uint32_t> halves_;   // by slot: the upper half of its key's hash
  std::vector<std::uint32_t> text_of_;  // by slot, where one has ever had a text: in texts_
  std::vector<std::string> texts_;
  LargeVector<std::uint32_t> free_;
};

/// How long to make an array by slot that is to have `slot`: for as many again or some thousand. An array
/// doubles what it could hold, but memory that was not written yet is none.
inline std::uint32_t room_for(std::uint32_t slot) {
  return slot + 1 + std::min<std::uint32_t>(slot, 4096);
}

}  // namespace tocsin::match
