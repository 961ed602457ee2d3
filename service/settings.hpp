// The settings one by one: name in the configuration file, flag, help, and how a value is taken and shown.
// The file, the environment, the command line, `tocsin config` and the tests of the documentation all go
// through this one table.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "service/config.hpp"

namespace tocsin::service {

struct Setting {
  enum class Kind : std::uint8_t { text, boolean, number, list, assignments };

  std::string key;    // `engine.shards`: `shards` under [engine] in the file
  std::string flag;   // `--shards`, or `--input,-i`; empty: none; `RULES`: the arguments
  std::string value;  // how the help shows its value
  std::string help;
  std::string group;  // of the help; empty: hidden there
  Kind kind = Kind::text;
  /// Puts a value, as text, into the configuration; of a list one more. Throws BadValue.
  std::function<void(Config&, const std::string&)> take;
  /// What stands in the configuration, as TOML; of a list one text an element. None: it is not set.
  std::function<std::vector<std::string>(const Config&)> show;
  char separator = ',';  // of a list in the environment

  bool is_list() const { return kind == Kind::list || kind == Kind::assignments; }
  /// `TOCSIN_ENGINE_SHARDS`.
  std::string variable() const;
  /// `--input`, without the short form; else the key.
  std::string name() const;
};

/// All of them, in the order in which they are shown: those without a section first.
const std::vector<Setting>& settings();

/// The one with this key, or null.
const Setting* find_setting(std::string_view key);

/// Text as a TOML string.
std::string toml_string(std::string_view text);

}  // namespace tocsin::service
