#include "connectors/event_text.hpp"

#include <algorithm>

#include "connectors/json_text.hpp"

namespace tocsin::connectors {

namespace {

void append(fmt::memory_buffer& out, std::string_view text) {
  out.append(text);
}

}  // namespace

EventText::EventText(const model::Catalog& catalog, std::string_view type_field) : catalog_(catalog) {
  for (const model::EventType& type : catalog.types) {
    TypeText& text = types_.emplace_back();
    const bool has_own = std::any_of(type.fields.begin(), type.fields.end(),
                                     [&](const auto& field) { return field.name == type_field; });
    fmt::memory_buffer begin;
    begin.push_back('{');
    if (!has_own) {
      append_json_string(begin, type_field);
      begin.push_back(':');
      append_json_string(begin, type.name);
      if (!type.fields.empty()) begin.push_back(',');
    }
    text.begin = fmt::to_string(begin);
    for (const model::Field& field : type.fields) {
      fmt::memory_buffer name;
      append_json_string(name, field.name);
      name.push_back(':');
      text.fields.push_back(fmt::to_string(name));
    }
  }
}

void EventText::append(fmt::memory_buffer& out, model::EventView event) const {
  connectors::append(out, types_[event.type()].begin);
  append_fields(out, event);
  out.push_back('}');
}

void EventText::append_fields(fmt::memory_buffer& out, model::EventView event) const {
  const model::EventType& type = catalog_[event.type()];
  const TypeText& text = types_[event.type()];
  for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
    if (i > 0) out.push_back(',');
    connectors::append(out, text.fields[i]);
    append_json_value(out, event.get(type.fields[i], i), type.fields[i].type, catalog_);
  }
}

}  // namespace tocsin::connectors
