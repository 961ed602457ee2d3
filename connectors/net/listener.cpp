#include "connectors/net/listener.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace tocsin::connectors::net {

namespace {

constexpr std::int64_t pause_ns = 100'000'000;  // where there are no descriptors left
constexpr int accepted_at_once = 256;           // so that a flood of them does not hold the others up
// Connections beyond the limit that are being told so; more are just closed.
constexpr std::size_t told_at_most = 64;

void set(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);  // each is of use, none is needed
}

void tune_tcp(int fd, std::int64_t idle_timeout_ns) {
  const int idle_s = static_cast<int>(std::clamp<std::int64_t>(idle_timeout_ns / 1'000'000'000, 1, 3600));
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, idle_s / 4));
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

std::string peer_of(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  const auto* name = reinterpret_cast<const sockaddr*>(&peer);
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0 ||
      ::getnameinfo(name, size, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "unknown";
  }
  return fmt::format("{}:{}", host.data(), port.data());
}

ucred credentials_of(int fd) {
  ucred peer{0, static_cast<uid_t>(-1), static_cast<gid_t>(-1)};
  socklen_t size = sizeof peer;
  ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
  return peer;
}

}  // namespace

Opened<Listener> Listener::open(Shared& shared, const ListenOptions& options, Accepted accepted) {
  Listening listening = listen_at(options.address, options.mode);
  if (!listening.fd) return Opened<Listener>::failed(std::move(listening.error));
  std::string why;
  if (listening.is_public && !options.insecure) {
    why = why_unsafe(listening.address, options.tls != nullptr,
                     options.token || (options.tls && options.tls->asks_clients()));
  }
  const int fd = listening.fd.get();
  std::unique_ptr<Listener> listener(
      new Listener(shared, options, std::move(listening), std::move(accepted)));
  if (!why.empty()) return Opened<Listener>::failed(std::move(why));
  if (!shared.poller.add(fd, *listener)) return Opened<Listener>::failed("there are too many descriptors");
  return {std::move(listener), {}};
}

Listener::Listener(Shared& shared, const ListenOptions& options, Listening listening, Accepted accepted)
    : shared_(shared),
      options_(options),
      address_(std::move(listening.address)),
      fd_(std::move(listening.fd)),
      accepted_(std::move(accepted)),
      pause_(shared.poller, *this) {
  struct stat info {};
  if (address_.kind == Address::Kind::unix_path && ::lstat(address_.path.c_str(), &info) == 0) {
    device_ = info.st_dev;
    inode_ = info.st_ino;
  }
}

Listener::~Listener() {
  shared_.poller.remove(fd_.get(), *this);
  struct stat info {};
  if (address_.kind != Address::Kind::unix_path || ::lstat(address_.path.c_str(), &info) != 0) return;
  // Unless somebody else has put another in its place.
  if (info.st_dev == device_ && info.st_ino == inode_) ::unlink(address_.path.c_str());
}

void Listener::accept_all() {
  for (int i = 0; i < accepted_at_once; ++i) {
    Descriptor fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      take(std::move(fd));
      continue;
    }
    switch (errno) {
      case EAGAIN: return;
      case EINTR:
      case ECONNABORTED:
      case EPROTO: continue;  // of that one connection, which has gone again
      default:
        // Mostly EMFILE. Those who wait get no new edge: look again in a while.
        ++shared_.counters.accept_pauses;
        pause_.set(shared_.now_ns() + pause_ns);
        return;
    }
  }
  pause_.set(shared_.now_ns() + 1);  // the next round goes on
}

void Listener::take(Descriptor fd) {
  ++shared_.counters.accepted;
  const NetLimits& limits = shared_.limits();
  const bool is_unix = address_.kind == Address::Kind::unix_path;
  const bool too_many = shared_.connections >= limits.max_connections;
  if (too_many && shared_.connections >= limits.max_connections + told_at_most) {
    ++shared_.counters.refused[static_cast<std::size_t>(Refusal::limit)];
    ++shared_.counters.closed;
    return;
  }
  Origin origin{{}, options_.token, is_unix};
  bool other_user = false;
  if (is_unix) {
    const ucred peer = credentials_of(fd.get());
    other_user = !options_.any_user && peer.uid != ::geteuid() && peer.uid != 0;
    origin.peer = fmt::format("pid {}", peer.pid);
  } else {
    tune_tcp(fd.get(), limits.idle_timeout_ns);
    origin.peer = peer_of(fd.get());
  }
  auto stream =
      options_.tls && !is_unix ? tls_stream(std::move(fd), *options_.tls) : plain_stream(std::move(fd));
  if (!stream) return;
  const int raw = stream->fd();
  auto connection = std::make_unique<Connection>(shared_, std::move(stream), std::move(origin));
  if (!shared_.poller.add(raw, *connection)) {
    connection->drop("the system polls no more descriptors");
  } else if (too_many) {
    connection->refuse(Refusal::limit,
                       fmt::format("there are {} connections, which is the limit", limits.max_connections));
  } else if (other_user) {
    connection->refuse(Refusal::peer, "this socket is for the user whose server this is");
  }
  accepted_(std::move(connection));
}

}  // namespace tocsin::connectors::net
