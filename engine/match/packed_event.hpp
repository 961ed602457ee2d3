// A captured event as matchers keep it, and as it is made again for the matches that it is part of. The
// fields of the partition key are left out: all events of a match have the same key, and so has the one that
// completes it.
//
// Where no condition reads it again it is packed:
//
//   time | seq | type | source | null bits, as many bytes as needed | fields | Origin
//
// A number takes 8 bytes, a null none. A text is its length (one byte, or 255 and four) and its bytes; an
// array its length and its elements.
//
// Where conditions do, it is trimmed: an event as in model/event.hpp but for the slots of the key, so that
// the other slots have moved up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/model/event.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::match {

/// How events of one type are packed.
struct EventForm {
  struct Field {
    std::uint32_t index;
    std::uint32_t slot;
    model::Kind kind;
    model::Kind element;
    std::uint32_t key;      // its number among the key fields, or no_key
    std::uint32_t trimmed;  // its slot in a trimmed event; none of a key field
  };
  static constexpr std::uint32_t no_key = 0xFFFFFFFF;

  model::EventTypeId type = 0;
  bool derived = false;
  std::uint32_t fixed_size = 0;    // EventType::fixed_size
  std::uint32_t trimmed_size = 0;  // the same of a trimmed event
  std::uint32_t null_bytes = 0;
  std::vector<Field> fields;             // all but the timestamp, whose slot is the header's
  std::vector<std::uint32_t> key_slots;  // by number of the key field: its slot
};

/// The form of `type`, where the fields in these slots are the partition key, in its order.
EventForm make_event_form(const model::EventType& type, std::vector<std::uint32_t> key_slots);

/// Memory for events that are made again: it stays where it is until reset(), and is then used again.
class EventRoom {
 public:
  /// So many bytes. Allocates only while there are more of them than ever before.
  std::byte* take(std::size_t bytes) {
    if (place_ < blocks_.size() && used_ + bytes <= blocks_[place_].size)
      return blocks_[place_].data.get() + used_;
    return take_anew(bytes);
  }
  /// How many of the bytes taken last are needed, a multiple of 8; the others are given back.
  void keep(std::size_t bytes) { used_ += bytes; }
  void reset() { place_ = used_ = 0; }

 private:
  struct Block {
    std::unique_ptr<std::byte[]> data;
    std::size_t size;
  };
  std::byte* take_anew(std::size_t bytes);

  std::vector<Block> blocks_;
  std::size_t place_ = 0;  // of the block at hand
  std::size_t used_ = 0;   // of it
};

/// Packs `event` into `words`, which grows where it must, and gives how many it takes. Linear in its size.
std::size_t pack(model::EventView event, const EventForm& form, std::vector<std::uint64_t>& words);

/// The type of a packed event.
inline model::EventTypeId type_of(std::span<const std::uint64_t> packed) {
  model::EventTypeId type;
  std::memcpy(&type, packed.data() + 2, sizeof type);
  return type;
}

/// Trims `event` into `words`, which grows where it must; the view lasts until the next call. Linear in its
/// size.
model::EventView trim(model::EventView event, const EventForm& form, std::vector<std::uint64_t>& words);

/// The event that was trimmed, in `room`; `other` is one with the same key, of the form `other_form`. Linear
/// in its size.
model::EventView untrim(model::EventView trimmed, const EventForm& form, model::EventView other,
                        const EventForm& other_form, EventRoom& room);

/// The event that was packed, in `room`; `other` is one with the same key, of the form `other_form`. Linear
/// in its size.
model::EventView unpack(std::span<const std::uint64_t> packed, const EventForm& form, model::EventView other,
                        const EventForm& other_form, EventRoom& room);

}  // namespace tocsin::match
