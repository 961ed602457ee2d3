#include "engine/match/key_space.hpp"

#include <algorithm>

namespace tocsin::match {

namespace {

bool same_kinds(const KeyFields& a, const KeyFields& b) {
  return std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(),
                    [](const auto& x, const auto& y) { return x.kind == y.kind; });
}

bool same_fields(const KeyFields& a, const KeyFields& b) {
  return std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(),
                    [](const auto& x, const auto& y) { return x.index == y.index; });
}

}  // namespace

bool KeySpace::take_in(const std::vector<KeyFields>& keys) {
  bool shares = keys_.empty();
  for (const KeyFields& mine : keys_) {
    if (!same_kinds(mine, keys.front())) return false;
    for (const KeyFields& theirs : keys) {
      if (mine.type != theirs.type) continue;
      if (!same_fields(mine, theirs)) return false;
      shares = true;
    }
  }
  if (!shares) return false;
  for (const KeyFields& theirs : keys) {
    const bool known = std::any_of(keys_.begin(), keys_.end(),
                                   [&](const KeyFields& mine) { return mine.type == theirs.type; });
    if (!known) keys_.push_back(theirs);
  }
  return true;
}

void KeySpace::take(std::span<Visit> visits, const KeyFields* keys) {
  for (std::size_t i = 0; i < visits.size();) {
    const std::uint32_t input = visits[i].input;
    const KeyFields& fields = keys[input];
    const KeyFields::Field first = fields.fields.front();
    const bool is_single = fields.fields.size() == 1;
    for (; i < visits.size() && visits[i].input == input; ++i) {
      const model::EventView event = visits[i].event;
      if (event.bytes() != last_event_) {
        last_event_ = event.bytes();
        Taken& taken = taken_[taken_count_];
        taken.slot = KeyTable::absent;
        taken.has_key = (is_single && make_short_key(event, first, taken.key)) ||
                        make_any_key(event, fields, scratch_[taken_count_], taken.key);
        if (is_far_ && taken.has_key) table_.prefetch(taken.key);
        ++taken_count_;
      }
      visits[i].key = taken_count_ - 1;
    }
  }
}

void KeySpace::add_rule(RuleKeys& keys) {
  if (++rules_ == 1 && !is_shared_) {
    sole_ = &keys;
  } else if (!is_shared_) {
    is_shared_ = true;
    for (std::uint32_t slot = 0; slot < table_.capacity(); ++slot)
      holders_.push_back(table_.in_use(slot));
    sole_->number_own();
  }
}

void KeySpace::remove_rule(RuleKeys& keys) {
  --rules_;
  if (sole_ == &keys) sole_ = nullptr;
}

RuleKeys::~RuleKeys() {
  if (!space_.is_abandoned()) {
    for (std::uint32_t own = 0; own < capacity(); ++own) {
      if (in_use(own)) erase(own);
    }
  }
  space_.remove_rule(*this);
}

void RuleKeys::number_own() {
  const KeyTable& table = space_.table();
  slots_.assign(table.capacity(), KeyTable::absent);
  for (std::uint32_t slot = 0; slot < table.capacity(); ++slot) {
    if (table.in_use(slot)) {
      put(slot, slot);
    } else {
      free_.push_back(slot);
    }
  }
}

std::uint32_t RuleKeys::add(std::uint32_t slot) {
  space_.hold(slot);
  if (!space_.is_shared()) return slot;
  std::uint32_t own;
  if (free_.empty()) {
    own = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(slot);
  } else {
    own = free_.back();
    free_.pop_back();
  }
  put(slot, own);
  return own;
}

void RuleKeys::put(std::uint32_t slot, std::uint32_t own) {
  slots_[own] = slot;
  if (slot / page_size >= pages_.size()) pages_.resize(slot / page_size + 1);
  auto& page = pages_[slot / page_size];
  if (!page) {
    page = std::make_unique<Page>();
    page->fill(KeyTable::absent);
  }
  (*page)[slot % page_size] = own;
}

void RuleKeys::erase(std::uint32_t own) {
  if (!space_.is_shared()) return space_.release(own);
  page_of(slots_[own])[slots_[own] % page_size] = KeyTable::absent;
  space_.release(slots_[own]);
  slots_[own] = KeyTable::absent;
  free_.push_back(own);
}

}  // namespace tocsin::match
