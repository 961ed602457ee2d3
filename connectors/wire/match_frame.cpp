#include "connectors/wire/match_frame.hpp"

#include <fmt/format.h>

#include "engine/base/assert.hpp"

namespace tocsin::connectors::wire {

namespace {

template <class T>
std::byte* put(std::byte* to, const T& value) {
  std::memcpy(to, &value, sizeof value);
  return to + sizeof value;
}

std::byte* put(std::byte* to, model::EventView event) {
  std::memcpy(to, event.bytes(), event.size());
  return to + event.size();
}

/// Stands before the emitted event.
struct EmittedHead {
  std::uint32_t bytes = 0;  // 0: there is none
  std::uint32_t reserved = 0;
};

/// An event at the front of `rest`, which it is taken from. Empty where there is none.
model::EventView take_event(std::span<const std::byte>& rest) {
  model::EventHeader header;
  if (rest.size() < sizeof header) return {};
  std::memcpy(&header, rest.data(), sizeof header);
  if (header.size < sizeof header || header.size % 8 != 0 || header.size > rest.size()) return {};
  const model::EventView event(rest.data());
  rest = rest.subspan(header.size);
  return event;
}

}  // namespace

void append_match(FrameBuffer& out, const model::MatchView& match, bool with_events,
                  std::size_t max_frame_bytes) {
  TOCSIN_ASSERT(max_frame_bytes >= 64);
  std::size_t entries = match.events.size();
  std::size_t emitted_bytes = match.emitted ? match.emitted.size() : 0;
  std::size_t event_bytes = 0;
  if (with_events) {
    for (const auto& each : match.events)
      event_bytes += each.event.size();
  }
  const auto bytes = [&] {
    return sizeof(MatchHead) + sizeof(MatchEntry) * entries + sizeof(EmittedHead) + emitted_bytes +
           event_bytes;
  };
  std::uint32_t flags = match.timeout ? match_flag::timeout : 0;
  if (bytes() > max_frame_bytes) {
    flags |= match_flag::cut;
    with_events = false;
    event_bytes = 0;
    if (bytes() > max_frame_bytes) emitted_bytes = 0;
    if (bytes() > max_frame_bytes) {
      entries = (max_frame_bytes - sizeof(MatchHead) - sizeof(EmittedHead)) / sizeof(MatchEntry);
    }
  }
  if (with_events) flags |= match_flag::with_events;

  std::byte* to = out.append(FrameType::match, bytes());
  to = put(to, MatchHead{.rule = match.rule,
                         .flags = flags,
                         .at_ns = match.at_ns,
                         .trigger_seq = match.trigger_seq,
                         .ordinal = match.ordinal,
                         .events = static_cast<std::uint32_t>(entries)});
  for (const auto& [step, event] : match.events.first(entries))
    to = put(to, MatchEntry{.seq = event.seq(), .step = step});
  to = put(to, EmittedHead{.bytes = static_cast<std::uint32_t>(emitted_bytes)});
  if (emitted_bytes > 0) to = put(to, match.emitted);
  if (with_events) {
    for (const auto& each : match.events)
      to = put(to, each.event);
  }
}

bool read_match(std::span<const std::byte> payload, Match& match, std::string& error) {
  const auto failed = [&](std::string sentence) {
    error = std::move(sentence);
    return false;
  };
  match.entries.clear();
  match.events.clear();
  match.emitted = {};
  std::span<const std::byte> rest = payload;
  if (rest.size() < sizeof match.head) return failed("MATCH ends within its head");
  std::memcpy(&match.head, rest.data(), sizeof match.head);
  rest = rest.subspan(sizeof match.head);

  const std::size_t entries = match.head.events;
  if (rest.size() / sizeof(MatchEntry) < entries) return failed("MATCH ends within its list of events");
  for (std::size_t i = 0; i < entries; ++i)
    std::memcpy(&match.entries.emplace_back(), rest.data() + sizeof(MatchEntry) * i, sizeof(MatchEntry));
  rest = rest.subspan(sizeof(MatchEntry) * entries);

  EmittedHead emitted;
  if (rest.size() < sizeof emitted) return failed("MATCH ends before its emitted event");
  std::memcpy(&emitted, rest.data(), sizeof emitted);
  rest = rest.subspan(sizeof emitted);
  if (emitted.bytes > 0) {
    match.emitted = take_event(rest);
    if (!match.emitted || match.emitted.size() != emitted.bytes) {
      return failed("MATCH holds an emitted event whose size is wrong");
    }
  }
  if ((match.head.flags & match_flag::with_events) != 0) {
    for (std::size_t i = 0; i < entries; ++i) {
      const model::EventView event = take_event(rest);
      if (!event) return failed(fmt::format("MATCH holds an event whose size is wrong, number {}", i + 1));
      match.events.push_back(event);
    }
  }
  return rest.empty() || failed("MATCH is longer than what it holds");
}

}  // namespace tocsin::connectors::wire
