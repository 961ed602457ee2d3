#include "engine/model/batch.hpp"

#include <algorithm>

#include "engine/base/assert.hpp"

namespace tocsin::model {

void EventBatch::grow(std::size_t bytes) {
  words_.resize(std::max({(bytes + 7) / 8, words_.size() * 2, std::size_t{512}}));
}

void EventBatch::append(EventView event) {
  reserve(event.size());
  std::memcpy(data() + used_, event.bytes(), event.size());
  offsets_.push_back(static_cast<std::uint32_t>(used_));
  used_ += event.size();
}

template <class ElementAt>
void EventWriter::write_array(std::uint32_t field, std::size_t count, ElementAt element_at) {
  const std::size_t slot = mark_set(field);
  const std::uint32_t first = (size_ + 7) & ~std::uint32_t{7};
  const auto bytes = static_cast<std::uint32_t>(8 * count);
  batch_.reserve(first + std::size_t{bytes});
  std::memset(event() + size_, 0, first - size_);
  size_ = first + bytes;
  store(slot, VarSlot{static_cast<std::uint32_t>(first - slot), static_cast<std::uint32_t>(count)});
  for (std::size_t i = 0; i < count; ++i) {
    const Value element = element_at(i);
    if (element.kind == Kind::string) {
      write_text(first + 8 * i, element.text());
    } else {
      store(first + 8 * i, element.i);
    }
  }
}

void EventWriter::set_array(std::uint32_t field, std::span<const Value> elements) {
  write_array(field, elements.size(), [&](std::size_t i) { return elements[i]; });
}

void EventWriter::copy_array(std::uint32_t field, const Value& array) {
  write_array(field, array.size,
              [&](std::size_t i) { return element_of(array, static_cast<std::uint32_t>(i)); });
}

}  // namespace tocsin::model
