#include "connectors/input_schema.hpp"

#include <charconv>
#include <cmath>
#include <fmt/format.h>

#include "connectors/time_text.hpp"

namespace tocsin::connectors {

using model::Kind;
using model::Value;

namespace {

InputType prepare(const model::EventType& type, const model::Catalog& catalog) {
  InputType input;
  input.type = &type;
  std::vector<std::string> names;
  for (const auto& field : type.fields) {
    names.push_back(field.name);
    InputField& prepared = input.fields.emplace_back();
    prepared.field = &field;
    prepared.unit_ns = model::nanoseconds_per(field.unit);
    if (field.type.kind == Kind::enumeration) {
      prepared.labels = NameTable(catalog.enumerations[field.type.enumeration].labels);
    }
  }
  input.names = NameTable(std::move(names));
  return input;
}

}  // namespace

InputSchema::InputSchema(const model::Catalog& catalog) : catalog_(catalog) {
  std::vector<std::string> names;
  for (const auto& type : catalog.types) {
    if (type.removed) continue;
    names.push_back(type.name);
    types_.push_back(prepare(type, catalog));
  }
  names_ = NameTable(std::move(names));
}

const InputType* InputSchema::find(std::string_view name) const {
  const auto index = names_.find(name);
  return index == NameTable::unknown ? nullptr : &types_[index];
}

std::string InputSchema::mismatch(const InputType& type, std::uint32_t field, std::string_view got) const {
  model::Type expected = type.fields[field].field->type;
  expected.nullable = false;
  return fmt::format("field '{}' of {}: expected {}, got {}", type.fields[field].field->name, type.type->name,
                     model::to_string(expected, catalog_), got);
}

std::string InputSchema::missing(const InputType& type, std::uint32_t field) const {
  return fmt::format("field '{}' of {} is missing", type.fields[field].field->name, type.type->name);
}

std::string InputSchema::unknown(std::string_view name) const {
  const InputType* known = find(name);
  if (known != nullptr && known->type->row)
    return fmt::format("{} is a table, and no event type", in_quotes(name));
  if (known == nullptr) return fmt::format("unknown event type {}", in_quotes(name));
  return fmt::format("event type {} is emitted by rules and can't be read from an input", in_quotes(name));
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string result = "'";
  std::size_t size = std::min(text.size(), longest);
  if (size < text.size()) {
    while (size > 0 && (text[size] & 0xC0) == 0x80)
      --size;  // never within a UTF-8 sequence
  }
  for (const char c : text.substr(0, size))
    result += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  if (size < text.size()) result += "…";
  return result += '\'';
}

std::optional<std::int64_t> exact_int(double number) {
  constexpr double largest = 9007199254740991.0;  // 2^53 - 1: beyond, neighbours fall together
  if (!(std::abs(number) <= largest) || std::trunc(number) != number) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

namespace {

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> float_of(std::string_view text) {
  const auto number = number_of<double>(text);
  if (!number || !std::isfinite(*number)) return std::nullopt;
  return number;
}

std::optional<std::int64_t> int_of(std::string_view text) {
  if (const auto number = number_of<std::int64_t>(text)) return number;
  const auto number = float_of(text);
  return number ? exact_int(*number) : std::nullopt;
}

std::optional<std::int64_t> bool_of(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return 1;
  if (text == "false" || text == "False" || text == "FALSE") return 0;
  return std::nullopt;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::optional<std::int64_t> integral_of(std::string_view text, const InputField& field) {
  switch (field.kind()) {
    case Kind::integer: return int_of(text);
    case Kind::boolean: return bool_of(text);
    case Kind::time:
      if (const auto number = int_of(text)) return time_of_int(*number, field);
      return parse_time(text);
    case Kind::duration:
      if (const auto number = int_of(text)) return number;
      return parse_duration(text);
    case Kind::enumeration: {
      const auto label = field.labels.find(text);
      if (label == NameTable::unknown) return std::nullopt;
      return label;
    }
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<Value> value_of_text(std::string_view text, const InputField& field) {
  if (field.kind() == Kind::string) return Value::string(text);
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  if (field.kind() == Kind::floating) {
    const auto number = float_of(text);
    return number ? std::optional(Value::floating(*number)) : std::nullopt;
  }
  const auto number = integral_of(text, field);
  return number ? std::optional(Value::of_int(*number, field.kind())) : std::nullopt;
}

}  // namespace tocsin::connectors
