#include "engine/base/large_memory.hpp"

#include <algorithm>
#include <new>
#include <sys/mman.h>

namespace tocsin {

namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

bool is_large(std::size_t bytes) {
  return bytes >= huge_page_bytes;
}

std::align_val_t alignment_of(std::size_t bytes, std::size_t alignment) {
  return std::align_val_t{is_large(bytes) ? std::max(alignment, huge_page_bytes) : alignment};
}

}  // namespace

void* allocate_large(std::size_t bytes, std::size_t alignment) {
  void* const memory = ::operator new(bytes, alignment_of(bytes, alignment));
#ifdef MADV_HUGEPAGE
  if (is_large(bytes)) ::madvise(memory, bytes / huge_page_bytes * huge_page_bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void free_large(void* memory, std::size_t bytes, std::size_t alignment) noexcept {
  ::operator delete(memory, alignment_of(bytes, alignment));
}

}  // namespace tocsin
