#include "client/socket.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

namespace tocsin::client {

namespace {

std::string message_of(int number) {
  return std::generic_category().message(number);
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  if (text.starts_with("//")) text.remove_prefix(2);
  return true;
}

}  // namespace

int Deadline::left_ms() const {
  if (!at_) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*at_ - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
}

std::string Socket::connect(std::string_view address, const TlsOptions& tls, Deadline deadline) {
  std::string_view rest = address;
  if (take_prefix(rest, "unix:")) return connect_unix(rest, deadline);
  const bool is_tls = take_prefix(rest, "tls:");
  if (!is_tls && !take_prefix(rest, "tcp:")) {
    return "'" + std::string(address) + "' is no address: tcp:HOST:PORT, tls:HOST:PORT or unix:PATH";
  }
  const std::string scheme = is_tls ? "tls:" : "tcp:";
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return "an address needs a port: " + scheme + "HOST:PORT";
  std::string host(rest.substr(0, colon));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::string wrong = connect_tcp(host, std::string(rest.substr(colon + 1)), deadline);
  if (wrong.empty() && is_tls) wrong = begin_tls(tls, host, deadline);
  if (wrong.empty()) return "";
  close();
  return "can't connect to " + scheme + std::string(rest) + ": " + wrong;
}

std::string Socket::connect_unix(std::string_view path, Deadline deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return "the path of the socket is empty or too long";
  std::memcpy(address.sun_path, path.data(), path.size());
  if (connect_to(AF_UNIX, &address, sizeof address, deadline)) return "";
  return "can't connect to unix:" + std::string(path) + ": " + error();
}

std::string Socket::connect_tcp(const std::string& host, const std::string& port, Deadline deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int wrong = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); wrong != 0) {
    return gai_strerror(wrong);
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> all(found, &freeaddrinfo);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (!connect_to(each->ai_family, each->ai_addr, each->ai_addrlen, deadline)) continue;
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return "";
  }
  return error();
}

std::string Socket::begin_tls(const TlsOptions& options, const std::string& host, Deadline deadline) {
  std::string wrong;
  tls_ = Tls::open(options, host, fd_, wrong);
  if (tls_ == nullptr) return wrong;
  while (true) {
    switch (tls_->handshake()) {
      case Io::done: return "";
      case Io::again: break;
      case Io::ended: return "the server closed the connection";
      case Io::failed: return error();
    }
    if (deadline.has_passed()) return message_of(ETIMEDOUT);
    wait(true, false, deadline);
  }
}

bool Socket::connect_to(int family, const void* address, std::size_t size, Deadline deadline) {
  close();
  fd_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const auto failed = [&](int number) {
    close();
    errno_ = number;
    return false;
  };
  if (fd_ < 0) return failed(errno);
  if (::connect(fd_, static_cast<const sockaddr*>(address), static_cast<socklen_t>(size)) == 0) return true;
  if (errno != EINPROGRESS) return failed(errno);  // of a Unix socket EAGAIN: its queue is full
  pollfd waiting{fd_, POLLOUT, 0};
  while (::poll(&waiting, 1, deadline.left_ms()) <= 0) {
    if (deadline.has_passed()) return failed(ETIMEDOUT);
  }
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
  return error == 0 || failed(error);
}

void Socket::close() {
  if (tls_) tls_->shutdown();
  tls_.reset();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Io Socket::read(std::span<std::byte> to, std::size_t& bytes) {
  if (tls_) return tls_->read(to, bytes);
  ssize_t got;
  do {
    got = ::recv(fd_, to.data(), to.size(), 0);
  } while (got < 0 && errno == EINTR);
  return read_result(got, bytes);
}

Io Socket::read(std::span<std::byte> to, std::size_t& bytes,
                std::vector<connectors::wire::Descriptor>& descriptors) {
  return read_result(connectors::wire::receive_with_descriptors(fd_, to, descriptors), bytes);
}

Io Socket::read_result(ssize_t got, std::size_t& bytes) {
  bytes = 0;
  if (got == 0) return Io::ended;
  if (got < 0) {
    errno_ = errno;
    return errno_ == EAGAIN ? Io::again : Io::failed;
  }
  bytes = static_cast<std::size_t>(got);
  return Io::done;
}

Io Socket::write(std::span<const std::byte> from, std::size_t& bytes) {
  if (tls_) return tls_->write(from, bytes);
  bytes = 0;
  ssize_t put;
  do {
    put = ::send(fd_, from.data(), from.size(), MSG_NOSIGNAL);
  } while (put < 0 && errno == EINTR);
  if (put < 0) {
    errno_ = errno;
    return errno_ == EAGAIN ? Io::again : Io::failed;
  }
  bytes = static_cast<std::size_t>(put);
  return Io::done;
}

std::string Socket::error() const {
  return tls_ ? tls_->error() : message_of(errno_);
}

void Socket::wait(bool to_read, bool to_write, Deadline deadline) const {
  if (tls_ && tls_->needs_write()) to_write = true;
  pollfd waiting{fd_, static_cast<short>((to_read ? POLLIN : 0) | (to_write ? POLLOUT : 0)), 0};
  ::poll(&waiting, 1, deadline.left_ms());
}

}  // namespace tocsin::client
