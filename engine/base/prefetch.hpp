// Asking for memory ahead.
#pragma once

namespace tocsin {

/// Asks for the cache line at `address`, which may be any. The empty statement is for GCC, which takes a
/// function that only asks for memory to do nothing, and drops its calls.
inline void prefetch(const void* address) {
  __builtin_prefetch(address);
  asm volatile("");
}

}  // namespace tocsin
