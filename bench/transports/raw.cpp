#include "bench/transports/raw.hpp"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/load/link.hpp"
#include "bench/measure/pin.hpp"
#include "connectors/wire/payload.hpp"

namespace tocsin::bench {
namespace {

namespace net = connectors::net;

constexpr std::size_t ring_bytes = std::size_t{1} << 20;   // as the service's default
constexpr std::size_t read_bytes = std::size_t{64} << 10;  // at once

void read_all(int socket, std::span<std::byte> to, bool spin) {
  while (!to.empty())
    to = to.subspan(read_some(socket, to, spin));
}

/// Two ends of a TCP connection.
std::array<int, 2> tcp_pair() {
  const auto listening = net::listen_at(net::parse_address("tcp:127.0.0.1:0").address);
  if (!listening.fd) throw std::runtime_error(listening.error);
  const int here = load::connected(listening.address).release();
  int there;
  while ((there = ::accept(listening.fd.get(), nullptr, nullptr)) < 0) {
  }
  const int on = 1;
  ::setsockopt(there, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return {here, there};
}

std::unique_ptr<wire::RingMemory> new_ring() {
  auto memory = wire::RingMemory::create(ring_bytes);
  if (!memory) throw std::runtime_error(memory.error);
  return std::move(memory.value);
}

}  // namespace

void check(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("wrong answer: " + what);
}

void send_all(int socket, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    check(put > 0, "a raw socket");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

std::size_t read_some(int socket, std::span<std::byte> to, bool spin) {
  for (;;) {
    const ssize_t got = ::recv(socket, to.data(), to.size(), spin ? MSG_DONTWAIT : 0);
    if (got > 0) return static_cast<std::size_t>(got);
    check(got < 0 && (errno == EAGAIN || errno == EINTR), "the end of a raw socket");
  }
}

RawEnd::RawEnd(int tcp, int unix_socket, wire::RingMemory& out, wire::RingMemory& in)
    : tcp_(tcp), unix_(unix_socket), out_(out, {}), in_(in, out.capacity(), {}), buffer_(read_bytes) {}

void RawEnd::send(Via via, std::size_t bytes) {
  const auto all = std::span<const std::byte>(buffer_).first(bytes);
  if (via != Via::shm) return send_all(socket(via), all);
  send_record(all.subspan(sizeof(wire::FrameHeader)));
}

void RawEnd::send_record(std::span<const std::byte> payload) {
  while (!out_.append(wire::FrameType::events, payload))
    __builtin_ia32_pause();
  out_.publish();
}

void RawEnd::receive(Via via, std::size_t bytes, bool spin) {
  if (via != Via::shm) return read_all(socket(via), std::span(buffer_).first(bytes), spin);
  check(receive_record(spin) + sizeof(wire::FrameHeader) == bytes, "a raw record");
  in_.release();
}

std::size_t RawEnd::receive_record(bool spin) {
  for (;;) {
    if (const auto record = in_.next()) {
      record->payload.copy_to(buffer_.data());
      return record->payload.size();
    }
    in_.release();
    if (spin) {
      __builtin_ia32_pause();
    } else {
      in_.wait({Idle::park, 0, 0}, -1);
    }
  }
}

void RawEnd::obey(const Order& order) {
  if (order.what == Order::What::copy) return copy_in(order);
  if (order.what == Order::What::answer) return answer(order);
  for (std::uint64_t i = 0; i < order.count; ++i) {
    receive(order.via, order.in_bytes, order.spin);
    send(order.via, order.out_bytes);
  }
}

void RawEnd::copy_in(const Order& order) {
  std::uint64_t left = order.count;
  while (left > 0)
    left -= order.via == Via::shm ? (receive_record(order.spin), 1)
                                  : read_some(socket(order.via), buffer_, order.spin);
  in_.release();
  send(order.via, order.out_bytes);
}

void RawEnd::answer(const Order& order) {
  std::array<std::byte, 256> match{};
  wire::MatchHead match_head;
  wire::EventsHead head;
  for (std::uint64_t seen = 0; seen < order.count; seen += head.count) {
    receive_record(true);
    std::memcpy(&head, buffer_.data(), sizeof head);
    in_.release();
    for (std::uint64_t number = head.first; number < head.first + head.count; ++number) {
      if (number % order.every != 0) continue;
      match_head.trigger_seq = number;
      std::memcpy(match.data(), &match_head, sizeof match_head);
      send_record(std::span<const std::byte>(match).first(order.out_bytes - sizeof(wire::FrameHeader)));
    }
  }
}

bool RawEnd::try_send_events(std::uint64_t first, const model::EventBatch& batch, std::size_t begin,
                             std::size_t end) {
  const std::span<std::byte> room = out_.reserve(wire::events_bytes(batch, begin, end));
  if (room.data() == nullptr) return false;
  wire::write_events(room.data(), first, batch, begin, end);
  out_.commit(wire::FrameType::events, room.size());
  return true;
}

Raw::Raw(int core) : tcp_(tcp_pair()), there_(new_ring()), back_(new_ring()) {
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, unix_.data()) != 0 ||
      ::socketpair(AF_UNIX, SOCK_STREAM, 0, orders_.data()) != 0)
    throw std::runtime_error("no sockets");
  std::fflush(nullptr);
  child_ = ::fork();
  if (child_ < 0) throw std::runtime_error("cannot start a process");
  if (child_ == 0) run(core);
  end_ = std::make_unique<RawEnd>(tcp_[0], unix_[0], *there_, *back_);
}

Raw::~Raw() {
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

RawEnd& Raw::order(const Order& order) {
  send_all(orders_[0], std::as_bytes(std::span(&order, 1)));
  return *end_;
}

void Raw::run(int core) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  measure::pin_to(core);
  try {
    RawEnd end(tcp_[1], unix_[1], *back_, *there_);
    for (Order order;;) {
      read_all(orders_[1], std::as_writable_bytes(std::span(&order, 1)), false);
      end.obey(order);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "raw: %s\n", error.what());
  }
  ::_exit(1);
}

}  // namespace tocsin::bench
