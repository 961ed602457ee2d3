#include "connectors/wire/frame.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace tocsin::connectors::wire {

namespace {

struct TypeFacts {
  std::string_view name;
  bool from_client;
  bool from_server;
};

constexpr TypeFacts type_facts[] = {
    {"", false, false},         {"HELLO", true, false},      {"WELCOME", false, true},
    {"REFUSED", false, true},   {"EVENTS", true, false},     {"ACK", false, true},
    {"REJECTED", false, true},  {"WATERMARK", true, false},  {"HEARTBEAT", true, true},
    {"SUBSCRIBE", true, false}, {"SUBSCRIBED", false, true}, {"MATCH", false, true},
    {"DROPPED", false, true},   {"BYE", true, true},         {"RING", false, true},
};
static_assert(std::size(type_facts) == static_cast<std::size_t>(FrameType::sentinel));

const TypeFacts& facts_of(FrameType type) {
  return type_facts[type < FrameType::sentinel ? static_cast<std::size_t>(type) : 0];
}

/// What a buffer starts with: some reads' worth, so that most frames never make it grow.
constexpr std::size_t least_buffer_bytes = std::size_t{16} << 10;

std::string fault_of(const FrameHeader& header, std::size_t max_frame_bytes) {
  if (name_of(header.type).empty()) {
    return fmt::format("there is no frame of type {}", static_cast<unsigned>(header.type));
  }
  if (header.flags != 0 || header.reserved != 0) {
    return fmt::format("{} with flags {} and reserved bytes {}, where both must be 0", name_of(header.type),
                       header.flags, header.reserved);
  }
  if (header.length > max_frame_bytes) {
    return fmt::format("{} of {} bytes, where {} is the most", name_of(header.type), header.length,
                       max_frame_bytes);
  }
  return "";
}

bool is_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

std::string_view name_of(FrameType type) {
  return facts_of(type).name;
}

bool from_client(FrameType type) {
  return facts_of(type).from_client;
}

bool from_server(FrameType type) {
  return facts_of(type).from_server;
}

Next frame_at(std::span<const std::byte> bytes, std::size_t max_frame_bytes, Frame& frame,
              std::string& fault) {
  FrameHeader header;
  if (bytes.size() < sizeof header) return Next::need_input;
  std::memcpy(&header, bytes.data(), sizeof header);
  const bool wrong = header.length > max_frame_bytes || header.type == FrameType{0} ||
                     header.type >= FrameType::sentinel || header.flags != 0 || header.reserved != 0;
  if (wrong) {
    fault = fault_of(header, max_frame_bytes);
    return Next::fault;
  }
  const std::size_t whole = frame_bytes(header.length);
  if (bytes.size() < whole) return Next::need_input;
  frame.type = header.type;
  frame.payload = bytes.subspan(sizeof header, header.length);
  if (!is_zero(bytes.subspan(sizeof header + header.length, whole - sizeof header - header.length))) {
    fault = fmt::format("{} is padded with something other than zeros", name_of(header.type));
    return Next::fault;
  }
  return Next::frame;
}

Opening opening_of(std::span<const std::byte> bytes) {
  constexpr std::size_t version_at = 6;
  // The header of a TLS record; no line of JSON begins so.
  if (!bytes.empty() && bytes[0] == std::byte{0x16}) {
    if (bytes.size() < 2) return Opening::need_input;
    if (bytes[1] == std::byte{0x03}) return Opening::tls;
  }
  bool other_version = false;
  for (std::size_t i = 0; i < std::min(bytes.size(), preface.size()); ++i) {
    if (static_cast<char>(bytes[i]) == preface[i]) continue;
    if (i != version_at) return Opening::lines;
    other_version = true;
  }
  if (bytes.size() < preface.size()) return Opening::need_input;
  return other_version ? Opening::other_version : Opening::frames;
}

std::span<std::byte> FrameReader::room() {
  const std::size_t pending = end_ - begin_;
  if (begin_ > 0) {
    std::memmove(data(), data() + begin_, pending);
    begin_ = 0;
    end_ = pending;
  }
  if (end_ == capacity()) {
    const std::size_t most = std::max(frame_bytes(max_frame_bytes_), least_buffer_bytes);
    words_.resize(std::min(std::max(2 * capacity(), least_buffer_bytes), most) / 8);
  }
  return {data() + end_, capacity() - end_};
}

Next FrameReader::next(Frame& frame) {
  if (!fault_.empty()) return Next::fault;
  const Next next = frame_at(pending(), max_frame_bytes_, frame, fault_);
  if (next == Next::frame) begin_ += frame_bytes(frame.payload.size());
  return next;
}

void FrameReader::release() {
  if (begin_ != end_) return;
  begin_ = end_ = 0;
  words_ = std::vector<std::uint64_t>();  // `= {}` would keep the capacity
}

void FrameBuffer::append(FrameType type, std::string_view text) {
  std::byte* payload = append(type, text.size());
  if (!text.empty()) std::memcpy(payload, text.data(), text.size());
}

void FrameBuffer::grow(std::size_t bytes) {
  words_.resize(std::max({(bytes + 7) / 8, 2 * words_.size(), least_buffer_bytes / 8}));
}

}  // namespace tocsin::connectors::wire
