// An event is one run of bytes, written once on arrival and relocatable by memcpy:
//
//   EventHeader | null bits, 64 fields a word | one 8-byte slot a field | text and array elements | Origin
//
// The origin is that of derived events; others have none.
// A slot holds an int64, a double, or, for text and arrays, the distance in bytes from the slot itself to
// the data (32 bit) and its length in bytes or elements (32 bit). Array elements are slots of the same form.
// The field that carries event time has no slot of its own: it is the header's time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "engine/model/schema.hpp"
#include "engine/model/value.hpp"

namespace tocsin::model {

struct EventHeader {
  std::uint32_t size;  // of the whole event in bytes, a multiple of 8
  EventTypeId type;
  std::uint16_t source;  // which input it came from
  std::int64_t time_ns;  // event time, ns since the epoch
  std::uint64_t seq;     // its number in the order of arrival, from 1; of a derived event its trigger's
};
static_assert(sizeof(EventHeader) == 24);

/// The match that emitted a derived event: together with the event's time and sequence number it names one.
struct alignas(8) Origin {
  std::uint32_t rule = 0;     // index in the plan's rules
  std::uint32_t ordinal = 0;  // MatchView::ordinal
  bool timeout = false;       // MatchView::timeout
};

struct VarSlot {
  std::uint32_t distance;  // from the slot's first byte to the data
  std::uint32_t length;    // bytes of text, or elements of an array
};

/// Reads the slot at `slot` as a value of `type`'s kind. Ignores null bits.
inline Value read_slot(const std::byte* slot, Kind kind, Kind element = Kind::null) {
  Value value;
  value.kind = kind;
  if (kind == Kind::string || kind == Kind::array) {
    VarSlot var;
    std::memcpy(&var, slot, sizeof var);
    value.size = var.length;
    value.element = element;
    if (kind == Kind::string) {
      value.s = reinterpret_cast<const char*>(slot + var.distance);
    } else {
      value.array = slot + var.distance;
    }
    return value;
  }
  std::memcpy(&value.i, slot, sizeof value.i);
  return value;
}

/// Element `index` of an array value. Precondition: index < array.size.
inline Value element_of(const Value& array, std::uint32_t index) {
  return read_slot(array.array + 8 * std::size_t{index}, array.element);
}

/// A view of one event's bytes. Copying it copies a pointer.
class EventView {
 public:
  EventView() = default;
  explicit EventView(const std::byte* bytes) : bytes_(bytes) {}

  explicit operator bool() const { return bytes_ != nullptr; }
  const std::byte* bytes() const { return bytes_; }
  const EventHeader& header() const { return *reinterpret_cast<const EventHeader*>(bytes_); }
  std::uint32_t size() const { return header().size; }
  EventTypeId type() const { return header().type; }
  std::int64_t time_ns() const { return header().time_ns; }
  std::uint64_t seq() const { return header().seq; }

  /// What emitted it. Precondition: it is of a derived type.
  Origin origin() const {
    Origin origin;
    std::memcpy(&origin, bytes_ + size() - sizeof origin, sizeof origin);
    return origin;
  }

  /// True where field number `index` is null.
  bool is_null(std::uint32_t index) const {
    std::uint64_t word;
    std::memcpy(&word, bytes_ + sizeof(EventHeader) + 8 * (index / 64), sizeof word);
    return (word >> (index % 64)) & 1;
  }
  std::int64_t load_int(std::uint32_t slot) const {
    std::int64_t v;
    std::memcpy(&v, bytes_ + slot, sizeof v);
    return v;
  }
  double load_float(std::uint32_t slot) const {
    double v;
    std::memcpy(&v, bytes_ + slot, sizeof v);
    return v;
  }
  std::string_view load_text(std::uint32_t slot) const {
    return read_slot(bytes_ + slot, Kind::string).text();
  }

  /// Field number `index`, described by `field`.
  Value get(const Field& field, std::uint32_t index) const {
    if (is_null(index)) return Value::null();
    return read_slot(bytes_ + field.slot, field.type.kind, field.type.element);
  }

 private:
  const std::byte* bytes_ = nullptr;
};

}  // namespace tocsin::model
