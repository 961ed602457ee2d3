// Asking for memory ahead.
#pragma once

namespace tocsin {

/// Asks for the cache line at `address`, which may be any. The empty statement is for GCC, which takes a
/// function that only asks for memory to do nothing, and drops its calls.
inline void prefetch(const void* address) {
  __builtin_prefetch(address);
  asm volatile("");
}

/// The same for a line that will be written: it is taken away from the other cores. (GCC's own asks for that
/// only where it may take the processor to know it; those that don't pass it over.)
inline void prefetch_to_write(const void* address) {
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
}

}  // namespace tocsin
