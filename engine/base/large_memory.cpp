#include "engine/base/large_memory.hpp"

#include <atomic>
#include <cstdint>
#include <new>
#include <sys/mman.h>

namespace tocsin {

namespace {

constexpr std::size_t mapped_bytes = std::size_t{32} << 10;
constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

std::atomic<std::uint64_t> mappings{0};

std::size_t in_pages(std::size_t bytes) {
  constexpr std::size_t page = 4096;
  return (bytes + page - 1) / page * page;
}

// Of more than is asked for, what begins at a huge page stays.
void* map(std::size_t bytes) {
  mappings.fetch_add(1, std::memory_order_relaxed);
  const bool is_huge = bytes >= huge_page_bytes;
  const std::size_t mapped = is_huge ? bytes + huge_page_bytes : bytes;
  void* const memory = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  if (!is_huge) return memory;
  auto* const begin = static_cast<std::byte*>(memory);
  const std::size_t before = (0 - reinterpret_cast<std::uintptr_t>(begin)) % huge_page_bytes;
  if (before > 0) ::munmap(begin, before);
  if (before < huge_page_bytes) ::munmap(begin + before + bytes, huge_page_bytes - before);
#ifdef MADV_HUGEPAGE
  ::madvise(begin + before, bytes, MADV_HUGEPAGE);
#endif
  return begin + before;
}

}  // namespace

std::uint64_t large_mappings() {
  return mappings.load(std::memory_order_relaxed);
}

void* allocate_large(std::size_t bytes, std::size_t alignment) {
  if (bytes >= mapped_bytes) return map(in_pages(bytes));
  return ::operator new (bytes, std::align_val_t{alignment});
}

void free_large(void* memory, std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes >= mapped_bytes) {
    ::munmap(memory, in_pages(bytes));
  } else {
    ::operator delete (memory, std::align_val_t{alignment});
  }
}

}  // namespace tocsin
