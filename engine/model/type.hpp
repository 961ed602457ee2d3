// The types of fields and expressions. A type is a small value; enumerations live in the catalog and are
// named by their index there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tocsin::model {

enum class Kind : std::uint8_t {
  null,  // the type of the literal `null`; the kind of a Value that is absent
  boolean,
  integer,      // 64 bit, signed
  floating,     // 64 bit
  string,       // UTF-8 bytes
  time,         // ns since the epoch, as int64
  duration,     // ns, as int64
  enumeration,  // index of the label, as int64
  array,        // of any kind above but null and enumeration
};

struct Type {
  Kind kind = Kind::null;
  Kind element = Kind::null;  // of an array
  bool nullable = false;
  std::uint16_t enumeration = 0;  // index in Catalog::enumerations

  friend bool operator==(const Type&, const Type&) = default;
};

/// True where both are the same but for nullability.
inline bool same_base(Type a, Type b) {
  a.nullable = b.nullable = false;
  return a == b;
}

/// How an integer that stands for a time in the input is to be read.
enum class TimeUnit : std::uint8_t { ns, us, ms, s };

/// Nanoseconds in one unit.
constexpr std::int64_t nanoseconds_per(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::ns: return 1;
    case TimeUnit::us: return 1'000;
    case TimeUnit::ms: return 1'000'000;
    case TimeUnit::s: return 1'000'000'000;
  }
  return 1;
}

/// The labels of one `enum(a, b, …)`, in order. Two enums with the same labels are the same type.
struct Enumeration {
  std::vector<std::string> labels;
};

}  // namespace tocsin::model
