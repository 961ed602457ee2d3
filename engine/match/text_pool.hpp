// Texts that a window holds, as 8-byte codes: equal codes are equal texts. A short text is its own code; a
// longer one is kept here once, and counted, so that it goes with the last event that has it.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "engine/match/key_table.hpp"

namespace tocsin::match {

class TextPool {
 public:
  /// The code of `text`, which holds it once more. Linear in the text.
  std::uint64_t hold(std::string_view text) {
    if (text.size() < 8) {
      std::uint64_t code = 0;
      std::memcpy(&code, text.data(), text.size());
      return code | std::uint64_t{text.size()} << 56;
    }
    KeyView key;
    key.bytes = text;
    key.hash = hash_bytes(text);
    std::uint32_t slot = texts_.find(key);
    if (slot == KeyTable::absent) {
      slot = texts_.add(key);
      if (slot >= holders_.size()) holders_.resize(slot + 1);
    }
    ++holders_[slot];
    return long_text | slot;
  }
  void release(std::uint64_t code) {
    if (code < long_text) return;
    const auto slot = static_cast<std::uint32_t>(code);
    if (--holders_[slot] == 0) texts_.erase(slot);
  }
  /// Lies in `code` or here, until it is released.
  std::string_view text(const std::uint64_t& code) const {
    if (code < long_text) return {reinterpret_cast<const char*>(&code), code >> 56};
    return texts_.bytes(static_cast<std::uint32_t>(code));
  }

 private:
  static constexpr std::uint64_t long_text = std::uint64_t{0xFF} << 56;

  KeyTable texts_;
  std::vector<std::uint32_t> holders_;  // by slot: entries
};

}  // namespace tocsin::match
