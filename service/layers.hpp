// Where settings come from: defaults, then the configuration file, then the environment, then the command
// line. Of a setting the highest layer that gives it counts, lists as a whole; params go one by one.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "service/config.hpp"
#include "service/settings.hpp"

namespace tocsin::service {

enum class Layer : std::uint8_t { file, environment, flags, sentinel };

class Layers {
 public:
  struct Given {
    std::string text;
    std::string origin;  // `tocsin.toml:7`, `TOCSIN_LOG_LEVEL`, `--log-level`
  };

  /// Adds a value. Throws BadValue where it can't be taken; nothing is added then.
  void give(Layer layer, const Setting& setting, const std::string& text, std::string origin);
  /// Says that the layer gives a list, be it empty.
  void give_empty(Layer layer, const Setting& setting);

  /// What all of them give together. Throws BadValue where settings do not go together.
  Config config() const;

  /// The effective settings as TOML, with the origin of each as a comment.
  std::string dump() const;

 private:
  using Values = std::map<std::string, std::vector<Given>>;  // by key

  /// The values that count.
  std::vector<Given> effective(const Setting& setting) const;

  std::array<Values, static_cast<std::size_t>(Layer::sentinel)> layers_;
};

/// Reads a configuration file into its layer. Gives all that is wrong with it, a sentence each with its
/// place: `tocsin.toml:3:12: engine.shards: '0' is no whole number from 1 to 256`.
std::vector<std::string> read_file(const std::string& path, Layers& layers);
/// The same from a text, known as `path`.
std::vector<std::string> read_text(std::string_view text, const std::string& path, Layers& layers);

/// Takes TOCSIN_… out of `environment` (as `environ`). Gives what is wrong: a value, or a name that is none
/// but near to one. Other names are passed over.
std::vector<std::string> read_environment(const char* const* environment, Layers& layers);

}  // namespace tocsin::service
