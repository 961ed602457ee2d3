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

// Reads what was packed and writes it as slots, with text and arrays at the growing end of the event.
class Unpacker {
 public:
  Unpacker(const std::byte* from, std::byte* event, std::size_t fixed_size)
      : from_(from), end_(event + fixed_size) {}

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
    std::byte* const data = begin_data(slot, length, is_text ? 1 : slot_size);
    if (is_text || element != Kind::string) return get(data, static_cast<std::size_t>(end_ - data));
    for (std::size_t i = 0; i < length; ++i)
      get_slot(data + slot_size * i, element, Kind::null);
  }
  /// The same value as in the slot `from` of another event. Keys are no arrays.
  void copy_slot(const std::byte* from, std::byte* slot, Kind kind) {
    if (kind != Kind::string) {
      std::memcpy(slot, from, slot_size);
      return;
    }
    VarSlot var;
    std::memcpy(&var, from, sizeof var);
    model::copy_bytes(begin_data(slot, var.length, 1), reinterpret_cast<const char*>(from + var.distance),
                      var.length);
  }
  std::byte* end() const { return end_; }

 private:
  std::byte* begin_data(std::byte* slot, std::uint32_t length, std::size_t item_size) {
    const VarSlot var{static_cast<std::uint32_t>(end_ - slot), length};
    std::memcpy(slot, &var, sizeof var);
    std::byte* const data = end_;
    end_ += item_size * length;
    return data;
  }

  const std::byte* from_;
  std::byte* end_;
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
  for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
    if (type.timestamp == i) continue;
    const model::Field& field = type.fields[i];
    const auto key = std::find(key_slots.begin(), key_slots.end(), field.slot);
    form.fields.push_back(
        {i, field.slot, field.type.kind, field.type.element,
         key == key_slots.end() ? EventForm::no_key : static_cast<std::uint32_t>(key - key_slots.begin())});
  }
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
  Unpacker unpacker(reinterpret_cast<const std::byte*>(packed.data()), event, form.fixed_size);
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
      unpacker.copy_slot(other.bytes() + other_form.key_slots[field.key], slot, field.kind);
    }
  }
  std::byte* end = unpacker.end();
  std::memcpy(end, &no_value, sizeof no_value);
  end += -static_cast<std::size_t>(end - event) % 8;
  if (form.derived) {
    unpacker.get(end, sizeof(Origin));
    end += sizeof(Origin);
  }
  header.size = static_cast<std::uint32_t>(end - event);
  std::memcpy(event, &header, sizeof header);
  room.keep(header.size);
  return view;
}

}  // namespace tocsin::match
