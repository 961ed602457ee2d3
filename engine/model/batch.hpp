// Events in arrival order in one growing buffer: what sources fill and shards read. Cleared and filled
// again, it allocates only while it still grows.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/model/event.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::model {

/// As memcpy, but inline for the short texts that events are made of.
inline void copy_bytes(std::byte* to, const char* from, std::size_t bytes) {
  if (bytes > 16) {
    std::memcpy(to, from, bytes);
  } else if (bytes >= 8) {  // two words, which may overlap
    std::memcpy(to, from, 8);
    std::memcpy(to + bytes - 8, from + bytes - 8, 8);
  } else if (bytes >= 4) {
    std::memcpy(to, from, 4);
    std::memcpy(to + bytes - 4, from + bytes - 4, 4);
  } else {
    for (std::size_t i = 0; i < bytes; ++i)
      to[i] = static_cast<std::byte>(from[i]);
  }
}

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

  /// Replaces the ordinal in the origin of event `index`, which is derived.
  void set_ordinal(std::size_t index, std::uint32_t ordinal) {
    Origin origin = (*this)[index].origin();
    origin.ordinal = ordinal;
    set_origin(index, origin);
  }
  /// Replaces the origin of event `index`, which is derived.
  void set_origin(std::size_t index, Origin origin) {
    std::memcpy(data() + offsets_[index] + header(index).size - sizeof origin, &origin, sizeof origin);
  }

  /// Mutable header of event `index`, for whoever numbers events.
  EventHeader& header(std::size_t index) { return *reinterpret_cast<EventHeader*>(data() + offsets_[index]); }

 private:
  friend class EventWriter;
  const std::byte* data() const { return reinterpret_cast<const std::byte*>(words_.data()); }
  std::byte* data() { return reinterpret_cast<std::byte*>(words_.data()); }
  void reserve(std::size_t bytes) {  // room for `bytes` more behind used_
    if (used_ + bytes > 8 * words_.size()) grow(used_ + bytes);
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

  void begin(const EventType& type) {
    type_ = &type;
    size_ = type.fixed_size;
    batch_.reserve(size_);
    const std::size_t fields = type.fields.size();
    for (std::size_t first = 0; first < fields; first += 64) {
      const std::uint64_t all = ~std::uint64_t{0};
      store(null_word(first), fields - first >= 64 ? all : ~(all << (fields - first)));
    }
  }
  /// integer, time, duration, boolean (0 or 1) or enumeration (index of the label).
  void set_int(std::uint32_t field, std::int64_t value) { store(mark_set(field), value); }
  void set_float(std::uint32_t field, double value) { store(mark_set(field), value); }
  void set_string(std::uint32_t field, std::string_view value) { write_text(mark_set(field), value); }
  /// Elements of the field's element kind; text elements are copied.
  void set_array(std::uint32_t field, std::span<const Value> elements);
  /// Any value whose kind fits the field and that does not point into this batch; null leaves the field as
  /// it is.
  void set(std::uint32_t field, const Value& value) {
    switch (value.kind) {
      case Kind::null: return;
      case Kind::floating: return set_float(field, value.f);
      case Kind::string: return set_string(field, value.text());
      case Kind::array: return copy_array(field, value);
      default: return set_int(field, value.i);
    }
  }
  bool is_set(std::uint32_t field) const { return ((load(null_word(field)) >> (field % 64)) & 1) == 0; }
  /// Finishes the event. For a type with a timestamp field, `time_ns` counts only where that was not set.
  void commit(std::int64_t time_ns, std::uint64_t seq, std::uint16_t source) {
    pad();
    finish(time_ns, seq, source);
  }
  /// The same of a derived event.
  void commit(std::int64_t time_ns, std::uint64_t seq, const Origin& origin) {
    pad();
    batch_.reserve(size_ + sizeof origin);
    store(size_, origin);
    size_ += sizeof origin;
    finish(time_ns, seq, 0);
  }
  /// Forgets the event begun.
  void abort() {}

 private:
  // The end of the event is that of a word.
  void pad() {
    batch_.reserve(size_ + sizeof(std::uint64_t));
    store(size_, std::uint64_t{0});
    size_ = (size_ + 7) & ~std::uint32_t{7};
  }
  void finish(std::int64_t time_ns, std::uint64_t seq, std::uint16_t source) {
    const bool has_time = type_->timestamp && is_set(*type_->timestamp);
    clear_nulls();
    auto& header = *reinterpret_cast<EventHeader*>(event());
    header.size = size_;
    header.type = type_->id;
    header.source = source;
    if (!has_time) header.time_ns = time_ns;
    header.seq = seq;
    batch_.offsets_.push_back(static_cast<std::uint32_t>(batch_.used_));
    batch_.used_ += size_;
  }

  // Places in the event are given as distances from its begin, as the batch may move while it grows.
  std::byte* event() { return batch_.data() + batch_.used_; }
  const std::byte* event() const { return batch_.data() + batch_.used_; }
  template <class T>
  void store(std::size_t place, T value) {
    std::memcpy(event() + place, &value, sizeof value);
  }
  std::uint64_t load(std::size_t place) const {
    std::uint64_t value;
    std::memcpy(&value, event() + place, sizeof value);
    return value;
  }
  static std::size_t null_word(std::size_t field) { return sizeof(EventHeader) + 8 * (field / 64); }
  std::size_t mark_set(std::uint32_t field) {  // the place of its slot
    const std::size_t word = null_word(field);
    store(word, load(word) & ~(std::uint64_t{1} << (field % 64)));
    return type_->fields[field].slot;
  }
  // The slot of a null is 0.
  void clear_nulls() {
    for (std::size_t first = 0; first < type_->fields.size(); first += 64) {
      for (std::uint64_t left = load(null_word(first)); left != 0; left &= left - 1)
        store(type_->fields[first + static_cast<std::size_t>(std::countr_zero(left))].slot, std::uint64_t{0});
    }
  }
  void copy_array(std::uint32_t field, const Value& array);
  template <class ElementAt>
  void write_array(std::uint32_t field, std::size_t count, ElementAt element_at);
  void write_text(std::size_t slot, std::string_view value) {
    batch_.reserve(size_ + value.size());
    store(slot, VarSlot{static_cast<std::uint32_t>(size_ - slot), static_cast<std::uint32_t>(value.size())});
    copy_bytes(event() + size_, value.data(), value.size());
    size_ += static_cast<std::uint32_t>(value.size());
  }

  EventBatch& batch_;
  const EventType* type_ = nullptr;
  std::uint32_t size_ = 0;  // of the event so far
};

}  // namespace tocsin::model
