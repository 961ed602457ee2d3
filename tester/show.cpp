#include "tester/show.hpp"

#include <fmt/format.h>

#include "dsl/literal.hpp"
#include "engine/plan/literal.hpp"

namespace tocsin::tester {

using model::Kind;
using model::Value;

std::string Show::time(std::int64_t ns) const {
  std::int64_t offset_ns;
  const bool is_offset =
      !test_.absolute && !__builtin_sub_overflow(ns, test_.start_ns, &offset_ns) && offset_ns >= 0;
  return is_offset ? dsl::write_duration(offset_ns) : dsl::write_time(ns);
}

std::string Show::value(const Value& value, const model::Type& type) const {
  switch (value.kind) {
    case Kind::time: return time(value.i);
    case Kind::enumeration:
      return catalog_.enumerations[type.enumeration].labels[static_cast<std::size_t>(value.i)];
    case Kind::array: {
      std::string out = "[";
      for (std::uint32_t i = 0; i < value.size; ++i)
        out += (i == 0 ? "" : ", ") + this->value(element_of(value, i), {.kind = value.element});
      return out + "]";
    }
    case Kind::floating: return plan::constant_text({.kind = value.kind, .i = 0, .f = value.f, .s = {}});
    case Kind::string:
      return plan::constant_text({.kind = value.kind, .i = 0, .f = 0, .s = std::string(value.text())});
    default: return plan::constant_text({.kind = value.kind, .i = value.i, .f = 0, .s = {}});
  }
}

std::string Show::value(const dsl::TestField& field, const model::Type& type) const {
  if (!field.array) return value(value_of(field.value), type);
  std::string out = "[";
  for (const plan::Constant& element : field.elements)
    out += (out.size() == 1 ? "" : ", ") + value(value_of(element), {.kind = type.element});
  return out + "]";
}

std::string Show::event(model::EventView event) const {
  const model::EventType& type = catalog_[event.type()];
  std::string out = type.name + " {";
  bool any = false;
  for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
    if (event.is_null(i) || type.timestamp == i) continue;
    const model::Field& field = type.fields[i];
    out += (any ? ", " : " ") + field.name + ": " + value(event.get(field, i), field.type);
    any = true;
  }
  return out + (any ? " }" : "}");
}

std::string Show::throttled(std::int64_t throttle_ns, std::int64_t last_ns) const {
  return fmt::format("but 'throttle {}' held the match back: the last one was at {}",
                     plan::duration_text(throttle_ns), time(last_ns));
}

Value value_of(const plan::Constant& constant) {
  switch (constant.kind) {
    case Kind::null: return Value::null();
    case Kind::floating: return Value::floating(constant.f);
    case Kind::string: return Value::string(constant.s);
    default: return Value::of_int(constant.i, constant.kind);
  }
}

}  // namespace tocsin::tester
