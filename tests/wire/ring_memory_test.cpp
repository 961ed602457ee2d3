// The memory of rings: what can't be changed, what is not mapped, and its way through a socket.
#include "connectors/wire/ring_memory.hpp"

#include <array>
#include <cerrno>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/wire/ring_support.hpp"

using namespace tocsin::connectors;
using namespace tocsin::connectors::wire;

namespace {

constexpr int all_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

Descriptor memfd(std::size_t bytes, int seals) {
  Descriptor fd(memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(ftruncate(fd.get(), static_cast<off_t>(bytes)) == 0);
  if (seals != 0) REQUIRE(fcntl(fd.get(), F_ADD_SEALS, seals) == 0);
  return fd;
}

std::string refusal(Descriptor fd, std::size_t most = most_ring_bytes) {
  const Opened<RingMemory> mapped = RingMemory::map(std::move(fd), most);
  CHECK(!mapped);
  return mapped.error;
}

struct Pair {
  Pair() {
    std::array<int, 2> fds;
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()) == 0);
    a = Descriptor(fds[0]);
    b = Descriptor(fds[1]);
  }
  Descriptor a, b;
};

std::vector<int> open_descriptors() {
  std::vector<int> open;
  for (int fd = 0; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) open.push_back(fd);
  }
  return open;
}

}  // namespace

TEST_CASE("ring memory is sealed, private to its user, and says what it is") {
  const auto memory = testing::make_ring(8192);
  CHECK(memory->capacity() == 8192);
  CHECK(memory->header().magic == RingHeader::expected_magic);
  CHECK(memory->header().capacity == 8192);
  struct stat status {};
  REQUIRE(fstat(memory->fd(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(status.st_size == 4096 + 8192);
  CHECK((fcntl(memory->fd(), F_GET_SEALS) & all_seals) == all_seals);
  for (const off_t bytes : {0, 4096, 8192, 1 << 20}) {
    errno = 0;
    CHECK(ftruncate(memory->fd(), bytes) == -1);
    CHECK(errno == EPERM);
  }
  errno = 0;
  CHECK(fcntl(memory->fd(), F_ADD_SEALS, F_SEAL_WRITE) == -1);
  CHECK(errno == EPERM);
}

TEST_CASE("the records of ring memory lie there twice") {
  const auto memory = testing::make_ring(4096);
  const auto other = testing::map_again(*memory);
  for (std::size_t i = 0; i < 2 * 4096; ++i) {
    memory->records()[i] = static_cast<std::byte>(i * 7 + 1);
    REQUIRE(memory->records()[(i + 4096) % 8192] == static_cast<std::byte>(i * 7 + 1));
    REQUIRE(other->records()[i % 4096] == static_cast<std::byte>(i * 7 + 1));
  }
  CHECK(memory->header().capacity == 4096);
}

TEST_CASE("rings have a power of two of bytes, within limits") {
  for (const std::size_t bytes : {0ul, 1ul, 2048ul, 4095ul, 4097ul, 12288ul, 2 * most_ring_bytes, ~0ul}) {
    const auto made = RingMemory::create(bytes);
    CHECK(!made);
    CHECK(made.error.find(std::to_string(bytes) + " bytes are no power of two from 4096 to") !=
          std::string::npos);
  }
  CHECK(RingMemory::create(least_ring_bytes));
  CHECK(RingMemory::create(most_ring_bytes));  // costs nothing before it is touched
}

TEST_CASE("memory is mapped only where its size can't change and it is a ring") {
  CHECK(refusal(Descriptor()) == "no ring: the descriptor is no memfd");
  Pair sockets;
  CHECK(refusal(std::move(sockets.a)) == "no ring: the descriptor is no memfd");
  CHECK(refusal(Descriptor(open("/dev/zero", O_RDWR | O_CLOEXEC))) == "no ring: the descriptor is no memfd");
  CHECK(refusal(Descriptor(open("/proc/self/exe", O_RDONLY | O_CLOEXEC))) ==
        "no ring: the descriptor is no memfd");
  const char* const unsealed = "no ring: its memory is not sealed against changes of size";
  CHECK(refusal(memfd(8192, 0)) == unsealed);
  CHECK(refusal(memfd(8192, F_SEAL_GROW | F_SEAL_SEAL)) == unsealed);
  CHECK(refusal(memfd(8192, F_SEAL_SHRINK | F_SEAL_SEAL)) == unsealed);
  for (const std::size_t bytes : {0ul, 4096ul, 4097ul, 8191ul, 8193ul, 4096ul + 12288ul})
    CHECK(refusal(memfd(bytes, all_seals)) ==
          "no ring: memory of " + std::to_string(bytes) + " bytes is none");
  CHECK(refusal(memfd(8192, all_seals)) == "no ring: its header is that of something else");
  // One that may not be written to any more can't be a ring either.
  CHECK(refusal(memfd(8192, all_seals | F_SEAL_WRITE)).find("no ring: mmap: ") == 0);

  const auto memory = testing::make_ring(8192);
  CHECK(refusal(Descriptor(dup(memory->fd())), 4096) == "no ring: memory of 12288 bytes is none");
  CHECK(RingMemory::map(Descriptor(dup(memory->fd())), 8192));
  memory->header().capacity = 4096;
  CHECK(refusal(Descriptor(dup(memory->fd()))) == "no ring: its header is that of something else");
}

TEST_CASE("a ring goes to another process as a descriptor over a socket") {
  Pair sockets;
  const auto in = testing::make_ring(4096);
  const auto out = testing::make_ring(8192);
  const auto wake_up = make_wake_up();
  REQUIRE(wake_up);
  const std::array fds{in->fd(), out->fd(), wake_up->get()};
  const std::string text = "two rings";
  REQUIRE(send_with_descriptors(sockets.a.get(), std::as_bytes(std::span(text)), fds) == 9);
  REQUIRE(send_with_descriptors(sockets.a.get(), std::as_bytes(std::span(text)), {}) == 9);

  // The descriptors come with the first byte, and not again.
  std::array<std::byte, 9> bytes;
  std::vector<Descriptor> came;
  REQUIRE(receive_with_descriptors(sockets.b.get(), std::span(bytes).first(1), came) == 1);
  REQUIRE(came.size() == 3);
  REQUIRE(receive_with_descriptors(sockets.b.get(), std::span(bytes).subspan(1), came) == 8);
  CHECK(std::memcmp(bytes.data(), text.data(), 9) == 0);
  REQUIRE(receive_with_descriptors(sockets.b.get(), bytes, came) == 9);
  CHECK(came.size() == 3);
  CHECK((fcntl(came[2].get(), F_GETFD) & FD_CLOEXEC) != 0);

  const auto mapped = RingMemory::map(std::move(came[1]));
  REQUIRE(mapped);
  CHECK(mapped->capacity() == 8192);
  out->records()[5] = std::byte{42};
  CHECK(mapped->records()[5] == std::byte{42});

  sockets.a = Descriptor();
  CHECK(receive_with_descriptors(sockets.b.get(), bytes, came) == 0);
}

TEST_CASE("of too many descriptors in one message none stays open") {
  Pair sockets;
  // By hand, as send_with_descriptors() would not.
  constexpr std::size_t count = most_descriptors + 9;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(count * sizeof(int))> control{};
  std::array<int, count> fds;
  fds.fill(sockets.a.get());
  char byte = 'x';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof fds);
  std::memcpy(CMSG_DATA(rights), fds.data(), sizeof fds);
  REQUIRE(sendmsg(sockets.a.get(), &message, 0) == 1);

  const std::vector<int> open_before = open_descriptors();
  std::array<std::byte, 9> bytes;
  std::vector<Descriptor> came;
  CHECK(receive_with_descriptors(sockets.b.get(), bytes, came) == -1);
  CHECK(errno == EMSGSIZE);
  CHECK(came.empty());
  CHECK(open_descriptors() == open_before);
}
