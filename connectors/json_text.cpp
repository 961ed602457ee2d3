#include "connectors/json_text.hpp"

#include <cmath>
#include <fmt/compile.h>
#include <iterator>

#include "connectors/time_text.hpp"
#include "engine/model/event.hpp"

namespace tocsin::connectors {

using model::Kind;
using model::Value;

namespace {

bool must_be_escaped(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

void append_escaped(fmt::memory_buffer& out, char c) {
  using namespace std::string_view_literals;
  switch (c) {
    case '"': return out.append("\\\""sv);
    case '\\': return out.append("\\\\"sv);
    case '\n': return out.append("\\n"sv);
    case '\r': return out.append("\\r"sv);
    case '\t': return out.append("\\t"sv);
    default: fmt::format_to(std::back_inserter(out), FMT_COMPILE("\\u{:04x}"), static_cast<unsigned>(c));
  }
}

void append(fmt::memory_buffer& out, std::string_view text) {
  out.append(text);
}

template <class Integer>
void append_number(fmt::memory_buffer& out, Integer number) {
  const fmt::format_int digits(number);
  out.append(digits.data(), digits.data() + digits.size());
}

}  // namespace

void append_json_string(fmt::memory_buffer& out, std::string_view text) {
  out.push_back('"');
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!must_be_escaped(text[i])) continue;
    append(out, text.substr(done, i - done));
    append_escaped(out, text[i]);
    done = i + 1;
  }
  append(out, text.substr(done));
  out.push_back('"');
}

void append_json_value(fmt::memory_buffer& out, const Value& value, const model::Type& type,
                       const model::Catalog& catalog) {
  switch (value.kind) {
    case Kind::null: return append(out, "null");
    case Kind::boolean: return append(out, value.i != 0 ? "true" : "false");
    case Kind::integer: return append_number(out, value.i);
    case Kind::floating:
      if (!std::isfinite(value.f)) return append(out, "null");
      fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}"), value.f);
      return;
    case Kind::string: return append_json_string(out, value.text());
    case Kind::time: {
      char text[time_text_size];
      const char* end = write_time(text, value.i);
      out.push_back('"');
      out.append(text, end);
      return out.push_back('"');
    }
    case Kind::duration: {
      char text[duration_text_size];
      const char* end = write_duration(text, value.i);
      out.push_back('"');
      out.append(text, end);
      return out.push_back('"');
    }
    case Kind::enumeration: {
      const auto& labels = catalog.enumerations[type.enumeration].labels;
      return append_json_string(out, labels[static_cast<std::size_t>(value.i)]);
    }
    case Kind::array:
      out.push_back('[');
      for (std::uint32_t i = 0; i < value.size; ++i) {
        if (i > 0) out.push_back(',');
        append_json_value(out, model::element_of(value, i), {.kind = value.element}, catalog);
      }
      return out.push_back(']');
  }
}

}  // namespace tocsin::connectors
