#include "engine/match/packed_event.hpp"

#include <algorithm>
#include <cstring>

#include "engine/model/batch.hpp"

namespace tocsin::match {

using model::EventHeader;
using model::EventView;
using model::Kind;
using model::Origin;
using model::VarSlot;

namespace {

constexpr std::size_t null_bits = sizeof(EventHeader);  // where they begin in an event
constexpr std::size_t slot_size = 8;
constexpr std::uint64_t no_value = 0;
constexpr unsigned char long_length = 255;  // four bytes of it follow

class Packer {
 public:
  explicit Packer(std::byte* to) : to_(to) {}

  template <class T>
  void put(T value) {
    std::memcpy(to_, &value, sizeof value);
    to_ += sizeof value;
  }
  void put(const std::byte* bytes, std::size_t count) {
    model::copy_bytes(to_, reinterpret_cast<const char*>(bytes), count);
    to_ += count;
  }
  void put_length(std::uint32_t length) {
    put(static_cast<unsigned char>(std::min<std::uint32_t>(length, long_length)));
    if (length >= long_length) put(length);
  }
  void put_slot(const std::byte* slot, Kind kind, Kind element) {
    if (kind != Kind::string && kind != Kind::array) {
      std::memcpy(to_, slot, slot_size);
      to_ += slot_size;
      return;
    }
    VarSlot var;
    std::memcpy(&var, slot, sizeof var);
    put_length(var.length);
    const std::byte* const data = slot + var.distance;
    if (kind == Kind::string) return put(data, var.length);
    if (element != Kind::string) return put(data, slot_size * std::size_t{var.length});
    for (std::size_t i = 0; i < var.length; ++i)
      put_slot(data + slot_size * i, element, Kind::null);
  }
  const std::byte* end() const { return to_; }

 private:
  std::byte* to_;
};

// Writes the slots of an event, with text and arrays at its growing end.
class SlotWriter {
 public:
  explicit SlotWriter(std::byte* end) : end_(end) {}

  /// The same value as in the slot `from` of another event.
  void copy(const std::byte* from, std::byte* slot, Kind kind, Kind element) {
    if (kind == Kind::string || kind == Kind::array) return copy_data(from, slot, kind, element);
    std::memcpy(slot, from, slot_size);
  }
  void copy_data(const std::byte* from, std::byte* slot, Kind kind, Kind element) {
    VarSlot var;
    std::memcpy(&var, from, sizeof var);
    const std::byte* const source = from + var.distance;
    const bool is_text = kind == Kind::string;
    std::byte* const data = begin_data(slot, var.length, is_text ? 1 : slot_size);
    if (is_text || element != Kind::string) {
      model::copy_bytes(data, reinterpret_cast<const char*>(source), static_cast<std::size_t>(end_ - data));
      return;
    }
    for (std::size_t i = 0; i < var.length; ++i)
      copy(source + slot_size * i, data + slot_size * i, element, Kind::null);
  }
  /// Room for the text or array of `slot`.
  std::byte* begin_data(std::byte* slot, std::uint32_t length, std::size_t item_size) {
    const VarSlot var{static_cast<std::uint32_t>(end_ - slot), length};
    std::memcpy(slot, &var, sizeof var);
    std::byte* const data = end_;
    end_ += item_size * length;
    return data;
  }
  /// Ends the last word; gives the event's end.
  std::byte* pad(const std::byte* event) {
    std::memcpy(end_, &no_value, sizeof no_value);
    return end_ += -static_cast<std::size_t>(end_ - event) % 8;
  }
  std::byte* end() const { return end_; }

 private:
  std::byte* end_;
};

// Reads what was packed and writes it as slots.
class Unpacker {
 public:
  Unpacker(const std::byte* from, SlotWriter& writer) : from_(from), writer_(writer) {}

  template <class T>
  T get() {
    T value;
    std::memcpy(&value, from_, sizeof value);
    from_ += sizeof value;
    return value;
  }
  void get(std::byte* to, std::size_t count) {
    model::copy_bytes(to, reinterpret_cast<const char*>(from_), count);
    from_ += count;
  }
  void get_slot(std::byte* slot, Kind kind, Kind element) {
    if (kind != Kind::string && kind != Kind::array) {
      std::memcpy(slot, from_, slot_size);
      from_ += slot_size;
      return;
    }
    std::uint32_t length = get<unsigned char>();
    if (length == long_length) length = get<std::uint32_t>();
    const bool is_text = kind == Kind::string;
    std::byte* const data = writer_.begin_data(slot, length, is_text ? 1 : slot_size);
    if (is_text || element != Kind::string) return get(data, static_cast<std::size_t>(writer_.end() - data));
    for (std::size_t i = 0; i < length; ++i)
      get_slot(data + slot_size * i, element, Kind::null);
  }

 private:
  const std::byte* from_;
  SlotWriter& writer_;
};

// Beyond its fixed part: each packed byte gives 8 at most, as the length of a text in an array gives a slot.
std::size_t most_bytes(std::size_t packed_words, const EventForm& form, EventView other,
                       const EventForm& other_form) {
  return form.fixed_size + 8 * 8 * packed_words + (other_form.key_slots.empty() ? 0 : other.size()) + 8 +
         sizeof(Origin);
}

}  // namespace

EventForm make_event_form(const model::EventType& type, std::vector<std::uint32_t> key_slots) {
  EventForm form;
  form.type = type.id;
  form.derived = type.derived;
  form.fixed_size = type.fixed_size;
  form.null_bytes = static_cast<std::uint32_t>((type.fields.size() + 7) / 8);
  std::uint32_t trimmed = null_bits + 8 * static_cast<std::uint32_t>((type.fields.size() + 63) / 64);
  for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
    if (type.timestamp == i) continue;
    const model::Field& field = type.fields[i];
    const auto key = std::find(key_slots.begin(), key_slots.end(), field.slot);
    const bool is_key = key != key_slots.end();
    form.fields.push_back({i, field.slot, field.type.kind, field.type.element,
                           is_key ? static_cast<std::uint32_t>(key - key_slots.begin()) : EventForm::no_key,
                           trimmed});
    if (!is_key) trimmed += slot_size;
  }
  form.trimmed_size = trimmed;
  form.key_slots = std::move(key_slots);
  return form;
}

std::byte* EventRoom::take_anew(std::size_t bytes) {
  constexpr std::size_t block = 1 << 16;
  while (++place_ < blocks_.size() && blocks_[place_].size < bytes) {
  }
  if (place_ >= blocks_.size()) {
    const std::size_t size = std::max(block, bytes);
    place_ = blocks_.size();
    blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size});
  }
  used_ = 0;
  return blocks_[place_].data.get();
}

std::size_t pack(EventView event, const EventForm& form, std::vector<std::uint64_t>& words) {
  // Nothing takes more bytes than in the event.
  if (words.size() < event.size() / 8) words.resize(event.size() / 8);
  auto* const begin = reinterpret_cast<std::byte*>(words.data());
  Packer packer(begin);
  packer.put(event.time_ns());
  packer.put(event.seq());
  packer.put(event.type());
  packer.put(event.header().source);
  packer.put(event.bytes() + null_bits, form.null_bytes);
  for (const EventForm::Field& field : form.fields) {
    if (field.key == EventForm::no_key && !event.is_null(field.index))
      packer.put_slot(event.bytes() + field.slot, field.kind, field.element);
  }
  if (form.derived) packer.put(event.bytes() + event.size() - sizeof(Origin), sizeof(Origin));
  return static_cast<std::size_t>(packer.end() - begin + 7) / 8;
}

EventView unpack(std::span<const std::uint64_t> packed, const EventForm& form, EventView other,
                 const EventForm& other_form, EventRoom& room) {
  std::byte* const event = room.take(most_bytes(packed.size(), form, other, other_form));
  SlotWriter writer(event + form.fixed_size);
  Unpacker unpacker(reinterpret_cast<const std::byte*>(packed.data()), writer);
  EventHeader header{};
  header.time_ns = unpacker.get<std::int64_t>();
  header.seq = unpacker.get<std::uint64_t>();
  header.type = unpacker.get<model::EventTypeId>();
  header.source = unpacker.get<std::uint16_t>();
  for (std::size_t i = 0; i < form.null_bytes; i += sizeof no_value)  // of the last fewer bytes may be packed
    std::memcpy(event + null_bits + i, &no_value, sizeof no_value);
  unpacker.get(event + null_bits, form.null_bytes);
  const EventView view(event);
  for (const EventForm::Field& field : form.fields) {
    std::byte* const slot = event + field.slot;
    if (view.is_null(field.index)) {
      std::memcpy(slot, &no_value, sizeof no_value);
    } else if (field.key == EventForm::no_key) {
      unpacker.get_slot(slot, field.kind, field.element);
    } else {
      writer.copy(other.bytes() + other_form.key_slots[field.key], slot, field.kind, field.element);
    }
  }
  std::byte* end = writer.pad(event);
  if (form.derived) {
    unpacker.get(end, sizeof(Origin));
    end += sizeof(Origin);
  }
  header.size = static_cast<std::uint32_t>(end - event);
  std::memcpy(event, &header, sizeof header);
  room.keep(header.size);
  return view;
}

namespace {

void copy_nulls(std::byte* event, EventView from, const EventForm& form) {
  for (std::size_t at = null_bits; at < null_bits + form.null_bytes; at += 8)
    std::memcpy(event + at, from.bytes() + at, 8);
}

// The slot of a null is 0.
void copy_field(const EventForm::Field& field, bool is_null, const std::byte* from, std::byte* slot,
                SlotWriter& writer) {
  if (is_null) {
    std::memset(slot, 0, slot_size);
  } else {
    writer.copy(from, slot, field.kind, field.element);
  }
}

// Ends the event with what `from` has at its end and in its header; gives its size.
std::uint32_t finish(std::byte* event, SlotWriter& writer, const EventForm& form, EventView from) {
  std::byte* end = writer.pad(event);
  if (form.derived) {
    std::memcpy(end, from.bytes() + from.size() - sizeof(Origin), sizeof(Origin));
    end += sizeof(Origin);
  }
  EventHeader header = from.header();
  header.size = static_cast<std::uint32_t>(end - event);
  std::memcpy(event, &header, sizeof header);
  return header.size;
}

}  // namespace

EventView trim(EventView event, const EventForm& form, std::vector<std::uint64_t>& words) {
  // Nothing takes more bytes than in the event; pad() writes a word.
  if (words.size() <= event.size() / 8) words.resize(event.size() / 8 + 1);
  auto* const trimmed = reinterpret_cast<std::byte*>(words.data());
  SlotWriter writer(trimmed + form.trimmed_size);
  copy_nulls(trimmed, event, form);
  for (const EventForm::Field& field : form.fields) {
    if (field.key != EventForm::no_key) continue;
    copy_field(field, event.is_null(field.index), event.bytes() + field.slot, trimmed + field.trimmed,
               writer);
  }
  finish(trimmed, writer, form, event);
  return EventView(trimmed);
}

EventView untrim(EventView trimmed, const EventForm& form, EventView other, const EventForm& other_form,
                 EventRoom& room) {
  std::byte* const event = room.take(form.fixed_size + std::size_t{trimmed.size()} + other.size() + 8);
  SlotWriter writer(event + form.fixed_size);
  copy_nulls(event, trimmed, form);
  for (const EventForm::Field& field : form.fields) {
    const std::byte* const from = field.key == EventForm::no_key
                                      ? trimmed.bytes() + field.trimmed
                                      : other.bytes() + other_form.key_slots[field.key];
    copy_field(field, trimmed.is_null(field.index), from, event + field.slot, writer);
  }
  room.keep(finish(event, writer, form, trimmed));
  return EventView(event);
}

}  // namespace tocsin::match
