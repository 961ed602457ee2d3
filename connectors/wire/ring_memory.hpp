// The memory of a ring between two processes: a memfd, as that has no name that could be guessed, taken or
// left behind (so /dev/shm is not needed), and its mode is 0600. It is sealed: nobody can shrink it, so a
// peer can't make the other side die of SIGBUS. It goes to the other process as a descriptor over a Unix
// socket.
//
//   one page: RingHeader | `capacity` bytes of records
//
// The records are mapped twice in a row, so that one which goes across the end lies in one piece, and neither
// side needs a filler; behind them lies a page that nobody may touch. Mapped memory stays valid whatever the
// other process does; what stands in it may change at any time. Tested in tests/wire/ring_memory_test.cpp.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "connectors/opened.hpp"

namespace tocsin::connectors::wire {

/// A file descriptor, closed when it goes.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

constexpr std::size_t ring_header_bytes = 4096;
constexpr std::size_t least_ring_bytes = 4096;
constexpr std::size_t most_ring_bytes = std::size_t{1} << 30;

/// What both sides share besides the records. Each word is written by one side only, but for the flags, which
/// the other side takes back; what is written often has lines of its own (two, as neighbours are fetched in
/// pairs).
struct RingHeader {
  static constexpr std::uint64_t expected_magic = 0x01474E49'52434F54ull;  // "TOCRING", version 1

  std::uint64_t magic;
  std::uint64_t capacity;  // bytes of records, a power of two; what a side has once read is not read again
  /// Bytes that the consumer has done with since the ring began: it writes this word, the producer reads it
  /// when its own copy says that the ring is full.
  alignas(128) std::atomic<std::uint64_t> released;
  /// 1 while a side sleeps, or is about to: the other takes it back as it wakes it. Each is a futex word.
  alignas(128) std::atomic<std::uint32_t> consumer_waits;
  std::atomic<std::uint32_t> producer_waits;
};
static_assert(sizeof(RingHeader) <= ring_header_bytes);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
              std::atomic<std::uint32_t>::is_always_lock_free);

class RingMemory {
 public:
  /// New memory for `capacity` bytes of records: a power of two from least_ring_bytes to most_ring_bytes. A
  /// page costs nothing before it is touched.
  static Opened<RingMemory> create(std::size_t capacity);
  /// Maps memory that another process made. Checks that it is sealed against any change of its size, that its
  /// size is that of a ring of at most `most_capacity` bytes, and that its header agrees.
  static Opened<RingMemory> map(Descriptor fd, std::size_t most_capacity = most_ring_bytes);

  RingMemory(const RingMemory&) = delete;
  ~RingMemory();

  int fd() const { return fd_.get(); }
  std::size_t capacity() const { return capacity_; }
  RingHeader& header() const { return *reinterpret_cast<RingHeader*>(base_); }
  /// `capacity` bytes, and the same ones again.
  std::byte* records() const { return base_ + ring_header_bytes; }

 private:
  RingMemory(Descriptor fd, std::byte* base, std::size_t capacity)
      : fd_(std::move(fd)), base_(base), capacity_(capacity) {}
  static Opened<RingMemory> map_checked(Descriptor fd, std::size_t capacity);

  Descriptor fd_;
  std::byte* base_;
  std::size_t capacity_;
};

/// Most descriptors that go with one message here.
constexpr std::size_t most_descriptors = 4;

/// Sends bytes over a Unix socket, and descriptors with the first of them. Returns as sendmsg(2): how many
/// bytes went, or -1 and errno. If any went, the descriptors did, and must not be sent again with the rest.
/// Precondition: at least one byte, at most most_descriptors descriptors.
ssize_t send_with_descriptors(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors);

/// Receives at most `into.size()` bytes from a Unix socket, and adds the descriptors that came with them.
/// Returns as recvmsg(2). More descriptors than most_descriptors in one message: -1 and EMSGSIZE, and none of
/// them is kept.
ssize_t receive_with_descriptors(int socket, std::span<std::byte> into, std::vector<Descriptor>& descriptors);

/// A new eventfd for a poller: what wakes a consumer that waits in epoll. It is not to be read: the process
/// that writes it may read it too, and make it block. Edge-triggered epoll reports each write without that.
Opened<Descriptor> make_wake_up();

}  // namespace tocsin::connectors::wire
