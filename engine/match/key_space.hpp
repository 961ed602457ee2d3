// Partition keys that several rules of a shard share: an event's key is made, hashed and looked up once for
// all of them, and each rule keeps its state under numbers of its own, so that a rule pays for the keys that
// it has state of and no others. A rule that shares its partition with none takes the numbers of the space.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/match/key_table.hpp"
#include "engine/model/event.hpp"

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

  /// The slot of the event's key, KeyTable::absent where no rule has it or a field is null. `order` tells
  /// events apart: the look-up is made once an event.
  std::uint32_t find(model::EventView event, std::uint64_t order, const KeyFields& fields) {
    if (order == order_) return slot_;
    order_ = order;
    while (next_ahead_ < ahead_count_ && ahead_[next_ahead_].order < order)
      ++next_ahead_;
    if (next_ahead_ < ahead_count_ && ahead_[next_ahead_].order == order) return take(ahead_[next_ahead_++]);
    has_key_ = make_key(event, fields, scratch_, own_key_);
    key_ = &own_key_;
    slot_ = has_key_ ? table_.find(own_key_) : KeyTable::absent;
    return slot_;
  }
  /// Before other events under orders that were used: no look-up is remembered.
  void forget() {
    order_ = 0;
    forget_ahead();
  }

  bool is_large() const { return table_.capacity() > near_keys_; }
  /// The most events that may be looked at ahead before they are forgotten.
  static constexpr std::size_t most_ahead = 64;
  /// Looks at an event ahead, in the order in which find() will be called, and asks for what its look-up will
  /// read. Gives its number for slot_ahead().
  std::uint32_t look_ahead(model::EventView event, std::uint64_t order, const KeyFields& fields) {
    if (ahead_count_ > 0 && ahead_[ahead_count_ - 1].order == order) return ahead_count_ - 1;
    Ahead& ahead = ahead_[ahead_count_];
    ahead.order = order;
    ahead.has_key = make_key(event, fields, ahead.scratch, ahead.key);
    ahead.slot = KeyTable::absent;
    if (ahead.has_key) table_.prefetch(ahead.key);
    return ahead_count_++;
  }
  /// Looks up the keys of these events. What it finds spares find() its look-up; else find() makes it.
  void find_ahead() {
    for (std::uint32_t i = 0; i < ahead_count_; ++i)
      ahead_[i].slot = ahead_[i].has_key ? table_.find(ahead_[i].key) : KeyTable::absent;
    has_released_ = false;
  }
  /// What find_ahead() has found, KeyTable::absent where that was nothing.
  std::uint32_t slot_ahead(std::uint32_t number) const { return ahead_[number].slot; }
  void forget_ahead() { ahead_count_ = next_ahead_ = 0; }
  /// Gives the key of the event that find() was last called for a slot. KeyTable::absent where it has none.
  std::uint32_t add() {
    if (slot_ == KeyTable::absent && has_key_) {
      slot_ = table_.add(*key_);
      if (slot_ >= holders_.size()) holders_.resize(slot_ + 1);
    }
    return slot_;
  }

  /// A rule begins or ceases to have state of a key; the last one frees it.
  void hold(std::uint32_t slot) { ++holders_[slot]; }
  void release(std::uint32_t slot) {
    if (--holders_[slot] > 0) return;
    table_.erase(slot);
    has_released_ = true;
    if (slot == slot_) order_ = 0;
  }

 private:
  struct Ahead {
    std::uint64_t order = 0;
    std::uint32_t slot = KeyTable::absent;
    bool has_key = false;
    KeyView key;
    std::string scratch;
  };
  // What was found ahead holds unless keys were freed since; what was not may have been added, or not sought.
  std::uint32_t take(const Ahead& ahead) {
    has_key_ = ahead.has_key;
    key_ = &ahead.key;
    slot_ = ahead.slot;
    if (has_key_ && (has_released_ || slot_ == KeyTable::absent)) slot_ = table_.find(*key_);
    return slot_;
  }

  const std::size_t near_keys_;
  KeyTable table_;
  std::size_t rules_ = 0;
  bool is_shared_ = false;  // more than one rule uses it, or did
  bool is_abandoned_ = false;
  RuleKeys* sole_ = nullptr;            // while it is not shared
  std::vector<std::uint32_t> holders_;  // by slot: rules
  std::vector<KeyFields> keys_;

  // Of the event looked up last. Orders begin at 1.
  std::uint64_t order_ = 0;
  std::uint32_t slot_ = KeyTable::absent;
  bool has_key_ = false;
  const KeyView* key_ = nullptr;  // own_key_, or one of ahead_
  KeyView own_key_;               // lies in the event or in scratch_
  std::string scratch_;

  std::array<Ahead, most_ahead> ahead_;
  std::uint32_t ahead_count_ = 0;
  std::uint32_t next_ahead_ = 0;  // the first that find() has not passed
  bool has_released_ = false;     // keys, since find_ahead()
};

/// The keys of one rule, numbered from 0: freed numbers are given again.
class RuleKeys {
 public:
  explicit RuleKeys(KeySpace& space) : space_(space) { space.add_rule(*this); }
  ~RuleKeys();  // gives back its keys
  RuleKeys(const RuleKeys&) = delete;
  RuleKeys& operator=(const RuleKeys&) = delete;

  /// The number of the event's key. A new key gets one only with `may_add`; else, and where a key field is
  /// null, KeyTable::absent.
  std::uint32_t find(model::EventView event, std::uint64_t order, const KeyFields& fields, bool may_add) {
    std::uint32_t slot = space_.find(event, order, fields);
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
