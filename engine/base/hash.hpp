// Hashing of keys: a multiply-and-fold for 8-byte values, XXH3 for text. Both avalanche, so a table may use
// the low bits directly. Values are stable within a process only.
#pragma once

#define XXH_INLINE_ALL
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <xxhash.h>

namespace tocsin {

/// Mixes one 64-bit value into `seed`; mixing a into b is not mixing b into a. Never the identity. Constant
/// time.
inline std::uint64_t hash_mix(std::uint64_t value, std::uint64_t seed = 0x9E3779B97F4A7C15ull) {
  const auto product = static_cast<unsigned __int128>(value ^ std::rotl(seed, 29)) * 0xD6E8FEB86659FD93ull;
  const auto folded = static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
  return (folded ^ (folded >> 32)) * 0x9FB21C651E98DF25ull;
}

/// The hash of one 64-bit value that no other value has. Constant time.
inline std::uint64_t hash_number(std::uint64_t value) {
  value *= 0xD6E8FEB86659FD93ull;
  value = (value ^ (value >> 32)) * 0x9FB21C651E98DF25ull;
  return value ^ (value >> 32);
}

/// Hashes bytes. Linear in their number.
inline std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

/// The longest text that pack_text() takes.
inline constexpr std::size_t max_packed_text = 7;

/// A text of at most max_packed_text bytes and its length as one number: no two texts share one. Constant
/// time.
inline std::uint64_t pack_text(std::string_view text) {
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

/// The same of a text that at least 8 readable bytes stand before, as one in an event: one load.
inline std::uint64_t pack_text_behind(std::string_view text) {
  std::uint64_t last;
  std::memcpy(&last, text.data() + text.size() - sizeof last, sizeof last);
  // In two steps, as the empty text shifts by 64.
  return (last >> 8 >> (8 * (max_packed_text - text.size()))) | std::uint64_t{text.size()} << 56;
}

}  // namespace tocsin
