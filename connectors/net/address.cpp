#include "connectors/net/address.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace tocsin::connectors::net {

namespace {

constexpr int backlog = 1024;

ParsedAddress wrong(std::string sentence) {
  return {{}, std::move(sentence)};
}

ParsedAddress parse_tcp(std::string_view text, std::string_view whole) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']')) {
    return wrong(
        fmt::format("'{}' has no port; write tcp:HOST:PORT, and 0 for a port that the system picks", whole));
  }
  Address address;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong(fmt::format("'{}': an IPv6 address stands in brackets, as in tcp:[::1]:7001", whole));
  }
  if (host.empty()) {
    return wrong(
        fmt::format("'{}' has no host; 127.0.0.1 is this machine only, 0.0.0.0 all of its addresses", whole));
  }
  address.host = host;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc{} || end != port.data() + port.size()) {
    return wrong(fmt::format("'{}': the port is a number from 0 to 65535, not '{}'", whole, port));
  }
  return {address, {}};
}

ParsedAddress parse_unix(std::string_view path, std::string_view whole) {
  if (path.empty()) return wrong(fmt::format("'{}' has no path; write unix:/run/tocsin.sock", whole));
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return wrong(fmt::format("'{}': the path of a Unix socket has at most {} bytes, this one has {}", whole,
                             sizeof(sockaddr_un::sun_path) - 1, path.size()));
  }
  Address address;
  address.kind = Address::Kind::unix_path;
  address.path = path;
  return {address, {}};
}

Listening failed(const Address& address, std::string_view why) {
  Listening listening;
  listening.error = fmt::format("cannot listen at {}: {}", address.text(), why);
  return listening;
}

Listening failed(const Address& address, int error) {
  return failed(address, std::strerror(error));
}

bool is_loopback(const sockaddr_storage& bound) {
  if (bound.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(bound);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(bound).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

std::uint16_t port_of(const sockaddr_storage& bound) {
  return ntohs(bound.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(bound).sin_port
                                          : reinterpret_cast<const sockaddr_in6&>(bound).sin6_port);
}

Listening listen_tcp(const Address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error =
          ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found)) {
    return failed(
        address, fmt::format("'{}' is no address of this machine ({})", address.host, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  Descriptor fd(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failed(address, errno);
  const int one = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd.get(), backlog) != 0) {
    return failed(address, errno);
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return failed(address, errno);
  Listening listening{std::move(fd), address, !is_loopback(bound), {}};
  listening.address.port = port_of(bound);
  return listening;
}

/// Removes the file of a socket at which nobody listens any more. A sentence where there is something else.
std::string clear_stale(const sockaddr_un& name) {
  struct stat info {};
  if (::lstat(name.sun_path, &info) != 0) return errno == ENOENT ? "" : std::strerror(errno);
  if (!S_ISSOCK(info.st_mode)) return "there is a file of that name that is no socket";
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe) return std::strerror(errno);
  const int answer = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
  if (answer == 0 || errno != ECONNREFUSED) return "another process listens there";
  return ::unlink(name.sun_path) == 0 || errno == ENOENT ? "" : std::strerror(errno);
}

Listening listen_unix(const Address& address, unsigned mode) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, address.path.c_str(), address.path.size() + 1);
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failed(address, errno);
  const auto bind = [&] { return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name); };
  if (bind() != 0) {
    if (errno != EADDRINUSE) return failed(address, errno);
    if (const std::string why = clear_stale(name); !why.empty()) return failed(address, why);
    if (bind() != 0) return failed(address, errno);
  }
  // Before listen() everybody is refused, so nobody comes in by a mode that was not meant.
  if (::chmod(name.sun_path, mode) != 0 || ::listen(fd.get(), backlog) != 0) {
    const int error = errno;
    ::unlink(name.sun_path);
    return failed(address, error);
  }
  return {std::move(fd), address, false, {}};
}

}  // namespace

std::string Address::text() const {
  if (kind == Kind::unix_path) return "unix:" + path;
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("tcp:{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

ParsedAddress parse_address(std::string_view text) {
  const auto rest = [&](std::string_view scheme) {
    std::string_view left = text.substr(scheme.size());
    if (left.starts_with("//")) left.remove_prefix(2);
    return left;
  };
  if (text.starts_with("tcp:")) return parse_tcp(rest("tcp:"), text);
  if (text.starts_with("unix:")) return parse_unix(rest("unix:"), text);
  return wrong(
      fmt::format("'{}' is no address; write tcp:HOST:PORT, as in tcp:127.0.0.1:7001, or unix:PATH", text));
}

std::string why_unsafe(const Address& address, bool tls, bool knows_clients) {
  const std::string begin = fmt::format("{} can be reached from other machines: it needs", address.text());
  if (!tls) return begin + " TLS (a certificate and a key), or `insecure` where the network is trusted";
  if (knows_clients) return {};
  return begin + " a token or client certificates, or `insecure` where everybody may come";
}

Listening listen_at(const Address& address, unsigned mode) {
  return address.kind == Address::Kind::tcp ? listen_tcp(address) : listen_unix(address, mode);
}

}  // namespace tocsin::connectors::net
