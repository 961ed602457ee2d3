// A value as expressions see it: 16 bytes, a view that owns nothing. Text and arrays point into the event
// (or the program) that they come from and live as long as it does.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/model/type.hpp"

namespace tocsin::model {

struct Value {
  union {
    std::int64_t i = 0;      // integer, time, duration, enumeration; boolean as 0 or 1
    double f;                // floating
    const char* s;           // string: `size` bytes, not terminated
    const std::byte* array;  // array: `size` 8-byte slots (see event.hpp)
  };
  std::uint32_t size = 0;
  Kind kind = Kind::null;
  Kind element = Kind::null;

  bool is_null() const { return kind == Kind::null; }
  std::string_view text() const { return {s, size}; }

  static Value null() { return {}; }
  static Value boolean(bool v) { return of_int(v ? 1 : 0, Kind::boolean); }
  static Value integer(std::int64_t v) { return of_int(v, Kind::integer); }
  static Value of_int(std::int64_t v, Kind kind) {
    Value value;
    value.i = v;
    value.kind = kind;
    return value;
  }
  static Value floating(double v) {
    Value value;
    value.f = v;
    value.kind = Kind::floating;
    return value;
  }
  static Value string(std::string_view v) {
    Value value;
    value.s = v.data();
    value.size = static_cast<std::uint32_t>(v.size());
    value.kind = Kind::string;
    return value;
  }
};
static_assert(sizeof(Value) == 16);

}  // namespace tocsin::model
