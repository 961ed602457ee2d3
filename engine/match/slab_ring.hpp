// Items in slabs, addressed by ever-growing ids, never by pointer.
//
// Ids grow with time, so a slab is an epoch: once the youngest thing in it is older than the rule's window,
// nothing in it can be part of a match any more and the whole slab is reused. A link to something reclaimed
// is told by its id alone, so nobody needs to be informed. Slabs are recycled: in a steady state nothing is
// allocated. The memory is blocks, each as large as all before, and a slab is taken from the first that has
// one: so the blocks of a burst are empty some time after it, and go.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "engine/base/assert.hpp"
#include "engine/base/large_memory.hpp"

namespace tocsin::match {

using Id = std::uint64_t;
inline constexpr Id none = std::numeric_limits<Id>::max();

/// Items of a trivial type in slabs of equal size, by id; the oldest slab goes first. A slab has a head,
/// which stands apart from its items: heads are few, and so are near when an item is not.
template <class Item, Id slab_size, class Head>
class SlabRing {
 public:
  static constexpr Id per_slab = slab_size;

  Id base() const { return first_ * per_slab; }
  Id end() const { return end_; }
  std::size_t size() const { return static_cast<std::size_t>(end_ - base()); }
  bool alive(Id id) const { return id - base() < end_ - base(); }  // `none` wraps round to far away
  Item& item(Id id) { return slabs_[place_of(id)][id % per_slab]; }
  const Item& item(Id id) const { return slabs_[place_of(id)][id % per_slab]; }
  Head& head(Id id) { return heads_[place_of(id)]; }
  const Head& head(Id id) const { return heads_[place_of(id)]; }
  const Head& oldest() const { return head(base()); }
  bool has_full_slab() const { return end_ - base() >= per_slab; }

  /// The head of the slab that takes the next item; begins a slab where the last is full.
  Head& grow() { return grow(1); }
  /// True where so many items have room in the slab that is begun.
  bool fits(std::size_t count) const {
    const Id used = end_ % per_slab;
    return used != 0 && used + count <= per_slab;
  }
  /// The same for `count` items that are to stand in one slab. Precondition: count <= per_slab.
  Head& grow(std::size_t count) {
    if (fits(count)) return head(end_);
    end_ = (end_ + per_slab - 1) / per_slab * per_slab;
    if (end_ / per_slab == begun_) {
      if (slabs_in_use() == slabs_.size()) add_block();
      slabs_[place_of(end_)] = take_slab();
      ++begun_;
    }
    head(end_).reset();
    return head(end_);
  }
  Id add(const Item& item) {
    slabs_[place_of(end_)][end_ % per_slab] = item;
    return end_++;
  }
  /// As many items as grow() was asked for, to be written; gives the id of the first.
  Id take(std::size_t count) {
    end_ += count;
    return end_ - count;
  }

  /// Frees the oldest slab, which must be full. Where three quarters of all have become free, so that no
  /// usual load needs them soon, the last block goes with it once it is empty.
  void drop_oldest() {
    TOCSIN_ASSERT(has_full_slab());
    free_slab(slabs_[place_of(base())]);
    ++first_;
    while (slabs_.size() > few_slabs && slabs_in_use() <= slabs_.size() / 4 && blocks_.back().is_empty())
      drop_block();
  }
  /// Slabs there are, in use and free.
  std::size_t slabs() const { return slabs_.size(); }

 private:
  static constexpr std::size_t few_slabs = 16;

  struct Block {
    explicit Block(std::size_t slabs) : items(slabs * per_slab), size(slabs) {
      for (std::size_t i = slabs; i-- > 0;)
        free.push_back(items.data() + i * per_slab);
    }
    bool is_empty() const { return free.size() == size; }
    bool has(const Item* slab) const { return slab >= items.data() && slab < items.data() + size * per_slab; }

    LargeBlock<Item> items;
    std::size_t size;         // in slabs
    std::vector<Item*> free;  // slabs
  };

  std::size_t place_of(Id id) const { return (id / per_slab) & (slabs_.size() - 1); }
  std::size_t slabs_in_use() const { return static_cast<std::size_t>(begun_ - first_); }

  Item* take_slab() {
    auto block = blocks_.begin();
    while (block->free.empty())
      ++block;
    Item* const slab = block->free.back();
    block->free.pop_back();
    return slab;
  }
  void free_slab(Item* slab) {
    auto block = blocks_.begin();
    while (!block->has(slab))
      ++block;
    block->free.push_back(slab);
  }

  void add_block() {
    const std::size_t added = std::max<std::size_t>(1, slabs_.size());
    blocks_.emplace_back(added);
    resize(slabs_.size() + added);
  }
  void drop_block() {
    resize(slabs_.size() - blocks_.back().size);
    blocks_.pop_back();
  }
  // Makes the rings as long as there are slabs.
  void resize(std::size_t size) {
    std::vector<Item*> slabs(size, blocks_.front().items.data());
    std::vector<Head> heads(size);
    for (Id number = first_; number < begun_; ++number) {
      slabs[number & (size - 1)] = slabs_[number & (slabs_.size() - 1)];
      heads[number & (size - 1)] = std::move(heads_[number & (slabs_.size() - 1)]);
    }
    slabs_ = std::move(slabs);
    heads_ = std::move(heads);
  }

  std::vector<Item*> slabs_;  // a ring; its size is a power of two
  std::vector<Head> heads_;   // of each
  std::vector<Block> blocks_;
  Id first_ = 0;  // number of the oldest slab
  Id begun_ = 0;  // of the first that has no memory yet
  Id end_ = 0;    // the next id
};

}  // namespace tocsin::match
