// Makers of settings, one a kind of value: how text becomes the value, and how it is shown again. For
// settings.cpp, which lists them all.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "connectors/net/address.hpp"
#include "connectors/time_text.hpp"
#include "service/settings.hpp"
#include "service/values.hpp"

namespace tocsin::service::makers {

using Kind = Setting::Kind;
using Texts = std::vector<std::string>;

inline constexpr std::uint64_t any_number = std::numeric_limits<std::int64_t>::max();

/// What is the same for all kinds.
struct Name {
  std::string key;
  std::string flag;
  std::string value;
  std::string help;
  std::string group;
};

inline Setting make(Name name, Kind kind) {
  Setting setting;
  setting.key = std::move(name.key);
  setting.flag = std::move(name.flag);
  setting.value = std::move(name.value);
  setting.help = std::move(name.help);
  setting.group = std::move(name.group);
  setting.kind = kind;
  return setting;
}

using Check = std::string (*)(const std::string&);  // gives the text as it is to be kept; throws BadValue

inline std::string any_text(const std::string& text) {
  return text;
}
inline std::string checked_path(const std::string& text) {
  if (text.empty()) throw BadValue("a path can't be empty");
  return text;
}
inline connectors::net::Address address_of(const std::string& text) {
  connectors::net::ParsedAddress parsed = connectors::net::parse_address(text);
  if (!parsed.error.empty()) throw BadValue(parsed.error);
  return parsed.address;
}
inline std::string checked_address(const std::string& text) {
  return address_of(text).text();
}
inline std::string checked_tcp(const std::string& text) {
  const connectors::net::Address address = address_of(text);
  if (address.kind != connectors::net::Address::Kind::tcp)
    throw BadValue(fmt::format("'{}' is no tcp address", text));
  return address.text();
}

template <class Get>
Setting text(Name name, Get get, Check check = any_text) {
  Setting setting = make(std::move(name), Kind::text);
  setting.take = [=](Config& config, const std::string& given) { get(config) = check(given); };
  setting.show = [=](const Config& config) {
    const std::string& value = get(const_cast<Config&>(config));
    return value.empty() ? Texts{} : Texts{toml_string(value)};
  };
  return setting;
}

template <class Get>
Setting list(Name name, Get get, Check check = any_text) {
  Setting setting = make(std::move(name), Kind::list);
  setting.take = [=](Config& config, const std::string& given) { get(config).push_back(check(given)); };
  setting.show = [=](const Config& config) {
    Texts shown;
    for (const std::string& value : get(const_cast<Config&>(config)))
      shown.push_back(toml_string(value));
    return shown;
  };
  return setting;
}

template <class Get>
Setting boolean(Name name, Get get) {
  Setting setting = make(std::move(name), Kind::boolean);
  setting.take = [=](Config& config, const std::string& given) { get(config) = parse_bool(given); };
  setting.show = [=](const Config& config) {
    return Texts{get(const_cast<Config&>(config)) ? "true" : "false"};
  };
  return setting;
}

template <class Get>
Setting number(Name name, Get get, std::uint64_t least, std::uint64_t most = any_number) {
  Setting setting = make(std::move(name), Kind::number);
  setting.take = [=](Config& config, const std::string& given) {
    auto& value = get(config);
    value = static_cast<std::remove_reference_t<decltype(value)>>(parse_number(given, least, most));
  };
  setting.show = [=](const Config& config) {
    return Texts{std::to_string(get(const_cast<Config&>(config)))};
  };
  return setting;
}

template <class Get>
Setting duration(Name name, Get get) {
  Setting setting = make(std::move(name), Kind::text);
  setting.take = [=](Config& config, const std::string& given) { get(config) = parse_duration(given); };
  setting.show = [=](const Config& config) {
    char buffer[connectors::duration_text_size];
    char* end = connectors::write_duration(buffer, get(const_cast<Config&>(config)));
    return Texts{toml_string(std::string_view(buffer, static_cast<std::size_t>(end - buffer)))};
  };
  return setting;
}

template <class Get>
Setting size(Name name, Get get, std::uint64_t least, std::uint64_t most) {
  Setting setting = make(std::move(name), Kind::text);
  setting.take = [=](Config& config, const std::string& given) {
    get(config) = static_cast<std::size_t>(parse_size(given, least, most));
  };
  setting.show = [=](const Config& config) {
    return Texts{toml_string(show_size(get(const_cast<Config&>(config))))};
  };
  return setting;
}

template <class Get, class T, std::size_t count>
Setting choice(Name name, Get get, std::array<Choice<T>, count> choices) {
  Setting setting = make(std::move(name), Kind::text);
  setting.take = [=](Config& config, const std::string& given) { get(config) = choose_of(given, choices); };
  setting.show = [=](const Config& config) {
    const T value = get(const_cast<Config&>(config));
    const auto at =
        std::find_if(choices.begin(), choices.end(), [&](const auto& c) { return c.value == value; });
    return at == choices.end() ? Texts{} : Texts{toml_string(at->name)};
  };
  return setting;
}

}  // namespace tocsin::service::makers
