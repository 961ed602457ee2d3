// Partition keys: an event's key fields as one hash and one run of bytes, and a table that gives each key
// a small slot number, which is what all state of the key is indexed by.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/hash.hpp"
#include "engine/match/program.hpp"
#include "engine/model/event.hpp"

namespace tocsin::match {

struct KeyView {
  std::uint64_t hash = 0;
  std::uint64_t number = 0;  // stands for the whole key where `is_number`
  bool is_number = false;    // one field, of 8 bytes or a text of at most 7
  std::string_view bytes;    // else
};

/// The key of `event`. False where a key field is null: the event then belongs to no partition. The bytes
/// lie in the event, or in `scratch` where there are several fields. Linear in the key's size.
bool make_key(model::EventView event, const KeyFields& fields, std::string& scratch, KeyView& key);

/// The key that these values are, of which none is null.
void make_key(std::span<const model::Value> values, std::string& scratch, KeyView& key);

/// For hashes that are good already.
struct GoodHash {
  using is_avalanching = void;
  std::size_t operator()(std::uint64_t hash) const { return hash; }
};

/// For numbers as they come.
struct MixHash {
  using is_avalanching = void;
  std::size_t operator()(std::uint64_t value) const { return hash_mix(value); }
};

class KeyTable {
 public:
  static constexpr std::uint32_t absent = 0xFFFFFFFF;

  /// The key's slot, or `absent`. Constant time.
  std::uint32_t find(const KeyView& key) const;
  /// Gives `key`, which must be absent, a slot: a freed one, or the next number.
  std::uint32_t add(const KeyView& key);
  /// Frees a slot. Constant time but for keys whose hashes are equal.
  void erase(std::uint32_t slot);

  std::size_t size() const { return slots_.size() - free_.size(); }
  /// Slots in use and free: the length of an array that slots index.
  std::size_t capacity() const { return slots_.size(); }
  bool in_use(std::uint32_t slot) const { return slots_[slot].used; }

 private:
  struct Slot {
    std::string bytes;            // of a key that is no number
    std::uint64_t id = 0;         // the number, or the hash
    std::uint32_t next = absent;  // the next key with this very hash
    bool is_number = false;
    bool used = false;
  };
  boost::unordered_flat_map<std::uint64_t, std::uint32_t, MixHash> numbers_;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t, GoodHash> first_of_hash_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace tocsin::match
