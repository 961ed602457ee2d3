#include "connectors/wire/ring_memory.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/memfd.h>
#include <new>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3
#endif

namespace tocsin::connectors::wire {
namespace {

constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

std::string failure(const char* what) {
  return std::string("no ring: ") + what + ": " + std::generic_category().message(errno);
}

bool is_capacity(std::size_t bytes, std::size_t most) {
  return std::has_single_bit(bytes) && bytes >= least_ring_bytes && bytes <= most;
}

// Some systems want to hear that a memfd is not to be run, older ones do not know the word.
int make_memfd() {
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const int fd = memfd_create("tocsin-ring", flags | MFD_NOEXEC_SEAL);
  return fd < 0 && errno == EINVAL ? memfd_create("tocsin-ring", flags) : fd;
}

// Whoever publishes without a fence must be reached by the barrier of whoever goes to sleep.
bool join_barriers() {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0 &&
         syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Opened<RingMemory> RingMemory::create(std::size_t capacity) {
  if (!is_capacity(capacity, most_ring_bytes)) {
    return Opened<RingMemory>::failed("no ring: " + std::to_string(capacity) +
                                      " bytes are no power of two from " + std::to_string(least_ring_bytes) +
                                      " to " + std::to_string(most_ring_bytes));
  }
  Descriptor fd(make_memfd());
  if (!fd) return Opened<RingMemory>::failed(failure("memfd_create"));
  if (fchmod(fd.get(), 0600) != 0) return Opened<RingMemory>::failed(failure("fchmod"));
  if (ftruncate(fd.get(), static_cast<off_t>(ring_header_bytes + capacity)) != 0)
    return Opened<RingMemory>::failed(failure("ftruncate"));
  if (fcntl(fd.get(), F_ADD_SEALS, seals) != 0) return Opened<RingMemory>::failed(failure("F_ADD_SEALS"));
  auto memory = map_checked(std::move(fd), capacity);
  if (memory) {
    RingHeader* header = new (memory->base_) RingHeader{};
    header->magic = RingHeader::expected_magic;
    header->capacity = capacity;
  }
  return memory;
}

Opened<RingMemory> RingMemory::map(Descriptor fd, std::size_t most_capacity) {
  const int has = fcntl(fd.get(), F_GET_SEALS);  // fails for what is no memfd
  if (has < 0) return Opened<RingMemory>::failed("no ring: the descriptor is no memfd");
  // In this order: before it is sealed, a size says nothing about the size later.
  if ((has & seals) != seals)
    return Opened<RingMemory>::failed("no ring: its memory is not sealed against changes of size");
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return Opened<RingMemory>::failed(failure("fstat"));
  const auto bytes = static_cast<std::size_t>(status.st_size);
  if (bytes < ring_header_bytes || !is_capacity(bytes - ring_header_bytes, most_capacity))
    return Opened<RingMemory>::failed("no ring: memory of " + std::to_string(bytes) + " bytes is none");
  auto memory = map_checked(std::move(fd), bytes - ring_header_bytes);
  if (!memory) return memory;
  const RingHeader& header = memory->header();
  if (header.magic != RingHeader::expected_magic || header.capacity != memory->capacity())
    return Opened<RingMemory>::failed("no ring: its header is that of something else");
  return memory;
}

Opened<RingMemory> RingMemory::map_checked(Descriptor fd, std::size_t capacity) {
  if (!join_barriers()) return Opened<RingMemory>::failed(failure("membarrier"));
  // One range of addresses for all, so that the copies lie side by side and nothing else gets in between.
  const std::size_t range = ring_header_bytes + 2 * capacity + ring_header_bytes;
  void* const base = mmap(nullptr, range, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return Opened<RingMemory>::failed(failure("mmap"));
  Opened<RingMemory> memory{
      std::unique_ptr<RingMemory>(new RingMemory(std::move(fd), static_cast<std::byte*>(base), capacity)),
      {}};
  const auto map_at = [&](std::size_t place, std::size_t offset, std::size_t bytes) {
    return mmap(memory->base_ + place, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory->fd(),
                static_cast<off_t>(offset)) != MAP_FAILED;
  };
  if (!map_at(0, 0, ring_header_bytes + capacity) ||
      !map_at(ring_header_bytes + capacity, ring_header_bytes, capacity))
    return Opened<RingMemory>::failed(failure("mmap"));
  return memory;
}

RingMemory::~RingMemory() {
  munmap(base_, ring_header_bytes + 2 * capacity_ + ring_header_bytes);
}

ssize_t send_with_descriptors(int socket, std::span<const std::byte> bytes,
                              std::span<const int> descriptors) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control{};
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

ssize_t receive_with_descriptors(int socket, std::span<std::byte> into,
                                 std::vector<Descriptor>& descriptors) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control{};
  iovec part{into.data(), into.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t received;
  do {
    received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return received;
  std::vector<Descriptor> came;
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&message); part_of != nullptr;
       part_of = CMSG_NXTHDR(&message, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(part_of) + i * sizeof fd, sizeof fd);
      came.emplace_back(fd);
    }
  }
  if ((message.msg_flags & MSG_CTRUNC) != 0) {  // the system has closed those for which there was no room
    errno = EMSGSIZE;
    return -1;
  }
  std::move(came.begin(), came.end(), std::back_inserter(descriptors));
  return received;
}

Opened<Descriptor> make_wake_up() {
  auto made = std::make_unique<Descriptor>(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!*made) return Opened<Descriptor>::failed(failure("eventfd"));
  return {std::move(made), {}};
}

}  // namespace tocsin::connectors::wire
