// Events as JSON objects, `{"type":"T","field":…}`, of the form that the NDJSON decoder reads. Names are
// rendered once beforehand; an event is then a few copies into a buffer.
#pragma once

#include <fmt/format.h>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/event.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::connectors {

class EventText {
 public:
  /// `type_field` is the key of the type's name; it is left out for types that have a field of that name,
  /// as what reads them must know their type anyway. `catalog` must outlive this.
  explicit EventText(const model::Catalog& catalog, std::string_view type_field = "type");

  /// The whole object.
  void append(fmt::memory_buffer& out, model::EventView event) const;
  /// Its fields without the braces and the type.
  void append_fields(fmt::memory_buffer& out, model::EventView event) const;

 private:
  struct TypeText {
    std::string begin;                // {"type":"T", or {
    std::vector<std::string> fields;  // "name":
  };

  const model::Catalog& catalog_;
  std::vector<TypeText> types_;
};

}  // namespace tocsin::connectors
