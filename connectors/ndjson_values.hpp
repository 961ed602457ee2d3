// Single JSON values, as simdjson On-Demand gives them, to values of a field's kind; and the sentences for
// what is wrong. Part of the NDJSON decoder, in a header so that it is compiled into its loop.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <optional>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <utility>

#include "connectors/input_schema.hpp"
#include "connectors/line_reader.hpp"
#include "connectors/ndjson_decoder.hpp"
#include "connectors/time_text.hpp"

namespace tocsin::connectors::json {

using model::Kind;
using model::Value;
using simdjson::error_code;
namespace ondemand = simdjson::ondemand;

static_assert(record_padding >= simdjson::SIMDJSON_PADDING);
static_assert(std::endian::native == std::endian::little, "find_quote_or_backslash counts from the low byte");

/// The first `"` or `\` at or behind `at`, of which there must be one. Looks at eight bytes at a time and may
/// read seven beyond the one found, hence only where padding follows.
inline const char* find_quote_or_backslash(const char* at) {
  constexpr std::uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
  const auto zero_bytes = [](std::uint64_t word) { return (word - ones) & ~word & highs; };
  while (true) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    const std::uint64_t found = zero_bytes(word ^ (ones * '"')) | zero_bytes(word ^ (ones * '\\'));
    if (found != 0) return at + std::countr_zero(found) / 8;
    at += sizeof word;
  }
}

/// A name to be found in raw JSON, in the eight bytes behind an opening quote first: most names and their
/// closing quotes lie within. The name has no escapes; `at` must have eight readable bytes.
class RawName {
 public:
  explicit RawName(std::string_view name) : text_(std::string(name) + '"') {
    const std::size_t head = std::min(text_.size(), sizeof head_);
    std::memcpy(&head_, text_.data(), head);
    std::memset(&mask_, 0xFF, head);
  }

  /// True where the string at `at`, which ends before `end`, is this name.
  bool stands_at(const char* at, const char* end) const {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    if (((word ^ head_) & mask_) != 0) return false;
    if (text_.size() <= sizeof word) return true;
    return text_.size() <= static_cast<std::size_t>(end - at) &&
           std::memcmp(at + sizeof word, text_.data() + sizeof word, text_.size() - sizeof word) == 0;
  }

 private:
  std::string text_;
  std::uint64_t head_ = 0;
  std::uint64_t mask_ = 0;
};

/// The text of a JSON string from behind its opening quote to the closing one, if it has no escapes.
inline std::optional<std::string_view> plain_text(const char* begin) {
  const char* end = find_quote_or_backslash(begin);
  if (*end != '"') return std::nullopt;
  return std::string_view(begin, static_cast<std::size_t>(end - begin));
}

inline bool get_text(ondemand::value& value, std::string_view& text) {
  const std::string_view token = value.raw_json_token();
  if (token.front() != '"') return false;
  if (const auto plain = plain_text(token.data() + 1)) {
    text = *plain;
    return true;
  }
  return value.get_string().get(text) == simdjson::SUCCESS;
}

/// The field's key, unescaped. False where an escape is wrong.
inline bool get_key(ondemand::field& field, std::string_view& text) {
  if (const auto plain = plain_text(field.key().raw())) {
    text = *plain;
    return true;
  }
  return field.unescaped_key().get(text) == simdjson::SUCCESS;
}

inline bool get_int(ondemand::value& value, std::int64_t& number) {
  if (value.get_int64().get(number) == simdjson::SUCCESS) return true;
  double floating;
  if (value.get_double().get(floating) != simdjson::SUCCESS) return false;
  const auto exact = exact_int(floating);
  number = exact.value_or(0);
  return exact.has_value();
}

/// Reads a scalar of `kind`; false where it is something else, null too.
inline bool get_scalar(ondemand::value& value, Kind kind, const InputField& field, Value& out) {
  std::string_view text;
  std::int64_t number;
  switch (kind) {
    case Kind::floating: out.kind = kind; return value.get_double().get(out.f) == simdjson::SUCCESS;
    case Kind::string:
      if (!get_text(value, text)) return false;
      out = Value::string(text);
      return true;
    case Kind::integer:
      if (!get_int(value, number)) return false;
      out = Value::integer(number);
      return true;
    case Kind::boolean: {
      bool truth;
      if (value.get_bool().get(truth) != simdjson::SUCCESS) return false;
      out = Value::boolean(truth);
      return true;
    }
    case Kind::time: {
      std::optional<std::int64_t> ns;
      if (get_text(value, text)) {
        ns = parse_time(text);
      } else if (get_int(value, number)) {
        ns = time_of_int(number, field);
      }
      out = Value::of_int(ns.value_or(0), kind);
      return ns.has_value();
    }
    case Kind::duration: {
      std::optional<std::int64_t> ns;
      if (get_text(value, text)) {
        ns = parse_duration(text);
      } else if (get_int(value, number)) {
        ns = number;
      }
      out = Value::of_int(ns.value_or(0), kind);
      return ns.has_value();
    }
    case Kind::enumeration: {
      if (!get_text(value, text)) return false;
      const auto label = field.labels.find(text);
      out = Value::of_int(label, kind);
      return label != NameTable::unknown;
    }
    default: return false;
  }
}

/// Goes through a value that nobody wants, so that its brackets match and its depth is bounded.
inline error_code pass_over(ondemand::value value, int depth) {
  ondemand::json_type type;
  if (const auto error = value.type().get(type)) return error;
  const bool nested = type == ondemand::json_type::array || type == ondemand::json_type::object;
  if (nested && depth >= max_json_depth) return simdjson::DEPTH_ERROR;
  if (type == ondemand::json_type::array) {
    for (auto item : value.get_array()) {
      ondemand::value element;
      if (const auto error = std::move(item).get(element)) return error;
      if (const auto error = pass_over(element, depth + 1)) return error;
    }
  } else if (type == ondemand::json_type::object) {
    for (auto item : value.get_object()) {
      ondemand::field field;
      if (const auto error = std::move(item).get(field)) return error;
      if (const auto error = pass_over(field.value(), depth + 1)) return error;
    }
  }
  return simdjson::SUCCESS;
}

inline std::string sentence(error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR: return "malformed JSON: it is not UTF-8";
    case simdjson::UNCLOSED_STRING: return "malformed JSON: a string is not closed";
    case simdjson::STRING_ERROR: return "malformed JSON: a string has a wrong escape";
    case simdjson::UNESCAPED_CHARS: return "malformed JSON: a string holds a control character";
    case simdjson::DEPTH_ERROR:
      return fmt::format("malformed JSON: nested more than {} deep", max_json_depth);
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT: return "malformed JSON: it does not end with a closing brace";
    case simdjson::TRAILING_CONTENT: return "malformed JSON: there is text behind the object";
    case simdjson::TAPE_ERROR:
      return "malformed JSON: a comma, colon, quote or bracket is missing or misplaced";
    default: return fmt::format("malformed JSON: {}", simdjson::error_message(error));
  }
}

inline std::string_view name_of(ondemand::json_type type) {
  switch (type) {
    case ondemand::json_type::array: return "array";
    case ondemand::json_type::object: return "object";
    case ondemand::json_type::number: return "number";
    case ondemand::json_type::string: return "string";
    case ondemand::json_type::boolean: return "bool";
    case ondemand::json_type::null: return "null";
  }
  return "something else";
}

/// What stands there instead: its JSON type, or itself where only its content is wrong.
inline std::string describe(ondemand::value& value, Kind expected) {
  ondemand::json_type type;
  if (value.type().get(type) != simdjson::SUCCESS) return "no JSON value";
  std::string_view token = value.raw_json_token();
  while (!token.empty() && (token.back() == ' ' || token.back() == '\t' || token.back() == '\r')) {
    token.remove_suffix(1);
  }
  const bool is_text = type == ondemand::json_type::string;
  const bool is_number = type == ondemand::json_type::number;
  const bool takes_text =
      expected == Kind::time || expected == Kind::duration || expected == Kind::enumeration;
  const bool takes_number = expected == Kind::integer || expected == Kind::floating ||
                            expected == Kind::time || expected == Kind::duration;
  if (is_text && expected == Kind::string) return "a string with a wrong escape";
  if (is_text && takes_text) return in_quotes(token.substr(1, token.size() - 2));
  if (is_number && takes_number) return std::string(token.substr(0, 60));
  if (type == ondemand::json_type::boolean && expected == Kind::boolean) return in_quotes(token);
  return std::string(name_of(type));
}

}  // namespace tocsin::connectors::json
