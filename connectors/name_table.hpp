// Names to small numbers: field names, type names, enum labels. An open hash table that is filled once;
// a look-up hashes the name, compares it once where it is known, and allocates nothing.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/hash.hpp"

namespace tocsin::connectors {

class NameTable {
 public:
  static constexpr std::uint32_t unknown = UINT32_MAX;

  /// `names` are all different; each gets its index. Linear.
  explicit NameTable(std::vector<std::string> names = {}) : names_(std::move(names)) {
    slots_.assign(std::bit_ceil(2 * names_.size() + 1), unknown);
    for (std::uint32_t i = 0; i < names_.size(); ++i) {
      std::size_t slot = home(names_[i]);
      while (slots_[slot] != unknown)
        slot = next(slot);
      slots_[slot] = i;
    }
  }

  /// The index of `name`, or `unknown`. Constant time but for the name's length.
  std::uint32_t find(std::string_view name) const {
    for (std::size_t slot = home(name);; slot = next(slot)) {
      const std::uint32_t index = slots_[slot];
      if (index == unknown || names_[index] == name) return index;
    }
  }

  const std::string& operator[](std::uint32_t index) const { return names_[index]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(names_.size()); }

 private:
  std::size_t home(std::string_view name) const { return hash_bytes(name) & (slots_.size() - 1); }
  std::size_t next(std::size_t slot) const { return (slot + 1) & (slots_.size() - 1); }

  std::vector<std::string> names_;
  std::vector<std::uint32_t> slots_;  // a power of two, at most half full
};

}  // namespace tocsin::connectors
