// Event types prepared for reading: names hashed, units and labels at hand, and the sentences that say what
// does not fit. Shared by the decoders; made once, never changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/name_table.hpp"
#include "engine/base/words.hpp"
#include "engine/model/schema.hpp"
#include "engine/model/value.hpp"

namespace tocsin::connectors {

struct InputField {
  const model::Field* field = nullptr;
  NameTable labels;          // of an enumeration
  std::int64_t unit_ns = 1;  // of an integer that stands for a time

  model::Kind kind() const { return field->type.kind; }
  bool nullable() const { return field->type.nullable; }
};

struct InputType {
  const model::EventType* type = nullptr;
  NameTable names;  // of fields, by index
  std::vector<InputField> fields;
};

class InputSchema {
 public:
  /// `catalog` must outlive the schema.
  explicit InputSchema(const model::Catalog& catalog);

  /// The type with this name, derived ones included; null where there is none.
  const InputType* find(std::string_view name) const;
  const std::vector<InputType>& types() const { return types_; }

  /// `field 'amount' of Payment: expected float, got string`.
  std::string mismatch(const InputType& type, std::uint32_t field, std::string_view got) const;
  /// `field 'amount' of Payment is missing`.
  std::string missing(const InputType& type, std::uint32_t field) const;
  /// Why events of this name can't be read: nobody declares it, or rules emit it.
  std::string unknown(std::string_view name) const;

 private:
  const model::Catalog& catalog_;
  NameTable names_;
  std::vector<InputType> types_;
};

/// A number that is exactly an int: integral and below 2^53 in size, so that no digit was lost.
std::optional<std::int64_t> exact_int(double number);

/// An integer in the field's unit as ns; nothing beyond 64 bits.
inline std::optional<std::int64_t> time_of_int(std::int64_t number, const InputField& field) {
  std::int64_t ns;
  if (__builtin_mul_overflow(number, field.unit_ns, &ns)) return std::nullopt;
  return ns;
}

/// Text to the value of a scalar field of any kind, as CSV gives it: numbers, `true` or `false`, RFC 3339 or
/// an integer in the field's unit, `1h30m` or an integer of ns, labels. Blanks around anything but text are
/// passed over. Text values point into `text`. Nothing where it does not fit. Does not allocate.
std::optional<model::Value> value_of_text(std::string_view text, const InputField& field);

}  // namespace tocsin::connectors
