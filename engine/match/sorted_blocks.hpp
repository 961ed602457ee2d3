// Numbers in order, found by their rank, as numbers come and go: blocks of at most 32, and apart from them
// each block's greatest number and its size. Coming, going and finding read that head, which is an eighth of
// all, and one block; so of 600 numbers some ten cache lines, where one array would have half of all moved.
// Everything lies in one piece of memory, which a look-ahead can ask for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace tocsin::match {

class SortedBlocks {
 public:
  static constexpr std::uint32_t most = 1024;  // numbers that it holds

  std::uint32_t size() const { return size_; }
  void clear() { size_ = blocks_ = 0; }
  /// Gives the memory back, too.
  void release();

  // Linear in the blocks, and in one block's numbers.

  /// Precondition: size() < most, and `number` is not NaN.
  void insert(double number);
  /// Precondition: `number` is there.
  void remove(double number);
  /// The numbers at `rank`, from 0, and behind it, or the last one twice. Precondition: rank < size().
  std::pair<double, double> at(std::uint32_t rank);

  /// Calls with each number in order.
  template <class Function>
  void for_each(Function function) const {
    for (std::uint32_t block = 0; block < blocks_; ++block) {
      const double* const numbers = block_at(block);
      for (std::uint32_t i = 0; i < sizes()[block]; ++i)
        function(numbers[i]);
    }
  }

  // Ask for the memory that the next insert(), remove() and at() read, the head first. Change nothing.

  void prefetch_head() const;
  /// Where `number` belongs.
  void prefetch_block(double number) const;
  /// Where at() looked last.
  void prefetch_asked() const;

 private:
  static constexpr std::uint32_t per_block = 32;
  static constexpr std::uint32_t least_room = 8;  // numbers, while there is one block

  // The memory: greatest numbers, sizes and places (a byte each), then the blocks' numbers.
  std::uint32_t room_for_blocks() const { return room_ <= per_block ? 1 : room_ / per_block; }
  static std::size_t words(std::uint32_t room, std::uint32_t blocks) {
    return room + blocks + (blocks + 3) / 4;
  }
  double* greatest() const { return memory_.get(); }
  std::uint8_t* sizes() const { return reinterpret_cast<std::uint8_t*>(greatest() + room_for_blocks()); }
  /// Where a block's numbers stand: blocks are in order, their places are as they came.
  std::uint8_t* places() const { return sizes() + room_for_blocks(); }
  double* place(std::uint32_t number) const {
    return memory_.get() + words(0, room_for_blocks()) + std::size_t{number} * per_block;
  }
  double* block_at(std::uint32_t block) const { return place(places()[block]); }

  std::uint32_t find(double number) const;
  void grow();
  void split(std::uint32_t block);
  void merge(std::uint32_t block);
  void erase(std::uint32_t block);

  std::unique_ptr<double[]> memory_;
  std::uint32_t room_ = 0;  // numbers that the places hold
  std::uint16_t size_ = 0;
  std::uint8_t blocks_ = 0;
  std::uint8_t asked_ = 0;  // the place that at() read last
};

}  // namespace tocsin::match
