#include "engine/match/sorted_blocks.hpp"

#include <algorithm>
#include <cstring>

#include "engine/base/assert.hpp"
#include "engine/base/prefetch.hpp"

namespace tocsin::match {

namespace {

constexpr std::size_t doubles_per_line = 8;

// How many of the sorted numbers are less. Without branches: what comes is in no order.
std::uint32_t count_less(const double* numbers, std::uint32_t size, double than) {
  std::uint64_t less = 0;
  for (std::uint32_t i = 0; i < size; ++i)
    less += numbers[i] < than;
  return static_cast<std::uint32_t>(less);
}

template <class T>
void insert_at(T* items, std::uint32_t size, std::uint32_t index, T item) {
  std::memmove(items + index + 1, items + index, (size - index) * sizeof(T));
  items[index] = item;
}

template <class T>
void erase_at(T* items, std::uint32_t size, std::uint32_t index) {
  std::memmove(items + index, items + index + 1, (size - index - 1) * sizeof(T));
}

}  // namespace

void SortedBlocks::release() {
  clear();
  memory_.reset();
  room_ = 0;
}

// The first block whose greatest number is not less, or the last one.
std::uint32_t SortedBlocks::find(double number) const {
  return std::min(count_less(greatest(), blocks_, number), blocks_ - 1u);
}

void SortedBlocks::insert(double number) {
  TOCSIN_ASSERT(size_ < most);
  if (size_ == room_) grow();
  if (blocks_ == 0) {
    blocks_ = 1;
    sizes()[0] = places()[0] = 0;
  }
  std::uint32_t block = find(number);
  if (sizes()[block] == per_block) {
    split(block);
    block += number > greatest()[block];
  }
  double* const numbers = block_at(block);
  std::uint8_t& size = sizes()[block];
  insert_at(numbers, size, count_less(numbers, size, number), number);
  ++size;
  greatest()[block] = numbers[size - 1];
  ++size_;
}

void SortedBlocks::remove(double number) {
  const std::uint32_t block = find(number);
  double* const numbers = block_at(block);
  std::uint8_t& size = sizes()[block];
  const std::uint32_t index = count_less(numbers, size, number);
  TOCSIN_ASSERT(index < size && numbers[index] == number);
  erase_at(numbers, size, index);
  --size;
  --size_;
  if (size == 0) return erase(block);
  greatest()[block] = numbers[size - 1];
  if (block + 1u < blocks_ && size + sizes()[block + 1] <= per_block / 2) return merge(block);
  if (block > 0 && size + sizes()[block - 1] <= per_block / 2) merge(block - 1);
}

std::pair<double, double> SortedBlocks::at(std::uint32_t rank) {
  std::uint32_t block = 0;
  for (; rank >= sizes()[block]; ++block)
    rank -= sizes()[block];
  asked_ = places()[block];
  const double* const numbers = place(asked_);
  const double number = numbers[rank];
  if (rank + 1u < sizes()[block]) return {number, numbers[rank + 1]};
  return {number, block + 1u < blocks_ ? block_at(block + 1)[0] : number};
}

// Twice the room.
void SortedBlocks::grow() {
  SortedBlocks larger;
  larger.room_ = std::max(2 * room_, least_room);
  const std::uint32_t blocks = larger.room_for_blocks();
  larger.memory_ = std::make_unique_for_overwrite<double[]>(words(larger.room_, blocks));
  if (blocks_ > 0) {
    std::copy_n(greatest(), blocks_, larger.greatest());
    std::copy_n(sizes(), blocks_, larger.sizes());
    std::copy_n(places(), blocks_, larger.places());
    for (std::uint32_t block = 0; block < blocks_; ++block)
      std::copy_n(block_at(block), sizes()[block], larger.block_at(block));
  }
  memory_ = std::move(larger.memory_);
  room_ = larger.room_;
}

// The upper half of a full block becomes the next block.
void SortedBlocks::split(std::uint32_t block) {
  if (blocks_ == room_for_blocks()) grow();
  insert_at(greatest(), blocks_, block + 1, greatest()[block]);
  insert_at(sizes(), blocks_, block + 1, std::uint8_t{per_block / 2});
  insert_at(places(), blocks_, block + 1, blocks_);
  ++blocks_;
  double* const numbers = block_at(block);
  std::copy_n(numbers + per_block / 2, per_block / 2, block_at(block + 1));
  sizes()[block] = per_block / 2;
  greatest()[block] = numbers[per_block / 2 - 1];
}

// Takes the next block in.
void SortedBlocks::merge(std::uint32_t block) {
  std::copy_n(block_at(block + 1), sizes()[block + 1], block_at(block) + sizes()[block]);
  sizes()[block] = static_cast<std::uint8_t>(sizes()[block] + sizes()[block + 1]);
  greatest()[block] = greatest()[block + 1];
  erase(block + 1);
}

// The block at the last place moves to that which becomes free.
void SortedBlocks::erase(std::uint32_t block) {
  const std::uint8_t free = places()[block];
  erase_at(greatest(), blocks_, block);
  erase_at(sizes(), blocks_, block);
  erase_at(places(), blocks_, block);
  --blocks_;
  asked_ = 0;
  if (free == blocks_) return;
  std::uint8_t* const last = std::find(places(), places() + blocks_, blocks_);
  std::copy_n(place(blocks_), sizes()[last - places()], place(free));
  *last = free;
}

void SortedBlocks::prefetch_head() const {
  if (!memory_) return;
  const double* const end = memory_.get() + words(0, blocks_);
  for (const double* line = memory_.get(); line < end; line += doubles_per_line)
    prefetch(line);
  prefetch(sizes());
  prefetch(places());
}

void SortedBlocks::prefetch_block(double number) const {
  if (blocks_ == 0) return;
  const std::uint32_t block = find(number);
  const double* const numbers = block_at(block);
  for (std::uint32_t i = 0; i < sizes()[block] + 1u; i += doubles_per_line)
    prefetch(numbers + i);
}

void SortedBlocks::prefetch_asked() const {
  if (blocks_ == 0) return;
  const double* const numbers = place(asked_);
  prefetch(numbers);
  prefetch(numbers + doubles_per_line);
}

}  // namespace tocsin::match
