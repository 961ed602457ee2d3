// A queue in one block of memory that it keeps: unlike std::deque it allocates only while it grows.
#pragma once

#include <cstddef>

#include "engine/base/large_memory.hpp"

namespace tocsin {

template <class T>
class Fifo {
 public:
  bool empty() const { return head_ == items_.size(); }
  std::size_t size() const { return items_.size() - head_; }
  /// Precondition of these: not empty.
  const T& front() const { return items_[head_]; }
  const T& back() const { return items_.back(); }
  void pop_front() { ++head_; }
  void pop_back() { items_.pop_back(); }

  /// Amortised constant.
  void push_back(const T& item) {
    if (items_.size() == items_.capacity() && head_ > items_.size() / 2) {
      items_.erase(items_.begin(), begin());
      head_ = 0;
    }
    items_.push_back(item);
  }

  auto begin() { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
  auto end() { return items_.end(); }

  /// Takes out the items for which `unwanted` holds. Linear.
  template <class Predicate>
  void erase_if(Predicate unwanted) {
    items_.erase(items_.begin(), begin());
    head_ = 0;
    std::erase_if(items_, unwanted);
  }

 private:
  LargeVector<T> items_;
  std::size_t head_ = 0;  // items before it are gone
};

}  // namespace tocsin
