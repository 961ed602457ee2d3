// Memory for arrays that may become large. From 32 KB on it comes from the system and goes back to it at
// once: what an allocator keeps of a burst would be as large as the burst. From 2 MB on it begins at a huge
// page and the system is asked for huge pages: state is met at random, and with pages of 4 KB most of what a
// look-up waits for is the table of pages, not the memory. Where the system has none, it is memory like any
// other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace tocsin {

/// Throws std::bad_alloc. Its contents are arbitrary, and a page costs nothing before it is touched.
void* allocate_large(std::size_t bytes, std::size_t alignment);
/// Precondition: `memory` is from allocate_large() with the same numbers.
void free_large(void* memory, std::size_t bytes, std::size_t alignment) noexcept;

/// How often the system was asked for memory, for tests that nothing is in a steady state.
std::uint64_t large_mappings();

template <class T>
struct LargeAllocator {
  using value_type = T;
  LargeAllocator() = default;
  template <class U>
  LargeAllocator(const LargeAllocator<U>&) {}  // NOLINT(google-explicit-constructor): containers convert it
  T* allocate(std::size_t count) { return static_cast<T*>(allocate_large(count * sizeof(T), alignof(T))); }
  void deallocate(T* items, std::size_t count) noexcept { free_large(items, count * sizeof(T), alignof(T)); }
  friend bool operator==(const LargeAllocator&, const LargeAllocator&) { return true; }
};

template <class T>
using LargeVector = std::vector<T, LargeAllocator<T>>;

/// Room for items of a trivial type, which are not constructed.
template <class T>
class LargeBlock {
 public:
  LargeBlock() = default;
  explicit LargeBlock(std::size_t count) : items_(LargeAllocator<T>().allocate(count), Free{count}) {}
  T* data() const { return items_.get(); }

 private:
  struct Free {
    std::size_t count = 0;
    void operator()(T* items) const noexcept { LargeAllocator<T>().deallocate(items, count); }
  };
  std::unique_ptr<T, Free> items_;
};

}  // namespace tocsin
