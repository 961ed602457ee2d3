// Assertions are for bugs only, never for bad input. They stay on in every build: a wrong match is worse
// than a stopped process.
#pragma once

namespace tocsin {

/// Prints the failed condition with its place to stderr and aborts.
[[noreturn]] void assert_failed(const char* condition, const char* file, int line);

}  // namespace tocsin

#define TOCSIN_ASSERT(condition) \
  (static_cast<bool>(condition) ? void(0) : ::tocsin::assert_failed(#condition, __FILE__, __LINE__))
