// Bytes that come in at one end and go out at the other, in one piece of memory. What goes out is not moved:
// only where the end of the memory is reached, and a third of it is free at its beginning, the rest goes
// there, so that moving is amortised constant. It keeps about one and a half times what it held at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace tocsin::connectors::net {

class ByteQueue {
 public:
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::byte* data() { return memory_.get() + begin_; }
  const std::byte* data() const { return memory_.get() + begin_; }
  std::span<const std::byte> bytes() const { return {data(), size()}; }

  /// Room for `bytes` more behind the last; what is written there counts from commit() on.
  std::byte* prepare(std::size_t bytes) {
    if (end_ + bytes > capacity_) make_room(bytes);
    return memory_.get() + end_;
  }
  /// Behind data() + size(), in bytes.
  std::size_t room() const { return capacity_ - end_; }
  void commit(std::size_t bytes) { end_ += bytes; }
  void append(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()), bytes.data(), bytes.size());
    commit(bytes.size());
  }
  void append(std::string_view text) { append(std::as_bytes(std::span(text))); }

  void consume(std::size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  /// Gives the memory back where nothing is in it and it is larger than `keep`.
  void shrink(std::size_t keep) {
    if (!empty() || capacity_ <= keep) return;
    memory_.reset();
    capacity_ = 0;
  }

 private:
  void make_room(std::size_t bytes) {
    const std::size_t held = size();
    if (2 * begin_ >= held && held + bytes <= capacity_) {  // at most twice of what went since
      std::memmove(memory_.get(), data(), held);
    } else {
      const std::size_t grown = std::max({held + bytes, held + held / 2, std::size_t{512}});
      auto larger = std::make_unique_for_overwrite<std::byte[]>(grown);
      if (held > 0) std::memcpy(larger.get(), data(), held);
      memory_ = std::move(larger);
      capacity_ = grown;
    }
    begin_ = 0;
    end_ = held;
  }

  std::unique_ptr<std::byte[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace tocsin::connectors::net
