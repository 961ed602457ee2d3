// Frames: what the binary protocol (docs/protocol.md) is made of. A frame is a header of eight bytes, a
// payload, and zeros up to a multiple of eight, so that in a stream that begins with the preface, or in a
// ring, every frame and every event in it is aligned.
//
// Nothing here knows a socket. A reader gets bytes and gives frames, which are views; a buffer takes frames
// and gives bytes. Neither allocates once it has grown, and neither grows by what a peer merely announces.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::connectors::wire {

inline constexpr std::uint8_t protocol_version = 1;

/// What a client sends first where it speaks frames: `TOCSIN`, the version, a line end.
inline constexpr std::array<char, 8> preface = {'T', 'O', 'C', 'S', 'I', 'N', protocol_version, '\n'};

/// What a peer may ask of the server, and how much of it. Every limit of the protocol is here.
struct Limits {
  std::size_t max_frame_bytes = std::size_t{4} << 20;      // payload of one frame
  std::size_t max_handshake_bytes = std::size_t{1} << 20;  // payload of HELLO and SUBSCRIBE
  std::size_t max_connections = 4096;
  std::int64_t handshake_timeout_ns = 5'000'000'000;
  std::int64_t idle_timeout_ns = 60'000'000'000;   // of a connection that sends nothing, not even a heartbeat
  std::size_t queue_bytes = std::size_t{8} << 20;  // of a subscriber that asks for no other size
  std::size_t max_queue_bytes = std::size_t{64} << 20;  // the most that it may ask for
  std::uint32_t window_events = 65'536;                 // events of a connection without an ACK
  std::size_t ring_bytes = std::size_t{1} << 20;        // where the client asks for no other size
  std::size_t max_ring_bytes = std::size_t{64} << 20;
  std::uint32_t rejections_per_second = 100;  // REJECTED frames to one connection; ACK counts them all
};

enum class FrameType : std::uint8_t {
  hello = 1,
  welcome,
  refused,
  events,
  ack,
  rejected,
  watermark,
  heartbeat,
  subscribe,
  subscribed,
  match,
  dropped,
  bye,
  ring,
  sentinel,
};

/// `EVENTS`, as the protocol calls it.
std::string_view name_of(FrameType type);
/// Who may send it; HEARTBEAT and BYE go both ways.
bool from_client(FrameType type);
bool from_server(FrameType type);

struct FrameHeader {
  std::uint32_t length = 0;  // bytes of payload, without padding
  FrameType type = FrameType::hello;
  std::uint8_t flags = 0;      // none are defined: 0
  std::uint16_t reserved = 0;  // 0
};
static_assert(sizeof(FrameHeader) == 8);

/// Bytes of a frame with this much payload: header, payload and padding.
constexpr std::size_t frame_bytes(std::size_t payload) {
  return sizeof(FrameHeader) + ((payload + 7) & ~std::size_t{7});
}

/// One frame, where it lies.
struct Frame {
  FrameType type = FrameType::hello;
  std::span<const std::byte> payload;

  std::string_view text() const { return {reinterpret_cast<const char*>(payload.data()), payload.size()}; }
};

enum class Next : std::uint8_t {
  frame,
  need_input,  // the bytes end within it
  fault,       // it can't be one, and nothing behind it can be read
};

/// Reads the frame at the beginning of `bytes`; the next one is frame_bytes(payload.size()) further on. As
/// soon as its header is there, it is checked: a known type, a length within `max_frame_bytes`, zeros where
/// zeros must be. `fault` is set, to a sentence, only where it returns fault. Constant time.
Next frame_at(std::span<const std::byte> bytes, std::size_t max_frame_bytes, Frame& frame,
              std::string& fault);

/// How a connection begins.
enum class Opening : std::uint8_t {
  need_input,
  frames,         // with the preface of this version
  other_version,  // with that of another: answer REFUSED, whose form is the same in all versions
  tls,            // with a handshake of TLS, which nobody here unwraps
  lines,          // with anything else: NDJSON
};
Opening opening_of(std::span<const std::byte> bytes);

/// Bytes of a stream to frames. The buffer grows with what has come, never by what a header announces, and at
/// most to the largest frame.
class FrameReader {
 public:
  explicit FrameReader(std::size_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}

  /// Where the next bytes of the stream go: at least one byte, mostly many. Frames and pending() given before
  /// are void then. Precondition: next() has returned need_input, or nothing has been read yet.
  std::span<std::byte> room();
  /// `bytes` of room() hold input now.
  void filled(std::size_t bytes) { end_ += bytes; }

  /// The next frame. Valid until room(). After a fault it stays a fault, and fault() says why.
  Next next(Frame& frame);
  const std::string& fault() const { return fault_; }

  /// What has come and was not read as a frame: the connection's opening, or a part of a frame.
  std::span<const std::byte> pending() const { return {data() + begin_, end_ - begin_}; }
  /// Passes over the first `bytes` of it: the preface.
  void skip(std::size_t bytes) { begin_ += bytes; }

  /// Frees a buffer that nothing is in, so that an idle connection costs no memory.
  void release();
  std::size_t capacity() const { return 8 * words_.size(); }

 private:
  const std::byte* data() const { return reinterpret_cast<const std::byte*>(words_.data()); }
  std::byte* data() { return reinterpret_cast<std::byte*>(words_.data()); }

  std::size_t max_frame_bytes_;
  std::vector<std::uint64_t> words_;  // aligned, as begin_ is a multiple of 8 between frames
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string fault_;
};

/// Writes the header and the padding of a frame with `length` bytes of payload to `to`, which has room for
/// frame_bytes(length). Returns where the payload goes.
inline std::byte* write_frame(std::byte* to, FrameType type, std::size_t length) {
  const FrameHeader header{.length = static_cast<std::uint32_t>(length), .type = type};
  std::memcpy(to, &header, sizeof header);
  const std::size_t bytes = frame_bytes(length);
  if (bytes > sizeof header) std::memset(to + bytes - 8, 0, 8);
  return to + sizeof header;
}

/// Frames to be sent, one behind the other. Cleared and filled again, it allocates only while it still grows.
class FrameBuffer {
 public:
  std::span<const std::byte> bytes() const { return {data(), used_}; }
  std::size_t size() const { return used_; }
  bool empty() const { return used_ == 0; }
  void clear() { used_ = 0; }
  /// Takes the frames from byte `size` on away again.
  void truncate(std::size_t size) { used_ = size; }

  /// Appends a frame and returns its payload, to be filled in: `length` bytes, valid until the next call.
  std::byte* append(FrameType type, std::size_t length) {
    const std::size_t bytes = frame_bytes(length);
    if (used_ + bytes > 8 * words_.size()) grow(used_ + bytes);
    std::byte* payload = write_frame(data() + used_, type, length);
    used_ += bytes;
    return payload;
  }
  /// A frame whose payload is text.
  void append(FrameType type, std::string_view text);

 private:
  const std::byte* data() const { return reinterpret_cast<const std::byte*>(words_.data()); }
  std::byte* data() { return reinterpret_cast<std::byte*>(words_.data()); }
  void grow(std::size_t bytes);

  std::vector<std::uint64_t> words_;
  std::size_t used_ = 0;
};

}  // namespace tocsin::connectors::wire
