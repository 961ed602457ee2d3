// Event types and their layout. A schema fixes where each field lies in an event's bytes (event.hpp), so
// that reading a field is one load.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/type.hpp"

namespace tocsin::model {

using EventTypeId = std::uint16_t;

struct Field {
  std::string name;
  Type type;
  TimeUnit unit = TimeUnit::ns;  // of integers that stand for a time in the input
  std::uint32_t slot = 0;        // byte offset of its 8-byte slot from the event's begin; set by layout()
};

struct EventType {
  std::string name;
  EventTypeId id = 0;
  std::vector<Field> fields;               // in declaration order
  std::optional<std::uint32_t> timestamp;  // the field that carries event time; none: arrival time
  bool derived = false;                    // made by an `emit`, never read from an input
  bool row = false;                        // of a table: no event at all, and never read from an input
  bool removed = false;                    // no longer declared: kept for the events that there may still be
  std::uint32_t fixed_size = 0;            // header, null bits and slots, in bytes; set by layout()

  /// True where its events come from inputs.
  bool is_input() const { return !derived && !row && !removed; }

  /// Index of the field with this name, if any. Linear in the fields: for set-up, not for the hot path.
  std::optional<std::uint32_t> find(std::string_view field_name) const;

  /// Gives each field its slot and sets fixed_size. Call once, when the fields are complete.
  void layout();
};

/// All event types and enumerations of one plan. Ids are indices. A type that was removed, or replaced by
/// another of its name, keeps its id and is no longer found by name.
struct Catalog {
  std::vector<EventType> types;
  std::vector<Enumeration> enumerations;

  const EventType* find(std::string_view type_name) const;
  const EventType& operator[](EventTypeId id) const { return types[id]; }

  /// The index of the enumeration with these labels, added if new.
  std::uint16_t intern(const Enumeration& enumeration);
};

/// The type as rule files write it: `float`, `string?`, `enum(a, b)`, `int[]`.
std::string to_string(const Type& type, const Catalog& catalog);

}  // namespace tocsin::model
