// Events in arrival order in one growing buffer: what sources fill and shards read. Cleared and filled
// again, it allocates only while it still grows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/model/event.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::model {

class EventBatch {
 public:
  std::size_t size() const { return offsets_.size(); }
  bool empty() const { return offsets_.empty(); }
  std::size_t bytes() const { return used_; }
  EventView operator[](std::size_t index) const { return EventView(data() + offsets_[index]); }
  void clear() {
    offsets_.clear();
    used_ = 0;
  }

  /// Takes out the events for which `unwanted(header)` holds; their bytes stay until clear(). Linear.
  template <class Predicate>
  void erase_if(Predicate unwanted) {
    std::erase_if(offsets_, [&](std::uint32_t offset) {
      return unwanted(*reinterpret_cast<const EventHeader*>(data() + offset));
    });
  }

  /// Copies a finished event to the end. Linear in its size.
  void append(EventView event);

  /// Mutable header of event `index`, for whoever numbers events.
  EventHeader& header(std::size_t index) { return *reinterpret_cast<EventHeader*>(data() + offsets_[index]); }

 private:
  friend class EventWriter;
  const std::byte* data() const { return reinterpret_cast<const std::byte*>(words_.data()); }
  std::byte* data() { return reinterpret_cast<std::byte*>(words_.data()); }
  std::byte* reserve(std::size_t bytes) {  // room for `bytes` more behind used_
    if (used_ + bytes > 8 * words_.size()) grow(used_ + bytes);
    return data() + used_;
  }
  void grow(std::size_t bytes);

  std::vector<std::uint64_t> words_;  // 8-byte aligned storage
  std::size_t used_ = 0;              // bytes
  std::vector<std::uint32_t> offsets_;
};

/// Writes one event at a time to the end of a batch: begin, set fields in any order, then commit or abort.
/// A field that was not set is null. Setting a field twice keeps the last. Every call is constant time but
/// for the bytes copied.
class EventWriter {
 public:
  explicit EventWriter(EventBatch& batch) : batch_(batch) {}

  void begin(const EventType& type);
  /// integer, time, duration, boolean (0 or 1) or enumeration (index of the label).
  void set_int(std::uint32_t field, std::int64_t value) { std::memcpy(slot_of(field), &value, sizeof value); }
  void set_float(std::uint32_t field, double value) { std::memcpy(slot_of(field), &value, sizeof value); }
  void set_string(std::uint32_t field, std::string_view value);
  /// Elements of the field's element kind; text elements are copied.
  void set_array(std::uint32_t field, std::span<const Value> elements);
  /// Any value whose kind fits the field and that does not point into this batch; null leaves the field as
  /// it is. Allocates for arrays.
  void set(std::uint32_t field, const Value& value);
  bool is_set(std::uint32_t field) const { return !EventView(event()).is_null(field); }
  /// Finishes the event. For a type with a timestamp field, `time_ns` counts only where that was not set.
  void commit(std::int64_t time_ns, std::uint64_t seq, std::uint16_t source);
  /// Forgets the event begun.
  void abort() {}

 private:
  std::byte* event() { return batch_.data() + batch_.used_; }
  const std::byte* event() const { return batch_.data() + batch_.used_; }
  std::byte* slot_of(std::uint32_t field) {  // and marks the field set
    std::byte* word = event() + sizeof(EventHeader) + 8 * (field / 64);
    std::uint64_t bits;
    std::memcpy(&bits, word, sizeof bits);
    bits &= ~(std::uint64_t{1} << (field % 64));
    std::memcpy(word, &bits, sizeof bits);
    return event() + type_->fields[field].slot;
  }
  std::byte* append_data(std::uint32_t bytes);
  void write_text(std::size_t slot_offset, std::string_view value);

  EventBatch& batch_;
  const EventType* type_ = nullptr;
  std::uint32_t size_ = 0;  // of the event so far
};

}  // namespace tocsin::model
