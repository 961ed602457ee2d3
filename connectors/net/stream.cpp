#include "connectors/net/stream.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace tocsin::connectors::net {

namespace {

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

class PlainStream final : public Stream {
 public:
  using Stream::Stream;
  IoResult read(std::span<std::byte> to) override {
    IoResult result = receive(to);
    result.was_all = result.bytes < to.size();
    return result;
  }
  IoResult write(std::span<const std::span<const std::byte>> pieces) override { return send(pieces); }
};

}  // namespace

IoResult Stream::receive(std::span<std::byte> to) {
  while (true) {
    const ssize_t got = ::recv(fd(), to.data(), to.size(), 0);
    if (got > 0) return {Io::done, static_cast<std::size_t>(got)};
    if (got == 0) return {Io::end};
    if (errno == EINTR) continue;
    if (would_block(errno)) return {Io::again};
    if (errno != ECONNRESET && errno != EPIPE) error_ = fmt::format("cannot read: {}", std::strerror(errno));
    return {Io::failed};
  }
}

IoResult Stream::send(std::span<const std::span<const std::byte>> pieces) {
  std::array<iovec, 4> vectors;
  std::size_t count = 0;
  for (const auto piece : pieces) {
    if (piece.empty()) continue;
    vectors[count++] = {const_cast<std::byte*>(piece.data()), piece.size()};
  }
  if (count == 0) return {Io::again};
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  while (true) {
    const ssize_t sent = ::sendmsg(fd(), &message, MSG_NOSIGNAL);
    if (sent >= 0) return {Io::done, static_cast<std::size_t>(sent)};
    if (errno == EINTR) continue;
    if (would_block(errno)) return {Io::again};
    if (errno != ECONNRESET && errno != EPIPE) error_ = fmt::format("cannot write: {}", std::strerror(errno));
    return {Io::failed};
  }
}

void Stream::shutdown() {
  ::shutdown(fd(), SHUT_WR);
}

std::unique_ptr<Stream> plain_stream(Descriptor fd) {
  return std::make_unique<PlainStream>(std::move(fd));
}

}  // namespace tocsin::connectors::net
