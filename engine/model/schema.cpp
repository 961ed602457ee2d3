#include "engine/model/schema.hpp"

#include "engine/model/event.hpp"

namespace tocsin::model {

std::optional<std::uint32_t> EventType::find(std::string_view field_name) const {
  for (std::uint32_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == field_name) return i;
  }
  return std::nullopt;
}

void EventType::layout() {
  const auto null_words = static_cast<std::uint32_t>((fields.size() + 63) / 64);
  std::uint32_t offset = sizeof(EventHeader) + 8 * null_words;
  for (std::uint32_t i = 0; i < fields.size(); ++i) {
    if (timestamp == i) {
      fields[i].slot = offsetof(EventHeader, time_ns);
      continue;
    }
    fields[i].slot = offset;
    offset += 8;
  }
  fixed_size = offset;
}

const EventType* Catalog::find(std::string_view type_name) const {
  for (const auto& type : types) {
    if (type.name == type_name && !type.removed) return &type;
  }
  return nullptr;
}

std::uint16_t Catalog::intern(const Enumeration& enumeration) {
  for (std::size_t i = 0; i < enumerations.size(); ++i) {
    if (enumerations[i].labels == enumeration.labels) return static_cast<std::uint16_t>(i);
  }
  enumerations.push_back(enumeration);
  return static_cast<std::uint16_t>(enumerations.size() - 1);
}

namespace {

std::string base_name(const Type& type, const Catalog& catalog) {
  switch (type.kind) {
    case Kind::null: return "null";
    case Kind::boolean: return "bool";
    case Kind::integer: return "int";
    case Kind::floating: return "float";
    case Kind::string: return "string";
    case Kind::time: return "time";
    case Kind::duration: return "duration";
    case Kind::array: return base_name({.kind = type.element}, catalog) + "[]";
    case Kind::enumeration: {
      std::string text = "enum(";
      const auto& labels = catalog.enumerations[type.enumeration].labels;
      for (std::size_t i = 0; i < labels.size(); ++i) {
        if (i > 0) text += ", ";
        text += labels[i];
      }
      return text + ")";
    }
  }
  return "?";
}

}  // namespace

std::string to_string(const Type& type, const Catalog& catalog) {
  return base_name(type, catalog) + (type.nullable ? "?" : "");
}

}  // namespace tocsin::model
