#include "bench/load/link.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <sys/un.h>
#include <system_error>

#include "engine/base/assert.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::load {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(fmt::format("{}: {}", what, std::generic_category().message(errno)));
}

std::vector<wire::TypeDeclaration> declared(const model::Catalog& catalog) {
  std::vector<wire::TypeDeclaration> types;
  for (const model::EventType& type : catalog.types) {
    if (!type.is_input()) continue;
    wire::TypeDeclaration& declaration = types.emplace_back();
    declaration.name = type.name;
    for (const auto& field : wire::layout_of(type, catalog).fields)
      declaration.fields.push_back({field.name, field.type});
  }
  return types;
}

/// The server's layout is ours.
bool agrees(const wire::TypeLayout& theirs, const model::Catalog& catalog) {
  const model::EventType* type = catalog.find(theirs.name);
  if (type == nullptr || type->id != theirs.id || type->fixed_size != theirs.fixed_size) return false;
  const wire::TypeLayout ours = wire::layout_of(*type, catalog);
  return std::equal(ours.fields.begin(), ours.fields.end(), theirs.fields.begin(), theirs.fields.end(),
                    [](const auto& a, const auto& b) { return a.name == b.name && a.slot == b.slot; });
}

template <class T>
T parsed(wire::Parsed<T> value) {
  if (!value) throw std::runtime_error(fmt::format("the server's answer is wrong: {}", value.error));
  return std::move(*value.value);
}

}  // namespace

wire::Descriptor connected(const net::Address& address) {
  if (address.kind == net::Address::Kind::unix_path) {
    wire::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (address.path.size() >= sizeof name.sun_path)
      throw std::runtime_error("the socket's path is too long");
    address.path.copy(name.sun_path, address.path.size());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
      fail("cannot connect to " + address.text());
    return socket;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error =
          getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
      error != 0)
    throw std::runtime_error(fmt::format("cannot connect to {}: {}", address.text(), gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> all(found, &freeaddrinfo);
  wire::Descriptor socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), found->ai_addr, found->ai_addrlen) != 0)
    fail("cannot connect to " + address.text());
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

Link::Link(const model::Catalog& catalog, const LinkOptions& options) : socket_(connected(options.address)) {
  wire::Hello hello;
  hello.client = options.client;
  hello.types = declared(catalog);
  if (options.ring) {
    hello.transport = wire::Transport::ring;
    hello.ring_bytes = options.ring_bytes;
  }
  out_.append(wire::FrameType::hello, wire::to_json(hello));
  if (::send(socket_.get(), wire::preface.data(), wire::preface.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(wire::preface.size()))
    fail("cannot write");
  send_all();
  const wire::Frame answer = next_answer();
  if (answer.type != wire::FrameType::welcome) take(answer);
  welcome_ = parsed(wire::parse_welcome(answer.text()));
  for (const auto& type : welcome_.types) {
    if (!agrees(type, catalog))
      throw std::runtime_error(fmt::format("the server lays out {} in another way", type.name));
  }
  ack_.window = welcome_.window;
  if (options.ring) take_rings(next_answer());
}

void Link::take_rings(const wire::Frame& frame) {
  if (frame.type != wire::FrameType::ring || descriptors_.size() != 3)
    throw std::runtime_error("the server gave no ring");
  const auto map = [](wire::Descriptor fd) {
    auto memory = wire::RingMemory::map(std::move(fd));
    if (!memory) throw std::runtime_error(memory.error);
    return std::move(memory.value);
  };
  in_memory_ = map(std::move(descriptors_[0]));
  out_memory_ = map(std::move(descriptors_[1]));
  const wire::WakeUp server{descriptors_[2].get()};
  ring_out_ = std::make_unique<wire::RingProducer>(*in_memory_, server);
  ring_in_ = std::make_unique<wire::RingConsumer>(*out_memory_, out_memory_->capacity(), server);
}

void Link::subscribe(wire::Policy policy) {
  wire::Subscribe wishes;
  wishes.policy = policy;
  wishes_ = wire::to_json(wishes);
  out_.clear();
  written_ = 0;
  out_.append(wire::FrameType::subscribe, wishes_);
  send_all();
  for (bool heard = false; !heard;) {
    const wire::Frame answer = next_answer();
    heard = answer.type == wire::FrameType::subscribed;
    if (!heard) take(answer);
  }
}

void Link::mark() {
  TOCSIN_ASSERT(ack_.number == sent_ && !has_unsent());
  mark_returned_ = false;
  out_.clear();
  written_ = 0;
  out_.append(wire::FrameType::subscribe, wishes_);
  send_all();
}

bool Link::try_send(const model::EventBatch& batch, std::size_t begin, std::size_t end) {
  if (!has_credit(end - begin)) return false;
  if (ring_out_) {
    const std::byte* from = batch[begin].bytes();
    const auto bytes = static_cast<std::size_t>(batch[end - 1].bytes() + batch[end - 1].size() - from);
    const wire::EventsHead head{.first = sent_ + 1, .count = static_cast<std::uint32_t>(end - begin)};
    const std::span<std::byte> room = ring_out_->reserve(sizeof head + bytes);
    payload_without_room_ = room.data() == nullptr ? sizeof head + bytes : 0;
    if (payload_without_room_ != 0) {
      if (ring_out_->fault() != wire::RingFault::none) throw std::runtime_error("the ring has a fault");
      return false;
    }
    std::memcpy(room.data(), &head, sizeof head);
    std::memcpy(room.data() + sizeof head, from, bytes);
    ring_out_->commit(wire::FrameType::events, room.size());
    bytes_sent_ += wire::frame_bytes(room.size());
  } else {
    if (has_unsent()) flush();
    if (has_unsent()) return false;
    out_.clear();
    written_ = 0;
    wire::append_events(out_, sent_ + 1, batch, begin, end);
    bytes_sent_ += out_.size();
    flush();
  }
  sent_ += end - begin;
  return true;
}

void Link::flush() {
  while (has_unsent()) {
    const auto left = out_.bytes().subspan(written_);
    const ssize_t put = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return;
      fail("cannot write to the server");
    }
    written_ += static_cast<std::size_t>(put);
  }
}

void Link::send_all() {
  while (has_unsent()) {
    const auto left = out_.bytes().subspan(written_);
    const ssize_t put = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (put < 0 && errno != EINTR) fail("cannot write to the server");
    if (put > 0) written_ += static_cast<std::size_t>(put);
  }
}

wire::Frame Link::next_answer() {
  wire::Frame frame;
  while (reader_.next(frame) == wire::Next::need_input) {
    const std::span<std::byte> room = reader_.room();
    const ssize_t got = wire::receive_with_descriptors(socket_.get(), room, descriptors_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("cannot read from the server");
    if (got == 0) throw std::runtime_error("the server has closed the connection");
    reader_.filled(static_cast<std::size_t>(got));
  }
  if (!reader_.fault().empty()) throw std::runtime_error(reader_.fault());
  return frame;
}

void Link::read_socket(int flags) {
  const std::span<std::byte> room = reader_.room();
  const ssize_t got = ::recv(socket_.get(), room.data(), room.size(), flags);
  if (got > 0) {
    if (!ring_in_) bytes_received_ += static_cast<std::uint64_t>(got);
    return reader_.filled(static_cast<std::size_t>(got));
  }
  if (got == 0) throw std::runtime_error("the server has closed the connection");
  if (errno != EAGAIN && errno != EINTR) fail("cannot read from the server");
}

void Link::wait(std::int64_t timeout_ns) {
  if (ring_in_ && has_credit(welcome_.window / 2)) {
    constexpr wire::WaitPolicy sleep{Idle::park, 0, 0};
    if (payload_without_room_ == 0) {
      ring_in_->wait(sleep, timeout_ns);
    } else {  // not for long, as the server may wait in turn for its matches to be read
      constexpr std::int64_t nap_ns = 1'000'000;
      ring_out_->wait_for_room(payload_without_room_, sleep,
                               timeout_ns < 0 ? nap_ns : std::min(timeout_ns, nap_ns));
    }
    return;
  }
  if (timeout_ns < 0 && !has_unsent()) {
    read_socket(0);
    has_read_ = true;
    return;
  }
  pollfd waiting{socket_.get(), static_cast<short>(POLLIN | (has_unsent() ? POLLOUT : 0)), 0};
  const timespec timeout{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
  ::ppoll(&waiting, 1, timeout_ns < 0 ? nullptr : &timeout, nullptr);
}

void Link::take(const wire::Frame& frame) {
  switch (frame.type) {
    case wire::FrameType::ack:
      if (!wire::read(frame, ack_)) throw std::runtime_error("an ACK of the server is wrong");
      return;
    case wire::FrameType::subscribed: mark_returned_ = true; return;
    case wire::FrameType::dropped: {
      wire::Dropped dropped;
      if (wire::read(frame, dropped)) dropped_ = dropped.matches;
      return;
    }
    case wire::FrameType::refused: {
      const auto refused = parsed(wire::parse_refused(frame.text()));
      throw std::runtime_error(fmt::format("the server refuses: {} ({})", refused.message, refused.code));
    }
    case wire::FrameType::bye: {
      const auto bye = parsed(wire::parse_bye(frame.text()));
      throw std::runtime_error(fmt::format("the server says good-bye: {} ({})", bye.message, bye.code));
    }
    default: return;  // REJECTED is counted in ACK; the others say nothing that is needed here
  }
}

void Link::close() {
  send_all();
  out_.clear();
  written_ = 0;
  out_.append(wire::FrameType::bye, wire::to_json(wire::Bye{std::string(wire::code::done), ""}));
  send_all();
  for (;;) {
    if (ring_in_) {
      while (ring_in_->next()) {
      }
      ring_in_->release();
    }
    const wire::Frame frame = next_answer();
    if (frame.type == wire::FrameType::bye) return;
    if (frame.type != wire::FrameType::match) take(frame);
  }
}

}  // namespace tocsin::load
