#include "service/layers.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "connectors/net/address.hpp"
#include "engine/base/words.hpp"
#include "service/values.hpp"

namespace tocsin::service {
namespace {

std::string_view section_of(const std::string& key) {
  const std::size_t dot = key.find('.');
  return std::string_view(key).substr(0, dot == std::string::npos ? 0 : dot);
}

std::string_view name_in_section(const std::string& key) {
  const std::size_t dot = key.find('.');
  return std::string_view(key).substr(dot == std::string::npos ? 0 : dot + 1);
}

// True where others than this machine reach it.
// A name is public, whatever it stands for now.
bool is_public(const connectors::net::Address& address) {
  const std::string& host = address.host;
  return address.kind == connectors::net::Address::Kind::tcp && host != "localhost" && host != "::1" &&
         !host.starts_with("127.");
}

// What no single setting can tell.
void check(const Config& config) {
  check(config.input);
  const NetConfig& net = config.net;
  if (!config.metrics.empty() && !config.metrics_public &&
      is_public(connectors::net::parse_address(config.metrics).address)) {
    throw BadValue(fmt::format("metrics: others than this machine reach {}; set metrics_public if they may",
                               config.metrics));
  }
  if (net.tls.certificate.empty() != net.tls.key.empty())
    throw BadValue("net.tls_certificate and net.tls_key go together");
  if (!net.tls.clients.empty() && net.tls.key.empty())
    throw BadValue("net.tls_clients needs net.tls_certificate and net.tls_key");
  for (const std::string& text : config.listen) {
    const auto address = connectors::net::parse_address(text).address;
    if (net.insecure || !is_public(address)) continue;
    const std::string why = connectors::net::why_unsafe(address, !net.tls.key.empty(),
                                                        !net.token_file.empty() || !net.tls.clients.empty());
    if (!why.empty()) throw BadValue(why);
  }
  if (net.limits.ring_bytes > net.limits.max_ring_bytes) throw BadValue("net.ring is more than net.max_ring");
  if (net.limits.queue_bytes > net.limits.max_queue_bytes)
    throw BadValue("net.queue is more than net.max_queue");
  if (config.is_service()) return;
  for (const auto& [name, value] : {std::pair{"control", &config.control}, {"metrics", &config.metrics}}) {
    if (!value->empty()) throw BadValue(fmt::format("{} needs listen: it is for a service", name));
  }
}

}  // namespace

void Layers::give(Layer layer, const Setting& setting, const std::string& text, std::string origin) {
  Config scratch;
  setting.take(scratch, text);
  auto& given = layers_[static_cast<std::size_t>(layer)][setting.key];
  if (!setting.is_list()) given.clear();
  given.push_back({text, std::move(origin)});
}

void Layers::give_empty(Layer layer, const Setting& setting) {
  layers_[static_cast<std::size_t>(layer)][setting.key];
}

std::vector<Layers::Given> Layers::effective(const Setting& setting) const {
  std::vector<Given> all;
  for (const Values& values : layers_) {
    const auto at = values.find(setting.key);
    if (at == values.end()) continue;
    if (setting.kind != Setting::Kind::assignments) all.clear();
    all.insert(all.end(), at->second.begin(), at->second.end());
  }
  return all;
}

Config Layers::config() const {
  Config config;
  for (const Setting& setting : settings()) {
    for (const Given& given : effective(setting))
      setting.take(config, given.text);
  }
  // TOCSIN_CONTROL is also for the commands that ask a service; beside them a run may be none.
  if (const auto& environment = layers_[static_cast<std::size_t>(Layer::environment)];
      !config.is_service() && environment.contains("control")) {
    config.control.clear();
  }
  check(config);
  return config;
}

std::string Layers::dump() const {
  const Config effective_config = config();
  std::string out;
  std::string_view section;
  const auto line = [&](const std::string& text, const std::string& origin) {
    out += fmt::format("{:<48}  # {}\n", text, origin);
  };
  for (const Setting& setting : settings()) {
    const std::vector<Given> given = effective(setting);
    const std::vector<std::string> shown = setting.show(effective_config);
    if (setting.kind == Setting::Kind::assignments) {
      if (shown.empty()) continue;
      out += "\n[params]\n";
      for (std::size_t i = 0; i < shown.size(); ++i) {
        const std::string& name = effective_config.params[i].first;
        const auto last = std::find_if(given.rbegin(), given.rend(),
                                       [&](const Given& g) { return g.text.starts_with(name + "="); });
        line(shown[i], last->origin);
      }
      continue;
    }
    const std::string_view name = name_in_section(setting.key);
    const std::string origin = given.empty() ? "default" : given.front().origin;
    if (section_of(setting.key) != section) {
      section = section_of(setting.key);
      out += fmt::format("\n[{}]\n", section);
    }
    if (setting.is_list()) {
      line(fmt::format("{} = [{}]", name, fmt::join(shown, ", ")), origin);
    } else if (shown.empty()) {
      out += fmt::format("# {} is not set\n", name);
    } else {
      line(fmt::format("{} = {}", name, shown.front()), origin);
    }
  }
  return out;
}

std::vector<std::string> read_environment(const char* const* environment, Layers& layers) {
  std::vector<std::string> problems;
  std::vector<std::string> names;
  for (const Setting& setting : settings())
    names.push_back(setting.variable());
  for (; *environment != nullptr; ++environment) {
    const std::string entry = *environment;
    if (!entry.starts_with("TOCSIN_") || entry.find('=') == std::string::npos) continue;
    const auto [name, value] = parse_assignment(entry);
    const auto at = std::find(names.begin(), names.end(), name);
    if (name == "TOCSIN_CONFIG") continue;  // names the file
    if (at == names.end()) {
      const std::string near = nearest(name, names);
      if (!near.empty()) problems.push_back(fmt::format("{} is no setting; did you mean {}?", name, near));
      continue;
    }
    const Setting& setting = settings()[static_cast<std::size_t>(at - names.begin())];
    try {
      if (!setting.is_list()) {
        layers.give(Layer::environment, setting, value, name);
      } else if (value.empty()) {
        layers.give_empty(Layer::environment, setting);
      } else {
        for (const std::string& part : parse_list(value, setting.separator))
          layers.give(Layer::environment, setting, part, name);
      }
    } catch (const BadValue& error) {
      problems.push_back(fmt::format("{}: {}", name, error.what()));
    }
  }
  return problems;
}

}  // namespace tocsin::service
