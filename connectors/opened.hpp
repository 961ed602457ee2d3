// What opening something gives: the thing, or a sentence that says why not.
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace tocsin::connectors {

template <class T>
struct Opened {
  std::unique_ptr<T> value;  // null where opening failed
  std::string error;         // then a sentence for the user

  explicit operator bool() const { return value != nullptr; }
  T* operator->() const { return value.get(); }
  T& operator*() const { return *value; }

  static Opened failed(std::string sentence) { return {nullptr, std::move(sentence)}; }
};

}  // namespace tocsin::connectors
