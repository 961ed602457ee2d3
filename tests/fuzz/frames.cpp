// Any bytes as what a peer sends: frames are the same whole and in pieces; events that are taken lie within
// the frame in every field; what a handshake parses to is written to text that parses to the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "connectors/json_text.hpp"
#include "connectors/wire/event_check.hpp"
#include "connectors/wire/handshake.hpp"
#include "connectors/wire/match_frame.hpp"
#include "dsl/compile.hpp"
#include "engine/base/assert.hpp"

using namespace tocsin;
namespace wire = connectors::wire;

namespace {

constexpr std::size_t max_frame_bytes = 64 << 10;

const model::Catalog& catalog() {
  static const dsl::Compiled compiled = dsl::compile_text("fuzz", R"(
    event A { i: int?, f: float?, b: bool?, s: string?, at: time(ms) @timestamp }
    event B { t: time?, d: duration?, e: enum(x, y)?, n: int[]?, w: string[]? }
    event C { b: bool, f: float, w: string[], e: enum(x, y, z), s: string, bs: bool[], fs: float[] }
  )");
  TOCSIN_ASSERT(compiled.plan.has_value());
  return compiled.plan->catalog;
}

/// Reads every byte of every field, for the sanitizers to see.
void read_fields(model::EventView event) {
  const model::EventType& type = catalog()[event.type()];
  fmt::memory_buffer text;
  for (std::uint32_t i = 0; i < type.fields.size(); ++i)
    connectors::append_json_value(text, event.get(type.fields[i], i), type.fields[i].type, catalog());
}

template <class Parse>
void handshake(std::string_view json, Parse parse) {
  const auto parsed = parse(json);
  TOCSIN_ASSERT(static_cast<bool>(parsed) == parsed.error.empty());
  if (!parsed) return;
  const std::string written = wire::to_json(*parsed);
  const auto again = parse(written);
  TOCSIN_ASSERT(again);
  TOCSIN_ASSERT(wire::to_json(*again) == written);
}

void take(const wire::Frame& frame) {
  switch (frame.type) {
    case wire::FrameType::hello: {
      handshake(frame.text(), wire::parse_hello);
      const auto hello = wire::parse_hello(frame.text());
      if (hello) wire::compare(hello->types, catalog());
      return;
    }
    case wire::FrameType::welcome: return handshake(frame.text(), wire::parse_welcome);
    case wire::FrameType::subscribe: return handshake(frame.text(), wire::parse_subscribe);
    case wire::FrameType::subscribed: return handshake(frame.text(), wire::parse_subscribed);
    case wire::FrameType::bye: return handshake(frame.text(), wire::parse_bye);
    case wire::FrameType::events: {
      static wire::EventChecker checker(catalog());
      model::EventBatch batch;
      const auto checked = checker.check(frame.payload, 1, batch);
      TOCSIN_ASSERT(batch.size() + checked.rejected == checked.count || !checked.fault.empty());
      for (std::size_t i = 0; i < batch.size(); ++i) {
        TOCSIN_ASSERT(checker.check_one(std::span(batch[i].bytes(), batch[i].size())).empty());
        read_fields(batch[i]);
      }
      return;
    }
    case wire::FrameType::match: {
      wire::Match match;
      std::string error;
      TOCSIN_ASSERT(wire::read_match(frame.payload, match, error) == error.empty());
      static const wire::EventChecker checker(catalog());
      if (!error.empty() || !match.emitted) return;
      if (checker.check_one(std::span(match.emitted.bytes(), match.emitted.size())).empty()) {
        read_fields(match.emitted);
      }
      return;
    }
    default: return;
  }
}

std::vector<std::string> read_all(std::span<const std::byte> bytes, std::size_t piece, bool take_them) {
  wire::FrameReader reader(max_frame_bytes);
  std::vector<std::string> seen;
  wire::Frame frame;
  while (true) {
    wire::Next next = reader.next(frame);
    for (; next == wire::Next::frame; next = reader.next(frame)) {
      if (take_them) take(frame);
      seen.push_back(std::string(wire::name_of(frame.type)) + std::string(frame.text()));
    }
    if (next == wire::Next::fault) seen.push_back(reader.fault());
    if (next == wire::Next::fault || bytes.empty()) return seen;
    const auto room = reader.room();
    TOCSIN_ASSERT(!room.empty());
    const std::size_t size = std::min({room.size(), bytes.size(), piece});
    std::memcpy(room.data(), bytes.data(), size);
    reader.filled(size);
    bytes = bytes.subspan(size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  TOCSIN_ASSERT(read_all(bytes, SIZE_MAX, true) == read_all(bytes, 5, false));
  // The same as the payload of each kind of frame, so that a fuzzer need not find out what a header is.
  wire::FrameBuffer out;
  for (std::uint8_t type = 1; type < static_cast<std::uint8_t>(wire::FrameType::sentinel); ++type)
    out.append(static_cast<wire::FrameType>(type),
               std::string_view(reinterpret_cast<const char*>(data), size));
  read_all(out.bytes(), SIZE_MAX, true);
  return 0;
}
