// Members of a JSON object that a service sent, with what stands for those that are missing: a newer command
// may talk to an older service.
#pragma once

#include <simdjson.h>
#include <string_view>

namespace tocsin::cli {

template <class T>
T field_or(simdjson::dom::object object, std::string_view name, T otherwise) {
  T value;
  return object[name].get(value) == simdjson::SUCCESS ? value : otherwise;
}

/// The elements of a list, none where it is missing.
inline simdjson::dom::array elements(simdjson::dom::object object, std::string_view name) {
  return field_or(object, name, simdjson::dom::array());
}

}  // namespace tocsin::cli
