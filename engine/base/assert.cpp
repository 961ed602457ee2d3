#include "engine/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace tocsin {

void assert_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "tocsin: internal error at %s:%d: %s\n", file, line, condition);
  std::abort();
}

}  // namespace tocsin
