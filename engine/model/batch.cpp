#include "engine/model/batch.hpp"

#include <algorithm>

#include "engine/base/assert.hpp"

namespace tocsin::model {

namespace {

std::uint32_t round_up_8(std::size_t bytes) {
  return static_cast<std::uint32_t>((bytes + 7) & ~std::size_t{7});
}

}  // namespace

void EventBatch::grow(std::size_t bytes) {
  words_.resize(std::max({(bytes + 7) / 8, words_.size() * 2, std::size_t{512}}));
}

void EventBatch::append(EventView event) {
  std::memcpy(reserve(event.size()), event.bytes(), event.size());
  offsets_.push_back(static_cast<std::uint32_t>(used_));
  used_ += event.size();
}

void EventWriter::begin(const EventType& type) {
  type_ = &type;
  size_ = type.fixed_size;
  std::byte* bytes = batch_.reserve(size_);
  std::memset(bytes, 0, size_);
  const std::size_t fields = type.fields.size();
  for (std::size_t word = 0; word * 64 < fields; ++word) {
    const std::size_t bits = std::min<std::size_t>(64, fields - word * 64);
    const std::uint64_t ones = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
    std::memcpy(bytes + sizeof(EventHeader) + 8 * word, &ones, sizeof ones);
  }
}

std::byte* EventWriter::append_data(std::uint32_t bytes) {
  batch_.reserve(size_ + std::size_t{bytes});
  std::byte* data = event() + size_;
  size_ += bytes;
  return data;
}

void EventWriter::write_text(std::size_t slot_offset, std::string_view value) {
  const VarSlot var{static_cast<std::uint32_t>(size_ - slot_offset),
                    static_cast<std::uint32_t>(value.size())};
  std::byte* data = append_data(static_cast<std::uint32_t>(value.size()));
  if (!value.empty()) std::memcpy(data, value.data(), value.size());
  std::memcpy(event() + slot_offset, &var, sizeof var);
}

void EventWriter::set_string(std::uint32_t field, std::string_view value) {
  write_text(static_cast<std::size_t>(slot_of(field) - event()), value);
}

void EventWriter::set_array(std::uint32_t field, std::span<const Value> elements) {
  const auto slot_offset = static_cast<std::size_t>(slot_of(field) - event());
  append_data(round_up_8(size_) - size_);
  const std::uint32_t first = size_;
  const VarSlot var{static_cast<std::uint32_t>(first - slot_offset),
                    static_cast<std::uint32_t>(elements.size())};
  append_data(static_cast<std::uint32_t>(8 * elements.size()));
  std::memcpy(event() + slot_offset, &var, sizeof var);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const std::size_t offset = first + 8 * i;
    if (elements[i].kind == Kind::string) {
      write_text(offset, elements[i].text());
    } else {
      std::memcpy(event() + offset, &elements[i].i, sizeof elements[i].i);
    }
  }
}

void EventWriter::set(std::uint32_t field, const Value& value) {
  switch (value.kind) {
    case Kind::null: return;
    case Kind::floating: return set_float(field, value.f);
    case Kind::string: return set_string(field, value.text());
    case Kind::array: {
      std::vector<Value> elements(value.size);
      for (std::uint32_t i = 0; i < value.size; ++i)
        elements[i] = element_of(value, i);
      return set_array(field, elements);
    }
    default: return set_int(field, value.i);
  }
}

void EventWriter::commit(std::int64_t time_ns, std::uint64_t seq, std::uint16_t source) {
  const std::uint32_t padded = round_up_8(size_);
  if (padded != size_) {
    const std::uint32_t gap = padded - size_;
    std::memset(append_data(gap), 0, gap);
  }
  EventHeader header;
  std::memcpy(&header, event(), sizeof header);
  header.size = size_;
  header.type = type_->id;
  header.source = source;
  if (!type_->timestamp || !is_set(*type_->timestamp)) header.time_ns = time_ns;
  header.seq = seq;
  std::memcpy(event(), &header, sizeof header);
  batch_.offsets_.push_back(static_cast<std::uint32_t>(batch_.used_));
  batch_.used_ += size_;
}

}  // namespace tocsin::model
