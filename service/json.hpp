// JSON written piece by piece, with the commas in their places.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <fmt/format.h>
#include <string>
#include <string_view>

#include "connectors/json_text.hpp"

namespace tocsin::service {

class Json {
 public:
  Json& object() { return open('{'); }
  Json& end_object() { return close('}'); }
  Json& array() { return open('['); }
  Json& end_array() { return close(']'); }

  /// Precondition: within an object. What follows is its value.
  Json& key(std::string_view name) {
    comma();
    connectors::append_json_string(text_, name);
    text_.push_back(':');
    first_ = true;
    return *this;
  }

  Json& value(std::string_view text) {
    comma();
    connectors::append_json_string(text_, text);
    return *this;
  }
  Json& value(const char* text) { return value(std::string_view(text)); }
  Json& value(bool flag) { return raw(flag ? "true" : "false"); }
  Json& value(std::integral auto number) { return raw(fmt::to_string(number)); }
  Json& value(double number) { return raw(std::isfinite(number) ? fmt::to_string(number) : "null"); }
  /// JSON that is ready.
  Json& raw(std::string_view json) {
    comma();
    text_.append(json);
    return *this;
  }

  Json& field(std::string_view name, const auto& content) { return key(name).value(content); }

  std::string text() const { return fmt::to_string(text_); }

 private:
  Json& open(char c) {
    comma();
    text_.push_back(c);
    first_ = true;
    return *this;
  }
  Json& close(char c) {
    text_.push_back(c);
    first_ = false;
    return *this;
  }
  void comma() {
    if (!first_) text_.push_back(',');
    first_ = false;
  }

  fmt::memory_buffer text_;
  bool first_ = true;
};

}  // namespace tocsin::service
