// A server that follows a script, for the client's tests: a thread that takes one connection and does what
// the script says. It speaks the protocol with connectors/wire, but decides nothing by itself.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "connectors/wire/frame.hpp"
#include "connectors/wire/handshake.hpp"
#include "connectors/wire/payload.hpp"
#include "engine/model/batch.hpp"

namespace tocsin::client::test {

namespace wire = connectors::wire;

/// One connection, as the script sees it. Waits at most ten seconds for anything.
class PeerConnection {
 public:
  explicit PeerConnection(int fd) : fd_(fd) {}
  ~PeerConnection();
  PeerConnection(const PeerConnection&) = delete;

  /// The next frame, of which `payload` is a copy; of type sentinel where the connection ended.
  struct Received {
    wire::FrameType type = wire::FrameType::sentinel;
    std::vector<std::uint64_t> words;
    std::size_t size = 0;
    std::span<const std::byte> payload() const {
      return {reinterpret_cast<const std::byte*>(words.data()), size};
    }
    std::string_view text() const { return {reinterpret_cast<const char*>(words.data()), size}; }
    wire::Frame frame() const { return {type, payload()}; }
  };
  Received next();
  /// The next frame that is no HEARTBEAT.
  Received expect(wire::FrameType type);
  /// Reads the preface and HELLO, and answers with the layouts that the catalog has.
  wire::Hello welcome(const model::Catalog& catalog, std::uint32_t window = 1000,
                      std::uint32_t heartbeat_ms = 60'000, std::size_t max_frame = 1 << 20);
  bool read_preface();
  /// Reads whatever comes until the client goes.
  void wait_for_end();
  void send(const wire::FrameBuffer& frames);
  void send_bytes(std::string_view bytes);
  void send(wire::FrameType type, std::string_view json);
  template <class Payload>
  void send(const Payload& payload) {
    wire::FrameBuffer frames;
    wire::append(frames, payload);
    send(frames);
  }
  int fd() const { return fd_; }
  /// Takes events until BYE: acknowledges, then says BYE. Returns them.
  model::EventBatch take_all(const model::Catalog& catalog);

 private:
  int fd_;
  wire::FrameReader reader_{std::size_t{4} << 20};
};

class Peer {
 public:
  enum class At { unix_socket, tcp };
  explicit Peer(std::function<void(PeerConnection&)> script, At at = At::unix_socket);
  ~Peer() { finish(); }
  /// Waits until the script is done.
  void finish();
  /// For tocsin_connect.
  const std::string& address() const { return address_; }

 private:
  int listening_ = -1;
  std::string folder_;
  std::string address_;
  std::thread thread_;
};

}  // namespace tocsin::client::test
