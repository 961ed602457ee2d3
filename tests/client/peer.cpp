#include "tests/client/peer.hpp"

#include <arpa/inet.h>
#include <array>
#include <cstdlib>
#include <cstring>
#include <doctest/doctest.h>
#include <filesystem>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "connectors/wire/event_check.hpp"

namespace tocsin::client::test {

namespace {

constexpr int patience_ms = 10'000;

bool is_readable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, patience_ms) > 0;
}

}  // namespace

PeerConnection::~PeerConnection() {
  ::close(fd_);
}

PeerConnection::Received PeerConnection::next() {
  Received received;
  wire::Frame frame;
  while (true) {
    const wire::Next next = reader_.next(frame);
    CHECK(next != wire::Next::fault);
    if (next == wire::Next::fault) return received;
    if (next == wire::Next::frame) break;
    const auto room = reader_.room();
    if (!is_readable(fd_)) return received;
    const ssize_t got = ::recv(fd_, room.data(), room.size(), 0);
    if (got <= 0) return received;
    reader_.filled(static_cast<std::size_t>(got));
  }
  CHECK(wire::from_client(frame.type));
  received.type = frame.type;
  received.size = frame.payload.size();
  received.words.resize((received.size + 7) / 8);
  if (received.size > 0) std::memcpy(received.words.data(), frame.payload.data(), received.size);
  return received;
}

PeerConnection::Received PeerConnection::expect(wire::FrameType type) {
  Received received = next();
  while (received.type == wire::FrameType::heartbeat)
    received = next();
  CHECK(wire::name_of(received.type) == wire::name_of(type));
  return received;
}

bool PeerConnection::read_preface() {
  std::array<char, wire::preface.size()> bytes{};
  if (!is_readable(fd_) || ::recv(fd_, bytes.data(), bytes.size(), MSG_WAITALL) != ssize_t{bytes.size()})
    return false;
  return bytes == wire::preface;
}

void PeerConnection::wait_for_end() {
  std::array<char, 4096> bytes;
  while (is_readable(fd_) && ::recv(fd_, bytes.data(), bytes.size(), 0) > 0) {
  }
}

wire::Hello PeerConnection::welcome(const model::Catalog& catalog, std::uint32_t window,
                                    std::uint32_t heartbeat_ms, std::size_t max_frame) {
  CHECK(read_preface());
  const auto hello = wire::parse_hello(expect(wire::FrameType::hello).text());
  CHECK(hello.error == "");
  if (!hello) return {};
  CHECK(wire::compare(hello->types, catalog).empty());
  wire::Welcome welcome{.session = 1,
                        .max_frame = max_frame,
                        .window = window,
                        .heartbeat_ms = heartbeat_ms,
                        .types = {},
                        .rules = {"first", "second"}};
  for (const auto& type : hello->types)
    welcome.types.push_back(wire::layout_of(*catalog.find(type.name), catalog));
  send(wire::FrameType::welcome, wire::to_json(welcome));
  return *hello;
}

void PeerConnection::send(const wire::FrameBuffer& frames) {
  const auto bytes = frames.bytes();
  send_bytes(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void PeerConnection::send_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

void PeerConnection::send(wire::FrameType type, std::string_view json) {
  wire::FrameBuffer frames;
  frames.append(type, json);
  send(frames);
}

model::EventBatch PeerConnection::take_all(const model::Catalog& catalog) {
  wire::EventChecker checker(catalog);
  model::EventBatch all;
  wire::Ack ack{.number = 0, .rejected = 0, .window = 1000};
  while (true) {
    const Received received = next();
    if (received.type == wire::FrameType::bye) break;
    CHECK(received.type == wire::FrameType::events);
    if (received.type != wire::FrameType::events) return all;
    const auto checked = checker.check(received.payload(), 5, all);
    CHECK(checked.fault == "");
    CHECK(checked.rejected == 0);
    CHECK(checked.first == ack.number + 1);
    ack.number += checked.count;
    send(ack);
  }
  send(wire::FrameType::bye, R"({"code":"done"})");
  return all;
}

Peer::Peer(std::function<void(PeerConnection&)> script, At at) {
  if (at == At::unix_socket) {
    std::string folder = "/tmp/tocsin-client-XXXXXX";
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder + "/socket";
    std::memcpy(address.sun_path, path.data(), path.size());
    listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    address_ = "unix:" + path;
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    socklen_t length = sizeof address;
    REQUIRE(::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    address_ = "tcp:127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  REQUIRE(::listen(listening_, 4) == 0);
  thread_ = std::thread([this, script = std::move(script)] {
    if (!is_readable(listening_)) return;
    const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    PeerConnection connection(fd);
    script(connection);
  });
}

void Peer::finish() {
  if (thread_.joinable()) thread_.join();
  if (listening_ >= 0) ::close(listening_);
  listening_ = -1;
  if (!folder_.empty()) std::filesystem::remove_all(folder_);
}

}  // namespace tocsin::client::test
