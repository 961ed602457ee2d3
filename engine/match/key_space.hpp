// Partition keys that several rules of a shard share: an event's key is made, hashed and looked up once for
// all of them, and each rule keeps its state under numbers of its own, so that a rule pays for the keys that
// it has state of and no others. A rule that shares its partition with none takes the numbers of the space.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/match/key_table.hpp"
#include "engine/match/visit.hpp"

namespace tocsin::match {

class RuleKeys;

/// One partition: the keys that at least one rule has state of.
class KeySpace {
 public:
  /// With more than `near_keys` keys looking ahead pays (Limits::near_keys).
  explicit KeySpace(std::size_t near_keys) : near_keys_(near_keys) {}

  /// True where rules with these key fields, by event type, may share one: they agree on the types that both
  /// have, at least one, and on the kinds of the fields. Then takes in the types that it did not have.
  bool take_in(const std::vector<KeyFields>& keys);

  /// One more rule uses the space, between events; the first one of several begins to number its own keys.
  void add_rule(RuleKeys& keys);
  void remove_rule(RuleKeys& keys);
  bool is_shared() const { return is_shared_; }
  std::size_t rules() const { return rules_; }
  /// The space goes with all its rules: they need not give back their keys.
  void abandon() { is_abandoned_ = true; }
  bool is_abandoned() const { return is_abandoned_; }
  const KeyTable& table() const { return table_; }

  /// The most events whose keys may be taken before they are forgotten.
  static constexpr std::size_t most_keys = 64;
  /// Takes the keys of the events that a rule will soon be shown, and asks for what their look-ups will read
  /// where that is far. `keys`: the rule's key fields by input. Visit::key becomes the key's number for
  /// come_to(); an event that comes twice in a row has one.
  void take(std::span<Visit> visits, const KeyFields* keys);
  /// True where there are so many keys that looking ahead pays.
  bool is_far() const { return is_far_; }
  /// Looks up all keys taken. What it finds spares come_to() its look-up.
  void find_ahead() {
    for (std::uint32_t i = 0; i < taken_count_; ++i)
      taken_[i].slot = taken_[i].has_key ? table_.find(taken_[i].key) : KeyTable::absent;
    has_released_ = false;
  }
  /// What find_ahead() has found, KeyTable::absent where that was nothing.
  std::uint32_t slot_ahead(std::uint32_t number) const { return taken_[number].slot; }
  /// Before other events: their keys are numbered from 0 again.
  void forget() {
    taken_count_ = 0;
    last_event_ = nullptr;
    at_hand_ = none;
    is_far_ = table_.capacity() > near_keys_;
  }

  /// The key of the event that rules are shown next. Its look-up is made here, once an event: what was found
  /// ahead holds unless keys were freed since; what was not may have been added, or not sought.
  void come_to(std::uint32_t number) {
    if (number == at_hand_) return;
    at_hand_ = number;
    const Taken& taken = taken_[number];
    slot_ = taken.slot;
    if (taken.has_key && (slot_ == KeyTable::absent || has_released_)) slot_ = table_.find(taken.key);
  }
  /// The slot of the key at hand, KeyTable::absent where no rule has it or a field is null.
  std::uint32_t slot() const { return slot_; }
  /// Gives the key at hand a slot. KeyTable::absent where a field is null.
  std::uint32_t add() {
    const Taken& taken = taken_[at_hand_];
    if (slot_ == KeyTable::absent && taken.has_key) {
      slot_ = table_.add(taken.key);
      if (is_shared_ && slot_ >= holders_.size()) holders_.resize(slot_ + std::size_t{1});
    }
    return slot_;
  }

  /// A rule begins or ceases to have state of a key; the last one frees it.
  void hold(std::uint32_t slot) {
    if (is_shared_) ++holders_[slot];
  }
  void release(std::uint32_t slot) {
    if (is_shared_ && --holders_[slot] > 0) return;
    table_.erase(slot);
    has_released_ = true;
    if (slot == slot_) slot_ = KeyTable::absent;
  }

 private:
  static constexpr std::uint32_t none = 0xFFFFFFFF;
  struct Taken {
    KeyView key;  // its bytes lie in the event or in scratch_
    std::uint32_t slot;
    bool has_key;
  };

  const std::size_t near_keys_;
  KeyTable table_;
  std::size_t rules_ = 0;
  bool is_shared_ = false;  // more than one rule uses it, or did
  bool is_abandoned_ = false;
  RuleKeys* sole_ = nullptr;            // while it is not shared
  std::vector<std::uint32_t> holders_;  // by slot, where it is shared: rules
  std::vector<KeyFields> keys_;

  // Of the events that rules will soon be shown.
  std::array<Taken, most_keys> taken_;
  std::array<std::string, most_keys> scratch_;
  std::uint32_t taken_count_ = 0;
  const std::byte* last_event_ = nullptr;
  bool is_far_ = false;
  bool has_released_ = false;  // keys, since find_ahead()

  std::uint32_t at_hand_ = none;
  std::uint32_t slot_ = KeyTable::absent;  // of the key at hand
};

/// The keys of one rule, numbered from 0: freed numbers are given again.
class RuleKeys {
 public:
  explicit RuleKeys(KeySpace& space) : space_(space) { space.add_rule(*this); }
  ~RuleKeys();  // gives back its keys
  RuleKeys(const RuleKeys&) = delete;
  RuleKeys& operator=(const RuleKeys&) = delete;
  KeySpace& space() const { return space_; }

  /// The number of the key at hand (KeySpace::come_to). A new key gets one only with `may_add`; else, and
  /// where a key field is null, KeyTable::absent.
  std::uint32_t find(bool may_add) {
    std::uint32_t slot = space_.slot();
    if (slot != KeyTable::absent) {
      if (!space_.is_shared()) return slot;
      const std::uint32_t own = number_of(slot);
      if (own != KeyTable::absent || !may_add) return own;
    } else if (!may_add || (slot = space_.add()) == KeyTable::absent) {
      return KeyTable::absent;
    }
    return add(slot);
  }
  void erase(std::uint32_t own);
  /// The number for a slot of the space that was found ahead, or KeyTable::absent.
  std::uint32_t number_ahead(std::uint32_t slot) const {
    return space_.is_shared() && slot != KeyTable::absent ? number_of(slot) : slot;
  }

  std::size_t size() const {
    return space_.is_shared() ? slots_.size() - free_.size() : space_.table().size();
  }
  /// Numbers in use and free: the length of an array that they index.
  std::size_t capacity() const { return space_.is_shared() ? slots_.size() : space_.table().capacity(); }
  bool in_use(std::uint32_t own) const {
    return space_.is_shared() ? slots_[own] != KeyTable::absent : space_.table().in_use(own);
  }

  /// From now on its numbers are its own: those that it has stay.
  void number_own();

 private:
  static constexpr std::uint32_t page_size = 256;
  using Page = std::array<std::uint32_t, page_size>;

  Page& page_of(std::uint32_t slot) { return *pages_[slot / page_size]; }
  std::uint32_t number_of(std::uint32_t slot) const {
    const std::size_t page = slot / page_size;
    return page < pages_.size() && pages_[page] ? (*pages_[page])[slot % page_size] : KeyTable::absent;
  }
  std::uint32_t add(std::uint32_t slot);
  void put(std::uint32_t slot, std::uint32_t own);

  KeySpace& space_;
  // Where the space is shared.
  std::vector<std::unique_ptr<Page>> pages_;  // by the space's slot: the rule's number
  std::vector<std::uint32_t> slots_;          // by the rule's number: the space's slot, or absent
  std::vector<std::uint32_t> free_;
};

}  // namespace tocsin::match
