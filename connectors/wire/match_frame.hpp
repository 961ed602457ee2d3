// A match as a MATCH frame. It is encoded once and goes to every subscriber; only the number that counts what
// was sent differs, and is written over at a fixed place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "connectors/wire/frame.hpp"
#include "engine/model/match.hpp"

namespace tocsin::connectors::wire {

namespace match_flag {
inline constexpr std::uint32_t timeout = 1;      // no match, but a run that its bound ended
inline constexpr std::uint32_t with_events = 2;  // the bytes of the events are there
inline constexpr std::uint32_t cut = 4;          // the frame would be too large: something was left out
}  // namespace match_flag

/// Stands at the beginning of the payload.
struct MatchHead {
  std::uint32_t rule = 0;  // id, as the last SUBSCRIBED gave it
  std::uint32_t flags = 0;
  std::int64_t at_ns = 0;
  std::uint64_t trigger_seq = 0;
  std::uint32_t ordinal = 0;
  std::uint32_t events = 0;  // that are listed
  std::uint64_t sent = 0;    // matches sent to this subscriber, this one included
};
static_assert(sizeof(MatchHead) == 40);

/// An event of a match, as it stands in the list behind the head.
struct MatchEntry {
  std::uint64_t seq = 0;
  std::uint32_t step = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(MatchEntry) == 16);

/// Appends `match`, with the bytes of its events where wanted. Where its payload would have more than
/// `max_frame_bytes` (at least 64), first those are left out, then the emitted event, then the end of the
/// list; the flag `cut` says so. Linear in the bytes written.
void append_match(FrameBuffer& out, const model::MatchView& match, bool with_events,
                  std::size_t max_frame_bytes);

/// Writes MatchHead::sent into the MATCH frame that begins at `frame`.
inline void set_sent(std::byte* frame, std::uint64_t sent) {
  std::memcpy(frame + sizeof(FrameHeader) + offsetof(MatchHead, sent), &sent, sizeof sent);
}

/// A MATCH frame as read: views into it. The events' own fields are not checked (EventChecker::check_one
/// does).
struct Match {
  MatchHead head;
  std::vector<MatchEntry> entries;
  std::vector<model::EventView> events;  // as many, or none
  model::EventView emitted;              // empty where there is none
};

/// Reads the payload of a MATCH frame, aligned to eight bytes. False, and a sentence, where its parts do not
/// fit its size. Allocates only while the vectors of `match` still grow.
bool read_match(std::span<const std::byte> payload, Match& match, std::string& error);

}  // namespace tocsin::connectors::wire
